// A word for who waits on a job: something about it was recorded. Knows what was committed only as a key.
import { LshError } from '../../core/errors.ts';
import type { JobKey } from '../../core/job.ts';

/** Turns records of a job into wake-ups; nobody has to ask again and again. */
export class CommitFeed {
  readonly #waiting = new Map<JobKey, Set<() => void>>();

  /** Something about the job is different now. */
  announce(key: JobKey): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const wake of waiting ?? []) wake();
  }

  /**
   * Looks now and after each change until there is an answer. Rejects with DAEMON_STOPPING when the signal
   * aborts first.
   */
  async until<T>(key: JobKey, look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
    for (;;) {
      // The ear comes before the eye: a change between the two must not be missed.
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
