// The socket of `lsh runner`: lets one controller at a time use the runner, and ends all children when no controller
// renews the lease.
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
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import type { StopCause } from '../../core/run.ts';
import { ControllerSession, type ServedRunner } from './controller-session.ts';
import { EndsSession } from './ends-session.ts';
import { LEASE_HEADER, PROTOCOL_VERSION, TERM_HEADER, UPGRADE } from './protocol.ts';
import { IdleTimeout } from './idle-timeout.ts';

export interface RunnerServerOptions {
  /** In a directory that only this user can write; the caller holds its lock. */
  socketPath: string;
  /** Whether the socket's group may connect too. */
  groupAccess: boolean;
  runner: ServedRunner;
  /** How long children outlive the last message of a controller, or the call of stop(), in milliseconds. */
  leaseDurationMs: number;
  /** Between TERM and KILL for children that the server ends, in milliseconds. */
  graceMs: number;
  log: Logger;
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 100;
/** How long stop() waits for the controller to leave: a start that it has claimed may be on its way. */
const LEAVE_MS = 2000;
const LOG_PATH = /^\/v1\/runs\/([A-Za-z0-9][\w.-]{0,199})\/log(\?follow=true)?$/;

export class RunnerServer {
  readonly #options: RunnerServerOptions;
  readonly #http: Server;
  readonly #idleTimeout: IdleTimeout;
  readonly #closing = new AbortController();
  #current: { session: ControllerSession; term: number } | undefined;
  readonly #endsSessions = new Set<EndsSession>();
  /** The nonce of each run, by name: a controller learns nothing of a namesake of its run. */
  readonly #nonces = new Map<string, string>();
  #recovery = Promise.resolve();
  #stopping = false;
  /** Set while the server waits for the last run to end. */
  #idle: PromiseWithResolvers<void> | undefined;
  /** Set while stop() waits for the controller to leave. */
  #onLeave: (() => void) | undefined;

  constructor(options: RunnerServerOptions) {
    this.#options = options;
    this.#idleTimeout = new IdleTimeout(options.leaseDurationMs, () => void this.#controllerLost());
    const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS };
    this.#http = createServer(timeouts, (request, response) => void this.#serveLog(request, response));
    this.#http.maxConnections = MAX_CONNECTIONS;
    this.#http.on('upgrade', (request, socket, head) => this.#admit(request, socket, head));
    options.runner.onChange((key) => this.#changed(key));
  }

  /** Binds the socket and starts the lease: without a controller, recovered children end after it. */
  async listen(): Promise<void> {
    const { socketPath, groupAccess } = this.#options;
    rmSync(socketPath, { force: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#http.once('error', reject).once('listening', resolve);
    // listen() binds the path before it returns, so the umask gives the socket its mode from the first instant.
    const umask = process.umask(groupAccess ? 0o117 : 0o177);
    try {
      this.#http.listen(socketPath);
    } finally {
      process.umask(umask);
    }
    await promise;
    this.#idleTimeout.refresh();
  }

  /** Gives the children a lease to end by themselves, ends the rest, reports all ends, and closes the socket. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#idleTimeout.stop();
    this.#current?.session.announceStop();
    const drained = within(LEAVE_MS, this.#controllerLeft()).then(() => this.#childless());
    await within(this.#options.leaseDurationMs, drained);
    this.#current?.session.refuseStarts();
    await this.#endChildren('ShuttingDown');
    await Promise.all([
      this.#current?.session.close(),
      ...[...this.#endsSessions].map((ends) => ends.close()),
    ]);
    this.#closing.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#http.close(() => resolve());
    this.#http.closeAllConnections();
    await promise;
  }

  async #controllerLost(): Promise<void> {
    const { leaseDurationMs, log } = this.#options;
    this.#current?.session.destroy();
    log.warn({ leaseDurationMs }, 'controller silent beyond its lease, ending all runs');
    await this.#endChildren('ControllerGone');
  }

  /** Resolves when no child is left. */
  async #endChildren(cause: StopCause): Promise<void> {
    const { runner, graceMs, log } = this.#options;
    await runner.endOrphans(cause, graceMs).catch((error: Error) => {
      log.error({ err: error }, 'ending the runs of an earlier runner failed');
    });
    for (const name of this.#runningNames()) runner.stop(name, cause, graceMs);
    await this.#childless();
  }

  /** Resolves when no child is left. */
  #childless(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    const { promise } = this.#idle;
    this.#resolveIfIdle();
    return promise;
  }

  /** Resolves when no controller is connected. */
  async #controllerLeft(): Promise<void> {
    if (this.#current) await new Promise<void>((resolve) => (this.#onLeave = resolve));
  }

  #changed(key: JobKey): void {
    this.#current?.session.changed(key);
    for (const session of this.#endsSessions) session.changed(key);
    this.#resolveIfIdle();
  }

  #resolveIfIdle(): void {
    if (!this.#idle || this.#runningNames().length > 0) return;
    this.#idle.resolve();
    this.#idle = undefined;
  }

  #runningNames(): string[] {
    const { runner } = this.#options;
    const observations = runner.keys().flatMap((key) => runner.observe(key));
    return observations.filter(({ state }) => state === 'Running').map(({ name }) => name);
  }

  #admit(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const term = Number(request.headers[TERM_HEADER] ?? 0);
    const listens = request.url === `/v${PROTOCOL_VERSION}/ends` && request.headers.upgrade === UPGRADE;
    const refusal = listens ? undefined : this.#refusal(request, term);
    if (refusal !== undefined) return reject(socket, refusal);
    const { leaseDurationMs, log } = this.#options;
    const lines = ['101 Switching Protocols', 'connection: upgrade', `upgrade: ${UPGRADE}`];
    socket.write(`HTTP/1.1 ${[...lines, `${LEASE_HEADER}: ${leaseDurationMs}`].join('\r\n')}\r\n\r\n`);
    if (listens) return this.#tellEnds(socket, head);
    if (this.#current) log.warn({ term }, 'another controller is taking over');
    void this.#current?.session.supersede();
    this.#idleTimeout.refresh();
    const current = { session: this.#open(socket, head, () => this.#sessionClosed(current.session)), term };
    this.#current = current;
  }

  #tellEnds(socket: Duplex, head: Buffer): void {
    const { runner, leaseDurationMs } = this.#options;
    const onClose = () => this.#endsSessions.delete(session);
    const nonces = this.#nonces;
    const session: EndsSession = new EndsSession({ socket, head, runner, nonces, leaseDurationMs, onClose });
    this.#endsSessions.add(session);
  }

  /** The HTTP status that refuses the request; undefined admits it. A lower term cannot replace a higher one. */
  #refusal({ url = '', headers }: IncomingMessage, term: number): number | undefined {
    if (headers.upgrade !== UPGRADE || !/^\/v\d+\/controller$/.test(url)) return 404;
    if (url !== `/v${PROTOCOL_VERSION}/controller`) return 426;
    if (!Number.isSafeInteger(term) || term < 0) return 400;
    if (this.#stopping) return 503;
    return this.#current && term < this.#current.term ? 409 : undefined;
  }

  #open(socket: Duplex, head: Buffer, onClose: () => void): ControllerSession {
    const { runner, leaseDurationMs, graceMs, log } = this.#options;
    const session: ControllerSession = new ControllerSession({
      socket,
      head,
      runner,
      recover: (runs) => this.#recover(runs),
      nonces: this.#nonces,
      leaseDurationMs,
      graceMs,
      onData: () => this.#idleTimeout.refresh(),
      onClose,
      log,
    });
    return session;
  }

  #sessionClosed(session: ControllerSession): void {
    if (this.#current?.session !== session) return;
    this.#current = undefined;
    this.#onLeave?.();
  }

  /**
   * Serializes recoveries. Refreshes the lease after each: runs that it found for a controller which left meanwhile
   * live for a whole lease, too.
   */
  #recover(runs: Parameters<ServedRunner['recover']>[0]): Promise<void> {
    const recovered = this.#recovery.then(() => this.#options.runner.recover(runs));
    this.#recovery = recovered.catch(() => undefined).then(() => this.#idleTimeout.refresh());
    return recovered;
  }

  async #serveLog({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name, follow] = (method === 'GET' && LOG_PATH.exec(url)) || [];
    if (name === undefined) {
      response.writeHead(404, { 'content-length': 0 }).end();
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    // At once: the reader waits for the answer, and the command may be silent.
    response.flushHeaders();
    const bytes = this.#options.runner.log(name, { follow: follow !== undefined, signal });
    // The reader left or the log is unreadable: the answer breaks off either way.
    await pipeline(bytes, response).catch((error: Error) =>
      this.#options.log.debug({ run: name, err: error }, 'log response aborted'),
    );
  }
}

/** Resolves with the promise, and after `ms` milliseconds at the latest. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  await Promise.race([promise, delay(ms, undefined, { ref: false })]);
}

function reject(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
