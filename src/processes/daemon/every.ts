// Work that comes back: housekeeping beside the loop, never the evaluation of schedules.
import type { Clock } from '../../control/ports.ts';

export interface Recurring {
  clock: Clock;
  /** Milliseconds until the first time. */
  firstMs: number;
  /** Milliseconds between one time and the next. */
  intervalMs: number;
  work: () => Promise<void>;
  /** Told what the work threw; it comes back all the same. */
  onError: (error: unknown) => void;
}

/** Does the work again and again until the returned function is called. */
export function every({ clock, firstMs, intervalMs, work, onError }: Recurring): () => void {
  let cancel = clock.at(clock.now() + firstMs, tick);
  function tick(): void {
    cancel = clock.at(clock.now() + intervalMs, tick);
    work().catch(onError);
  }
  return () => cancel();
}
