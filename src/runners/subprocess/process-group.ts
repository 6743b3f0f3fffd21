// Signals a whole process group, and waits for its end.
import { setTimeout as delay } from 'node:timers/promises';
import { groupIsAlive } from './process-identity.ts';

/** Sends the signal; 0 only tests. Returns false when the group has no process that may receive it. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pgid, signal);
  } catch {
    return false;
  }
}

/**
 * Waits until the group is empty, and sends KILL after the grace (milliseconds). The caller or the launcher has sent
 * TERM. Returns early when aborted.
 */
export async function endGroup(pgid: number, graceMs: number, signal: AbortSignal): Promise<void> {
  if (await isEmptyWithin(pgid, graceMs, signal)) return;
  signalGroup(pgid, 'SIGKILL');
  // A process in an uninterruptible system call dies when that call returns; the run does not wait for it.
  await isEmptyWithin(pgid, 500, signal);
}

/** Returns true as well when aborted. Polls, soon at first: an emptied group raises no event. */
export async function isEmptyWithin(pgid: number, limitMs: number, signal: AbortSignal): Promise<boolean> {
  for (let waited = 0, pause = 2; waited < limitMs; waited += pause, pause = Math.min(2 * pause, 50)) {
    if (signal.aborted || !(await isAlive(pgid))) return true;
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
  return !(await isAlive(pgid));
}

async function isAlive(pgid: number): Promise<boolean> {
  return signalGroup(pgid, 0) && groupIsAlive(pgid);
}
