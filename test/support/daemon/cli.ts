// Calls the built program as users do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { daemonClient } from '../../../src/local/socket/client.ts';
import { localPaths } from '../../../src/local/paths.ts';
import { BUNDLE } from './bundle.ts';
import { aHome, type Ended, type TestHome } from './daemon.ts';

export interface CallOptions {
  stdin?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** The calling user; only root may set another. */
  uid?: number;
  gid?: number;
}

/** Calls `lsh` on the platform; resolves with its status and output. */
export async function lsh(
  home: Pick<TestHome, 'env'>,
  args: string[],
  options: CallOptions = {},
): Promise<Ended> {
  return call(process.execPath, [BUNDLE, ...args], { ...options, env: { ...home.env, ...options.env } });
}

/** Runs a script in a real bash; `args` are its `"$@"`. */
export async function bash(home: Pick<TestHome, 'env'>, script: string, args: string[] = []): Promise<Ended> {
  return call('bash', ['-c', script, 'bash', ...args], { env: home.env });
}

async function call(program: string, args: string[], options: CallOptions): Promise<Ended> {
  const { stdin = '', ...rest } = options;
  const child = spawn(program, args, { ...rest, stdio: ['pipe', 'pipe', 'pipe'] });
  // A program may end before it has read its input; its status says how.
  child.stdin.on('error', () => undefined).end(stdin);
  const [[status, signal], stdout, stderr] = await Promise.all([
    once(child, 'exit') as Promise<[number | null, string | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { status, signal, stdout, stderr };
}

/** As lsh(), for a call that must succeed; resolves with its stdout. */
export async function lshOk(
  home: Pick<TestHome, 'env'>,
  args: string[],
  options?: CallOptions,
): Promise<string> {
  const { status, stdout, stderr } = await lsh(home, args, options);
  if (status !== 0) throw new Error(`lsh ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** A daemon for one test, started and stopped by the command line. */
export async function aStartedHome(home: TestHome = aHome()): Promise<TestHome> {
  onTestFinished(async () => {
    const { stderr } = await lsh(home, ['daemon', 'stop']);
    expect(stderr).toBe('');
  });
  await lshOk(home, ['daemon', 'start']);
  return home;
}

/** One daemon for all tests of a file, started and stopped by the command line. */
export function aSharedDaemon(): TestHome {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-test-'));
  const settings = { stateDir: join(directory, 'state'), runtimeDir: join(directory, 'run') };
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    LSH_STATE_DIR: settings.stateDir,
    LSH_RUNTIME_DIR: settings.runtimeDir,
    TZ: 'UTC',
  };
  const paths = localPaths(settings);
  beforeAll(() => lshOk({ env }, ['daemon', 'start']));
  afterAll(async () => {
    await lshOk({ env }, ['daemon', 'stop']);
    rmSync(directory, { recursive: true });
  });
  return { env, paths, client: daemonClient(paths.socket, { version: 'test' }) };
}
