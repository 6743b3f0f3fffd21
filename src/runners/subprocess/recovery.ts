// What an earlier process left: which runs still live, which ended in the dark, and which never started.
import { closeSync, fsyncSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunProcess } from './process-identity.ts';
import {
  readStatus,
  removeStartDirectory,
  runOfDirectory,
  seal,
  type RunFiles,
  type StartStatus,
} from './run-files.ts';

/**
 * The fate of one start. `Vanished`: it ran, its wrapper is gone and left no exit code. `Unknown`: it may have run,
 * and there is not even a pid to look for.
 */
export type Fate =
  | { state: 'NeverStarted' }
  | { state: 'Alive'; pid: number }
  | { state: 'Exited'; pid: number; exitCode: number; at: number }
  | { state: 'Vanished'; pid: number }
  | { state: 'Unknown' };

/** The start directory of each run that has one; what does not look like one is left alone. */
export function startDirectories(files: RunFiles): Map<string, string> {
  const entries = readdirSync(files.runs, { withFileTypes: true });
  const starts = entries.filter((entry) => entry.isDirectory() && entry.name.includes('~'));
  return new Map(starts.map(({ name }) => [runOfDirectory(name), join(files.runs, name)]));
}

/**
 * Decides the fate of a start, once and for all: a start without a claim is sealed first. After a crash of the
 * machine a missing claim proves nothing, because it may not have reached the disk.
 */
export async function fateOf(directory: string, run: string, sameBoot: boolean): Promise<Fate> {
  if (seal(directory)) return { state: sameBoot ? 'NeverStarted' : 'Unknown' };
  const status = await settledStatus(directory);
  if (status.claim === 'Sealed') return { state: 'NeverStarted' };
  if (status.claim !== 'Pid') return { state: 'Unknown' };
  const { pid, exitCode, writtenAt } = status;
  if (exitCode !== undefined) return { state: 'Exited', pid, exitCode, at: writtenAt };
  if (await isRunProcess(pid, run)) return { state: 'Alive', pid };
  return exitedMeanwhile(directory, pid);
}

/** It may have written its exit code and ended between the two looks. */
function exitedMeanwhile(directory: string, pid: number): Fate {
  const status = readStatus(directory);
  if (status.claim !== 'Pid' || status.exitCode === undefined) return { state: 'Vanished', pid };
  return { state: 'Exited', pid, exitCode: status.exitCode, at: status.writtenAt };
}

/** The pid follows the claim within microseconds; longer than a second only where the machine crashed. */
async function settledStatus(directory: string): Promise<StartStatus> {
  for (let tries = 0; tries < 50; tries++) {
    const status = readStatus(directory);
    if (status.claim !== 'Empty') return status;
    await delay(20);
  }
  return { claim: 'Empty' };
}

/** Removes the start directory of a run that nobody knows, unless its command still runs: that one is left alone. */
export async function sweep(directory: string, run: string): Promise<void> {
  const { state } = await fateOf(directory, run, true);
  if (state !== 'Alive') removeStartDirectory(directory);
}

/** Whether the last process ran under this boot; marks nothing. */
export function isMarkedBoot(files: RunFiles, identity: string): boolean {
  return readIfThere(files.boot) === identity;
}

/** Whether the last process ran under this boot; what is written is on disk before the answer. */
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

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
