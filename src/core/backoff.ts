// Exponential delays between tries: the one formula behind every retry.

export interface ExponentialDelay {
  /** Delay after the first failure, in any unit. */
  initial: number;
  /** Each delay is the one before it times this; default 2. */
  factor?: number;
  /** No delay is longer. */
  max: number;
}

/** Returns the delay after `earlierFailures` failures in a row and one more, in the unit of the options. */
export function exponentialDelay(
  earlierFailures: number,
  { initial, factor = 2, max }: ExponentialDelay,
): number {
  return Math.min(initial * factor ** earlierFailures, max);
}

export interface BackoffOptions {
  initialMs: number;
  maxMs: number;
  /**
   * Returns a number in [0, 1). Shortens each delay by up to a half, so that clients that failed together do not
   * retry together; without it delays are exact.
   */
  random?: () => number;
}

/** Counts failures in a row, and tells how long to wait after each. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. Returns the whole milliseconds until the next try, at least `atLeastMs`. */
  next(atLeastMs = 0): number {
    const { initialMs, maxMs, random } = this.#options;
    const delayMs = exponentialDelay(this.#failures++, { initial: initialMs, max: maxMs });
    return Math.ceil(Math.max(atLeastMs, random === undefined ? delayMs : delayMs * (0.5 + random() / 2)));
  }

  /** Call after a success: the next failure waits `initialMs` again. */
  reset(): void {
    this.#failures = 0;
  }
}
