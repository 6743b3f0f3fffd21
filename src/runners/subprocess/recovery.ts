// Finds the runs that an earlier runner left: which still live, which ended meanwhile, and which never started.
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endGroup, signalGroup } from './process-group.ts';
import { isRunProcess } from './process-identity.ts';
import {
  readIfThere,
  readStatus,
  removeStartDirectory,
  runOfDirectory,
  seal,
  unseal,
  type RunFiles,
} from './run-files.ts';

/**
 * The fate of one start. `Vanished`: it ran, and no launcher has saved an exit code. `Unknown`: it may have run,
 * and left no pid.
 */
export type Fate =
  | { state: 'NeverStarted' }
  | { state: 'Alive'; pid: number }
  | { state: 'Exited'; pid: number; exitCode: number; at: number }
  | { state: 'Vanished'; pid: number }
  | { state: 'Unknown' };

/** The start directories by run name. Ignores entries that are no start directory. */
export function startDirectories(files: RunFiles): Map<string, string> {
  const entries = readdirSync(files.runs, { withFileTypes: true });
  const starts = entries.filter((entry) => entry.isDirectory() && entry.name.includes('~'));
  return new Map(starts.map(({ name }) => [runOfDirectory(name), join(files.runs, name)]));
}

/**
 * Decides the fate of a start for good: it seals a start without a claim. After a crash of the machine a missing claim
 * proves nothing: it may not have reached the disk.
 */
export async function fateOf(directory: string, run: string, sameBoot: boolean): Promise<Fate> {
  const isNew = seal(directory);
  const status = readStatus(directory);
  if (status.claim === 'Sealed') return { state: sameBoot || !isNew ? 'NeverStarted' : 'Unknown' };
  if (status.claim !== 'Pid') return { state: 'Unknown' };
  unseal(directory);
  const { pid, exitCode, writtenAt } = status;
  if (exitCode !== undefined) return { state: 'Exited', pid, exitCode, at: writtenAt };
  if (await isRunProcess(pid, run)) return { state: 'Alive', pid };
  return exitedMeanwhile(directory, pid);
}

/** Reads the status again: the launcher may have written the exit code, or the start have found the seal, just before its end. */
function exitedMeanwhile(directory: string, pid: number): Fate {
  const status = readStatus(directory);
  if (status.claim === 'Sealed') return { state: 'NeverStarted' };
  if (status.claim !== 'Pid' || status.exitCode === undefined) return { state: 'Vanished', pid };
  return { state: 'Exited', pid, exitCode: status.exitCode, at: status.writtenAt };
}

/** Removes the start directory of a run that the ledger lacks, unless its command still runs. */
export async function removeStaleStart(directory: string, run: string): Promise<void> {
  const { state } = await fateOf(directory, run, true);
  if (state !== 'Alive') removeStartDirectory(directory);
}

/** Whether the last runner ran under this boot. */
export function isMarkedBoot(files: RunFiles, identity: string): boolean {
  return readIfThere(files.boot) === identity;
}

/** Marks this boot, durably. Returns whether the last runner ran under it. */
export function markBoot(files: RunFiles, identity: string): boolean {
  if (isMarkedBoot(files, identity)) return true;
  const file = openSync(files.boot, 'w', 0o600);
  try {
    writeFileSync(file, identity);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return false;
}

/**
 * Ends the living runs of an earlier runner, for which no controller has come: TERM, and KILL after the grace
 * (milliseconds). Calls `onStop` with each run name before its TERM. Their files stay, so that a later recover() still
 * learns how they ended.
 */
export async function endOrphans(
  files: RunFiles,
  graceMs: number,
  onStop: (run: string) => void,
): Promise<void> {
  if (!existsSync(files.runs)) return;
  const starts = [...startDirectories(files)];
  await Promise.all(
    starts.map(async ([run, directory]) => {
      const fate = await fateOf(directory, run, true);
      if (fate.state !== 'Alive') return;
      onStop(run);
      signalGroup(fate.pid, 'SIGTERM');
      await endGroup(fate.pid, graceMs, new AbortController().signal);
    }),
  );
}
