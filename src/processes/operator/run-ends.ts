// Records how this host's shell runs ended while another controller leads: only this host's runner knows. The leader did
// not start them, and cannot reach the runner.
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import { ClockSteps } from '../../control/clock-steps.ts';
import { NoticeDesk } from '../../control/notices/notice-desk.ts';
import type { Logger } from '../../control/ports.ts';
import { Backoff } from '../../core/backoff.ts';
import { NO_RUNNER } from '../../core/executor.ts';
import type { KubeClient } from '../../kubernetes/api/client.ts';
import { EventRecorder } from '../../kubernetes/operator/event-recorder.ts';
import { RunEndLedger } from '../../kubernetes/operator/run-end-ledger.ts';
import { hearRunEnds, type ReportedEnd } from '../../runners/remote/run-ends.ts';
import type { RunnerSocket } from '../../runners/remote/runner-link.ts';
import { SHELL_TRAITS } from '../../runners/shell-traits.ts';
import { logRecorder } from '../../telemetry/log-recorder.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { RunTraces } from '../../telemetry/traces/run-traces.ts';
import { runnerSocketOf } from './shell-runs.ts';

export interface HostOptions {
  config: Config;
  log: Log;
  metrics: Metrics;
  /** Undefined unless runs are traced. */
  traces: RunTraces | undefined;
  client: KubeClient;
  /** Name of this process: the name of its pod. */
  identity: string;
  /** The host of its shell runs, as recorded in `Run.host`. */
  host: string;
}

/** Returns undefined if no `lsh runner` executes shell runs. */
export function runEndsOf({
  config,
  log,
  metrics,
  traces,
  client,
  identity,
  host,
}: HostOptions): RunEnds | undefined {
  const socket = runnerSocketOf(config);
  if (socket === undefined) return undefined;
  const logger = log.component('events');
  const events = new EventRecorder({ api: client, clock: systemClock, logger, identity });
  const ledger = new RunEndLedger({
    api: client,
    host,
    traitsOf: (executor) => (executor === 'Shell' ? SHELL_TRAITS : NO_RUNNER),
    clockSteps: new ClockSteps(systemClock, identity),
    notices: new NoticeDesk(config.notify ?? []),
    // The next evaluation of the leader finds the run in the status, and writes the team's history.
    onRecorded: [
      (recorded) => metrics.recorded(recorded),
      logRecorder(log.component('jobs')),
      (recorded) => events.recorded(recorded),
      ...(traces ? [traces.recorded] : []),
    ],
  });
  const leaseDurationMs = config.runnerLeaseMs;
  return new RunEnds({ socket, leaseDurationMs, ledger, events, log: log.component('shell') });
}

interface RunEndsOptions {
  socket: RunnerSocket;
  leaseDurationMs: number;
  ledger: Pick<RunEndLedger, 'record'>;
  events: Pick<EventRecorder, 'flush'>;
  log: Logger;
}

const RETRY = { initialMs: 100, maxMs: 5000 };
/** Ends that wait for the API server. A hostile runner that tells of more loses its connection. */
const WAITING_MAX = 10_000;
/** Ends that are recorded at a time: a hostile runner must not flood the API server. */
const RECORDING_MAX = 8;

export class RunEnds {
  readonly #options: RunEndsOptions;
  readonly #stopping = new AbortController();
  readonly #waiting: ReportedEnd[] = [];
  readonly #recording = new Set<Promise<void>>();
  readonly #opened = Promise.withResolvers<void>();
  #following = Promise.resolve();
  #isLast = false;

  constructor(options: RunEndsOptions) {
    this.#options = options;
  }

  /** Hears the runner until stop(), over as many connections as it takes. */
  start(): void {
    this.#following = this.#follow();
  }

  /** Resolves when the runner has answered, or cannot be reached. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Resolves when the runner, which is about to end, has closed the connection and the ledger holds every end. */
  async last(): Promise<void> {
    this.#isLast = true;
    await this.#following;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
    await this.#options.events.flush();
  }

  async #follow(): Promise<void> {
    const { log, socket, leaseDurationMs } = this.#options;
    const { signal } = this.#stopping;
    const backoff = new Backoff(RETRY);
    const onOpen = () => this.#opened.resolve();
    const onEnd = (reported: ReportedEnd) => this.#heard(reported);
    do {
      const from = performance.now();
      await hearRunEnds({ ...socket, leaseDurationMs, signal, onOpen, onEnd }).catch((error: Error) =>
        log.debug({ err: error }, 'no connection to the runner'),
      );
      this.#opened.resolve();
      while (this.#recording.size > 0) await Promise.all(this.#recording);
      if (performance.now() - from > RETRY.maxMs) backoff.reset();
    } while (!this.#isLast && (await this.#pause(backoff)));
  }

  #heard(reported: ReportedEnd): void {
    if (this.#waiting.length >= WAITING_MAX) throw new Error('the runner tells of too many ends');
    this.#waiting.push(reported);
    this.#recordNext();
  }

  #recordNext(): void {
    const reported = this.#recording.size < RECORDING_MAX ? this.#waiting.shift() : undefined;
    if (reported === undefined) return;
    const recording = this.#record(reported).finally(() => {
      this.#recording.delete(recording);
      this.#recordNext();
    });
    this.#recording.add(recording);
  }

  async #record(reported: ReportedEnd): Promise<void> {
    const { ledger, log } = this.#options;
    const backoff = new Backoff(RETRY);
    do {
      try {
        return await ledger.record(reported);
      } catch (error) {
        log.warn(
          { job: reported.key, run: reported.end.name, err: error },
          'the end of a run was not recorded',
        );
      }
    } while (await this.#pause(backoff));
  }

  /** Returns false once stop() was called. */
  async #pause(backoff: Backoff): Promise<boolean> {
    const { signal } = this.#stopping;
    await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }
}
