// The output of a finished run in chunks, as the team's history holds it: bounded, and with a line where output is missing.
import { leftOut } from './left-out.ts';
import { maskedBytes, maskedText } from '../redaction/masked.ts';
import type { Run } from '../run.ts';

/** Most bytes of output in a chunk. */
export const CHUNK_MAX_BYTES = 64 * 1024;

/** What is kept of an output: its beginning and its end, which are all of it if together they have `size` bytes. */
export interface KeptOutput {
  size: number;
  head: Uint8Array;
  end: Uint8Array;
}

export interface OutputChunk {
  /** From 0. */
  number: number;
  /** Where the chunk begins in the whole output, in bytes. */
  startByte: number;
  text: string;
}

/** The end of the output as the record has it, without the values. */
export function maskedTail(
  { outputTail, outputBytes = 0 }: Run,
  hidden: readonly string[],
): string | undefined {
  if (outputTail === undefined) return undefined;
  return maskedText(outputTail, hidden, { before: outputBytes > Buffer.byteLength(outputTail) });
}

/** A stretch of the output; `start` as startByte. */
interface Piece {
  start: number;
  bytes: Buffer;
}

/** How many bytes of its beginning and of its end are kept of an output that is longer than the limit. */
export function keptBytes(maxBytes: number): { head: number; end: number } {
  const head = Math.floor(maxBytes / 4);
  return { head, end: maxBytes - head };
}

/**
 * The chunks of a run, without the hidden values; none if its record takes no output. `kept` is undefined if the log is gone or
 * cannot be read: the end of the output stands in the record. Behind a mask startByte is as far off as the mask is shorter.
 */
export function* outputChunks(
  run: Run,
  kept: KeptOutput | undefined,
  hidden: readonly string[] = [],
): Generator<OutputChunk> {
  if (run.outputTail === undefined) return;
  const { pieces, size } = kept === undefined ? tailOf(run, run.outputTail) : piecesOf(run, kept);
  let number = 0;
  let at = 0;
  for (const { start, bytes } of pieces) {
    const end = start + bytes.length;
    const shown = asBuffer(maskedBytes(bytes, hidden, { before: start > at, behind: end < size }));
    for (const [from, to] of cuts(shown)) {
      const gap = from === 0 ? start - at : 0;
      const text = shown.toString('utf8', from, to);
      yield { number, startByte: start + from, text: gap > 0 ? notice(gap, number) + text : text };
      number++;
    }
    at = end;
  }
  // A full disk ended the log before the output.
  if (size > at) yield { number, startByte: size, text: notice(size - at, number) };
}

function notice(bytes: number, number: number): string {
  return number === 0 ? leftOut(bytes).trimStart() : leftOut(bytes);
}

/** The size of a Pod's log is not known. */
function tailOf({ outputBytes }: Run, tail: string): { pieces: Piece[]; size: number } {
  const bytes = Buffer.from(tail);
  const size = Math.max(outputBytes ?? 0, bytes.length);
  return { pieces: [{ start: size - bytes.length, bytes }], size };
}

function piecesOf({ outputBytes }: Run, kept: KeptOutput): { pieces: Piece[]; size: number } {
  const size = outputBytes ?? kept.size;
  const isWhole = kept.head.length + kept.end.length >= kept.size;
  const parts = isWhole ? [Buffer.concat([kept.head, kept.end])] : [kept.head, kept.end].map(asBuffer);
  const notices = noticesOf(kept.size, size);
  const pieces: Piece[] = [];
  let from = 0;
  for (const [index, part] of parts.entries()) {
    if (index > 0) from = kept.size - part.length;
    // Behind the notice of the log, offsets of the log and of the output differ.
    const toOutput = (offset: number, isBehind: boolean) => (isBehind ? size - kept.size + offset : offset);
    const mark = notices.find((candidate) => part.includes(candidate));
    if (mark === undefined) pieces.push({ start: toOutput(from, index > 0), bytes: part });
    else {
      const at = part.indexOf(mark);
      const behind = at + mark.length;
      pieces.push({ start: from, bytes: part.subarray(0, at) });
      pieces.push({ start: toOutput(from + behind, true), bytes: part.subarray(behind) });
    }
  }
  return { pieces: pieces.filter(({ bytes }) => bytes.length > 0).map(fromCharacter), size };
}

/** The notices that a log of `kept` bytes may have, if it lacks the middle of an output: near a power of ten there are two. */
function noticesOf(kept: number, size: number): Buffer[] {
  const missing = size - kept + leftOut(0).length - 1;
  const digits = Array.from({ length: 16 }, (_, index) => index + 1);
  return digits
    .filter((count) => String(missing + count).length === count)
    .map((count) => Buffer.from(leftOut(missing + count)));
}

/** Begins with a whole character. */
function fromCharacter({ start, bytes }: Piece): Piece {
  const at = start === 0 ? 0 : characterAt(bytes, 0, 1);
  return { start: start + at, bytes: bytes.subarray(at) };
}

/** From and to of each chunk, between characters. */
function* cuts(bytes: Buffer): Generator<[number, number]> {
  for (let from = 0; from < bytes.length;) {
    const limit = from + CHUNK_MAX_BYTES;
    const to = limit >= bytes.length ? bytes.length : characterAt(bytes, limit, -1);
    yield [from, to];
    from = to;
  }
}

/** The nearest beginning of a character; a character has at most four bytes. */
function characterAt(bytes: Buffer, from: number, step: 1 | -1): number {
  for (let moved = 0; moved < 4; moved++) {
    const at = from + moved * step;
    if (at >= bytes.length || (bytes[at]! & 0xc0) !== 0x80) return at;
  }
  return from;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
