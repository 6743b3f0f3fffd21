// Ends the daemon and stays until it is gone: its socket and its process.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LshError } from '../../core/errors.ts';
import type { DaemonApi } from '../socket/protocol.ts';

const TIMEOUT_MS = 30_000;
const LOOK_AGAIN_MS = 10;

/**
 * Asks the daemon to end and resolves with its process id once it has. Throws DAEMON_NOT_RUNNING when there is
 * none, DAEMON_STOP_FAILED when it is still there after `timeoutMs` (milliseconds, default 30 s).
 */
export async function stopDaemon(client: DaemonApi, timeoutMs = TIMEOUT_MS): Promise<number> {
  const { pid } = await client.shutdown({});
  // Nothing tells a process that one it did not start has ended, so this one has to look.
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += LOOK_AGAIN_MS) {
    if (!isAlive(pid)) return pid;
    await delay(LOOK_AGAIN_MS);
  }
  throw new LshError('DAEMON_STOP_FAILED', { pid, seconds: timeoutMs / 1000 });
}

/** Whether a process of that id still runs; one that has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !isZombie(pid);
}

/** In a container whose first process buries nobody, a dead daemon keeps its number for ever. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}
