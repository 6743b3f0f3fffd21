// Takes what must not be shown out of an output while it passes, also where a value comes in pieces. Only the value as
// it is: a command that turns it into something else, such as base64, shows that.

/** Stands where a value was. */
const MASK = Buffer.from('***');
/** What is shorter is a part of ordinary words, and would be taken out of them. */
const SHORTEST = 8;

export class Redaction {
  /** Longest first: where two begin at the same place, the longer one is meant. */
  readonly #hidden: readonly Buffer[];
  #held: Buffer;
  /** Whether what comes first may be the rest of a value whose beginning is lost. */
  #torn: boolean;

  /**
   * Each line of a value counts by itself: files of keys end with a newline, and are printed without it. `held` is
   * what an earlier process kept back of the same output, empty also where it was killed and nobody knows.
   */
  constructor(values: readonly string[], held?: Buffer) {
    const lines = values.flatMap((value) => value.split('\n')).map((line) => line.trim());
    this.#hidden = [...new Set(lines)]
      .filter((line) => line.length >= SHORTEST)
      .map((line) => Buffer.from(line))
      .toSorted((a, b) => b.length - a.length);
    this.#held = held ?? Buffer.alloc(0);
    this.#torn = held !== undefined;
  }

  /** What is kept back: an end of the output that may be the beginning of a value. Mostly nothing. */
  get held(): Buffer {
    return this.#held;
  }

  /** What can be shown now that this has come too. */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : asBuffer(chunk);
    if (this.#torn && this.#rests().some((rest) => bytes.length < rest.length && startsWith(rest, bytes))) {
      this.#held = Buffer.from(bytes);
      return Buffer.alloc(0);
    }
    return this.#pass(bytes, (from) => this.#openAt(bytes, from));
  }

  /** What was kept back, when nothing comes any more. */
  end(): Uint8Array {
    const bytes = this.#held;
    return this.#pass(bytes, () => bytes.length);
  }

  /** `limit` tells, from an offset on, where bytes begin that must wait for the next ones. */
  #pass(bytes: Buffer, limit: (from: number) => number): Uint8Array {
    const parts: Uint8Array[] = [];
    let from = this.#takeRest(bytes);
    if (from > 0) parts.push(MASK);
    for (;;) {
      const open = limit(from);
      const found = this.#next(bytes, from);
      const end = Math.min(open, found?.at ?? open);
      parts.push(bytes.subarray(from, end));
      if (found === undefined || found.at >= open) {
        // Copied, so that a few bytes do not keep a whole read buffer alive.
        this.#held = Buffer.from(bytes.subarray(end));
        return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      }
      parts.push(MASK);
      from = found.at + found.length;
    }
  }

  /** Where what is the rest of a value ends, at the very beginning; 0 where there is none, and later. */
  #takeRest(bytes: Buffer): number {
    if (!this.#torn) return 0;
    this.#torn = false;
    return Math.max(0, ...this.#rests().flatMap((rest) => (startsWith(bytes, rest) ? rest.length : [])));
  }

  /** The values, and whatever of them may come when the beginning was read by somebody else. */
  #rests(): Buffer[] {
    return this.#hidden.flatMap((value) =>
      Array.from({ length: value.length - SHORTEST + 1 }, (_, at) => value.subarray(at)),
    );
  }

  /** The first value from the offset on. */
  #next(bytes: Buffer, from: number): { at: number; length: number } | undefined {
    let first: { at: number; length: number } | undefined;
    for (const value of this.#hidden) {
      const at = bytes.indexOf(value, from);
      if (at >= 0 && at < (first?.at ?? Infinity)) first = { at, length: value.length };
    }
    return first;
  }

  /** Where an end of the bytes begins that is the beginning of a value; their length where there is none. */
  #openAt(bytes: Buffer, from: number): number {
    return Math.min(bytes.length, ...this.#hidden.map((value) => openAt(bytes, from, value)));
  }
}

function openAt(bytes: Buffer, from: number, value: Buffer): number {
  let at = Math.max(from, bytes.length - value.length + 1);
  for (;;) {
    at = bytes.indexOf(value[0]!, at);
    if (at < 0) return bytes.length;
    if (bytes.compare(value, 0, bytes.length - at, at) === 0) return at;
    at++;
  }
}

function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.subarray(0, beginning.length).equals(beginning);
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
