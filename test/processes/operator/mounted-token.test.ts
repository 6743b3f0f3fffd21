// Users’ commands never run where the API token can be read: the real processes in a mount namespace of their own, with
// a token in the place where a pod has it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { EXIT } from '../../../src/core/errors.ts';
import { BUNDLE } from '../../support/daemon/bundle.ts';
import { tempDir } from '../../support/temp-dir.ts';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const MOUNT = `mount -t tmpfs none /var/run && mkdir -p ${ACCOUNT}`;
const MAY_MOUNT = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'sh', '-c', MOUNT]).status === 0;
if (!MAY_MOUNT)
  process.stderr.write('The tests with a mounted token are skipped: they need root and unshare.\n');

describe.skipIf(!MAY_MOUNT)('with a service account token', () => {
  let home: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    home = tempDir();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
  });

  function start(args: string[], { token = true } = {}) {
    const give = token ? `${MOUNT} && echo token > ${ACCOUNT}/token` : MOUNT;
    const lsh = [process.execPath, BUNDLE, ...args];
    const child = spawn('unshare', ['-m', 'sh', '-c', `${give} && exec "$@"`, 'sh', ...lsh], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: home, LSH_STATE_DIR: join(home, 'state') },
    });
    children.push(child);
    return child;
  }

  /** Exit status and output of a process that ends by itself. */
  async function refusal(args: string[]): Promise<{ status: number; stderr: string }> {
    const child = start(args);
    const [[status], stderr] = await Promise.all([
      once(child, 'exit') as Promise<[number]>,
      text(child.stderr),
    ]);
    return { status, stderr };
  }

  /** Resolves after the process has logged its start, was stopped, and ended with status 0. */
  async function starts(child: ChildProcess, word: string): Promise<void> {
    const ended = once(child, 'exit').then(() => '');
    let said = '';
    while (!said.includes(word)) {
      const more = await Promise.race([once(child.stdout!, 'data').then(String), ended]);
      if (more === '') throw new Error(`it ended: ${said}`);
      said += more;
    }
    child.kill('SIGTERM');
    await ended;
    expect(child.exitCode).toBe(0);
  }

  const refused = {
    status: EXIT.refused,
    stderr: expect.stringMatching(`mounted at ${ACCOUNT}/token[^]*\\[RUNNER_HAS_TOKEN\\]`) as string,
  };

  /** A controller without leader election, whose cluster does not answer. */
  function controller(...args: string[]): string[] {
    const kubeconfig = join(home, 'kubeconfig');
    writeFileSync(
      kubeconfig,
      stringify({
        clusters: [{ name: 'away', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'nobody', user: {} }],
        contexts: [{ name: 'away', context: { cluster: 'away', user: 'nobody' } }],
        'current-context': 'away',
      }),
    );
    return ['controller', '--kubeconfig', kubeconfig, '--leader-elect=false', '--http-port', '0', ...args];
  }

  test('lsh runner does not start; without a token it does', async () => {
    expect(await refusal(['runner'])).toEqual(refused);
    await starts(start(['runner'], { token: false }), '"runner started"');
  });

  test('lsh controller runs no commands in its own process, unless forced', async () => {
    const inProcess = ['--shell', 'in-process'];
    expect(await refusal(controller(...inProcess))).toEqual(refused);
    expect(await refusal(controller(...inProcess, '--shell-force=false'))).toEqual(refused);
    await starts(start(controller(...inProcess, '--shell-force')), '"controller started"');
    await starts(start(controller(...inProcess), { token: false }), '"controller started"');
  });

  test('lsh controller lets lsh runner run them', async () => {
    await starts(start(controller('--shell', join(home, 'runner.sock'))), '"controller started"');
  });
});
