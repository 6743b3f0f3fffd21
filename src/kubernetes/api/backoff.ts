// Exponential backoff with jitter: clients that failed together do not retry together.

export interface BackoffOptions {
  initialMs: number;
  maxMs: number;
  /** 0 <= value < 1. */
  random: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds until the next try: half to all of the exponential delay, and at least `atLeastMs`. */
  next(atLeastMs = 0): number {
    const { initialMs, maxMs, random } = this.#options;
    const exponential = Math.min(maxMs, initialMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return Math.max(atLeastMs, exponential * (0.5 + random() / 2));
  }

  /** Call after a success: the next failure waits `initialMs` again. */
  reset(): void {
    this.#failures = 0;
  }
}
