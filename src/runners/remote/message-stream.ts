// A socket between controller and runner as a stream of messages: bounded lines of JSON with heartbeats in between.
import type { Duplex } from 'node:stream';
import { MESSAGE_MAX_BYTES } from './protocol.ts';

export interface MessageStreamOptions {
  socket: Duplex;
  heartbeatMs: number;
  /** Called for all bytes, heartbeats included. */
  onData: () => void;
  /** An exception in here destroys the connection with that error. */
  onMessage: (message: unknown) => void;
  /** Called once; with an error unless one side closed the connection. */
  onClose: (error: Error | undefined) => void;
}

/** Unread bytes at which a peer that does not read is dropped: more would cost too much memory. */
const UNREAD_MAX_BYTES = 8 * MESSAGE_MAX_BYTES;
/** How long close() waits for a peer that does not read. */
const CLOSE_MS = 1000;
/** A larger buffer goes after its message. */
const KEPT_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

export class MessageStream {
  readonly #options: MessageStreamOptions;
  readonly #heartbeats: NodeJS.Timeout;
  /** The line so far: one buffer, since a peer may send each byte alone. */
  #line = Buffer.alloc(0);
  #bytes = 0;
  #error: Error | undefined;
  #ended = false;

  /** `head`: bytes already read from the socket. Calls no callback before the constructor returns. */
  constructor(options: MessageStreamOptions, head: Buffer) {
    this.#options = options;
    const { socket, heartbeatMs } = options;
    this.#heartbeats = setInterval(() => this.#write('\n'), heartbeatMs);
    socket
      .on('data', (chunk: Buffer) => this.#receive(chunk))
      .on('error', (error) => (this.#error ??= error))
      // A peer that ends its half is gone: neither side half-closes.
      .on('end', () => socket.destroy())
      .once('close', () => this.#closed());
    if (head.length > 0) socket.unshift(head);
  }

  send(message: object): void {
    this.#write(`${JSON.stringify(message)}\n`);
  }

  /** Flushes and closes; resolves when the connection is closed. */
  async close(): Promise<void> {
    const { socket } = this.#options;
    if (socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('close', () => resolve());
    this.#ended = true;
    const giveUp = setTimeout(() => socket.destroy(), CLOSE_MS);
    socket.end(() => socket.destroy());
    await promise;
    clearTimeout(giveUp);
  }

  /** Closes at once, without flushing. */
  destroy(error?: Error): void {
    this.#error ??= error;
    this.#ended = true;
    this.#options.socket.destroy();
  }

  #write(line: string): void {
    const { socket } = this.#options;
    if (this.#ended || !socket.writable) return;
    socket.write(line);
    if (socket.writableLength > UNREAD_MAX_BYTES) this.destroy(new Error('the peer does not read'));
  }

  #receive(chunk: Buffer): void {
    this.#options.onData();
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0 && !this.#ended; end = chunk.indexOf(NEWLINE, start)) {
      this.#buffer(chunk.subarray(start, end));
      start = end + 1;
      this.#deliver();
    }
    this.#buffer(chunk.subarray(start));
  }

  #buffer(part: Buffer): void {
    if (this.#ended || part.length === 0) return;
    const bytes = this.#bytes + part.length;
    if (bytes > MESSAGE_MAX_BYTES) return this.destroy(new Error('the peer sent a message that is too long'));
    if (bytes > this.#line.length)
      this.#line = Buffer.concat([this.#line], Math.max(bytes, 2 * this.#line.length));
    part.copy(this.#line, this.#bytes);
    this.#bytes = bytes;
  }

  #deliver(): void {
    if (this.#bytes === 0 || this.#ended) return;
    const line = this.#line.toString('utf8', 0, this.#bytes);
    if (this.#line.length > KEPT_BYTES) this.#line = Buffer.alloc(0);
    this.#bytes = 0;
    try {
      this.#options.onMessage(JSON.parse(line));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #closed(): void {
    clearInterval(this.#heartbeats);
    this.#line = Buffer.alloc(0);
    this.#ended = true;
    this.#options.onClose(this.#error);
  }
}
