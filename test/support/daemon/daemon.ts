// A real daemon in temporary directories of the test.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { JobApi } from '../../../src/contracts/job-api.ts';
import type { JobManifest } from '../../../src/core/job.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { daemonClient } from '../../../src/local/socket/client.ts';
import { localPaths, type LocalPaths } from '../../../src/local/paths.ts';
import type { DaemonApi } from '../../../src/local/socket/protocol.ts';
import { BUNDLE } from './bundle.ts';
import { eventually } from '../eventually.ts';
import { processesWith } from '../side-effects.ts';
import { tempDir } from '../temp-dir.ts';

/** The arguments of Node that start the bundle as a daemon. */
export const DAEMON_ARGS = [BUNDLE, 'daemon', 'run'];

export interface TestHome {
  env: Record<string, string>;
  paths: LocalPaths;
  client: JobApi & DaemonApi;
}

/** Empty directories for the daemons of one test, which must have ended after it. */
export function aHome(env: Record<string, string> = {}): TestHome {
  const directory = tempDir();
  const stateDir = join(directory, 'state');
  // Before the removal of the directory: a start that lost the lock still writes into it while it ends.
  const isLeft = () => processesWith(`LSH_STATE_DIR=${stateDir}`).length === 0;
  onTestFinished(async () => void (await eventually(isLeft, { what: `the end of all in ${directory}` })));
  const runtimeDir = join(directory, 'run');
  const paths = localPaths({ stateDir, runtimeDir });
  return {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: directory,
      LSH_STATE_DIR: stateDir,
      LSH_RUNTIME_DIR: runtimeDir,
      TZ: 'UTC',
      ...env,
    },
    paths,
    client: daemonClient(paths.socket, { version: 'test' }),
  };
}

export interface Ended {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** Starts the daemon in the foreground; `ended` resolves with its status and output. */
export function startDaemon(
  { env }: Pick<TestHome, 'env'>,
  options: SpawnOptions = {},
  args: readonly string[] = DAEMON_ARGS,
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env, ...options });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const { stdout, stderr } = child as { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream };
  const ended: Promise<Ended> = Promise.all([once(child, 'exit'), text(stdout), text(stderr)]).then(
    ([[status, signal], out, err]) => ({ status, signal, stdout: out, stderr: err }),
  );
  return { child, ended };
}

/** Starts the daemon in the foreground; resolves when it has logged that it runs. */
export async function aDaemon(
  home: TestHome = aHome(),
  args: readonly string[] = DAEMON_ARGS,
): Promise<TestHome & ReturnType<typeof startDaemon>> {
  const started = startDaemon(home, {}, args);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let seen = '';
  started.child.stdout?.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    if (seen.includes('"daemon started"')) resolve();
  });
  void started.ended.then(({ stderr }) => reject(new Error(`the daemon ended: ${stderr}`)));
  await promise;
  return { ...home, ...started };
}

/** A manifest with a schedule that is not due while a test runs. */
export function aManifest(name: string, spec: JobSpecInput = {}): JobManifest {
  const schedule = spec.schedules === undefined ? { schedule: '0 0 1 1 *' } : {};
  return {
    apiVersion: 'lsh.dev/v1alpha1',
    kind: 'LshJob',
    metadata: { name },
    spec: { ...schedule, command: 'true', ...spec },
  };
}
