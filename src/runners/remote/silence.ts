// Notices that nobody has said anything for too long. Goes by the steady clock: setting the time ends nothing.

export class SilenceWatch {
  readonly #limitMs: number;
  readonly #onSilence: () => void;
  #heardAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Starts with the first heard(); `onSilence` is called once each time it becomes silent. */
  constructor(limitMs: number, onSilence: () => void) {
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
  }

  /** Somebody is there. */
  heard(): void {
    this.#heardAt = performance.now();
    if (!this.#timer && !this.#stopped) this.#wait(this.#limitMs);
  }

  /** Nothing is called any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** A process that was itself frozen finds its timers due before it has read what was said to it meanwhile. */
  #wait(ms: number): void {
    this.#timer = setTimeout(() => setImmediate(() => this.#look()), ms);
  }

  #look(): void {
    if (this.#stopped) return;
    const restMs = this.#heardAt + this.#limitMs - performance.now();
    if (restMs > 0) return this.#wait(Math.ceil(restMs));
    this.#timer = undefined;
    this.#onSilence();
  }
}
