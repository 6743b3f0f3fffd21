// An indexed binary heap of wake-up times. It has one entry per key and moves it in place, so evaluating a hundred
// thousand jobs again leaves no stale entries.

interface Entry {
  key: string;
  at: number;
  index: number;
}

export class WakeHeap {
  readonly #heap: Entry[] = [];
  readonly #entries = new Map<string, Entry>();

  /** Earliest wake-up time; undefined if the heap is empty. */
  get earliest(): number | undefined {
    return this.#heap[0]?.at;
  }

  /** Sets the wake-up time of the key, milliseconds; Infinity removes the key. */
  set(key: string, at: number): void {
    const entry = this.#entries.get(key);
    if (at === Infinity) {
      if (entry !== undefined) this.#remove(entry);
    } else if (entry === undefined) {
      const added = { key, at, index: this.#heap.length };
      this.#heap.push(added);
      this.#entries.set(key, added);
      this.#up(added);
    } else {
      entry.at = at;
      this.#up(entry);
      this.#down(entry);
    }
  }

  /** Removes and returns the earliest key whose time is not after `now`. */
  takeDue(now: number): string | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.#remove(first);
    return first.key;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#place(last, entry.index);
    this.#up(last);
    this.#down(last);
  }

  #up(entry: Entry): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1];
      if (parent === undefined || parent.at <= entry.at) return;
      this.#swap(entry, parent);
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left;
      if (child === undefined || child.at >= entry.at) return;
      this.#swap(entry, child);
    }
  }

  #swap(a: Entry, b: Entry): void {
    const { index } = a;
    this.#place(a, b.index);
    this.#place(b, index);
  }

  #place(entry: Entry, index: number): void {
    this.#heap[index] = entry;
    entry.index = index;
  }
}
