// How long to wait before the next try: longer after each failure, never the same for two clients.

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

  /** Milliseconds until the next try: between half and all of the grown delay, and no less than asked for. */
  next(atLeastMs = 0): number {
    const { initialMs, maxMs, random } = this.#options;
    const grown = Math.min(maxMs, initialMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return Math.max(atLeastMs, grown * (0.5 + random() / 2));
  }

  /** The last try went well. */
  reset(): void {
    this.#failures = 0;
  }
}
