// The runner's side of a connection that hears of the ends of runs. Its controller does not lead: it starts and stops
// nothing, and it does not renew the lease of the children.
import type { Duplex } from 'node:stream';
import type { JobKey } from '../../core/job.ts';
import type { RunObservation } from '../../core/run.ts';
import type { ServedRunner } from './controller-session.ts';
import { MessageStream } from './message-stream.ts';
import { HEARTBEATS_PER_LEASE, onWire, type EndOfRun } from './protocol.ts';

export interface EndsSessionOptions {
  socket: Duplex;
  /** Bytes that arrived with the upgrade request. */
  head: Buffer;
  runner: Pick<ServedRunner, 'keys' | 'observe'>;
  /** Of each run that the runner holds, by name. */
  nonces: ReadonlyMap<string, string>;
  leaseDurationMs: number;
  onClose: () => void;
}

export class EndsSession {
  readonly #options: EndsSessionOptions;
  readonly #stream: MessageStream;
  readonly #told = new WeakSet<RunObservation>();

  /** Tells every end that the runner knows, also of runs that an earlier controller started. */
  constructor(options: EndsSessionOptions) {
    this.#options = options;
    const { socket, head, runner, leaseDurationMs, onClose } = options;
    const stream = {
      socket,
      heartbeatMs: leaseDurationMs / HEARTBEATS_PER_LEASE,
      onData: () => undefined,
      onMessage: () => {
        throw new Error('it may only listen');
      },
      onClose,
    };
    this.#stream = new MessageStream(stream, head);
    for (const key of runner.keys()) this.changed(key);
  }

  /** The job's runs have changed. */
  changed(key: JobKey): void {
    for (const observation of this.#options.runner.observe(key)) {
      const nonce = this.#options.nonces.get(observation.name);
      if (observation.state !== 'Ended' || nonce === undefined || this.#told.has(observation)) continue;
      this.#told.add(observation);
      this.#stream.send({ key, nonce, end: onWire(observation) } satisfies EndOfRun);
    }
  }

  /** Flushes, then closes the connection. */
  async close(): Promise<void> {
    await this.#stream.close();
  }
}
