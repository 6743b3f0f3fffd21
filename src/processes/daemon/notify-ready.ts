// Tells systemd that the daemon is ready. The protocol is a datagram on a Unix socket, which Node cannot send; the
// program systemd-notify comes with systemd and can.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from '../../control/ports.ts';

const TIMEOUT_MS = 10_000;

/** Does nothing outside a unit of Type=notify. On a failure it logs why; systemd then ends the daemon in time. */
export async function notifyReady(notifySocket: string | undefined, log: Logger): Promise<void> {
  if (notifySocket === undefined) return;
  try {
    const words = ['--ready', `--pid=${process.pid}`, '--status=Schedules are evaluated.'];
    await promisify(execFile)('systemd-notify', words, { timeout: TIMEOUT_MS });
  } catch (error) {
    log.error({ err: error }, 'systemd does not know that the daemon is ready');
  }
}
