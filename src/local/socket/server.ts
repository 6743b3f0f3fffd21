// HTTP/1.1 on the private Unix socket: framing, limits, versions and draining. Knows no command: what is asked
// goes to the handlers through the routes, and what they throw becomes an answer.
import { existsSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { LshError, toLshError } from '../../core/errors.ts';
import type { LogQuery } from '../../contracts/job-api.ts';
import type { Logger } from '../../control/ports.ts';
import { http } from './http.ts';
import {
  LOG_COMMAND,
  VERSION_HEADER,
  toWire,
  type Answer,
  type Command,
  type Payload,
  type Result,
} from './protocol.ts';
import { removeFile } from '../paths.ts';
import { parseCommand, parseEnvelope, readBody, type Envelope } from './request.ts';
import { parseLogQuery, parsePayload } from './routes.ts';

/** One function per command; `signal` aborts when the asker is gone or the daemon drains. */
export type Handlers = {
  [C in Command]: (payload: Payload<C>, signal: AbortSignal) => Promise<Result<C>>;
} & { [LOG_COMMAND]: (query: LogQuery, signal: AbortSignal) => AsyncIterable<Uint8Array> };

export interface ServerOptions {
  socketPath: string;
  /** Version of the program, sent with every answer. */
  version: string;
  handlers: Handlers;
  log: Logger;
}

/** A request that takes longer than this to arrive is dropped; answers may take as long as they need. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
const CHECK_INTERVAL_MS = 5_000;
const MAX_CONNECTIONS = 1_000;

/** The socket of one daemon, from listen() to close(). */
export class DaemonServer {
  readonly #options: ServerOptions;
  #http: Server | undefined;
  readonly #draining = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Binds the socket. The caller holds its lock, so what lies at the path belongs to nobody who lives. */
  async listen(): Promise<void> {
    removeFile(this.#options.socketPath);
    await this.#bind();
  }

  /**
   * Binds again when the socket is gone: a logout empties the directory that it is in while the daemon lives on.
   * What is connected stays so. Answers whether there was something to do.
   */
  async restore(): Promise<boolean> {
    if (this.#draining.signal.aborted || existsSync(this.#options.socketPath)) return false;
    // Closing removes the path once more, so it must come before there is a new socket.
    this.#http?.close();
    await this.#bind();
    return true;
  }

  async #bind(): Promise<void> {
    const server = this.#createServer();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject).once('listening', resolve);
    // Node binds a path before listen() returns, so the socket is 0600 from its first instant; a chmod
    // afterwards would leave a gap, and a umask for good would be inherited by every job.
    const umask = process.umask(0o177);
    try {
      server.listen(this.#options.socketPath);
    } finally {
      process.umask(umask);
    }
    await promise;
    // Such as no descriptor left for one more connection: that one is lost, the daemon is not.
    server.off('error', reject).on('error', (error) => {
      this.#options.log.error({ err: error }, 'a connection was not accepted');
    });
    this.#http = server;
  }

  #createServer(): Server {
    const limits = {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    };
    const server = http.createServer(limits, (request, response) => void this.#answer(request, response));
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  }

  /**
   * From now on new requests are refused and followers end; resolves when what was begun is answered. A request
   * that has not arrived whole is not waited for.
   */
  async drain(): Promise<void> {
    this.#draining.abort();
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  /** Removes the socket and drops what is still connected. */
  async close(): Promise<void> {
    const server = this.#http;
    if (server === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader(VERSION_HEADER, this.#options.version);
    let id: string | null = null;
    try {
      const envelope = parseEnvelope(await readBody(request));
      id = envelope.id;
      await this.#track(this.#perform(parseCommand(request), envelope, response));
    } catch (thrown) {
      this.#refuse(response, id, toLshError(thrown));
    }
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#inFlight.add(work);
    try {
      await work;
    } finally {
      this.#inFlight.delete(work);
    }
  }

  async #perform(
    command: Command | typeof LOG_COMMAND,
    { id, payload }: Envelope,
    response: ServerResponse,
  ): Promise<void> {
    if (this.#draining.signal.aborted) throw new LshError('DAEMON_STOPPING');
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#draining.signal]);
    if (command === LOG_COMMAND) {
      return stream(response, this.#options.handlers[LOG_COMMAND](parseLogQuery(payload), signal));
    }
    send(response, 200, { id, result: await this.#call(command, payload, signal) });
  }

  #call<C extends Command>(command: C, payload: unknown, signal: AbortSignal): Promise<Result<C>> {
    const handler = this.#options.handlers[command] as Handlers[C] &
      ((payload: Payload<C>, signal: AbortSignal) => Promise<Result<C>>);
    return handler(parsePayload(command, payload), signal);
  }

  #refuse(response: ServerResponse, id: string | null, error: LshError): void {
    if (response.destroyed) return;
    const fields = { code: error.code, err: error };
    if (error.httpStatus >= 500 && !error.retryable) this.#options.log.error(fields, 'request failed');
    else this.#options.log.debug(fields, 'request refused');
    // The asker must not take half a log for a whole one.
    if (response.headersSent) response.destroy();
    else send(response, error.httpStatus, { id, error: toWire(error) });
  }
}

function send(response: ServerResponse, status: number, answer: Answer): void {
  const body = JSON.stringify(answer);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** The head waits for the first bytes, so that an unknown run is still an error with its status. */
async function stream(response: ServerResponse, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  await pipeline(whole, response);
}
