// A line on stderr while something takes longer than a second, on a terminal only; it leaves no trace.
import { formatDuration } from '../../core/duration.ts';
import type { Io } from '../io.ts';

const TICK_MS = 1000;

/** Awaits the work; while it lasts, says every second what is waited for. */
export async function withProgress<T>(io: Io, label: string, work: Promise<T>): Promise<T> {
  if (!io.stderr.isTTY) return work;
  const startedAt = io.now();
  let shown = false;
  const timer = setInterval(() => {
    shown = true;
    io.stderr.write(`\r\u001B[K${label} ${formatDuration(io.now() - startedAt)}`);
  }, TICK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (shown) io.stderr.write('\r\u001B[K');
  }
}
