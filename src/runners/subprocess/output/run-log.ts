// The log of one run: bounded, with the beginning and the end of the output. The log file takes the beginning; two
// alternating segment files take the rest, and are appended when the run has ended. A segment's name is the offset of
// its first byte, so that a log can be reopened after a crash at any point.
import { EventEmitter, once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  readdirSync,
  statSync,
  truncateSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { leftOut } from '../../../core/record/left-out.ts';
import { appendFile, close, open, readFile, unlink, write } from '../files.ts';

/** A stretch of the output: bytes [start, start + length) are in the file from offset `at`. */
interface Piece {
  path: string;
  start: number;
  length: number;
  at: number;
}

export interface RunLogOptions {
  /** The log file, kept after the run. */
  path: string;
  /** Private directory of this start, for the segments. */
  directory: string;
  /** Largest size of the log, at least 1 KiB. */
  maxBytes: number;
}

const SEGMENT = /^tail\.(\d+)$/;
const NOTICE_ROOM = 64;
const READ_BYTES = 65_536;

const notice = (omitted: number) => Buffer.from(leftOut(omitted));
const endOf = (piece: Piece) => piece.start + piece.length;

export class RunLog {
  readonly #directory: string;
  readonly #headBytes: number;
  readonly #segmentBytes: number;
  readonly #events = new EventEmitter().setMaxListeners(0);
  /** In order: the log file, then at most two segments. */
  readonly #pieces: [Piece, ...Piece[]];
  /** The descriptor of the last piece, while it is open. */
  #file: number | undefined;
  #finished = false;

  private constructor({ path, directory, maxBytes }: RunLogOptions) {
    this.#directory = directory;
    this.#headBytes = Math.floor(maxBytes / 4);
    this.#segmentBytes = Math.floor((maxBytes - this.#headBytes - NOTICE_ROOM) / 2);
    this.#pieces = [{ path, start: 0, length: 0, at: 0 }];
  }

  /** An empty log; removes the log of an earlier run of that name. The first output creates the file. */
  static create(options: RunLogOptions): RunLog {
    if (existsSync(options.path)) unlinkSync(options.path);
    return new RunLog(options);
  }

  /** Continues a log that an earlier process began. */
  static reopen(options: RunLogOptions): RunLog {
    const log = new RunLog(options);
    log.#recover();
    return log;
  }

  #recover(): void {
    const [head] = this.#pieces;
    head.length = existsSync(head.path) ? statSync(head.path).size : 0;
    const starts = readdirSync(this.#directory).flatMap((entry) => SEGMENT.exec(entry)?.[1] ?? []);
    if (starts.length === 0) return;
    // A crash interrupted the append of the segments: cut the log file back, finish() appends again.
    if (head.length > this.#headBytes) truncateSync(head.path, this.#headBytes);
    head.length = Math.min(head.length, this.#headBytes);
    for (const start of starts.map(Number).sort((a, b) => a - b)) {
      const path = this.#segmentPath(start);
      this.#pieces.push({ path, start, length: statSync(path).size, at: 0 });
    }
  }

  /** Bytes written so far, also those that were dropped. */
  get size(): number {
    return endOf(this.#pieces.at(-1)!);
  }

  /** Appends the chunk. The caller serializes calls. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0;) {
      const piece = this.#pieces.at(-1)!;
      const room = (piece === this.#pieces[0] ? this.#headBytes : this.#segmentBytes) - piece.length;
      if (room <= 0) {
        await this.#nextSegment();
        continue;
      }
      this.#file ??= await open(piece.path, 'a', 0o600);
      const { bytesWritten } = await write(this.#file, rest, 0, Math.min(room, rest.length));
      piece.length += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
    this.#events.emit('change');
  }

  async #nextSegment(): Promise<void> {
    await this.close();
    const start = this.size;
    this.#pieces.push({ path: this.#segmentPath(start), start, length: 0, at: 0 });
    const [, oldest, second, third] = this.#pieces;
    if (!oldest || !second || !third) return;
    this.#pieces.splice(1, 1);
    await unlink(oldest.path);
  }

  #segmentPath(start: number): string {
    return join(this.#directory, `tail.${start}`);
  }

  /** Moves the segments into the log file; append() must not follow. */
  async finish(): Promise<void> {
    try {
      await this.close();
      const [head, ...segments] = this.#pieces;
      if (segments.length > 0) await this.#merge(head, segments);
    } finally {
      this.#finished = true;
      this.#events.emit('change');
    }
  }

  async #merge(head: Piece, segments: Piece[]): Promise<void> {
    const omitted = segments[0]!.start - head.length;
    const mark = omitted > 0 ? notice(omitted) : Buffer.alloc(0);
    await appendFile(head.path, mark, { mode: 0o600 });
    for (const { path } of segments) await appendFile(head.path, await readFile(path));
    const start = segments[0]!.start;
    const merged = { path: head.path, start, length: this.size - start, at: head.length + mark.length };
    this.#pieces.splice(1, segments.length, merged);
    for (const { path } of segments) await unlink(path);
  }

  /** Closes the file; append() opens it again. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await close(file);
  }

  /**
   * Reads from the first byte on; with `follow` until the run has ended. Opens the files anew for each part, so that a
   * slow reader costs no memory; a notice replaces the bytes that were dropped meanwhile.
   */
  async *read(options: { follow?: boolean; signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const { follow = false, signal } = options;
    const end = follow ? Infinity : this.size;
    let offset = 0;
    while (offset < end) {
      if (signal?.aborted) return;
      if (offset < this.size) {
        const part = this.#part(offset);
        offset = part.next;
        yield part.bytes;
      } else if (this.#finished) return;
      else await once(this.#events, 'change', { signal }).catch(() => undefined);
    }
  }

  #part(offset: number): { bytes: Uint8Array; next: number } {
    const piece = this.#pieces.find((candidate) => offset < endOf(candidate))!;
    if (offset < piece.start) return { bytes: notice(piece.start - offset), next: piece.start };
    const skip = offset - piece.start;
    const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, piece.length - skip));
    const file = openSync(piece.path, 'r');
    try {
      const count = readSync(file, bytes, 0, bytes.length, piece.at + skip);
      // Another program truncated the file: skip the missing bytes.
      return { bytes: bytes.subarray(0, count), next: count > 0 ? offset + count : endOf(piece) };
    } finally {
      closeSync(file);
    }
  }

  /** The last kept bytes, at most `length`. */
  end(length: number): Uint8Array {
    const piece = this.#pieces.at(-1)!;
    const from = Math.max(piece.start, endOf(piece) - length);
    return from < endOf(piece) ? this.#part(from).bytes : new Uint8Array();
  }
}
