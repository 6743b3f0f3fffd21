// Shows a line on stderr while work takes longer than a second, on a terminal only, and erases it at the end.
import { formatDuration } from '../../core/duration.ts';
import { printable } from '../../core/printable.ts';
import type { Io } from '../io.ts';

const TICK_MS = 1000;

/** Awaits the work and shows the label with the elapsed time each second. */
export async function withProgress<T>(io: Io, label: string, work: Promise<T>): Promise<T> {
  if (!io.stderr.isTTY) return work;
  const startedAt = io.now();
  let shown = false;
  const timer = setInterval(() => {
    shown = true;
    io.stderr.write(`\r\u001B[K${printable(label)} ${formatDuration(io.now() - startedAt)}`);
  }, TICK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (shown) io.stderr.write('\r\u001B[K');
  }
}
