// Masks secret values in passing output: as they are, percent-encoded, with backslash escapes, and in base64; also a
// value that arrives in pieces. It does not find a value in another encoding.
import { readings, type Reading } from './readings.ts';
import { WordSearch } from './word-search.ts';

/** Replaces a value. */
export const MASK = '***';
const MASK_BYTES = Buffer.from(MASK);
/** Bytes. A shorter value is not masked: it would occur within ordinary words. */
const SHORTEST_MASKED = 8;

/** Masks the values; undefined if there is nothing to mask, and nothing withheld by an earlier process. */
export function redactionOf(values: readonly string[], withheld?: Buffer): Redaction | undefined {
  return hiddenWords(values).length > 0 || withheld?.length ? new Redaction(values, withheld) : undefined;
}

/** Each line of a value is masked by itself: key files end with a newline, and commands print them without it. */
function hiddenWords(values: readonly string[]): Buffer[] {
  const lines = values.flatMap((value) => value.split('\n')).map((line) => line.trim());
  return [...new Set(lines)]
    .map((line) => Buffer.from(line))
    .filter(({ length }) => length >= SHORTEST_MASKED);
}

/** Takes secrets out of passing output. */
export type Masking = Pick<Redaction, 'withheld' | 'push' | 'end'>;

export class Redaction {
  readonly #words: readonly Buffer[];
  readonly #readings: readonly Reading[];
  readonly #held = new HeldBytes();
  /** The found values that are not shown yet, in their order; they do not overlap. */
  readonly #found: { start: number; end: number }[] = [];
  /** Where the last mask ends: a value that overlaps with it gets no mask of its own. */
  #maskedUntil = 0;
  /**
   * The beginning of an output that may begin inside a value, as the process that read before was killed; undefined
   * once it is known.
   */
  #torn: Buffer | undefined;

  /** `withheld` holds the bytes that an earlier process withheld of the same output; empty also if it was killed. */
  constructor(values: readonly string[], withheld?: Buffer) {
    this.#words = hiddenWords(values);
    this.#readings = readings(new WordSearch(this.#words), (start, end) => this.#mark(start, end));
    this.#torn = withheld;
  }

  /** The end of the output, while it may be the beginning of a value. Mostly empty. */
  get withheld(): Buffer {
    return this.#torn ?? this.#held.bytes();
  }

  /** Returns the masked bytes that can be shown now. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#torn === undefined) return this.#pass(chunk);
    this.#torn = Buffer.concat([this.#torn, chunk]);
    const rests = restsAt(this.#torn, this.#words);
    return rests.mayContinue ? Buffer.alloc(0) : this.#begin(rests.longest);
  }

  /** Ends the output: returns the withheld bytes, masked. */
  end(): Uint8Array {
    const begun = this.#torn ? this.#begin(restsAt(this.#torn, this.#words).longest) : Buffer.alloc(0);
    return Buffer.concat([begun, ...this.#shown(this.#held.end)]);
  }

  /** Passes the torn beginning; its first `rest` bytes are the rest of a value. */
  #begin(rest: number): Uint8Array {
    const torn = this.#torn!;
    this.#torn = undefined;
    const passed = this.#pass(torn.subarray(rest));
    return rest > 0 ? Buffer.concat([MASK_BYTES, passed]) : passed;
  }

  #pass(chunk: Uint8Array): Uint8Array {
    const start = this.#held.end;
    this.#held.push(chunk);
    for (const reading of this.#readings) reading.push(chunk, start);
    const openFrom = Math.min(this.#held.end, ...this.#readings.map((reading) => reading.openFrom()));
    const shown = Buffer.concat(this.#shown(openFrom));
    this.#held.shrink();
    return shown;
  }

  /** The readings find values in any order of their offsets. */
  #mark(start: number, end: number): void {
    const found = { start, end };
    let index = this.#found.length;
    while (index > 0 && this.#found[index - 1]!.end > start) index--;
    const overlapping = this.#found.slice(index).findLastIndex((other) => other.start < end) + 1;
    for (const other of this.#found.splice(index, overlapping, found)) {
      found.start = Math.min(found.start, other.start);
      found.end = Math.max(found.end, other.end);
    }
  }

  /** Takes the bytes before the offset out, masked; a value that begins before it, whole. */
  #shown(limit: number): Uint8Array[] {
    const shown: Uint8Array[] = [];
    while (this.#found.length > 0 && this.#found[0]!.start < limit) {
      const { start, end } = this.#found.shift()!;
      shown.push(this.#held.take(start));
      if (start >= this.#maskedUntil) shown.push(MASK_BYTES);
      this.#held.take(end);
      this.#maskedUntil = end;
    }
    shown.push(this.#held.take(limit));
    return shown;
  }
}

/** The bytes of the output that are not shown yet. */
class HeldBytes {
  #buffer = Buffer.alloc(0);
  /** The held bytes are at [from, to) of the buffer. */
  #from = 0;
  #to = 0;
  /** Offset in the output after the last byte. */
  end = 0;

  push(chunk: Uint8Array): void {
    if (this.#to + chunk.length > this.#buffer.length)
      this.#resize(2 * (this.#to - this.#from) + chunk.length);
    this.#buffer.set(chunk, this.#to);
    this.#to += chunk.length;
    this.end += chunk.length;
  }

  /** Takes the bytes before the offset out. Valid until the next push. */
  take(offset: number): Uint8Array {
    const from = this.#from;
    this.#from = Math.max(from, this.#to - (this.end - offset));
    return this.#buffer.subarray(from, this.#from);
  }

  /** A few bytes do not keep a large buffer alive. */
  shrink(): void {
    const held = this.#to - this.#from;
    if (held < this.#buffer.length / 4) this.#resize(held);
  }

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#from, this.#to));
  }

  #resize(length: number): void {
    const buffer = Buffer.allocUnsafeSlow(length);
    this.#to = this.#buffer.copy(buffer, 0, this.#from, this.#to);
    this.#from = 0;
    this.#buffer = buffer;
  }
}

/**
 * Finds the longest rest of a word with which the bytes begin; the whole word counts as a rest too. Shorter rests than
 * the shortest masked length do not count.
 */
function restsAt(bytes: Buffer, words: readonly Buffer[]): { longest: number; mayContinue: boolean } {
  let longest = 0;
  let mayContinue = false;
  for (const word of words)
    for (let at = 0; at <= word.length - SHORTEST_MASKED; at++) {
      const length = Math.min(bytes.length, word.length - at);
      if (bytes.compare(word, at, at + length, 0, length) !== 0) continue;
      if (bytes.length < word.length - at) mayContinue = true;
      else longest = Math.max(longest, length);
    }
  return { longest, mayContinue };
}
