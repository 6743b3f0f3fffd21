// The output of one child: from its FIFO into the log and the tail, no faster than the disk takes it.
import { Socket } from 'node:net';
import { OutputTail, TAIL_MAX_BYTES } from './output-tail.ts';
import type { RunLog } from './run-log.ts';

export class Output {
  readonly log: RunLog;
  readonly #socket: Socket;
  readonly #tail = new OutputTail();
  readonly #pumping: Promise<void>;
  /** All bytes of output so far, kept or not. */
  bytes: number;
  /** Why the log is not whole, when it is not. */
  logError: Error | undefined;

  /** Takes over the descriptor of a FIFO opened for reading, without blocking. */
  constructor(fd: number, log: RunLog) {
    this.log = log;
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

  /** Keeps a piece of output. A full disk loses log, not the run: the child goes on and the tail is right. */
  async take(chunk: Uint8Array): Promise<void> {
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

  /** Stops reading; what has been read is kept. */
  async close(): Promise<void> {
    const read = this.#socket.read() as Buffer | null;
    this.#socket.destroy();
    await this.#pumping;
    if (read) await this.take(read);
    await this.log.close().catch((error: Error) => (this.logError ??= error));
  }

  tail(): string {
    return this.#tail.text();
  }
}
