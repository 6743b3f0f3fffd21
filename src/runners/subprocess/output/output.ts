// The output of one child: copies its FIFO into the log and the tail, at the speed of the disk.
import { closeSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Masking } from '../../../core/redaction/redaction.ts';
import type { RunLog } from './run-log.ts';

/** Most bytes of UTF-8 in a tail. */
export const TAIL_MAX_BYTES = 1024;
/** Holds what was read until it is copied, in the same turn. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

export interface OutputOptions {
  /** A FIFO that is open for reading, non-blocking. The output closes it. */
  fd: number;
  log: RunLog;
  /** Never rejects; nothing is read before it is there. */
  masking: Masking | Promise<Masking | undefined> | undefined;
  /** Why the process that read before this one could not write the log. */
  logError?: Error | undefined;
  /**
   * How long to wait for commandEnded() before the first read, milliseconds; default 0. A short command writes into the
   * FIFO and ends, and one read takes its output: the run needs no stream, which costs CPU in a burst.
   */
  readAfterMs?: number;
}

export class Output {
  readonly log: RunLog;
  readonly #fd: number;
  #socket: Socket | undefined;
  #isClosed = false;
  readonly #tail = new OutputTail();
  #masking: Masking | undefined;
  /** Resolves when it is time to read, with whether the command has ended. */
  readonly #mayRead = Promise.withResolvers<boolean>();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #pumping: Promise<void>;
  /** Whether it writes, or waits for its masking. */
  #isBusy = false;
  /** All bytes that passed redaction so far, also those that the bounded log drops. */
  bytes: number;
  /** Why the log is incomplete. */
  logError: Error | undefined;

  constructor({ fd, log, masking, logError, readAfterMs = 0 }: OutputOptions) {
    this.#fd = fd;
    this.log = log;
    this.logError = logError;
    this.bytes = log.size;
    this.#tail.push(log.end(TAIL_MAX_BYTES));
    if (readAfterMs === 0) this.#mayRead.resolve(false);
    else this.#timer = setTimeout(this.#mayRead.resolve, readAfterMs, false);
    this.#pumping = this.#pump(masking);
  }

  async #pump(masking: OutputOptions['masking']): Promise<void> {
    if (masking instanceof Promise) {
      this.#isBusy = true;
      this.#masking = await masking;
      this.#isBusy = false;
    } else this.#masking = masking;
    const hasEnded = await this.#mayRead.promise;
    clearTimeout(this.#timer);
    try {
      if (hasEnded) await this.#takeAll();
      else await this.#takeAsItComes();
    } catch (error) {
      // close() destroyed the socket, or the FIFO is unreadable: either way the output ends here.
      if (!this.#isClosed) this.logError ??= error as Error;
    } finally {
      if (!this.#socket) closeSync(this.#fd);
    }
  }

  /** Takes what the command left in the FIFO, and goes on while another process has it open for writing. */
  async #takeAll(): Promise<void> {
    while (!this.#isClosed) {
      const chunk = readNow(this.#fd);
      if (chunk === undefined) return this.#takeAsItComes();
      if (chunk.length === 0) return;
      await this.take(chunk);
    }
  }

  async #takeAsItComes(): Promise<void> {
    if (this.#isClosed) return;
    this.#socket = new Socket({ fd: this.#fd, readable: true, writable: false });
    for await (const chunk of this.#socket) await this.take(chunk as Buffer);
  }

  /** The command has opened the FIFO for writing and has ended: from now on an end of the FIFO is the end of the output. */
  commandEnded(): void {
    this.#mayRead.resolve(true);
  }

  /** Redacts and stores a piece of output. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#isBusy = true;
    await this.#keep(this.#masking?.push(chunk) ?? chunk);
    this.#isBusy = false;
  }

  /** Whether a write or the masking is pending; nothing more is read until then. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** A full disk costs the log, not the run: the child goes on, and the tail stays right. */
  async #keep(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#tail.push(chunk);
    this.bytes += chunk.length;
    if (this.logError) return;
    try {
      await this.log.append(chunk);
    } catch (error) {
      this.logError = error as Error;
    }
  }

  /** Resolves when every writer has closed the FIFO and all output is written. */
  get ended(): Promise<void> {
    return this.#pumping;
  }

  /** Bytes that redaction withholds: they may be the beginning of a secret. */
  get withheld(): Uint8Array {
    return this.#masking?.withheld ?? new Uint8Array();
  }

  /** Stops reading, and stores the bytes that were read. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#mayRead.resolve(false);
    const read = this.#socket?.read() as Buffer | null | undefined;
    this.#socket?.destroy();
    await this.#pumping;
    if (read) await this.take(read);
    await this.log.close().catch((error: Error) => (this.logError ??= error));
  }

  /** Completes the log. Call it after close(), when no more output can come. */
  async finish(): Promise<void> {
    if (this.#masking) await this.#keep(this.#masking.end());
    await this.log.finish();
  }

  tail(): string {
    return this.#tail.text();
  }
}

/** Undefined if a process has the FIFO open for writing and has written nothing; empty at the end of the output. */
function readNow(fd: number): Uint8Array | undefined {
  try {
    return Buffer.from(readBuffer.subarray(0, readSync(fd, readBuffer)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

export class OutputTail {
  #bytes = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    const joined = chunk.length >= TAIL_MAX_BYTES ? chunk : Buffer.concat([this.#bytes, chunk]);
    // Copied, so that 1 KiB does not keep a whole read buffer alive.
    this.#bytes = Buffer.from(joined.subarray(-TAIL_MAX_BYTES));
  }

  /** Whole characters, at most TAIL_MAX_BYTES of valid UTF-8; U+FFFD replaces invalid bytes. */
  text(): string {
    const whole = this.#bytes.length < TAIL_MAX_BYTES ? this.#bytes : fromBoundary(this.#bytes, 0);
    const text = Buffer.from(whole.toString('utf8'));
    return fromBoundary(text, Math.max(0, text.length - TAIL_MAX_BYTES)).toString('utf8');
  }
}

/** The bytes from the first character that begins at or after `start`. */
function fromBoundary(bytes: Buffer, start: number): Buffer {
  let at = start;
  while (at < start + 3 && (bytes[at]! & 0xc0) === 0x80) at++;
  return bytes.subarray(at);
}
