// The starts that wait for the runner's answer. A slow or hostile runner must not hold up the workers of the loop, which
// evaluate all other jobs as well.

/** How long a start waits for its answer. */
const ANSWER_MS = 1000;

interface PendingStart extends PromiseWithResolvers<void> {
  wireName: string;
  /** Fires when the answer is late. */
  timer: NodeJS.Timeout;
}

export class PendingStarts {
  readonly #starts = new Map<number, PendingStart>();
  #nextId = 0;
  /** While one answer is late, no start waits. */
  #isLate = false;

  get size(): number {
    return this.#starts.size;
  }

  /** `answered` resolves with the answer, or without it when the answer is late; it rejects with failAll(). */
  add(wireName: string): { id: number; answered: Promise<void> } {
    const deferred = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#isLate = true;
      deferred.resolve();
    }, ANSWER_MS);
    if (this.#isLate) deferred.resolve();
    const id = this.#nextId++;
    this.#starts.set(id, { wireName, timer, ...deferred });
    return { id, answered: deferred.promise };
  }

  /** Returns the name of the run; undefined if no start waits for this answer. */
  answer(id: number): string | undefined {
    const start = this.#starts.get(id);
    if (start === undefined) return undefined;
    this.#starts.delete(id);
    clearTimeout(start.timer);
    start.resolve();
    if (this.#starts.size === 0) this.#isLate = false;
    return start.wireName;
  }

  failAll(error: Error): void {
    for (const { timer, reject } of this.#starts.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#starts.clear();
    this.#isLate = false;
  }
}
