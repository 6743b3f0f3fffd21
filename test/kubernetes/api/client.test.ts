// The client on a real API server: one connection for all calls, changing credentials, servers without HTTP/2.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { BatchV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import {
  describeError,
  isAlreadyExists,
  isConflict,
  isGone,
  isNotFound,
  retryAfterMs,
  statusCode,
} from '../../../src/kubernetes/api/api-errors.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { loadKubeConfig } from '../../../src/kubernetes/api/kube-config.ts';
import { ByteProxy } from '../../support/cluster/byte-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { HttpProxy } from '../../support/cluster/http-proxy.ts';
import { KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';
import { untilAllowed } from '../../support/cluster/rights.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

describe.skipIf(NO_KUBE)('the client', () => {
  let environment: KubeEnvironment;
  let direct: KubeClient;

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    direct = await environment.client();
  });
  afterAll(() => environment?.stop());

  function configMap(name: string, data: Record<string, string> = {}) {
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
  }

  test('hundreds of calls at once, typed and plain, share one connection', async () => {
    const proxy = await ByteProxy.start(environment.server);
    const client = await environment.client(proxy.url);
    const core = client.api(CoreV1Api);
    const batch = client.api(BatchV1Api);
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => [
        core.createNamespacedConfigMap({ namespace: 'default', body: configMap(`many-${index}`) }),
        batch.listNamespacedJob({ namespace: 'default' }),
        client.json({ path: '/version' }),
      ]).flat(),
    );
    expect(proxy.accepted).toBe(1);
    await client.close();
    await eventually(() => proxy.open === 0);
    await proxy.stop();
  });

  test('a server without HTTP/2 gets a bounded pool, and a watch does not block other calls', async () => {
    const proxy = await HttpProxy.start(environment);
    const client = await environment.client(proxy.url);
    const watching = new AbortController();
    const path = CONFIG_MAPS;
    const watches = await Promise.all(
      Array.from({ length: 3 }, () =>
        client.request({ path, query: { watch: true, timeoutSeconds: 60 }, signal: watching.signal }),
      ),
    );
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => client.json<{ major: string }>({ path: '/version' })),
    );
    expect(watches).toHaveLength(3);
    expect(answers.every(({ major }) => major === '1')).toBe(true);
    expect(await proxy.open()).toBeLessThanOrEqual(32);
    watching.abort();
    await client.close();
    await eventually(async () => (await proxy.open()) === 0);
    await proxy.stop();
  });

  test('a kubectl proxy is reached over plain HTTP', async () => {
    const kubectl = spawn(
      'kubectl',
      [`--kubeconfig=${await environment.kubeconfig()}`, 'proxy', '--port=0'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = once(kubectl, 'exit');
    const [line] = (await once(createInterface(kubectl.stdout), 'line')) as [string];
    const server = `http://${line.replace('Starting to serve on ', '')}`;
    const path = join(environment.dir, 'plain');
    await writeFile(path, plainKubeconfig(server));
    const client = environment.clientOf(() => loadKubeConfig({ kubeconfig: path }));
    const watch = await client.request({ path: CONFIG_MAPS, query: { watch: true } });
    expect(await client.json({ path: CONFIG_MAPS })).toMatchObject({ kind: 'ConfigMapList' });
    await client.close();
    await expect(watch.body.text()).rejects.toThrow();
    kubectl.kill();
    await ended;
  });

  test('a cluster behind a forward proxy is reached through it, over few connections', async () => {
    const tunnels: string[] = [];
    const sockets = new Set<Socket>();
    const proxy = createServer().on('connect', (request, socket: Socket) => {
      const { hostname, port } = new URL(`http://${request.url}`);
      tunnels.push(hostname);
      const backend = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(backend).pipe(socket);
      });
      for (const end of [socket, backend]) {
        sockets.add(end);
        end.on('error', () => end.destroy()).on('close', () => sockets.delete(end));
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const kubeconfig = await environment.kubeconfig();
    const client = environment.clientOf(() => {
      const config = loadKubeConfig({ kubeconfig });
      config.clusters = config.clusters.map((one) => ({ ...one, proxyUrl: `http://127.0.0.1:${port}` }));
      return config;
    });
    for (let call = 0; call < 20; call++) await client.json({ path: '/version' });
    expect(tunnels).toEqual(['127.0.0.1']);
    await client.close();
    await eventually(() => sockets.size === 0);
    proxy.close();
  });

  test('a replaced token is read at the first 401, before its file is due', async () => {
    const tokenFile = join(environment.dir, 'token');
    await writeFile(tokenFile, 'stale');
    const client = environment.clientOf(() => withTokenFile(environment, tokenFile));
    await expect(client.json({ path: CONFIG_MAPS })).rejects.toSatisfy((e) => statusCode(e) === 401);
    // The library caches the refused token for a minute; the file has a valid one now.
    await writeFile(tokenFile, await serviceAccountToken(direct));
    expect(await client.json({ path: CONFIG_MAPS })).toMatchObject({ kind: 'ConfigMapList' });
    await writeFile(tokenFile, 'stale again');
    expect(await client.json({ path: CONFIG_MAPS })).toMatchObject({ kind: 'ConfigMapList' });
  });

  test('a 401 is retried once only, by the typed clients too', async () => {
    const proxy = await HttpProxy.start(environment);
    const client = await environment.client(proxy.url);
    proxy.intercept = () => ({ status: 401, body: '{}' });
    const outcome = client.api(CoreV1Api).listNamespacedConfigMap({ namespace: 'default' });
    await expect(outcome).rejects.toSatisfy((error) => statusCode(error) === 401);
    expect(proxy.requests).toHaveLength(2);
    await client.close();
    await proxy.stop();
  });

  test('a dropped connection fails its calls, and the next call opens a new one', async () => {
    const proxy = await ByteProxy.start(environment.server);
    const client = await environment.client(proxy.url);
    const watch = await client.request({ path: CONFIG_MAPS, query: { watch: true } });
    proxy.hold();
    const stuck = expect(watch.body.text()).rejects.toThrow();
    client.dropConnection();
    await stuck;
    expect(await client.json({ path: '/version' })).toMatchObject({ major: '1' });
    expect(proxy.accepted).toBe(2);
    await client.close();
    await proxy.stop();
  });

  test('a write returns with its answer read, so that callers may ignore it', async () => {
    const proxy = await ByteProxy.start(environment.server);
    const client = await environment.client(proxy.url);
    const big = { value: 'x'.repeat(50_000) };
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        client.request({ method: 'POST', path: CONFIG_MAPS, body: configMap(`unread-${index}`, big) }),
      ),
    );
    expect(await client.json({ path: '/version' })).toMatchObject({ major: '1' });
    expect(answers.map(({ httpStatusCode }) => httpStatusCode)).toEqual(answers.map(() => 201));
    await client.close();
    expect(await answers.at(-1)!.body.text()).toContain('unread-199');
    await proxy.stop();
  });

  test('a long answer to a read comes compressed, as text and as a stream', async () => {
    const value = 'x'.repeat(300_000);
    await direct.json({ method: 'POST', path: CONFIG_MAPS, body: configMap('long', { value }) });
    const request = { path: `${CONFIG_MAPS}/long` };
    const { headers, body } = await direct.request(request);
    expect(headers['content-encoding']).toBe('gzip');
    expect(await body.text()).toContain(value);
    const streamed = await direct.request(request);
    expect(await text(streamed.body.stream())).toContain(value);
  });

  test('the errors of the server are told apart', async () => {
    const body = configMap('errors');
    const created = await direct.json<{ metadata: { resourceVersion: string } }>({
      method: 'POST',
      path: CONFIG_MAPS,
      body,
    });
    const outcome = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (error: unknown) => error,
      );
    const missing = await outcome(direct.json({ path: `${CONFIG_MAPS}/none` }));
    const twice = await outcome(direct.json({ method: 'POST', path: CONFIG_MAPS, body }));
    const stale = {
      ...body,
      metadata: { ...body.metadata, resourceVersion: created.metadata.resourceVersion },
    };
    const path = `${CONFIG_MAPS}/errors`;
    await direct.json({ method: 'PUT', path, body: { ...stale, data: { a: '1' } } });
    const conflict = await outcome(
      direct.json({ method: 'PUT', path, body: { ...stale, data: { a: '2' } } }),
    );
    const verdicts = [missing, twice, conflict].map((error) => [
      isNotFound(error),
      isAlreadyExists(error),
      isConflict(error),
      isGone(error),
    ]);
    expect(verdicts).toEqual([
      [true, false, false, false],
      [false, true, false, false],
      [false, false, true, false],
    ]);
    expect(describeError(missing)).toBe('HTTP 404: configmaps "none" not found');
    expect([missing, twice, conflict].map(retryAfterMs)).toEqual([undefined, undefined, undefined]);
  });

  test('the server’s Retry-After is read', async () => {
    const proxy = await HttpProxy.start(environment);
    const client = await environment.client(proxy.url);
    proxy.intercept = () => ({ status: 429, headers: { 'Retry-After': '7' }, body: 'slow down' });
    const error = await client.json({ path: '/version' }).catch((thrown: unknown) => thrown);
    expect(retryAfterMs(error)).toBe(7_000);
    expect(describeError(error)).toBe('HTTP 429: no message');
    await client.close();
    await proxy.stop();
  });

  test('each kind of patch has its meaning', async () => {
    const path = `${CONFIG_MAPS}/patched`;
    await direct.json({ method: 'POST', path: CONFIG_MAPS, body: configMap('patched', { a: '1', b: '2' }) });
    const merged = await direct.json({
      method: 'PATCH',
      path,
      body: { data: { a: null, c: '3' } },
      contentType: 'application/merge-patch+json',
    });
    expect(merged).toMatchObject({ data: { b: '2', c: '3' } });
    const applied = await direct.json({
      method: 'PATCH',
      path,
      query: { fieldManager: 'test', force: true },
      body: configMap('patched', { d: '4' }),
      contentType: 'application/apply-patch+yaml',
    });
    expect(applied).toMatchObject({ data: { b: '2', c: '3', d: '4' } });
    const edited = await direct.json({
      method: 'PATCH',
      path,
      body: [{ op: 'remove', path: '/data/b' }],
      contentType: 'application/json-patch+json',
    });
    expect((edited as { data: object }).data).toEqual({ c: '3', d: '4' });
  });
});

function plainKubeconfig(server: string): string {
  return stringify({
    clusters: [{ name: 'proxy', cluster: { server } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
    'current-context': 'proxy',
  });
}

function withTokenFile(environment: KubeEnvironment, tokenFile: string): KubeConfig {
  const config = new KubeConfig();
  const caData = Buffer.from(environment.caPem).toString('base64');
  config.loadFromClusterAndUser(
    { name: 'cluster', server: environment.server, caData, skipTLSVerify: false },
    { name: 'user', authProvider: { name: 'tokenFile', config: { tokenFile } } },
  );
  return config;
}

async function serviceAccountToken(client: KubeClient): Promise<string> {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await client.json({ method: 'POST', path: accounts, body: { metadata: { name: 'reader' } } });
  await client.json({
    method: 'POST',
    path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    body: {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'default' }],
    },
  });
  await untilAllowed(client, 'default:reader', {
    verb: 'list',
    resource: 'configmaps',
    namespace: 'default',
  });
  const { status } = await client.json<{ status: { token: string } }>({
    method: 'POST',
    path: `${accounts}/reader/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } },
  });
  return status.token;
}
