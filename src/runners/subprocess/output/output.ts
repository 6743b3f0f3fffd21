// The output of one child: from its FIFO into the log and the tail, no faster than the disk takes it.
import { Socket } from 'node:net';
import { OutputTail, TAIL_MAX_BYTES } from './output-tail.ts';
import type { Redaction } from './redaction.ts';
import type { RunLog } from './run-log.ts';

export class Output {
  readonly log: RunLog;
  readonly #socket: Socket;
  readonly #tail = new OutputTail();
  readonly #redaction: Redaction | undefined;
  readonly #pumping: Promise<void>;
  #keeping = false;
  /** All bytes of output that may be shown so far, kept or not. */
  bytes: number;
  /** Why the log is not whole, when it is not. */
  logError: Error | undefined;

  /** Takes over the descriptor of a FIFO opened for reading, without blocking. */
  constructor(fd: number, log: RunLog, redaction?: Redaction) {
    this.log = log;
    this.#redaction = redaction;
    this.bytes = log.size;
    this.#tail.push(log.end(TAIL_MAX_BYTES));
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#pumping = this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for await (const chunk of this.#socket) await this.take(chunk as Buffer);
    } catch (error) {
      // Destroyed by close(), or unreadable: either way this was the last of it.
      if (!this.#socket.destroyed) this.logError ??= error as Error;
    }
  }

  /** Keeps a piece of output, without what must not be shown. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#keeping = true;
    await this.#keep(this.#redaction?.push(chunk) ?? chunk);
    this.#keeping = false;
  }

  /** Whether what has been read is being written: until it is, nothing more is read. */
  get isKeeping(): boolean {
    return this.#keeping;
  }

  /** A full disk loses log, not the run: the child goes on and the tail is right. */
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

  /** Resolves when no process has the FIFO open any more and everything is written. */
  get ended(): Promise<void> {
    return this.#pumping;
  }

  /** What has been read and neither kept nor shown: it may be the beginning of a secret. */
  get held(): Uint8Array {
    return this.#redaction?.held ?? new Uint8Array();
  }

  /** Stops reading; what has been read is kept. */
  async close(): Promise<void> {
    const read = this.#socket.read() as Buffer | null;
    this.#socket.destroy();
    await this.#pumping;
    if (read) await this.take(read);
    await this.log.close().catch((error: Error) => (this.logError ??= error));
  }

  /** After close(), when nothing will come any more: the log is whole. */
  async finish(): Promise<void> {
    if (this.#redaction) await this.#keep(this.#redaction.end());
    await this.log.finish();
  }

  tail(): string {
    return this.#tail.text();
  }
}
