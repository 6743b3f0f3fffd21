// One thing after another per key, while different keys do not wait for each other.

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does the work when everything taken earlier for this key has ended, well or badly. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#last.get(key)?.then(work, work) ?? work();
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
