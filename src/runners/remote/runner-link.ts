// The controller's side of the connection to `lsh runner`: connects, detects a lost peer, and reconnects.
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../control/ports.ts';
import { Backoff } from '../../core/backoff.ts';
import { LshError } from '../../core/errors.ts';
import { MessageStream } from './message-stream.ts';
import {
  HEARTBEATS_PER_LEASE,
  LEASE_HEADER,
  PROTOCOL_VERSION,
  TERM_HEADER,
  UPGRADE,
  parseRunnerMessage,
  type ControllerMessage,
  type RunnerMessage,
} from './protocol.ts';
import { IdleTimeout } from './idle-timeout.ts';

export interface RunnerSocket {
  socketPath: string;
  /** Why the socket is not to be trusted, asked before each connection; undefined if it is. */
  socketFault?: (() => string | undefined) | undefined;
}

/** A request to the runner, on a connection of its own. Throws RUNNER_UNREACHABLE for a socket that is not to be trusted. */
export function requestRunner(
  { socketPath, socketFault }: RunnerSocket,
  options: RequestOptions,
): ClientRequest {
  const fault = socketFault?.();
  if (fault !== undefined) throw unreachable(`the socket ${socketPath} is not trusted: ${fault}`);
  return httpRequest({ ...options, socketPath, agent: false });
}

export interface RunnerLinkOptions extends RunnerSocket {
  /** Fencing: a controller replaces one of a lower or the same term. */
  term: number;
  /** How long a runner may be silent before the connection is dropped, in milliseconds. */
  leaseDurationMs: number;
  onOpen: () => void;
  onMessage: (message: RunnerMessage) => void;
  /** The connection is lost; the link reconnects by itself. */
  onClose: () => void;
  /** Another controller has taken over, says the runner; the link asks again after a lease, in case the runner lies. */
  onSuperseded: () => void;
  log: Logger;
}

/** A connection that lives longer than the longest delay makes the next delay the shortest again. */
const RETRY = { initialMs: 20, maxMs: 1000 };

export class RunnerLink {
  readonly #options: RunnerLinkOptions;
  #request: ClientRequest | undefined;
  #stream: MessageStream | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #backoff = new Backoff(RETRY);
  #superseded = false;
  #ended = false;

  constructor(options: RunnerLinkOptions) {
    this.#options = options;
  }

  /** Connects, and reconnects until close(). */
  open(): void {
    try {
      this.#request = this.#connect();
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #connect(): ClientRequest {
    const { term, leaseDurationMs } = this.#options;
    const request = requestRunner(this.#options, {
      path: `/v${PROTOCOL_VERSION}/controller`,
      headers: { connection: 'upgrade', upgrade: UPGRADE, [TERM_HEADER]: term },
    });
    request.setTimeout(leaseDurationMs, () => request.destroy(new Error('the runner does not answer')));
    request.once('upgrade', (response, socket, head) => this.#upgraded(response, socket, head));
    request.once('response', (response) => this.#refused(response));
    request.on('error', (error) => this.#failed(error));
    request.end();
    return request;
  }

  /** Drops the message while there is no connection. */
  send(message: ControllerMessage): void {
    this.#stream?.send(message);
  }

  /** Flushes, closes, and does not reconnect. */
  async close(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#request?.destroy();
    await this.#stream?.close();
  }

  #upgraded({ headers }: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#request = undefined;
    if (this.#ended) return void socket.destroy();
    const { leaseDurationMs, onOpen } = this.#options;
    const idleTimeout = new IdleTimeout(leaseDurationMs, () =>
      stream.destroy(new Error('the runner has fallen silent')),
    );
    const openedAt = performance.now();
    const runnerLeaseMs = Number(headers[LEASE_HEADER]) || leaseDurationMs;
    const stream = new MessageStream(
      {
        socket,
        heartbeatMs: Math.max(1, Math.min(leaseDurationMs, runnerLeaseMs) / HEARTBEATS_PER_LEASE),
        onData: () => idleTimeout.refresh(),
        onMessage: (message) => this.#receive(message),
        onClose: (error) => {
          idleTimeout.stop();
          this.#stream = undefined;
          this.#options.onClose();
          if (performance.now() - openedAt > RETRY.maxMs) this.#backoff.reset();
          this.#failed(error ?? new Error('the runner closed the connection'));
        },
      },
      head,
    );
    this.#stream = stream;
    idleTimeout.refresh();
    this.#options.log.info({}, 'connected to the runner');
    onOpen();
  }

  #receive(received: unknown): void {
    const message = parseRunnerMessage(received);
    if (message === undefined) throw unreachable('it sent an unknown message');
    if (message.type === 'superseded') throw this.#supersede();
    this.#options.onMessage(message);
  }

  #refused(response: IncomingMessage): void {
    response.resume();
    const isStale = response.statusCode === 409;
    this.#failed(
      isStale ? this.#supersede() : new Error(`the runner answered with status ${response.statusCode}`),
    );
  }

  #supersede(): Error {
    this.#superseded = true;
    this.#options.onSuperseded();
    return unreachable('another controller has taken over the runner');
  }

  #failed(error: Error): void {
    this.#request = undefined;
    if (this.#ended) return;
    const level = this.#backoff.failures === 0 || this.#superseded ? 'warn' : 'debug';
    const delayMs = this.#superseded ? this.#options.leaseDurationMs : this.#backoff.next();
    this.#superseded = false;
    this.#options.log[level]({ err: error, delayMs }, 'no connection to the runner');
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.open(), delayMs);
  }
}

/** A retryable RUNNER_UNREACHABLE. */
export function unreachable(detail: string, cause?: unknown): LshError {
  return new LshError('RUNNER_UNREACHABLE', { detail }, { cause });
}
