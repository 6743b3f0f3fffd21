// A mutex per key: work on one key runs one after another, work on different keys concurrently.

export class KeyedMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the work after all earlier work on this key has ended, also after a failure. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#last.get(key)?.then(work, work) ?? work();
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
