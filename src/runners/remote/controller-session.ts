// The runner's side of one controller's connection: what it asks is done, what becomes of its runs is said. Knows
// nothing of other controllers and of silence; the server does.
import type { Duplex } from 'node:stream';
import type { Logger } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import type { JobKey } from '../../core/job.ts';
import type { RunObservation } from '../../core/run.ts';
import { MessageStream } from './message-stream.ts';
import {
  BEATS_PER_LEASE,
  parseControllerMessage,
  type ControllerMessage,
  type RunnerMessage,
} from './protocol.ts';
import type { SubprocessRunner } from '../subprocess/subprocess-runner.ts';

/** What the server and its sessions need of a runner. */
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
  /** What came behind the request. */
  head: Buffer;
  runner: ServedRunner;
  /** Recovers the runs, one call of all sessions at a time. */
  recover: ServedRunner['recover'];
  leaseDurationMs: number;
  onHeard: () => void;
  onClose: () => void;
  log: Logger;
}

type Start = Extract<ControllerMessage, { type: 'start' }>;
type Recover = Extract<ControllerMessage, { type: 'recover' }>;

export class ControllerSession {
  readonly #options: ControllerSessionOptions;
  readonly #stream: MessageStream;
  readonly #said = new Map<string, RunObservation>();
  #capacity: number | undefined;
  #state: 'new' | 'recovering' | 'synced' | 'closed' = 'new';
  #takesStarts = true;

  constructor(options: ControllerSessionOptions) {
    this.#options = options;
    const { socket, leaseDurationMs, onHeard, head } = options;
    const stream = {
      socket,
      beatMs: leaseDurationMs / BEATS_PER_LEASE,
      onHeard,
      onMessage: (message: unknown) => this.#take(message),
      onClose: (error: Error | undefined) => this.#closed(error),
    };
    this.#stream = new MessageStream(stream, head);
  }

  /** Something about the job's runs is different now. */
  changed(key: JobKey): void {
    if (this.#state !== 'synced') return;
    // Before the end that gave it: whoever hears of that end looks for room.
    this.#tellCapacity();
    this.#tell(key);
  }

  /** No start is carried out or answered any more: the next runner proves that it never was. */
  refuseStarts(): void {
    this.#takesStarts = false;
  }

  /** Another controller has come. */
  async supersede(): Promise<void> {
    this.#say({ type: 'superseded' });
    await this.close();
  }

  /** Says what was to be said and goes. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#stream.close();
  }

  /** Goes at once. */
  destroy(): void {
    this.#state = 'closed';
    this.#stream.destroy();
  }

  #take(said: unknown): void {
    if (this.#state === 'closed') return;
    const message = parseControllerMessage(said);
    if (message === undefined) return this.#refuse(said);
    const first = message.type === 'recover';
    if (first !== (this.#state === 'new')) throw invalid(`${message.type} came too early or too late`);
    this.#perform(message);
  }

  /** A start that cannot be understood is the end of that run and not of the connection. */
  #refuse(said: unknown): void {
    const { type, id } = (said ?? {}) as { type?: unknown; id?: unknown };
    if (type !== 'start' || typeof id !== 'number') throw invalid('it is not one of the messages there are');
    this.#say({ type: 'refused', id, detail: 'The runner does not understand the job.' });
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
        runner.stop(message.name, message.cause, message.graceMs);
        return;
      case 'release':
        runner.release(message.name);
        this.#said.delete(message.name);
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
      if (logs) runner.keepLogs(logs);
    } catch (error) {
      log.error({ err: error }, 'the runs could not be recovered');
      return this.destroy();
    }
    if (this.#state !== 'recovering') return;
    this.#state = 'synced';
    for (const key of runner.keys()) this.#tell(key);
    this.#tellCapacity();
    this.#say({ type: 'synced' });
  }

  async #start({ id, job, run }: Start): Promise<void> {
    if (!this.#takesStarts) return;
    try {
      await this.#options.runner.start(job, run);
    } catch (error) {
      this.#say({ type: 'refused', id, detail: (error as Error).message });
      return;
    }
    this.changed(run.job);
    this.#say({ type: 'started', id });
  }

  #tell(key: JobKey): void {
    for (const observation of this.#options.runner.observe(key)) {
      if (this.#said.get(observation.name) === observation) continue;
      this.#said.set(observation.name, observation);
      this.#say({ type: 'observed', key, observation });
    }
  }

  #tellCapacity(): void {
    const capacity = this.#options.runner.capacity();
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    this.#say({ type: 'capacity', capacity });
  }

  #say(message: RunnerMessage): void {
    this.#stream.send(message);
  }

  #closed(error: Error | undefined): void {
    this.#state = 'closed';
    if (error) this.#options.log.warn({ err: error }, 'the connection to the controller broke');
    this.#options.onClose();
  }
}

function invalid(detail: string): LshError {
  return new LshError('REQUEST_INVALID', { detail });
}
