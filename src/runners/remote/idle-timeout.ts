// Fires when a peer has sent nothing for the limit. Measures on the monotonic clock: setting the time ends nothing.

export class IdleTimeout {
  readonly #limitMs: number;
  readonly #onTimeout: () => void;
  #refreshedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** The first refresh() starts the timer; `onTimeout` is called once for each silence. */
  constructor(limitMs: number, onTimeout: () => void) {
    this.#limitMs = limitMs;
    this.#onTimeout = onTimeout;
  }

  /** Starts the limit again: the peer has sent something. */
  refresh(): void {
    this.#refreshedAt = performance.now();
    if (!this.#timer && !this.#stopped) this.#wait(this.#limitMs);
  }

  /** Calls nothing any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** setImmediate lets a process that was frozen itself read the bytes that arrived meanwhile, before it decides. */
  #wait(ms: number): void {
    this.#timer = setTimeout(() => setImmediate(() => this.#check()), ms);
  }

  #check(): void {
    if (this.#stopped) return;
    const restMs = this.#refreshedAt + this.#limitMs - performance.now();
    if (restMs > 0) return this.#wait(Math.ceil(restMs));
    this.#timer = undefined;
    this.#onTimeout();
  }
}
