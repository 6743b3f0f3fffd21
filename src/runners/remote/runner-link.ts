// The controller's side of the connection to `lsh runner`: connects, notices that the other is gone, and connects
// again. Knows no run.
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import { MessageStream } from './message-stream.ts';
import {
  BEATS_PER_LEASE,
  LEASE_HEADER,
  PROTOCOL_VERSION,
  TERM_HEADER,
  UPGRADE,
  parseRunnerMessage,
  type ControllerMessage,
  type RunnerMessage,
} from './protocol.ts';
import { SilenceWatch } from './silence.ts';

export interface RunnerLinkOptions {
  socketPath: string;
  /** A higher term takes over from a lower one; of equal ones the newest. */
  term: number;
  /** A runner that says nothing for this long is given up, in milliseconds. */
  leaseDurationMs: number;
  onOpen: () => void;
  onMessage: (message: RunnerMessage) => void;
  /** The connection is gone; the next one is under way. */
  onClose: () => void;
  /** Another controller has taken over: this one does not connect any more. */
  onSuperseded: () => void;
  log: Logger;
}

const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 1000;

export class RunnerLink {
  readonly #options: RunnerLinkOptions;
  #request: ClientRequest | undefined;
  #stream: MessageStream | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #ended = false;

  constructor(options: RunnerLinkOptions) {
    this.#options = options;
  }

  /** Connects, again and again, until it is closed or superseded. */
  open(): void {
    const { socketPath, term, leaseDurationMs } = this.#options;
    const request = httpRequest({
      socketPath,
      path: `/v${PROTOCOL_VERSION}/controller`,
      headers: { connection: 'upgrade', upgrade: UPGRADE, [TERM_HEADER]: term },
      agent: false,
    });
    this.#request = request;
    request.setTimeout(leaseDurationMs, () => request.destroy(new Error('it does not answer')));
    request.once('upgrade', (response, socket, head) => this.#upgraded(response, socket, head));
    request.once('response', (response) => this.#refused(response));
    request.on('error', (error) => this.#failed(error));
    request.end();
  }

  /** Nothing is sent where there is no connection. */
  send(message: ControllerMessage): void {
    this.#stream?.send(message);
  }

  /** The connection is good: the next one need not wait long. */
  settled(): void {
    this.#failures = 0;
  }

  /** Says what was to be said and connects no more. */
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
    const silence = new SilenceWatch(leaseDurationMs, () =>
      stream.destroy(new Error('it has fallen silent')),
    );
    const theirLeaseMs = Number(headers[LEASE_HEADER]) || leaseDurationMs;
    const stream = new MessageStream(
      {
        socket,
        beatMs: Math.max(1, Math.min(leaseDurationMs, theirLeaseMs) / BEATS_PER_LEASE),
        onHeard: () => silence.heard(),
        onMessage: (said) => this.#take(said),
        onClose: (error) => {
          silence.stop();
          this.#stream = undefined;
          this.#options.onClose();
          this.#failed(error ?? new Error('it closed the connection'));
        },
      },
      head,
    );
    this.#stream = stream;
    silence.heard();
    this.#options.log.info({}, 'connected to the runner');
    onOpen();
  }

  #take(said: unknown): void {
    const message = parseRunnerMessage(said);
    if (message === undefined) {
      throw unreachable('what it says cannot be understood');
    }
    if (message.type === 'superseded') this.#superseded();
    else this.#options.onMessage(message);
  }

  #refused(response: IncomingMessage): void {
    response.resume();
    if (response.statusCode === 409) this.#superseded();
    else this.#failed(new Error(`it refuses controllers with status ${response.statusCode}`));
  }

  #superseded(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.log.error({}, 'another controller has taken over the runner');
    this.#options.onSuperseded();
  }

  #failed(error: Error): void {
    this.#request = undefined;
    if (this.#ended) return;
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MAX_MS);
    const level = this.#failures++ === 0 ? 'warn' : 'debug';
    this.#options.log[level]({ err: error, delayMs }, 'no connection to the runner');
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.open(), delayMs);
  }
}

/** RUNNER_UNREACHABLE: the runner is somewhere else, gone or busy; later is another matter. */
export function unreachable(detail: string, cause?: unknown): LshError {
  return new LshError('RUNNER_UNREACHABLE', { detail }, { cause });
}
