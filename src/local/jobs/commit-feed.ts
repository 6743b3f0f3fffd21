// Wakes requests that wait for a change to a job.
import { LshError } from '../../core/errors.ts';
import type { JobKey } from '../../core/job.ts';

export class CommitFeed {
  readonly #waiting = new Map<JobKey, Set<() => void>>();

  /** Wakes every request that waits for the job. */
  announce(key: JobKey): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const wake of waiting ?? []) wake();
  }

  /**
   * Calls `look` now and after each change until it returns a value. Rejects with DAEMON_STOPPING when the signal aborts
   * first.
   */
  async until<T>(key: JobKey, look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
    for (;;) {
      // Subscribe before the look: a change between the two must not be lost.
      const changed = this.#next(key, signal);
      const found = await look();
      if (found !== undefined) {
        changed.cancel();
        return found;
      }
      await changed.promise;
      if (signal.aborted) throw new LshError('DAEMON_STOPPING');
    }
  }

  #next(key: JobKey, signal: AbortSignal): { promise: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(wake));
    signal.addEventListener('abort', wake, { once: true });
    if (signal.aborted) wake();
    function wake(): void {
      signal.removeEventListener('abort', wake);
      waiting.delete(wake);
      resolve();
    }
    return { promise, cancel: wake };
  }
}
