// Which cluster is meant, and what is said when there is none.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { loadKubeConfig } from '../../../src/kubernetes/api/kube-config.ts';

describe('the choice of a cluster', () => {
  let dir: string;
  let file: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lsh-kubeconfig-'));
    file = join(dir, 'config');
    await writeFile(
      file,
      stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          { name: 'a', cluster: { server: 'https://a:6443' } },
          { name: 'b', cluster: { server: 'http://127.0.0.1:8001' } },
        ],
        users: [{ name: 'u', user: { token: 't' } }],
        contexts: [
          { name: 'one', context: { cluster: 'a', user: 'u', namespace: 'team' } },
          { name: 'two', context: { cluster: 'b', user: 'u' } },
          { name: 'broken', context: { cluster: 'none', user: 'u' } },
        ],
        'current-context': 'one',
      }),
    );
    vi.stubEnv('HOME', dir);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    vi.stubEnv('KUBECONFIG', undefined);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true, force: true });
  });

  test('a file’s current context is taken, or the one that was asked for', () => {
    expect(loadKubeConfig({ kubeconfig: file }).getCurrentCluster()?.server).toBe('https://a:6443');
    expect(loadKubeConfig({ kubeconfig: file, context: 'two' }).currentContext).toBe('two');
  });

  test('KUBECONFIG is where it is looked for first', () => {
    vi.stubEnv('KUBECONFIG', file);
    expect(loadKubeConfig({}).getContextObject('one')?.namespace).toBe('team');
  });

  test('a file of KUBECONFIG that is not there is passed over, as kubectl does', () => {
    const none = join(dir, 'none');
    expect(loadKubeConfig({ kubeconfigEnv: `${none}:${file}:${none}` }).currentContext).toBe('one');
    expect(() => loadKubeConfig({ kubeconfigEnv: none })).toThrow(
      expect.objectContaining({
        code: 'KUBECONFIG_INVALID',
        message: expect.stringContaining(none) as string,
      }),
    );
  });

  test('one without users, which kubectl writes as null, is whole', async () => {
    await writeFile(
      file,
      stringify({
        clusters: [{ name: 'proxy', cluster: { server: 'http://127.0.0.1:8001' } }],
        users: null,
        contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: '' } }],
        'current-context': 'proxy',
      }),
    );
    expect(loadKubeConfig({ kubeconfig: file }).getCurrentCluster()?.server).toBe('http://127.0.0.1:8001');
  });

  test('plain HTTP, as a kubectl proxy speaks it, is not refused for its missing TLS', () => {
    const cluster = loadKubeConfig({ kubeconfig: file, context: 'two' }).getCurrentCluster();
    expect(cluster).toMatchObject({ server: 'http://127.0.0.1:8001', skipTLSVerify: true });
  });

  test.each([
    ['a context that there is not', () => ({ kubeconfig: file, context: 'three' }), 'no context "three"'],
    ['a context without a cluster', () => ({ kubeconfig: file, context: 'broken' }), 'names no cluster'],
    ['a file that there is not', () => ({ kubeconfig: join(dir, 'none') }), 'ENOENT'],
  ])('%s is an error that says so', (_, choice, detail) => {
    expect(() => loadKubeConfig(choice())).toThrow(
      expect.objectContaining({
        code: 'KUBECONFIG_INVALID',
        message: expect.stringContaining(detail) as string,
      }),
    );
  });

  test('a file that cannot be parsed is told without the lines around the mistake, which may be a token', async () => {
    await writeFile(file, 'users:\n- name: u\n  user:\n    token: hush\n   wrong: indentation\n');
    let thrown: unknown;
    try {
      loadKubeConfig({ kubeconfig: file });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'KUBECONFIG_INVALID' });
    expect(inspect(thrown)).toContain('bad indentation of a mapping entry (5:4).');
    expect(inspect(thrown)).not.toContain('hush');
  });

  test('an unknown context comes with the names of those there are', () => {
    expect(() => loadKubeConfig({ kubeconfig: file, context: 'three' })).toThrow(
      expect.objectContaining({ hint: 'Known contexts: one, two, broken.' }),
    );
  });

  test('no configuration anywhere has a code of its own', () => {
    expect(() => loadKubeConfig({})).toThrow(expect.objectContaining({ code: 'KUBECONFIG_MISSING' }));
  });
});
