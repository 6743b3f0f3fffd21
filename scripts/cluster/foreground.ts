// Programs that work in the foreground while this one waits and has to clear up afterwards.
import type { ChildProcess } from 'node:child_process';

/** Resolves with the child's status. Who ends this process ends the child, and what comes after it is still done. */
export function ended(child: ChildProcess): Promise<number> {
  // The terminal tells the child itself; what is told to this process alone is passed on.
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  const wait = () => undefined;
  process.on('SIGTERM', pass).on('SIGINT', wait);
  return new Promise<number>((resolve, reject) =>
    child.once('error', reject).once('exit', (status) => resolve(status ?? 1)),
  ).finally(() => process.off('SIGTERM', pass).off('SIGINT', wait));
}
