// Where the runner keeps things on disk and what the status file of a run says. Every start of a run has a
// private directory of its own, so a claim can never be made in the place of another start.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LshError } from '../../core/errors.ts';

/** The runner's places under the state directory; all directories 0700, all files 0600. */
export interface RunFiles {
  runs: string;
  spare: string;
  logs: string;
  /** Holds the pid of the process that reads the output now. */
  owner: string;
  /** Holds the identity of the boot under which runs were started. */
  boot: string;
}

/** The places under a state directory; touches no disk. */
export function runFiles(stateDir: string): RunFiles {
  return {
    runs: join(stateDir, 'runs'),
    spare: join(stateDir, 'spare'),
    logs: join(stateDir, 'logs'),
    owner: join(stateDir, 'runner.pid'),
    boot: join(stateDir, 'runner.boot'),
  };
}

/** Creates the directory with mode 0700, or gives that mode to the one that exists. */
export function privateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if ((statSync(path).mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}

/** Removes a start directory; much cheaper for the usual few files than a recursive removal. */
export function removeStartDirectory(path: string): void {
  try {
    for (const entry of readdirSync(path)) unlinkSync(join(path, entry));
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Path of a run's log; a name that is not a run's name is RUN_NOT_FOUND, so no path can be smuggled in. */
export function logPath(files: RunFiles, run: string): string {
  return join(files.logs, `${checkedName(run)}.log`);
}

/** Path of the private directory of one start; `token` is unique per start. */
export function startDirectory(files: RunFiles, run: string, token: string): string {
  return join(files.runs, `${checkedName(run)}~${token}`);
}

/**
 * Leaves output that was read and neither kept nor shown to the next process that observes the run: all of it, or
 * nothing where the disk does not take it. A part would hide what the rest of it is.
 */
export function leaveHeld(directory: string, held: Uint8Array): void {
  if (held.length === 0) return;
  const path = join(directory, 'held');
  try {
    writeFileSync(`${path}.new`, held, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {
    // Less than one value is lost of the output, as when this process is killed.
  }
}

/** What was left so, if anything; once, because after a crash it must not come a second time. */
export function takeHeld(directory: string): Buffer {
  const path = join(directory, 'held');
  if (!existsSync(path)) return Buffer.alloc(0);
  const held = readFileSync(path);
  unlinkSync(path);
  return held;
}

/** The run that a directory under `runs` belongs to. */
export function runOfDirectory(entry: string): string {
  return entry.slice(0, entry.lastIndexOf('~'));
}

function checkedName(run: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(run)) throw new LshError('RUN_NOT_FOUND', { name: run });
  return run;
}

/** What a status file tells; `Empty` is the instant between the claim and the pid, or a machine that crashed. */
export type StartStatus =
  | { claim: 'None' }
  | { claim: 'Empty' }
  | { claim: 'Sealed' }
  | { claim: 'Lost' }
  | { claim: 'Pid'; pid: number; exitCode?: number; writtenAt: number };

const SEAL = 'sealed\n';
const LOST = 'lost\n';

/**
 * Forbids a start that has not claimed its status file yet. True: the child has not run and never will.
 * False: it has claimed before.
 */
export function seal(directory: string): boolean {
  try {
    writeFileSync(join(directory, 'status'), SEAL, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Keeps it known that nothing can be known of this start, for as long as its directory is there. */
export function markLost(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, 'status'), LOST, { mode: 0o600 });
}

/** Reads the status file of a start; instants are milliseconds since the epoch. */
export function readStatus(directory: string): StartStatus {
  const path = join(directory, 'status');
  if (!existsSync(path)) return { claim: 'None' };
  const text = readFileSync(path, 'utf8');
  if (text === SEAL) return { claim: 'Sealed' };
  if (text === LOST) return { claim: 'Lost' };
  const match = /^([1-9]\d*)\n(?:(\d{1,3})\n)?/.exec(text);
  if (!match) return { claim: 'Empty' };
  const exitCode = match[2] === undefined ? undefined : Number(match[2]);
  // The file system counts fractions of a millisecond; instants here are whole ones.
  const writtenAt = Math.floor(statSync(path).mtimeMs);
  return { claim: 'Pid', pid: Number(match[1]), exitCode, writtenAt };
}
