// Waits for a program in the foreground, so that this process can clean up after it.
import type { ChildProcess } from 'node:child_process';

/** Resolves with the exit status of the child. A signal to this process ends the child, and this process continues. */
export function ended(child: ChildProcess): Promise<number> {
  // The terminal sends SIGINT to the child, too; SIGTERM reaches only this process, which forwards it.
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  const wait = () => undefined;
  process.on('SIGTERM', pass).on('SIGINT', wait);
  return new Promise<number>((resolve, reject) =>
    child.once('error', reject).once('exit', (status) => resolve(status ?? 1)),
  ).finally(() => process.off('SIGTERM', pass).off('SIGINT', wait));
}
