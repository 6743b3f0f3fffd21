// The runner's files on disk, and the status file of a run. Every start of a run has a private directory of its own,
// so that a delayed start can never claim for another.
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

/** The runner's paths under the state directory; directories are 0700, files 0600. */
export interface RunFiles {
  state: string;
  runs: string;
  spare: string;
  logs: string;
  /** Holds the pid and the start time of the process that reads the output now. */
  owner: string;
  /** Holds the pid and the start time of the process that reads the output when the runner has ended. */
  standIn: string;
  /** Holds the identity of the boot under which runs were started. */
  boot: string;
}

/** The paths under a state directory; touches no disk. */
export function runFiles(stateDir: string): RunFiles {
  return {
    state: stateDir,
    runs: join(stateDir, 'runs'),
    spare: join(stateDir, 'spare'),
    logs: join(stateDir, 'logs'),
    owner: join(stateDir, 'runner.pid'),
    standIn: join(stateDir, 'stand-in.pid'),
    boot: join(stateDir, 'runner.boot'),
  };
}

/** Creates the directory with mode 0700, or sets that mode on an existing directory. */
export function privateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if ((statSync(path).mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}

/** Removes a start directory; much cheaper than a recursive removal, as it holds a few files only. */
export function removeStartDirectory(path: string): void {
  try {
    for (const entry of readdirSync(path)) unlinkSync(join(path, entry));
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Path of a run's log. Throws RUN_NOT_FOUND for an invalid run name, which could hold a path. */
export function logPath(files: RunFiles, run: string): string {
  return join(files.logs, `${checkedName(run)}.log`);
}

/** Path of the private directory of one start; `token` is unique per start. */
export function startDirectory(files: RunFiles, run: string, token: string): string {
  return join(files.runs, `${checkedName(run)}~${token}`);
}

/**
 * Saves withheld output for the next runner that observes the run: all of it, or nothing on a full disk. With a part
 * only, redaction could not recognize the rest of a secret.
 */
export function saveWithheld(directory: string, withheld: Uint8Array): void {
  if (withheld.length === 0) return;
  const path = join(directory, 'withheld');
  try {
    writeFileSync(`${path}.new`, withheld, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {
    // The output loses less than one secret's length, as when this process is killed.
  }
}

/** Reads and removes the withheld output, so that a crash after this cannot write it to the log twice. */
export function takeWithheld(directory: string): Buffer {
  const path = join(directory, 'withheld');
  if (!existsSync(path)) return Buffer.alloc(0);
  const withheld = readFileSync(path);
  unlinkSync(path);
  return withheld;
}

/** Tells the next process that observes the run why its log is incomplete. */
export function saveLogError(directory: string, { message }: Error): void {
  const path = join(directory, 'log-error');
  try {
    writeFileSync(path, '', { flag: 'a', mode: 0o600 });
    writeFileSync(path, message);
  } catch {
    // A full disk has room for the name of the file mostly, and for its content seldom.
  }
}

export function readLogError(directory: string): Error | undefined {
  const path = join(directory, 'log-error');
  if (!existsSync(path)) return undefined;
  return new Error(readFileSync(path, 'utf8') || 'it could not be written');
}

/** The run name of a start directory. */
export function runOfDirectory(entry: string): string {
  return entry.slice(0, entry.lastIndexOf('~'));
}

function checkedName(run: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(run)) throw new LshError('RUN_NOT_FOUND', { name: run });
  return run;
}

/** The content of a status file; `Empty` means between claim and pid, or a crash of the machine there. */
export type StartStatus =
  | { claim: 'None' }
  | { claim: 'Empty' }
  | { claim: 'Sealed' }
  | { claim: 'Lost' }
  | { claim: 'Pid'; pid: number; exitCode?: number; writtenAt: number };

const SEAL = 'sealed\n';
const LOST = 'lost\n';

/** Forbids a start that has not claimed its status file. Returns false if the start has claimed it already. */
export function seal(directory: string): boolean {
  try {
    writeFileSync(join(directory, 'status'), SEAL, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Records on disk that the fate of this start is unknown, so that a later recovery decides the same. */
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
  // The file system counts fractions of a millisecond; instants are whole milliseconds.
  const writtenAt = Math.floor(statSync(path).mtimeMs);
  return { claim: 'Pid', pid: Number(match[1]), exitCode, writtenAt };
}
