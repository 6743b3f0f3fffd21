// Starts the daemon detached, and waits until it is ready or has failed. The child reports over the inherited IPC
// channel, so that the parent need not guess a time.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LshError } from '../../core/errors.ts';
import { ensureDirectories, type LocalPaths } from '../paths.ts';
import { isDropped } from '../socket/client.ts';
import { fromWire, toWire, type DaemonApi, type WireError } from '../socket/protocol.ts';

export interface SpawnOptions {
  paths: LocalPaths;
  /** The command that runs the daemon in the foreground, word by word; it must keep its process id. */
  command: string[];
  /** Tells whether a daemon is running already. */
  client: DaemonApi;
  /** How long the daemon may take to answer, in milliseconds; default 15 s. */
  timeoutMs?: number;
}

/** `started` is false if a daemon was running already; it goes on undisturbed. */
export interface SpawnResult {
  pid: number;
  started: boolean;
}

type StartReport = { ready: true } | { error: WireError };

const TIMEOUT_MS = 15_000;
const POLL_MS = 20;
/** A process with much memory takes a second to end. */
const BROKEN_TRIES = 100;
const LOG_LINES = 5;

/** Resolves once a daemon is ready. Throws the daemon's own error, or DAEMON_START_FAILED. */
export async function spawnDaemon(options: SpawnOptions): Promise<SpawnResult> {
  const { timeoutMs = TIMEOUT_MS, client } = options;
  const running = await findDaemon(client);
  if (running !== undefined) return { pid: running, started: false };
  ensureDirectories(options.paths);
  const child = spawnDetached(options.paths, options.command);
  try {
    await awaitReadiness(child, options.paths.stderr, timeoutMs);
    return { pid: child.pid ?? 0, started: true };
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'DAEMON_ALREADY_RUNNING') throw error;
    return { pid: await waitForDaemon(client, timeoutMs, error), started: false };
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Reports the outcome of the start to the parent process, if it listens. */
export async function tellParent(outcome: 'ready' | LshError): Promise<void> {
  if (!process.send || !process.connected) return;
  const report: StartReport = outcome === 'ready' ? { ready: true } : { error: toWire(outcome) };
  // Awaited: if the process exited right after, the message would be lost.
  await new Promise((resolve) => process.send?.(report, undefined, undefined, resolve));
  if (process.connected) process.disconnect();
}

/**
 * The process id of the running daemon. A daemon that a signal has killed accepts connections until its process is gone:
 * a broken one is tried again, up to `tries` times.
 */
async function findDaemon(client: DaemonApi, tries = BROKEN_TRIES): Promise<number | undefined> {
  try {
    return (await client.status({})).pid;
  } catch (error) {
    if (error instanceof LshError && error.code === 'DAEMON_NOT_RUNNING') return undefined;
    if (tries === 0 || !isDropped(error)) throw error;
  }
  await delay(POLL_MS);
  return findDaemon(client, tries - 1);
}

/** Another start holds the lock; its daemon may be about to listen. */
async function waitForDaemon(client: DaemonApi, timeoutMs: number, lost: LshError): Promise<number> {
  const attempts = Math.ceil(timeoutMs / POLL_MS);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const pid = await findDaemon(client);
    if (pid !== undefined) return pid;
    await delay(POLL_MS);
  }
  throw lost;
}

/** Starts it in a session of its own, so that closing the terminal does not end it. Its log is JSON, so stderr has a file of its own. */
function spawnDetached({ stateDir, stderr }: LocalPaths, [program = '', ...args]: string[]): ChildProcess {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const output = openSync(stderr, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
  try {
    const stdio = ['ignore' as const, output, output, 'ipc' as const];
    return spawn(program, args, { cwd: stateDir, detached: true, stdio });
  } finally {
    closeSync(output);
  }
}

/** Resolves when the child reports `ready`. Throws the error that it reports, or DAEMON_START_FAILED if it dies. */
async function awaitReadiness(child: ChildProcess, stderrPath: string, timeoutMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<StartReport | string>();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  child.once('message', (report: StartReport) => resolve(report));
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, signal) => {
    const how = signal ? `signal ${signal} ended it` : `it ended with status ${code}`;
    const end = late ? `it did not answer within ${timeoutMs / 1000} s` : how;
    // Its last message may still be in the channel, which disconnects behind it.
    if (child.connected) child.once('disconnect', () => resolve(end));
    else resolve(end);
  });
  const outcome = await promise;
  clearTimeout(timer);
  if (typeof outcome === 'string') throw startFailed(outcome, stderrPath);
  if ('error' in outcome) throw fromWire(outcome.error);
}

function startFailed(how: string, stderrPath: string): LshError {
  const lines = readFileSync(stderrPath, 'utf8').trimEnd().split('\n').slice(-LOG_LINES);
  const end = lines.join('\n');
  const hint = `See why in the foreground with \`lsh daemon run\`. ${stderrPath} ends with:\n${end}`;
  return new LshError('DAEMON_START_FAILED', { detail: how }, { hint });
}
