// One connection between controller and runner as messages: lines of JSON, bounded, with beats in between. Knows
// no message by name.
import type { Duplex } from 'node:stream';
import { MESSAGE_MAX_BYTES } from './protocol.ts';

export interface MessageStreamOptions {
  socket: Duplex;
  beatMs: number;
  /** Whatever came, a beat included. */
  onHeard: () => void;
  /** What is thrown in here breaks the connection, with that error. */
  onMessage: (message: unknown) => void;
  /** Called once; the error is why, where the end was not wanted. */
  onClose: (error: Error | undefined) => void;
}

/** A peer that does not read what it asked for is dropped before it costs more memory than this. */
const UNREAD_MAX_BYTES = 8 * MESSAGE_MAX_BYTES;
/** A peer that takes nothing is not waited for any longer. */
const CLOSE_MS = 1000;
const NEWLINE = 0x0a;

export class MessageStream {
  readonly #options: MessageStreamOptions;
  readonly #beats: NodeJS.Timeout;
  #parts: Buffer[] = [];
  #bytes = 0;
  #error: Error | undefined;
  #done = false;

  /** `head`: what was read from the socket before it was handed over. Nothing is called before this returns. */
  constructor(options: MessageStreamOptions, head: Buffer) {
    this.#options = options;
    const { socket, beatMs } = options;
    this.#beats = setInterval(() => this.#write('\n'), beatMs);
    socket
      .on('data', (chunk: Buffer) => this.#take(chunk))
      .on('error', (error) => (this.#error ??= error))
      // A peer that says nothing more is gone: nobody closes one half only.
      .on('end', () => socket.destroy())
      .once('close', () => this.#closed());
    if (head.length > 0) socket.unshift(head);
  }

  send(message: object): void {
    this.#write(`${JSON.stringify(message)}\n`);
  }

  /** Sends what was written and goes; resolves when the connection is closed. */
  async close(): Promise<void> {
    const { socket } = this.#options;
    if (socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('close', () => resolve());
    this.#done = true;
    const giveUp = setTimeout(() => socket.destroy(), CLOSE_MS);
    socket.end(() => socket.destroy());
    await promise;
    clearTimeout(giveUp);
  }

  /** Goes at once. */
  destroy(error?: Error): void {
    this.#error ??= error;
    this.#done = true;
    this.#options.socket.destroy();
  }

  #write(line: string): void {
    const { socket } = this.#options;
    if (this.#done || !socket.writable) return;
    socket.write(line);
    if (socket.writableLength > UNREAD_MAX_BYTES) this.destroy(new Error('what is said is not read'));
  }

  #take(chunk: Buffer): void {
    this.#options.onHeard();
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0 && !this.#done; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      this.#line();
    }
    this.#keep(chunk.subarray(start));
  }

  #keep(part: Buffer): void {
    if (this.#done || part.length === 0) return;
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes > MESSAGE_MAX_BYTES) this.destroy(new Error('a message is too long'));
  }

  #line(): void {
    if (this.#bytes === 0 || this.#done) return;
    const line = Buffer.concat(this.#parts, this.#bytes).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    try {
      this.#options.onMessage(JSON.parse(line));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #closed(): void {
    clearInterval(this.#beats);
    this.#parts = [];
    this.#done = true;
    this.#options.onClose(this.#error);
  }
}
