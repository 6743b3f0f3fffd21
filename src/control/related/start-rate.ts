// How many runs may start now so that no second has more starts than allowed: a thousand jobs that are due at once must
// not make a thousand Pods at once.
import type { Clock } from '../ports.ts';

const WINDOW_MS = 1000;

export class StartRate {
  readonly #perSecond: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** When the newest starts were, at most `perSecond`, oldest first; milliseconds of the monotonic clock. */
  #starts: number[] = [];

  constructor(perSecond: number, clock: Pick<Clock, 'monotonic'>) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  free(): number {
    const since = this.#clock.monotonic() - WINDOW_MS;
    return this.#perSecond - this.#starts.filter((at) => at > since).length;
  }

  took(count: number): void {
    const now = this.#clock.monotonic();
    this.#starts.push(...Array.from({ length: count }, () => now));
    this.#starts = this.#starts.slice(-this.#perSecond);
  }

  /** Milliseconds until a start is free again; 0 if one is. */
  waitMs(): number {
    if (this.free() > 0) return 0;
    return Math.ceil((this.#starts[0] ?? -Infinity) + WINDOW_MS - this.#clock.monotonic());
  }
}
