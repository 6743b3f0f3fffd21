// Where the API server's binaries come from: what is given, what is cached, and what is said when neither is.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { missingPrerequisites } from '../../scripts/kube-binaries/debian-source.ts';
import { withLock } from '../../scripts/kube-binaries/lock.ts';
import { runStep } from '../../scripts/kube-binaries/run.ts';

const run = promisify(execFile);

describe('kube-binaries', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lsh-binaries-'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true, force: true });
  });

  const find = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    run(process.execPath, ['scripts/kube-binaries.ts', ...args], {
      env: { PATH: process.env['PATH'], HOME: dir, XDG_CACHE_HOME: dir, ...env },
    });

  async function binariesIn(...parts: string[]): Promise<string> {
    const target = join(dir, ...parts);
    await mkdir(target, { recursive: true });
    await addTo(target, 'kube-apiserver', 'etcd');
    return target;
  }

  async function addTo(target: string, ...names: string[]): Promise<void> {
    for (const name of names) await writeFile(join(target, name), 'binary');
  }

  test('what KUBEBUILDER_ASSETS names comes before what is cached', async () => {
    const given = await binariesIn('given');
    const cached = await binariesIn('lsh', 'kube', 'debian-1.20.2');
    expect((await find({ KUBEBUILDER_ASSETS: given })).stdout).toBe(`${given}\n`);
    expect((await find({})).stdout).toBe(`${cached}\n`);
  });

  test('a node is given the build, whatever else is named', async () => {
    const given = await binariesIn('given');
    const built = await binariesIn('lsh', 'kube', 'debian-1.20.2');
    await addTo(built, 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy');
    expect((await find({ KUBEBUILDER_ASSETS: given }, '--node')).stdout).toBe(`${built}\n`);
  });

  test('a directory that was named and lacks a binary is an error, not a reason to look elsewhere', async () => {
    await binariesIn('lsh', 'kube', 'debian-1.20.2');
    await expect(find({ KUBEBUILDER_ASSETS: dir })).rejects.toThrow(/has no kube-apiserver/);
  });

  test('what a build lacks is named in one line', () => {
    vi.stubEnv('PATH', dir);
    expect(missingPrerequisites()).toMatch(/^a build needs Debian with apt-get, dpkg-deb, .*flock/);
  });

  test('a step that fails says what it said', async () => {
    const log = join(dir, 'log');
    const step = { title: 'a step', command: ['sh', '-c', 'echo why >&2; exit 7'], cwd: dir };
    await expect(runStep(step, log)).rejects.toThrow(/ended with 7:\nwhy/);
    expect(await readFile(log, 'utf8')).toBe('why\n');
  });

  test('two that want the lock have it one after the other', async () => {
    const lock = join(dir, 'lock');
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const one = withLock(lock, async () => {
      order.push('one in');
      entered.resolve();
      await first.promise;
      order.push('one out');
    });
    await entered.promise;
    const two = withLock(lock, () => Promise.resolve(order.push('two in')));
    first.resolve();
    await Promise.all([one, two]);
    expect(order).toEqual(['one in', 'one out', 'two in']);
  });
});
