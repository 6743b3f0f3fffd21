// Reconciles one key: read, decide, record, act. The only caller of decide(), and the same on both platforms.
import {
  decide,
  decideInvalid,
  decideRemoved,
  decideTerminating,
  type Decision,
  type Evaluation,
  type LedgerChange,
} from '../core/decide/decide.ts';
import type { Action } from '../core/decide/draft.ts';
import type { JobEvent } from '../core/decide/events.ts';
import { failingStatus, sameStatus } from '../core/decide/status.ts';
import { LshError } from '../core/errors.ts';
import { EXECUTOR_NAMES, NO_RUNNER, type Executor, type RunnerTraits } from '../core/executor.ts';
import type { ClockReference, Job, JobKey } from '../core/job.ts';
import { isUnderWay, type Run, type RunObservation } from '../core/run.ts';
import { evaluatedSince } from '../core/schedule/job-schedule.ts';
import type { Starts } from '../core/schedule/schedule.ts';
import type { ClockSteps } from './clock-steps.ts';
import { CapacityQueue } from './capacity-queue.ts';
import { Refusals } from './refusals.ts';
import type { LedgerOutbox } from './history/ledger-outbox.ts';
import type { JobSource, Ledger, Meter, Recorded, RecordedListener, Runner } from './ports.ts';
import { Schedules } from './schedules.ts';

export interface ReconcilerOptions {
  source: JobSource;
  ledger: Ledger;
  runners: Partial<Record<Executor, Runner>>;
  /** Called in this order after each commit. */
  onRecorded: readonly RecordedListener[];
  /** Called each time the evaluations of a job have failed for a while; undefined if no status can show it. */
  onFailing?: (failing: Pick<Recorded, 'job' | 'events'>) => void;
  /** Knows which finished runs the team’s history lacks; undefined if no team history is configured. */
  history?: Pick<LedgerOutbox, 'progress' | 'forget'>;
  meter?: Pick<Meter, 'started'>;
  clockSteps: ClockSteps;
  /** When this process began to evaluate, milliseconds. */
  evaluatingSince: number;
  /** The slots of `@reboot` and `@daemon-start`; undefined in a cluster. */
  starts?: Starts;
  /** Host of the shell runs that this process starts; undefined in the daemon, which has one host. */
  host?: string;
}

/** Capacity of one executor: the jobs that wait for it, and the share that starts under way take. */
interface Lane {
  waiting: CapacityQueue;
  reserved: number;
}

function newLanes(): Record<Executor, Lane> {
  const lanes = EXECUTOR_NAMES.map((name) => [name, { waiting: new CapacityQueue(), reserved: 0 }]);
  return Object.fromEntries(lanes) as Record<Executor, Lane>;
}

/** What the queue needs to know after an evaluation. */
export interface Evaluated {
  /** When to evaluate again, milliseconds; Infinity for never. */
  wakeAt: number;
  /** The ledger holds a change that the next evaluation writes. */
  owesRecord: boolean;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #schedules: Schedules;
  /** The setting of the clock at the last commit of jobs whose ledger does not keep it. */
  readonly #references = new Map<JobKey, ClockReference>();
  /** Per executor: free capacity of one runner cannot start a run of another. */
  readonly #lanes = newLanes();
  readonly #refusals = new Refusals();
  /** Jobs whose last changes the ledger did not take. */
  readonly #unrecorded = new Set<JobKey>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#schedules = new Schedules(options);
  }

  /** Evaluates the job and applies the decision. */
  async reconcile(key: JobKey): Promise<Evaluated> {
    // A decision on a view that lacks the last write could contradict that write.
    const refreshes = this.#refreshes(key);
    if (refreshes.length > 0) await Promise.all(refreshes);
    const asking = this.#askRunner(key);
    if (asking !== undefined) await asking;
    const job = this.#options.source.get(key);
    for (const { waiting } of Object.values(this.#lanes)) waiting.leave(key);
    if (job === undefined) return this.#reconcileRemoved(key);
    const decision = this.#decide(this.#withReference(job));
    const lane = this.#lanes[job.spec.executor];
    if (decision.waitsForCapacity) lane.waiting.wait(key, job.spec.priority);
    const starting = decision.actions.filter(({ kind }) => kind === 'Start').length;
    lane.reserved += starting;
    try {
      const owesRecord = await this.#apply({ key, job }, decision);
      return { wakeAt: decision.wakeAt, owesRecord };
    } catch (error) {
      // The retry asks for capacity again. Free capacity would bring it at once, past its delay.
      lane.waiting.leave(key);
      throw error;
    } finally {
      lane.reserved -= starting;
    }
  }

  /** Tells the users of a job that its evaluations keep failing: by an event, and by its status if the ledger takes it. */
  async report(key: JobKey, problem: LshError): Promise<void> {
    const { source, ledger, onFailing, clockSteps } = this.#options;
    const job = source.get(key);
    if (job === undefined || onFailing === undefined) return;
    onFailing({ job, events: [{ kind: 'EvaluationFailed', problem }] });
    // The commit patches the version that the ledger reads here, and no other.
    ledger.runsOf(key);
    const status = failingStatus(job, problem, clockSteps.look().now);
    if (!sameStatus(job.status, status))
      await ledger.commit(key, { runs: [], slots: [], forget: [], status });
  }

  /** Removes and returns the keys that waited for capacity and may start a run now. */
  takeUnblocked(): JobKey[] {
    return Object.entries(this.#options.runners).flatMap(([executor, runner]) => {
      const { waiting, reserved } = this.#lanes[executor as Executor];
      return waiting.size === 0 ? [] : waiting.take(runner.capacity() - reserved);
    });
  }

  #decide(job: Job): Decision {
    const { ledger, runners, clockSteps, evaluatingSince, host, history } = this.#options;
    const { now, ...clock } = clockSteps.look();
    const runner = runners[job.spec.executor];
    const runs = ledger.runsOf(job.key);
    const known = {
      job,
      runs,
      observations: this.#observe(job.key, runs),
      closed: ledger.closedOf?.(job.key),
      now,
      clock,
      evaluatingSince: evaluatedSince(job.spec, evaluatingSince + clockSteps.movedMs),
      ledgerFailed: this.#unrecorded.has(job.key),
      traitsOf: this.#traitsOf,
      host,
      history: history?.progress(job, runs),
      capacity: (runner?.capacity() ?? 0) - this.#lanes[job.spec.executor].reserved,
    } satisfies Omit<Evaluation, 'schedule'>;
    if (job.terminating) return decideTerminating(known);
    const schedule =
      job.invalid ??
      this.#refusals.of(job) ??
      (runner === undefined ? noRunner(job) : this.#schedules.of(job));
    return schedule instanceof LshError ? decideInvalid(known, schedule) : decide({ ...known, schedule });
  }

  /** A ledger that other machines read keeps no setting of this machine’s clock. */
  #withReference(job: Job): Job {
    const { key, status } = job;
    if (status === undefined || status.clock !== undefined) return job;
    const clock = this.#references.get(key) ?? this.#options.clockSteps.initial;
    return { ...job, status: { ...status, clock } };
  }

  #keepReference(key: JobKey, { status }: LedgerChange): void {
    const { clock } = status ?? {};
    if (clock !== undefined && this.#options.source.get(key)?.status?.clock === undefined)
      this.#references.set(key, clock);
  }

  readonly #traitsOf = (executor: Executor): RunnerTraits =>
    this.#options.runners[executor]?.traits ?? NO_RUNNER;

  #askRunner(key: JobKey): Promise<void> | undefined {
    const job = this.#options.source.get(key);
    return job && this.#refusals.ask(job, this.#options.runners[job.spec.executor]);
  }

  async #reconcileRemoved(key: JobKey): Promise<Evaluated> {
    this.#schedules.forget(key);
    this.#refusals.forget(key);
    this.#references.delete(key);
    this.#options.history?.forget(key);
    const runs = this.#options.ledger.runsOf(key);
    const decision = decideRemoved(runs, this.#observe(key, runs), this.#options.clockSteps.look().now);
    await this.#apply({ key, job: undefined }, decision);
    return { wakeAt: decision.wakeAt, owesRecord: false };
  }

  /**
   * This order makes each crash harmless: a claim precedes the start that it guards; a release follows the record. Returns
   * whether the ledger holds the change.
   */
  async #apply({ key, job }: { key: JobKey; job: Job | undefined }, decision: Decision): Promise<boolean> {
    const { actions, change, events } = decision;
    const { ledger } = this.#options;
    const starts = actions.filter((action) => action.kind === 'Start').map(({ run }) => run);
    const changes =
      change.status !== undefined || change.runs.length + change.slots.length + change.forget.length > 0;
    this.#unrecorded.add(key);
    await this.#start(key, starts, 'name');
    const isHeld = this.#mayHold(key, decision);
    if (isHeld) ledger.hold?.(key, change);
    else if (changes || ledger.holds?.(key)) await ledger.commit(key, change);
    this.#unrecorded.delete(key);
    this.#keepReference(key, change);
    const started = this.#start(key, starts, 'ledger');
    // After the starts have begun, because users wait for them; before they have ended, because a start may fail.
    const recorded = { key, job, change, events: this.#withoutRefused(key, events) };
    if (changes) for (const listener of this.#options.onRecorded) listener(recorded);
    // A failed start must not prevent a recorded stop.
    await Promise.all([started, ...actions.map((action) => this.#act(key, action))]);
    return isHeld;
  }

  /**
   * Whether the record may wait for the starts of other jobs: a restart would find the whole change again, in the runs
   * that a runner shows by their names. A second such change is written with the first: no record waits forever.
   */
  #mayHold(key: JobKey, { actions, change: { runs, slots, forget, corrections = [] } }: Decision): boolean {
    const { ledger } = this.#options;
    if (ledger.hold === undefined || ledger.holds?.(key)) return false;
    const isFound = (run: Run) => isUnderWay(run) && this.#traitsOf(run.executor).claim === 'name';
    return (
      runs.length > 0 &&
      runs.every(isFound) &&
      slots.every(({ outcome }) => outcome === 'Ran') &&
      forget.length + corrections.length === 0 &&
      actions.every(({ kind }) => kind === 'Start')
    );
  }

  /** Starts the runs whose runner claims in the given way. A run keeps its executor after an edit of the job. */
  async #start(key: JobKey, runs: Run[], claim: RunnerTraits['claim']): Promise<void> {
    const job = this.#options.source.get(key);
    if (job === undefined) return;
    const starts = runs.flatMap((run) => {
      const runner = this.#options.runners[run.executor];
      // A user may have removed the job and added it again during the commit; then the run is not this job’s.
      return runner?.traits.claim === claim && run.jobUid === job.uid
        ? [this.#startOne(job, run, runner)]
        : [];
    });
    await Promise.all(starts);
  }

  /** Leaves out the start of each run that its runner could not start: nothing began. */
  #withoutRefused(key: JobKey, events: readonly JobEvent[]): readonly JobEvent[] {
    if (!events.some(({ kind }) => kind === 'RunStarted')) return events;
    const observations = this.#runners().flatMap((runner) => runner.observe(key));
    const refused = observations.filter((one) => one.state === 'Ended' && one.startedAt === undefined);
    const names = new Set(refused.map(({ name }) => name));
    return events.filter((event) => event.kind !== 'RunStarted' || !names.has(event.run.name));
  }

  async #startOne(job: Job, run: Run, runner: Runner): Promise<void> {
    await runner.start(job, run);
    this.#options.meter?.started(run, this.#options.clockSteps.look().now - run.startAfter);
  }

  async #act(key: JobKey, action: Action): Promise<void> {
    switch (action.kind) {
      case 'Start':
        return;
      case 'Stop': {
        const { run, cause, graceMs } = action;
        await this.#options.runners[run.executor]?.stop(run.name, cause, graceMs, key);
        return;
      }
      case 'Release':
        for (const runner of this.#runners()) runner.release(action.name, key);
        return;
      case 'Remove':
        for (const runner of this.#runners(action.executor)) await runner.remove?.(action.name, key);
    }
  }

  #refreshes(key: JobKey): Promise<void>[] {
    return [this.#options.ledger, ...this.#runners()]
      .map((view) => view.refresh?.(key))
      .filter((refresh) => refresh !== undefined);
  }

  /** A runner speaks for runs of its own executor only: a hostile runner must not end the runs of another. */
  #observe(key: JobKey, runs: readonly Run[]): RunObservation[] {
    const executorOf = new Map(runs.map(({ name, executor }) => [name, executor]));
    return Object.entries(this.#options.runners).flatMap(([executor, runner]) =>
      runner.observe(key).filter(({ name }) => (executorOf.get(name) ?? executor) === executor),
    );
  }

  /** The runner of the executor; all runners if none is given. */
  #runners(executor?: Executor): Runner[] {
    const { runners } = this.#options;
    if (executor === undefined) return Object.values(runners);
    const runner = runners[executor];
    return runner === undefined ? [] : [runner];
  }
}

function noRunner(job: Job): LshError {
  return new LshError('EXECUTOR_UNAVAILABLE', { executor: job.spec.executor });
}
