// The socket of `lsh runner`: lets one controller at a time use the runner, and ends all children when none has
// spoken for too long. Knows nothing of where runs are recorded.
import { rmSync } from 'node:fs';
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import type { StopCause } from '../../core/run.ts';
import { ControllerSession, type ServedRunner } from './controller-session.ts';
import { LEASE_HEADER, PROTOCOL_VERSION, TERM_HEADER, UPGRADE } from './protocol.ts';
import { SilenceWatch } from './silence.ts';

export interface RunnerServerOptions {
  /** In a directory that nobody else can write; the caller holds its lock. */
  socketPath: string;
  /** Whether the group of the socket may connect too. */
  groupAccess: boolean;
  runner: ServedRunner;
  /** How long children live on without a word from a controller, in milliseconds. */
  leaseDurationMs: number;
  /** Between TERM and KILL for children that are ended by the runner itself, in milliseconds. */
  graceMs: number;
  log: Logger;
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 100;
const LOG_PATH = /^\/v1\/runs\/([A-Za-z0-9][\w.-]{0,199})\/log(\?follow=true)?$/;

export class RunnerServer {
  readonly #options: RunnerServerOptions;
  readonly #http: Server;
  readonly #silence: SilenceWatch;
  readonly #closing = new AbortController();
  #current: { session: ControllerSession; term: number } | undefined;
  #recovery = Promise.resolve();
  #stopping = false;
  /** Resolves when no run is left, while that is awaited. */
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: RunnerServerOptions) {
    this.#options = options;
    this.#silence = new SilenceWatch(options.leaseDurationMs, () => void this.#deserted());
    const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS };
    this.#http = createServer(timeouts, (request, response) => void this.#answer(request, response));
    this.#http.maxConnections = MAX_CONNECTIONS;
    this.#http.on('upgrade', (request, socket, head) => this.#admit(request, socket, head));
    options.runner.onChange((key) => this.#changed(key));
  }

  /** Binds the socket; from now on a controller is waited for. */
  async listen(): Promise<void> {
    const { socketPath, groupAccess } = this.#options;
    rmSync(socketPath, { force: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#http.once('error', reject).once('listening', resolve);
    // The path is bound before listen() returns: the socket has its mode from its first instant.
    const umask = process.umask(groupAccess ? 0o117 : 0o177);
    try {
      this.#http.listen(socketPath);
    } finally {
      process.umask(umask);
    }
    await promise;
    this.#silence.heard();
  }

  /** Ends all children, says how they ended, and goes. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#silence.stop();
    this.#current?.session.refuseStarts();
    await this.#endChildren('ShuttingDown');
    await this.#current?.session.close();
    this.#closing.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#http.close(() => resolve());
    this.#http.closeAllConnections();
    await promise;
  }

  async #deserted(): Promise<void> {
    const { leaseDurationMs, log } = this.#options;
    this.#current?.session.destroy();
    log.warn({ leaseDurationMs }, 'no controller has spoken for too long: all runs are ended');
    await this.#endChildren('ControllerGone');
  }

  /** Resolves when none is left. */
  async #endChildren(cause: StopCause): Promise<void> {
    const { runner, graceMs, log } = this.#options;
    await runner.endOrphans(cause, graceMs).catch((error: Error) => {
      log.error({ err: error }, 'what an earlier runner started could not be ended');
    });
    for (const name of this.#running()) runner.stop(name, cause, graceMs);
    this.#idle ??= Promise.withResolvers();
    const { promise } = this.#idle;
    this.#lookForIdle();
    await promise;
  }

  #changed(key: JobKey): void {
    this.#current?.session.changed(key);
    this.#lookForIdle();
  }

  #lookForIdle(): void {
    if (!this.#idle || this.#running().length > 0) return;
    this.#idle.resolve();
    this.#idle = undefined;
  }

  #running(): string[] {
    const { runner } = this.#options;
    const observations = runner.keys().flatMap((key) => runner.observe(key));
    return observations.filter(({ state }) => state === 'Running').map(({ name }) => name);
  }

  #admit(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const term = Number(request.headers[TERM_HEADER] ?? 0);
    const refusal = this.#refusal(request, term);
    if (refusal !== undefined) return reject(socket, refusal);
    const { leaseDurationMs, log } = this.#options;
    if (this.#current) log.warn({ term }, 'another controller takes over');
    void this.#current?.session.supersede();
    const lines = ['101 Switching Protocols', 'connection: upgrade', `upgrade: ${UPGRADE}`];
    socket.write(`HTTP/1.1 ${[...lines, `${LEASE_HEADER}: ${leaseDurationMs}`].join('\r\n')}\r\n\r\n`);
    this.#silence.heard();
    const current = { session: this.#open(socket, head, () => this.#left(current.session)), term };
    this.#current = current;
  }

  /** The status that keeps a request from being a controller; a lower term cannot push a higher one out. */
  #refusal({ url = '', headers }: IncomingMessage, term: number): number | undefined {
    if (headers.upgrade !== UPGRADE || !/^\/v\d+\/controller$/.test(url)) return 404;
    if (url !== `/v${PROTOCOL_VERSION}/controller`) return 426;
    if (!Number.isSafeInteger(term) || term < 0) return 400;
    if (this.#stopping) return 503;
    return this.#current && term < this.#current.term ? 409 : undefined;
  }

  #open(socket: Duplex, head: Buffer, onClose: () => void): ControllerSession {
    const { runner, leaseDurationMs, log } = this.#options;
    const session: ControllerSession = new ControllerSession({
      socket,
      head,
      runner,
      recover: (runs) => this.#recover(runs),
      leaseDurationMs,
      onHeard: () => this.#silence.heard(),
      onClose,
      log,
    });
    return session;
  }

  #left(session: ControllerSession): void {
    if (this.#current?.session === session) this.#current = undefined;
  }

  /** One at a time; and who was found while the controller went away has a lease like everybody. */
  #recover(runs: Parameters<ServedRunner['recover']>[0]): Promise<void> {
    const recovered = this.#recovery.then(() => this.#options.runner.recover(runs));
    this.#recovery = recovered.catch(() => undefined).then(() => this.#silence.heard());
    return recovered;
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name, follow] = (method === 'GET' && LOG_PATH.exec(url)) || [];
    if (name === undefined) {
      response.writeHead(404, { 'content-length': 0 }).end();
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const bytes = this.#options.runner.log(name, { follow: follow !== undefined, signal });
    // A reader that went away, or a log that cannot be read: the answer breaks off either way.
    await pipeline(bytes, response).catch((error: Error) =>
      this.#options.log.debug({ run: name, err: error }, 'the log was not read to its end'),
    );
  }
}

function reject(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
