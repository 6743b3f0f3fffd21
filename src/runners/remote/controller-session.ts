// The runner's side of one controller connection: carries out requests and reports observations. Other controllers
// and the lease are the server's business.
import type { Duplex } from 'node:stream';
import type { Logger } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import type { JobKey } from '../../core/job.ts';
import type { RunObservation } from '../../core/run.ts';
import { Claims } from './claims.ts';
import { MessageStream } from './message-stream.ts';
import {
  HEARTBEATS_PER_LEASE,
  onWire,
  parseControllerMessage,
  SENTENCE_MAX_LENGTH,
  type ControllerMessage,
  type RunnerMessage,
} from './protocol.ts';
import type { SubprocessRunner } from '../subprocess/subprocess-runner.ts';

/** The part of the runner that the server and its sessions use. */
export type ServedRunner = Pick<
  SubprocessRunner,
  | 'recover'
  | 'endOrphans'
  | 'keys'
  | 'observe'
  | 'capacity'
  | 'start'
  | 'stop'
  | 'release'
  | 'log'
  | 'removeLog'
  | 'keepLogs'
  | 'onChange'
>;

export interface ControllerSessionOptions {
  socket: Duplex;
  /** Bytes that arrived with the upgrade request. */
  head: Buffer;
  runner: ServedRunner;
  /** Recovers the runs. The server serializes the calls of all sessions. */
  recover: ServedRunner['recover'];
  /** The nonce of each run that the runner holds, by name; shared by all sessions. */
  nonces: Map<string, string>;
  leaseDurationMs: number;
  /** Between TERM and KILL for a run that no controller claims, in milliseconds. */
  graceMs: number;
  onData: () => void;
  onClose: () => void;
  log: Logger;
}

type Start = Extract<ControllerMessage, { type: 'start' }>;
type Recover = Extract<ControllerMessage, { type: 'recover' }>;

export class ControllerSession {
  readonly #options: ControllerSessionOptions;
  readonly #stream: MessageStream;
  readonly #claims: Claims;
  readonly #reported = new Map<string, RunObservation>();
  #capacity: number | undefined;
  #state: 'new' | 'recovering' | 'synced' | 'closed' = 'new';
  #acceptsStarts = true;
  #stopping = false;

  constructor(options: ControllerSessionOptions) {
    this.#options = options;
    const { socket, leaseDurationMs, onData, head, nonces } = options;
    this.#claims = new Claims(nonces);
    const stream = {
      socket,
      heartbeatMs: leaseDurationMs / HEARTBEATS_PER_LEASE,
      onData,
      onMessage: (message: unknown) => this.#receive(message),
      onClose: (error: Error | undefined) => this.#closed(error),
    };
    this.#stream = new MessageStream(stream, head);
  }

  /** The job's runs have changed. */
  changed(key: JobKey): void {
    if (this.#state !== 'synced') return;
    // Capacity goes first: on the end of a run the controller looks for room to start the next.
    this.#reportCapacity();
    this.#report(key);
  }

  /** Reports no capacity from now on. A start that is on its way is carried out: its run is claimed. */
  announceStop(): void {
    this.#stopping = true;
    if (this.#state === 'synced') this.#reportCapacity();
  }

  /** Ignores starts from now on, without an answer: the next runner proves that they never started. */
  refuseStarts(): void {
    this.#acceptsStarts = false;
  }

  /** Tells the controller that another has taken over, and closes. */
  async supersede(): Promise<void> {
    this.#send({ type: 'superseded' });
    await this.close();
  }

  /** Flushes, then closes the connection. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#stream.close();
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#state = 'closed';
    this.#stream.destroy();
  }

  #receive(received: unknown): void {
    if (this.#state === 'closed') return;
    const message = parseControllerMessage(received);
    if (message === undefined) return this.#refuse(received);
    const first = message.type === 'recover';
    if (first !== (this.#state === 'new')) throw invalid(`${message.type} is out of order`);
    this.#perform(message);
  }

  /** A malformed start ends that run, not the connection: the other runs go on. */
  #refuse(received: unknown): void {
    const { type, id } = (received ?? {}) as { type?: unknown; id?: unknown };
    if (type !== 'start' || typeof id !== 'number') throw invalid('the controller sent an unknown message');
    this.#refuseStart(id, 'The runner does not understand the job.');
  }

  #perform(message: ControllerMessage): void {
    const { runner } = this.#options;
    switch (message.type) {
      case 'recover':
        void this.#recover(message);
        return;
      case 'start':
        void this.#start(message);
        return;
      case 'stop':
        if (this.#isClaimed(message.name)) runner.stop(message.name, message.cause, message.graceMs);
        return;
      case 'release':
        if (!this.#isClaimed(message.name)) return;
        runner.release(message.name);
        this.#forget(message.name);
        return;
      case 'removeLog':
        runner.removeLog(message.name);
    }
  }

  async #recover({ runs, logs }: Recover): Promise<void> {
    const { runner, recover, log } = this.#options;
    this.#state = 'recovering';
    try {
      await recover(runs);
      // Superseded meanwhile: the runs that this controller does not claim are the other's.
      if (this.#state !== 'recovering') return;
      for (const { name, nonce } of runs) this.#claims.take(name, nonce);
      for (const key of runner.keys()) this.#report(key);
      if (logs) runner.keepLogs(logs);
    } catch (error) {
      log.error({ err: error }, 'recovery of runs failed');
      return this.destroy();
    }
    this.#state = 'synced';
    this.#reportCapacity();
    this.#send({ type: 'synced' });
  }

  async #start({ id, job, run }: Start): Promise<void> {
    if (!this.#acceptsStarts) return;
    if (!this.#claims.take(run.name, run.nonce))
      return this.#refuseStart(id, 'A run of this name has not ended yet.');
    try {
      await this.#options.runner.start(job, run);
    } catch (error) {
      return this.#refuseStart(id, (error as Error).message);
    }
    this.changed(run.job);
    this.#send({ type: 'started', id });
  }

  #refuseStart(id: number, detail: string): void {
    this.#send({ type: 'refused', id, detail: detail.slice(0, SENTENCE_MAX_LENGTH) });
  }

  #forget(name: string): void {
    this.#claims.forget(name);
    this.#reported.delete(name);
  }

  #report(key: JobKey): void {
    for (const observation of this.#options.runner.observe(key)) {
      // A process runs from its start.
      if (observation.state === 'Pending') continue;
      const { name } = observation;
      const nonce = this.#claims.nonceOf(name);
      if (nonce === undefined) this.#drop(observation);
      if (nonce === undefined || this.#reported.get(name) === observation) continue;
      this.#reported.set(name, observation);
      this.#send({ type: 'observed', nonce, observation: onWire(observation) });
    }
  }

  #isClaimed(name: string): boolean {
    return this.#claims.nonceOf(name) !== undefined;
  }

  /** Ends or forgets a run that the ledger no longer holds as running: its record has ended, or its job is gone. */
  #drop({ name, state }: RunObservation): void {
    const { runner, graceMs } = this.#options;
    if (state === 'Running') return runner.stop(name, 'ControllerGone', graceMs);
    runner.release(name);
    this.#forget(name);
  }

  #reportCapacity(): void {
    const capacity = this.#stopping ? 0 : this.#options.runner.capacity();
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    this.#send({ type: 'capacity', capacity });
  }

  #send(message: RunnerMessage): void {
    this.#stream.send(message);
  }

  #closed(error: Error | undefined): void {
    this.#state = 'closed';
    if (error) this.#options.log.warn({ err: error }, 'connection to the controller failed');
    this.#options.onClose();
  }
}

function invalid(detail: string): LshError {
  return new LshError('REQUEST_INVALID', { detail });
}
