// The runner's files on disk, and the status file of a run. Every start of a run has a private directory of its own,
// so that a delayed start can never claim for another.
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
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
    // Before the seal: a delayed start that misses the seal then misses the FIFO.
    rmSync(join(path, 'fifo'), { force: true });
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

/** What the status file of a start says about it. */
export type StartStatus =
  | { claim: 'None' }
  | { claim: 'Sealed' }
  | { claim: 'Lost' }
  | { claim: 'Pid'; pid: number; exitCode?: number; writtenAt: number };

const LOST = 'lost\n';
/** What a start writes in place of an exit code when it finds its seal. */
export const SEALED = 'sealed';

/**
 * Forbids a start that has not claimed. The start writes its claim and then looks for the seal; the caller seals and
 * then reads the claim. So at least one of the two sees the other. Returns false if the start is sealed already.
 */
export function seal(directory: string): boolean {
  try {
    writeFileSync(sealOf(directory), '', { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes the seal away: the start has claimed before it. */
export function unseal(directory: string): void {
  rmSync(sealOf(directory), { force: true });
}

function sealOf(directory: string): string {
  return join(directory, 'sealed');
}

/** Records on disk that the fate of this start is unknown, so that a later recovery decides the same. */
export function markLost(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(statusOf(directory), LOST, { mode: 0o600 });
}

/**
 * Writes the exit code that a killed wrapper has not written, after its claim: appended, it would lengthen the file with
 * each kill. Without a claim the command never ran, and the file has nothing to say.
 */
export function saveExitCode(directory: string, exitCode: number): void {
  const status = readStatus(directory);
  if (status.claim !== 'Pid' || status.exitCode !== undefined) return;
  const token = tokenOf(directory);
  const file = openSync(statusOf(directory), 'r+');
  try {
    writeSync(file, `${token} ${exitCode}\n`, Buffer.byteLength(`${token} ${status.pid}\n`));
  } finally {
    closeSync(file);
  }
}

/**
 * Reads the status file of a start; instants are milliseconds since the epoch. A directory and its files serve many
 * starts, one after another, because a file system that makes and deletes files for each run slows down: ext4 looks
 * again at each file deleted in the last minutes. So each line begins with the token of its start, and the lines of
 * earlier starts say nothing. The first line has the pid that leads the group, the second the exit code.
 */
export function readStatus(directory: string): StartStatus {
  const path = statusOf(directory);
  const text = readIfThere(path);
  if (text === LOST) return { claim: 'Lost' };
  const prefix = `${tokenOf(directory)} `;
  const lines = text?.split('\n').filter((line) => line.startsWith(prefix)) ?? [];
  const [pid, exit] = lines.map((line) => line.slice(prefix.length));
  if (exit === SEALED || (pid === undefined && existsSync(sealOf(directory)))) return { claim: 'Sealed' };
  if (pid === undefined) return { claim: 'None' };
  const exitCode = exit === undefined ? undefined : Number(exit);
  // The file system counts fractions of a millisecond; instants are whole milliseconds.
  const writtenAt = Math.floor(statSync(path).mtimeMs);
  return { claim: 'Pid', pid: Number(pid), exitCode, writtenAt };
}

function statusOf(directory: string): string {
  return join(directory, 'status');
}

/** The token of a start directory. */
export function tokenOf(directory: string): string {
  return directory.slice(directory.lastIndexOf('~') + 1);
}

/** The content of a file; undefined if it does not exist. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
