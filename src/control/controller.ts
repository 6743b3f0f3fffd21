// The loop: changes and wake-ups enqueue keys, workers reconcile them. Handlers only enqueue.
import { LshError, toLshError } from '../core/errors.ts';
import type { JobKey } from '../core/job.ts';
import { DEFAULT_PRIORITY } from '../core/spec/job-spec.ts';
import type { ClockStep } from '../core/decide/clock-step.ts';
import type { ClockSteps } from './clock-steps.ts';
import type { Clock, JobSource, Logger, Meter, Runner } from './ports.ts';
import type { LedgerOutbox } from './history/ledger-outbox.ts';
import type { Reconciler } from './reconciler.ts';
import { Workqueue } from './workqueue.ts';

export interface ControllerOptions {
  source: JobSource;
  runners: Runner[];
  reconciler: Reconciler;
  history?: LedgerOutbox;
  /** Tells which jobs’ statuses hold notices that channels have; undefined where no status holds notices. */
  notices?: { onChange(listener: (key: JobKey) => void): void };
  clock: Clock;
  clockSteps: ClockSteps;
  logger: Logger;
  meter?: Meter;
  /** How many keys are reconciled concurrently. */
  workers: number;
  /** Longest time between two checks for due keys, milliseconds. */
  evaluationIntervalMs: number;
}

/**
 * Logs warn of retryable failures, and users hear of failures, only once the delay is this long: a conflict is gone by
 * then, a full disk is not.
 */
const LASTING_MS = 1000;
/** Longest time between two tries to write to a full disk, milliseconds: one job tries for all. */
const ROOM_CHECK_MS = 5000;
/**
 * How long workers take up keys before the changes of those keys are written and their runs start, milliseconds. Otherwise
 * the first run of a burst waits for the evaluation of every job.
 */
const TURN_MS = 5;
/** The disk was full: every job fails until there is room, and none after that. */
const NO_ROOM: ReadonlySet<string> = new Set(['DISK_FULL', 'STORE_FULL']);

export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: Workqueue;
  /** Jobs whose changes found no room on the disk, oldest first. */
  readonly #withoutRoom = new Set<JobKey>();
  /** Cancels the timer that lets keys start which the rate of starts holds up. */
  #rateTimer: (() => void) | undefined;
  #running = 0;
  /** Takes up no further key in this turn of the event loop. */
  #hasYielded = false;
  #state: 'new' | 'running' | 'stopped' = 'new';
  readonly #drained = Promise.withResolvers<void>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { source, clock, evaluationIntervalMs } = options;
    this.#queue = new Workqueue({
      clock,
      evaluationIntervalMs,
      priorityOf: (key) => source.get(key)?.spec.priority ?? DEFAULT_PRIORITY,
      onReady: () => this.#pump(),
      onQueued: (again) => options.meter?.queued(again),
      onTimer: () => void options.clockSteps.look(),
    });
    options.clockSteps.onStep((step) => this.#reevaluateAll(step));
  }

  /** Evaluates every job once, then on each change and wake-up. The source must have synced. */
  start(): void {
    const { source, runners, history, notices } = this.#options;
    source.onChange((key) => this.#queue.add(key));
    for (const runner of runners) runner.onChange((key) => this.#queue.addNews(key));
    history?.onChange((key) => this.#queue.addNews(key));
    notices?.onChange((key) => this.#queue.addNews(key));
    this.#state = 'running';
    this.#queue.start();
    for (const key of source.keys()) this.#queue.add(key);
  }

  /** Takes no further key. Resolves when the reconciles under way have ended. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#queue.stop();
    this.#rateTimer?.();
    if (this.#running > 0) await this.#drained.promise;
  }

  #pump(): void {
    const { clock, workers } = this.#options;
    const until = clock.monotonic() + TURN_MS;
    while (this.#state === 'running' && this.#running < workers && !this.#hasYielded) {
      const key = this.#queue.take();
      if (key === undefined) return;
      this.#running++;
      void this.#work(key);
      if (clock.monotonic() >= until) this.#yield();
    }
  }

  #yield(): void {
    this.#hasYielded = true;
    setImmediate(() => {
      this.#hasYielded = false;
      this.#pump();
    });
  }

  /** Number of ready keys that wait for a worker. */
  get depth(): number {
    return this.#queue.depth;
  }

  /** Number of keys that workers reconcile now. */
  get working(): number {
    return this.#running;
  }

  async #work(key: JobKey): Promise<void> {
    const { clock, reconciler, meter } = this.#options;
    const startedAt = clock.monotonic();
    let result: Parameters<Meter['reconciled']>[0] = 'success';
    let owesRecord = false;
    try {
      const evaluated = await reconciler.reconcile(key);
      this.#queue.wakeAt(key, evaluated.wakeAt);
      owesRecord = evaluated.owesRecord;
      if (this.#withoutRoom.delete(key)) this.#retryAllWithoutRoom();
    } catch (thrown) {
      result = thrown instanceof LshError && thrown.code === 'CLUSTER_CONFLICT' ? 'conflict' : 'error';
      await this.#failed(key, thrown);
    }
    const succeeded = result === 'success';
    meter?.reconciled(result, clock.monotonic() - startedAt);
    this.#running--;
    this.#queue.done(key, succeeded, { owesRecord });
    this.#addUnblocked();
    this.#pump();
    if (this.#running === 0 && this.#state === 'stopped') this.#drained.resolve();
  }

  #addUnblocked(): void {
    const { reconciler, clock } = this.#options;
    for (const unblocked of reconciler.takeUnblocked()) this.#queue.addNews(unblocked);
    const waitMs = reconciler.rateWaitMs;
    if (waitMs === undefined || this.#rateTimer !== undefined || this.#state === 'stopped') return;
    this.#rateTimer = clock.at(clock.now() + waitMs, () => {
      this.#rateTimer = undefined;
      this.#addUnblocked();
    });
  }

  /** Retries the key after any failure: a failure must never end a schedule. */
  async #failed(key: JobKey, thrown: unknown): Promise<void> {
    const isFull = thrown instanceof LshError && NO_ROOM.has(thrown.code);
    if (isFull) this.#withoutRoom.add(key);
    else this.#withoutRoom.delete(key);
    const [first] = this.#withoutRoom;
    const retryInMs = this.#queue.retry(key, {
      ...(thrown instanceof LshError && { atLeastMs: thrown.retryAfterMs }),
      ...(first === key && { atMostMs: ROOM_CHECK_MS }),
    });
    this.#options.logger[levelOf(thrown, retryInMs)](
      { job: key, retryInMs, err: thrown },
      'reconcile failed',
    );
    if (retryInMs >= LASTING_MS) await this.#report(key, toLshError(thrown));
  }

  async #report(key: JobKey, problem: LshError): Promise<void> {
    const { reconciler, logger } = this.#options;
    // The status may be what the API server refuses. The next failure reports again.
    await reconciler.report(key, problem).catch((error: unknown) => {
      logger.debug({ job: key, err: error }, 'failure not shown in the status');
    });
  }

  /** A write has succeeded, so the disk has room again: no job waits for its delay to end. */
  #retryAllWithoutRoom(): void {
    for (const key of this.#withoutRoom) this.#queue.add(key);
    this.#withoutRoom.clear();
  }

  #reevaluateAll({ at, byMs }: ClockStep): void {
    this.#options.logger.warn({ at, byMs }, 'the clock was set, lsh evaluates every schedule again');
    for (const key of this.#options.source.keys()) this.#queue.add(key);
  }
}

function levelOf(thrown: unknown, retryInMs: number): 'debug' | 'warn' | 'error' {
  if (!(thrown instanceof LshError && thrown.retryable)) return 'error';
  return retryInMs < LASTING_MS ? 'debug' : 'warn';
}
