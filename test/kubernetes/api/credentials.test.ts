// The rights of a call: the API server sees the user of the kubeconfig, or lsh refuses the kubeconfig.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { statusBody, statusCode } from '../../../src/kubernetes/api/api-errors.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { loadKubeConfig, type KubeConfigChoice } from '../../../src/kubernetes/api/kube-config.ts';
import { lsh } from '../../support/daemon/cli.ts';
import { HttpProxy } from '../../support/cluster/http-proxy.ts';
import { KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';

const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const SECRETS = '/api/v1/secrets';
const VERSION = { path: '/version' };

describe.skipIf(NO_KUBE)('the user of a kubeconfig', () => {
  let environment: KubeEnvironment;
  let admin: KubeClient;
  let count = 0;

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    admin = await environment.client();
  });
  afterAll(() => environment?.stop());

  /** A kubeconfig in a directory of its own, whose user has these fields over those of the administrator. */
  async function kubeconfig(
    user: object,
    { server = environment.server, keep = false } = {},
  ): Promise<string> {
    const config = parse(await readFile(await environment.kubeconfig(server), 'utf8')) as {
      users: { name: string; user: object }[];
    };
    config.users = config.users.map((one) => ({ ...one, user: { ...(keep && one.user), ...user } }));
    const directory = join(environment.dir, `user-${++count}`);
    await mkdir(directory);
    const path = join(directory, 'config');
    await writeFile(path, stringify(config), { mode: 0o600 });
    return path;
  }

  const clientOf = (choice: KubeConfigChoice) => environment.clientOf(() => loadKubeConfig(choice));

  async function tokenOf(name: string): Promise<string> {
    await admin.json({ method: 'POST', path: ACCOUNTS, body: { metadata: { name } } });
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const path = `${ACCOUNTS}/${name}/token`;
    return (await admin.json<{ status: { token: string } }>({ method: 'POST', path, body })).status.token;
  }

  /** The user that the API server recognises: its refusal names a user without rights. */
  async function identity(client: KubeClient): Promise<string | undefined> {
    const refusal: unknown = await client.json({ path: SECRETS }).catch((error: unknown) => error);
    expect(statusCode(refusal)).toBe(403);
    return /User "([^"]*)"/.exec(statusBody(refusal)?.message ?? '')?.[1];
  }

  /** A credential plugin that prints a file, after it has counted the call and run the given shell line. */
  async function plugin(name: string, token: string, first = ':') {
    const directory = join(environment.dir, `plugin-${name}`);
    await mkdir(directory);
    const [command, calls, file] = ['plugin', 'calls', 'token'].map((part) => join(directory, part));
    const credential = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}`;
    const script = `#!/bin/sh\necho asked >> ${calls}\n${first}\nexec printf '${credential}' "$(cat ${file})"\n`;
    await writeFile(command!, script);
    await chmod(command!, 0o700);
    await writeFile(file!, token);
    return {
      user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' } },
      replace: (fresh: string) => writeFile(file!, fresh),
      asked: () => readFileSync(calls!, 'utf8').trim().split('\n').length,
    };
  }

  test('may be a plugin, which runs once for many calls and once more when its token is refused', async () => {
    const { user, replace, asked } = await plugin('rotated', await tokenOf('rotated'));
    const proxy = await HttpProxy.start(environment);
    const client = clientOf({ kubeconfig: await kubeconfig(user, { server: proxy.url }) });
    const many = () => Promise.all(Array.from({ length: 20 }, () => client.json(VERSION)));
    await many();
    await many();
    expect(asked()).toBe(1);
    // The server refuses all calls under way at the same time.
    const bearers = new Set<string | undefined>();
    let refused = 0;
    proxy.intercept = ({ headers }) => {
      bearers.add(headers.authorization);
      return bearers.size === 1 && refused++ < 20 ? { status: 401, body: '{}' } : undefined;
    };
    await replace(await tokenOf('replaced'));
    await many();
    expect(refused).toBe(20);
    expect(bearers.size).toBe(2);
    expect(asked()).toBe(2);
    await client.close();
    await proxy.stop();
  });

  test('may be a plugin that fails once and then works', async () => {
    const { user, replace, asked } = await plugin('failing', 'worthless');
    const client = clientOf({ kubeconfig: await kubeconfig(user) });
    await expect(client.json(VERSION)).rejects.toSatisfy((error) => statusCode(error) === 401);
    expect(asked()).toBe(2);
    await replace(await tokenOf('working'));
    expect(await identity(client)).toBe('system:serviceaccount:default:working');
    expect(asked()).toBe(3);
  });

  test('may be a plugin that hangs: a call ends at its deadline, and the plugin does not run for it later', async () => {
    const gate = join(environment.dir, 'gate');
    execFileSync('mkfifo', [gate]);
    const { user, asked } = await plugin('hanging', await tokenOf('hanging'), `. ${gate}`);
    const client = clientOf({ kubeconfig: await kubeconfig(user) });
    const waiting = expect(client.json(VERSION)).rejects.toThrow();
    const signal = AbortSignal.timeout(200);
    const given = [1, 2, 3].map(() => client.json({ ...VERSION, signal }));
    for (const call of given) await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
    await writeFile(gate, 'exit 1\n');
    await waiting;
    const next = client.json(VERSION);
    await writeFile(gate, ':\n');
    expect(await next).toMatchObject({ major: '1' });
    expect(asked()).toBe(2);
  });

  test('has its own credentials, even with a namesake in the same process', async () => {
    const clients = [];
    for (const name of ['first', 'second']) {
      const { user } = await plugin(name, await tokenOf(name));
      clients.push(clientOf({ kubeconfig: await kubeconfig(user) }));
    }
    clients.push(clientOf({ kubeconfig: await kubeconfig({ token: await tokenOf('third') }) }));
    const names = await Promise.all([...clients, ...clients].map(identity));
    const three = ['first', 'second', 'third'].map((name) => `system:serviceaccount:default:${name}`);
    expect(names).toEqual([...three, ...three]);
    expect(await admin.json({ path: SECRETS })).toMatchObject({ kind: 'SecretList' });
  });

  test('may impersonate a user', async () => {
    const client = clientOf({ kubeconfig: await kubeconfig({ as: 'jane' }, { keep: true }) });
    expect(await identity(client)).toBe('jane');
  });

  test.each([
    ['groups', { as: 'jane', 'as-groups': ['a', 'b'] }],
    ['one group', { as: 'jane', 'as-groups': ['a'] }],
    ['a uid', { as: 'jane', 'as-uid': '1' }],
    ['extra fields', { as: 'jane', 'as-user-extra': { reason: ['test'] } }],
  ])('that impersonates with %s is refused, because it would have other rights', async (_, user) => {
    const path = await kubeconfig(user, { keep: true });
    const [field] = Object.keys(user).slice(1);
    const refusal = expect.objectContaining({
      code: 'KUBECONFIG_INVALID',
      message: expect.stringContaining(`has ${field}, which lsh cannot send`) as string,
    }) as Error;
    expect(() => loadKubeConfig({ kubeconfig: path })).toThrow(refusal);
    expect(() => loadKubeConfig({ kubeconfigEnv: path })).toThrow(refusal);
    const empty = await kubeconfig({ as: 'jane', 'as-groups': [], 'as-user-extra': {} }, { keep: true });
    expect(await identity(clientOf({ kubeconfig: empty }))).toBe('jane');
  });

  test('that impersonates with groups is refused in any file of KUBECONFIG, by the command line too', async () => {
    const other = join(environment.dir, 'other');
    await writeFile(other, stringify({ 'current-context': 'elsewhere', contexts: [], users: [] }));
    const path = await kubeconfig({ as: 'jane', 'as-groups': ['a'] }, { keep: true });
    const config = parse(await readFile(path, 'utf8')) as { contexts: { name: string }[] };
    const env = { PATH: process.env['PATH'] ?? '', HOME: environment.dir, KUBECONFIG: `${other}:${path}` };
    const args = ['cron', 'list', '--context', config.contexts[0]!.name];
    expect(await lsh({ env }, args)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('has as-groups, which lsh cannot send') as string,
    });
  });

  test('is that of the first file in KUBECONFIG that names it, as is every other entry', async () => {
    const [first, second] = [
      await kubeconfig({ token: await tokenOf('in-the-first') }),
      await kubeconfig({ token: await tokenOf('in-the-second') }),
    ];
    const client = clientOf({ kubeconfigEnv: `${first}:${second}` });
    expect(await identity(client)).toBe('system:serviceaccount:default:in-the-first');
  });

  test('may have its token in a file beside the kubeconfig, under kubectl’s name for it', async () => {
    const path = await kubeconfig({ tokenFile: 'token' });
    await writeFile(join(path, '../token'), await tokenOf('of-a-file'));
    expect(await identity(clientOf({ kubeconfig: path }))).toBe('system:serviceaccount:default:of-a-file');
  });
});
