// The choice of a cluster, and the error without one.
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

  test('the file’s current context is used, or the requested one', () => {
    expect(loadKubeConfig({ kubeconfig: file }).getCurrentCluster()?.server).toBe('https://a:6443');
    expect(loadKubeConfig({ kubeconfig: file, context: 'two' }).currentContext).toBe('two');
  });

  test('KUBECONFIG comes first', () => {
    vi.stubEnv('KUBECONFIG', file);
    expect(loadKubeConfig({}).getContextObject('one')?.namespace).toBe('team');
  });

  test('a missing file of KUBECONFIG is skipped, as by kubectl', () => {
    const none = join(dir, 'none');
    expect(loadKubeConfig({ kubeconfigEnv: `${none}:${file}:${none}` }).currentContext).toBe('one');
    expect(() => loadKubeConfig({ kubeconfigEnv: none })).toThrow(
      expect.objectContaining({
        code: 'KUBECONFIG_INVALID',
        message: expect.stringContaining(none) as string,
      }),
    );
  });

  test('a file without users, which kubectl writes as null, is valid', async () => {
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

  test('plain HTTP, as of a kubectl proxy, is accepted without TLS', () => {
    const cluster = loadKubeConfig({ kubeconfig: file, context: 'two' }).getCurrentCluster();
    expect(cluster).toMatchObject({ server: 'http://127.0.0.1:8001', skipTLSVerify: true });
  });

  test.each([
    ['an unknown context', () => ({ kubeconfig: file, context: 'three' }), 'no context "three"'],
    ['a context without a cluster', () => ({ kubeconfig: file, context: 'broken' }), 'names no cluster'],
    ['a missing file', () => ({ kubeconfig: join(dir, 'none') }), 'ENOENT'],
  ])('%s has the error KUBECONFIG_INVALID', (_, choice, detail) => {
    expect(() => loadKubeConfig(choice())).toThrow(
      expect.objectContaining({
        code: 'KUBECONFIG_INVALID',
        message: expect.stringContaining(detail) as string,
      }),
    );
  });

  test('the error of an invalid file omits the lines around the mistake, which may contain a token', async () => {
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

  test('the error of an unknown context lists the known ones', () => {
    expect(() => loadKubeConfig({ kubeconfig: file, context: 'three' })).toThrow(
      expect.objectContaining({ hint: 'Known contexts: one, two, broken.' }),
    );
  });

  test('a missing configuration has an error code of its own', () => {
    expect(() => loadKubeConfig({})).toThrow(expect.objectContaining({ code: 'KUBECONFIG_MISSING' }));
  });
});
