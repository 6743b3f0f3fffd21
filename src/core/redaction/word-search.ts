// Finds many byte strings in one pass over the bytes, as Aho and Corasick do: each byte costs the same, however many
// strings there are.

/** A state of the search; 0 is the state in which no string has begun. */
export type SearchState = number;

export class WordSearch {
  /** By state: how many of the last bytes are the beginning of a string. */
  readonly depths: Int32Array;
  /** By state: length of the longest string that ends with the last byte; 0 for none. */
  readonly found: Int32Array;
  /** By state: the state of the longest proper end of its bytes that begins a string. */
  readonly #fallbacks: Int32Array;
  /** The edges from state 0, by byte. */
  readonly #roots = new Int32Array(256);
  /** All other edges, hashed: state and byte, and the state where the edge leads. No edge leads to state 0. */
  readonly #keys: Uint32Array;
  readonly #targets: Int32Array;
  readonly #shift: number;
  readonly longest: number;

  /** The words are not empty; together they have less than 16 MiB. */
  constructor(words: readonly Uint8Array[]) {
    const states = words.reduce((sum, { length }) => sum + length, 1);
    const bits = Math.ceil(Math.log2(states)) + 1;
    this.#keys = new Uint32Array(2 ** bits);
    this.#targets = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    this.depths = new Int32Array(states);
    this.found = new Int32Array(states);
    this.#fallbacks = new Int32Array(states);
    this.longest = words.reduce((longest, { length }) => Math.max(longest, length), 0);
    this.#build(words);
  }

  #build(words: readonly Uint8Array[]): void {
    const parents = new Int32Array(this.depths.length);
    const bytes = new Uint8Array(this.depths.length);
    let count = 1;
    for (const word of words) {
      let state = 0;
      for (const byte of word) {
        const next = this.#edge(state, byte) || this.#addEdge(state, byte, count);
        if (next === count) {
          parents[next] = state;
          bytes[next] = byte;
          this.depths[next] = this.depths[state]! + 1;
          count++;
        }
        state = next;
      }
      this.found[state] = word.length;
    }
    // A fallback is less deep than its state, so it is known before.
    for (const state of byDepth(this.depths.subarray(0, count), this.longest)) {
      const parent = parents[state]!;
      const fallback = parent === 0 ? 0 : this.next(this.#fallbacks[parent]!, bytes[state]!);
      this.#fallbacks[state] = fallback;
      this.found[state] ||= this.found[fallback]!;
    }
  }

  /** Whether a string begins with the byte. */
  begins(byte: number): boolean {
    return this.#roots[byte] !== 0;
  }

  /** The state after one more byte. */
  next(state: SearchState, byte: number): SearchState {
    for (let from = state; from !== 0; from = this.#fallbacks[from]!) {
      const target = this.#edge(from, byte);
      if (target !== 0) return target;
    }
    return this.#roots[byte]!;
  }

  #edge(state: number, byte: number): number {
    return state === 0 ? this.#roots[byte]! : this.#targets[this.#slot(state * 256 + byte)]!;
  }

  #addEdge(state: number, byte: number, target: number): number {
    if (state === 0) return (this.#roots[byte] = target);
    const key = state * 256 + byte;
    const slot = this.#slot(key);
    this.#keys[slot] = key;
    return (this.#targets[slot] = target);
  }

  /** The slot of the key, or the free slot where it belongs. */
  #slot(key: number): number {
    const last = this.#keys.length - 1;
    let slot = Math.imul(key, 0x9e3779b1) >>> this.#shift;
    while (this.#targets[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & last;
    return slot;
  }
}

/** The states except 0, the least deep first. */
function byDepth(depths: Int32Array, deepest: number): Int32Array {
  const starts = new Int32Array(deepest + 2);
  for (const depth of depths) starts[depth + 1]!++;
  for (let depth = 1; depth < starts.length; depth++) starts[depth]! += starts[depth - 1]!;
  const order = new Int32Array(depths.length);
  depths.forEach((depth, state) => (order[starts[depth]!++] = state));
  return order.subarray(1);
}
