// HTTP/1.1 on the private Unix socket: framing, limits, versions and draining. It knows no command: it passes requests
// through the routes to the handlers, and turns their errors into responses.
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

/** One function per command; `signal` aborts when the client disconnects or the daemon drains. */
export type Handlers = {
  [C in Command]: (payload: Payload<C>, signal: AbortSignal) => Promise<Result<C>>;
} & { [LOG_COMMAND]: (query: LogQuery, signal: AbortSignal) => AsyncIterable<Uint8Array> };

export interface ServerOptions {
  socketPath: string;
  /** Version of the program, sent with every response. */
  version: string;
  handlers: Handlers;
  log: Logger;
}

/** Limit for the arrival of a request; a response may take as long as it needs. */
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

  /** Binds the socket. The caller holds its lock, so a socket at the path is left from a dead daemon. */
  async listen(): Promise<void> {
    removeFile(this.#options.socketPath);
    await this.#bind();
  }

  /**
   * Binds again if the socket was deleted: a logout empties its directory while the daemon lives on. Connections stay
   * open. Returns whether it was deleted.
   */
  async restore(): Promise<boolean> {
    if (this.#draining.signal.aborted || existsSync(this.#options.socketPath)) return false;
    // close() removes the path, so it must come before the new socket.
    this.#http?.close();
    await this.#bind();
    return true;
  }

  async #bind(): Promise<void> {
    const server = this.#createServer();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject).once('listening', resolve);
    // listen() binds the path before it returns, so the umask makes the socket 0600 from its first instant. A later
    // chmod would leave a gap, and every job would inherit a lasting umask.
    const umask = process.umask(0o177);
    try {
      server.listen(this.#options.socketPath);
    } finally {
      process.umask(umask);
    }
    await promise;
    // A failed accept, such as without a free descriptor, costs one connection, not the daemon.
    server.off('error', reject).on('error', (error) => {
      this.#options.log.error({ err: error }, 'accepting a connection failed');
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
   * Refuses new requests and ends followed logs; resolves when every running request is answered. Does not wait for
   * requests that have not arrived in full.
   */
  async drain(): Promise<void> {
    this.#draining.abort();
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  /** Removes the socket and closes all connections. */
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
    // Destroyed, not ended: the client must not take half a log for a whole one.
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

/** Sends the head with the first bytes: until then an error still gets its own HTTP status. */
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
