// Leaves the output of a run to the next process that reads it: what was read is stored, and what is known about its
// end is beside it.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Output } from './output/output.ts';
import { readStatus, saveLogError, saveWithheld } from './run-files.ts';

/** How long to wait for the end of the output while a process outside the group keeps the FIFO open. */
const DRAIN_MS = 500;
/** Exceeds the capacity of FIFO and read buffer: bytes beyond it come from a process outside the group. */
const LEFT_MAX_BYTES = 1024 * 1024;

/**
 * Stops reading. `isWhole`: this process has read since before the command ended, so that what it reads now is the
 * whole rest.
 */
export async function handOver(output: Output, directory: string, isWhole: boolean): Promise<void> {
  if (isWhole && hasEnded(directory)) await saveDrained(output, directory);
  await output.close();
  saveWithheld(directory, output.withheld);
  if (output.logError) saveLogError(directory, output.logError);
}

/** Whether the command has ended; this process may not have heard of it yet. */
export function hasEnded(directory: string): boolean {
  const status = readStatus(directory);
  return status.claim === 'Pid' && status.exitCode !== undefined;
}

/** Reads the rest of the output now, and records for the next runner that no launcher has saved any. */
async function saveDrained(output: Output, directory: string): Promise<void> {
  await drained(output);
  try {
    appendFileSync(join(directory, 'rest'), '', { mode: 0o600 });
  } catch {
    // On a full disk the next runner says that output may be missing.
  }
}

/** Whether the output reached its end, after that of the command. Waits longer while a slow disk delays reading. */
export async function drained(output: Output): Promise<boolean> {
  output.commandEnded();
  const enough = output.bytes + LEFT_MAX_BYTES;
  while (!(await endsWithin(output.ended, DRAIN_MS)))
    if (!output.isBusy || output.bytes > enough) return false;
  return true;
}

/** setImmediate lets a process that was frozen itself read the output that arrived meanwhile, before the limit counts. */
function endsWithin(promise: Promise<void>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(resolve, false), limitMs);
    void promise.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
