// Ends the daemon, and waits until its process has ended.
import { setTimeout as delay } from 'node:timers/promises';
import { LshError } from '../../core/errors.ts';
import type { DaemonApi } from '../socket/protocol.ts';
import { isAlive } from './process-state.ts';

const TIMEOUT_MS = 30_000;
const POLL_MS = 10;

/**
 * Asks the daemon to end; resolves with its process id once it has. Throws DAEMON_NOT_RUNNING, or DAEMON_STOP_FAILED
 * if it still lives after `timeoutMs` (milliseconds, default 30 s).
 */
export async function stopDaemon(client: DaemonApi, timeoutMs = TIMEOUT_MS): Promise<number> {
  const { pid } = await client.shutdown({});
  // Polls: the end of a process that is not a child raises no event.
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += POLL_MS) {
    if (!isAlive(pid)) return pid;
    await delay(POLL_MS);
  }
  throw new LshError('DAEMON_STOP_FAILED', { pid, seconds: timeoutMs / 1000 });
}
