// Masks secret values in passing output, also a value that arrives in pieces. It finds the literal value only: a
// command that encodes it, such as with base64, reveals it.

/** Replaces a value. */
const MASK = Buffer.from('***');
/** A shorter value is not masked: it would occur within ordinary words. */
const SHORTEST = 8;

/** Masks the values; undefined if there is nothing to mask, and nothing withheld by an earlier process. */
export function redactionOf(values: readonly string[], withheld?: Buffer): Redaction | undefined {
  return values.length > 0 || withheld?.length ? new Redaction(values, withheld) : undefined;
}

/** Takes secrets out of passing output. */
export type Masking = Pick<Redaction, 'withheld' | 'push' | 'end'>;

export class Redaction {
  /** Longest first: of two values that begin at the same byte, the longer matches. */
  readonly #hidden: readonly Buffer[];
  #withheld: Buffer;
  /** Whether the output may begin inside a value: the process that read its beginning was killed. */
  #torn: boolean;

  /**
   * Each line of a value is masked by itself: key files end with a newline, and commands print them without it.
   * `withheld` holds the bytes that an earlier process withheld of the same output; empty also if it was killed.
   */
  constructor(values: readonly string[], withheld?: Buffer) {
    const lines = values.flatMap((value) => value.split('\n')).map((line) => line.trim());
    this.#hidden = [...new Set(lines)]
      .filter((line) => line.length >= SHORTEST)
      .map((line) => Buffer.from(line))
      .toSorted((a, b) => b.length - a.length);
    this.#withheld = withheld ?? Buffer.alloc(0);
    this.#torn = withheld !== undefined;
  }

  /** The end of the output, while it may be the beginning of a value. Mostly empty. */
  get withheld(): Buffer {
    return this.#withheld;
  }

  /** Returns the masked bytes that can be shown now. */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#withheld.length > 0 ? Buffer.concat([this.#withheld, chunk]) : asBuffer(chunk);
    if (this.#torn && this.#rests().some((rest) => bytes.length < rest.length && startsWith(rest, bytes))) {
      this.#withheld = Buffer.from(bytes);
      return Buffer.alloc(0);
    }
    return this.#pass(bytes, (from) => this.#openAt(bytes, from));
  }

  /** Ends the output: returns the withheld bytes, masked. */
  end(): Uint8Array {
    const bytes = this.#withheld;
    return this.#pass(bytes, () => bytes.length);
  }

  /** `limit` returns where, from an offset on, the bytes begin that must be withheld. */
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
        this.#withheld = Buffer.from(bytes.subarray(end));
        return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      }
      parts.push(MASK);
      from = found.at + found.length;
    }
  }

  /** Length of the rest of a value at the beginning of a torn output, otherwise 0. */
  #takeRest(bytes: Buffer): number {
    if (!this.#torn) return 0;
    this.#torn = false;
    return Math.max(0, ...this.#rests().flatMap((rest) => (startsWith(bytes, rest) ? rest.length : [])));
  }

  /** The values and their ends: a torn output may begin with any of them. */
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

  /** Offset of an end of the bytes that may be the beginning of a value; their length if there is none. */
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
