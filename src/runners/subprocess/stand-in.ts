// The stand-in reads the output of running commands while no runner lives: a full pipe would block them. The runner
// starts it as a shell that waits for the end of the runner and then becomes `lsh`; the next runner ends it first.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { adoptChild, openFifo } from './child.ts';
import { drained, handOver, hasEnded } from './hand-over.ts';
import { Output } from './output/output.ts';
import { maskingAgain, type SecretSource } from './command/run-secrets.ts';
import { RunLog } from './output/run-log.ts';
import { isRunProcess, isStillAlive, startTimeOf } from './process-identity.ts';
import { startDirectories } from './recovery.ts';
import { logPath, readLogError, readStatus, runFiles, takeWithheld, type RunFiles } from './run-files.ts';
import { WRAPPER_SHELL } from './launch/wrapper.ts';

const POLL_MS = 10;
/** A stand-in that was stopped (SIGSTOP) must not keep the next runner from its start. */
const END_LIMIT_MS = 5_000;

const CLAIM_LIMIT_MS = 1_000;

/*
 * Arguments: state directory, then the command of the stand-in. Input: a pipe that the runner holds open, so
 * that `read` returns when the runner has ended in any way. The shell costs a megabyte, the stand-in fifty: it starts
 * only if a command may run.
 */
const SCRIPT = `_lsh_state=$1
shift
read -r _lsh_end
for _lsh_fifo in "$_lsh_state"/runs/*~*/fifo; do
  [ -p "$_lsh_fifo" ] && exec "$@" </dev/null
done`;

/** Starts the shell of the stand-in; it gets the environment of this process. Its input ends with this process. */
export function armStandIn(files: RunFiles, command: readonly string[]): ChildProcess {
  const shell = spawn(WRAPPER_SHELL, ['-c', SCRIPT, 'lsh', files.state, ...command], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a stand-in the commands wait at the full pipe for the next runner, which loses nothing.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  if (shell.pid !== undefined) writeOwner(files.standIn, shell.pid);
  return shell;
}

/** Writes which process has a role, so that others can tell whether it is still alive. */
export function writeOwner(path: string, pid: number): void {
  writeFileSync(path, `${pid} ${startTimeOf(pid) ?? ''}\n`, { mode: 0o600 });
}

/** Ends the stand-in of an earlier runner, which stores what it has read. Returns whether it had to be killed. */
export async function endStandIn(files: RunFiles): Promise<boolean> {
  if (!existsSync(files.standIn)) return false;
  const [pid = NaN, startTime = ''] = readOwner(files.standIn);
  const lives = () => isStillAlive(pid, startTime, files.state);
  let isKilled = false;
  if (pid > 0 && (await lives())) {
    process.kill(pid, 'SIGTERM');
    for (let waitedMs = 0; await lives(); waitedMs += POLL_MS) {
      if (waitedMs > END_LIMIT_MS && !isKilled) isKilled = process.kill(pid, 'SIGKILL');
      await delay(POLL_MS);
    }
  }
  rmSync(files.standIn, { force: true });
  return isKilled;
}

function readOwner(path: string): [number, string] | [] {
  const [, pid, startTime = ''] = /^(\d+) (\d*)\n$/.exec(readFileSync(path, 'utf8')) ?? [];
  return pid === undefined ? [] : [Number(pid), startTime];
}

export interface StandInOptions {
  stateDir: string;
  /** Values that are masked in all output. */
  secrets: readonly string[];
  /** Of the secrets of single runs. */
  secretSource?: SecretSource;
  /** Most bytes of output kept per run. */
  maxOutputBytes: number;
}

/** Reads the output of every run until all have ended, or until aborted by the next runner. */
export async function standIn(options: StandInOptions, stop: AbortSignal): Promise<void> {
  const files = runFiles(options.stateDir);
  // The next runner did not find this process, and reads itself.
  if (readOwner(files.standIn)[0] !== process.pid) return;
  // An open FIFO keeps its content. Only then does the owner file tell launchers to leave the content in it.
  const starts = [...startDirectories(files)].flatMap(([run, directory]) => {
    if (!existsSync(join(directory, 'fifo'))) return [];
    return [{ run, directory, fd: openFifo(directory) }];
  });
  writeOwner(files.owner, process.pid);
  await Promise.all(starts.map((start) => readOn(start, options, stop)));
  rmSync(files.owner, { force: true });
}

interface OpenStart {
  run: string;
  directory: string;
  fd: number;
}

async function readOn({ run, directory, fd }: OpenStart, options: StandInOptions, stop: AbortSignal) {
  const status = readStatus(directory);
  const isWhole = !hasEnded(directory);
  if (status.claim === 'Pid' && !isWhole) {
    // Its launcher may be saving the output beside the FIFO.
    while (await isRunProcess(status.pid, run)) await delay(POLL_MS);
    if (existsSync(join(directory, 'rest'))) return closeSync(fd);
  }
  const { stateDir, secrets: values, secretSource: source, maxOutputBytes: maxBytes } = options;
  const log = RunLog.reopen({ path: logPath(runFiles(stateDir), run), directory, maxBytes });
  const masking = maskingAgain({ directory, source, values, withheld: takeWithheld(directory) });
  const output = new Output({ fd, log, masking, logError: readLogError(directory) });
  await Promise.race([endOf(run, directory, output, stop), aborted(stop)]);
  await handOver(output, directory, isWhole);
}

/** Resolves when the command has ended and its output too, or only a process outside its group keeps that open. */
async function endOf(run: string, directory: string, output: Output, stop: AbortSignal): Promise<void> {
  const pid = await claimant(directory);
  if (pid !== undefined) {
    const process = adoptChild(pid, run, directory, output.ended);
    stop.addEventListener('abort', () => process.detach());
    await process.exited;
  }
  // Has a limit: the kernel announces no end of a FIFO that has had no writer since it was opened.
  await drained(output);
}

/** The pid of the claim. The runner may have ended just before the claim, which takes milliseconds. */
async function claimant(directory: string): Promise<number | undefined> {
  for (let waitedMs = 0; waitedMs < CLAIM_LIMIT_MS; waitedMs += POLL_MS) {
    const status = readStatus(directory);
    if (status.claim === 'Pid') return status.pid;
    if (status.claim !== 'None') return undefined;
    await delay(POLL_MS);
  }
  return undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}
