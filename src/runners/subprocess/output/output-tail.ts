// The last bytes of an output, as text that any store accepts.

/** Most bytes of UTF-8 that a tail has. */
export const TAIL_MAX_BYTES = 1024;

export class OutputTail {
  #bytes = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    const joined = chunk.length >= TAIL_MAX_BYTES ? chunk : Buffer.concat([this.#bytes, chunk]);
    // Copied, so that 1 KiB does not keep a whole read buffer alive.
    this.#bytes = Buffer.from(joined.subarray(-TAIL_MAX_BYTES));
  }

  /** Whole characters, at most TAIL_MAX_BYTES of valid UTF-8; what was not UTF-8 shows as U+FFFD. */
  text(): string {
    const whole = this.#bytes.length < TAIL_MAX_BYTES ? this.#bytes : fromBoundary(this.#bytes, 0);
    const text = Buffer.from(whole.toString('utf8'));
    return fromBoundary(text, Math.max(0, text.length - TAIL_MAX_BYTES)).toString('utf8');
  }
}

/** From the first byte at or after `start` that begins a character; a character has at most three more. */
function fromBoundary(bytes: Buffer, start: number): Buffer {
  let at = start;
  while (at < start + 3 && (bytes[at]! & 0xc0) === 0x80) at++;
  return bytes.subarray(at);
}
