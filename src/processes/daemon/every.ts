// Recurring housekeeping beside the loop. The evaluation of schedules has its own timer, in control/workqueue.ts.
import type { Clock } from '../../control/ports.ts';

export interface Recurring {
  clock: Clock;
  /** Milliseconds until the first call. */
  firstMs: number;
  /** Milliseconds between calls. */
  intervalMs: number;
  work: () => Promise<void>;
  /** Called with an error of the work, which is called again at its next time. */
  onError: (error: unknown) => void;
}

/** Calls the work at each interval until the returned function is called. */
export function every({ clock, firstMs, intervalMs, work, onError }: Recurring): () => void {
  let cancel = clock.at(clock.now() + firstMs, tick);
  function tick(): void {
    cancel = clock.at(clock.now() + intervalMs, tick);
    work().catch(onError);
  }
  return () => cancel();
}
