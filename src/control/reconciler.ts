// Reconciles one key: read, decide, record, act. The same on both platforms; the Evaluator decides.
import { isRunning } from '../core/backfill/backfill.ts';
import type { Decision } from '../core/decide/decide.ts';
import { failingStatus, sameStatus } from '../core/decide/status.ts';
import type { LshError } from '../core/errors.ts';
import type { Executor, RunnerTraits } from '../core/executor.ts';
import type { Job, JobKey } from '../core/job.ts';
import { isUnderWay, type Run } from '../core/run.ts';
import { isOver } from '../core/schedule/one-shot.ts';
import { Capacity } from './capacity.ts';
import { Evaluator, type EvaluatorOptions } from './evaluator.ts';
import type { Meter, Recorded, RecordedListener, Runner } from './ports.ts';
import type { StartRate } from './related/start-rate.ts';
import { Runners } from './runners.ts';

export interface ReconcilerOptions extends EvaluatorOptions {
  runners: Partial<Record<Executor, Runner>>;
  /** Called in this order after each commit. */
  onRecorded: readonly RecordedListener[];
  /** Called each time the evaluations of a job have failed for a while; undefined if no status can show it. */
  onFailing?: (failing: Pick<Recorded, 'job' | 'events'>) => void;
  meter?: Pick<Meter, 'started'>;
  /** The place of a run in a trace; undefined if runs are not traced. */
  traceparentOf?: ((run: Run) => string) | undefined;
  /** Limits the starts of all jobs together. */
  startRate?: StartRate;
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
  readonly #runners: Runners;
  readonly #capacity: Capacity;
  readonly #evaluator: Evaluator;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#runners = new Runners(options.runners, options.traceparentOf);
    this.#capacity = new Capacity(this.#runners, options.startRate);
    this.#evaluator = new Evaluator({ ...options, runners: this.#runners, capacity: this.#capacity });
  }

  /** Evaluates the job and applies the decision. */
  async reconcile(key: JobKey): Promise<Evaluated> {
    try {
      return await this.#reconcile(key);
    } catch (error) {
      this.#evaluator.groups.failed(key);
      throw error;
    }
  }

  async #reconcile(key: JobKey): Promise<Evaluated> {
    // A decision on a view that lacks the last write could contradict that write.
    const refreshes = this.#refreshes(key);
    if (refreshes.length > 0) await Promise.all(refreshes);
    const asking = this.#evaluator.ask(key);
    if (asking !== undefined) await asking;
    const job = this.#options.source.get(key);
    this.#capacity.leave(key);
    if (job === undefined) return this.#reconcileRemoved(key);
    const decision = this.#evaluator.evaluate(job);
    const { executor, priority } = job.spec;
    if (decision.waitsForCapacity) this.#capacity.wait(key, executor, priority);
    const starting = decision.actions.filter(({ kind }) => kind === 'Start').length;
    const giveBack = this.#capacity.reserve(executor, starting);
    try {
      const owesRecord = await this.#apply({ key, job }, decision);
      // After the commit: the history has its run, or why there was none.
      const over = isOver({ spec: job.spec, status: decision.change.status ?? job.status });
      // Its record goes from memory with the job, and a follower reads its end there.
      if (over && !this.#evaluator.followers.isAwaited(key)) await this.#options.source.retire?.(key);
      return { wakeAt: decision.wakeAt, owesRecord };
    } catch (error) {
      // The retry asks for capacity again. Free capacity would bring it at once, past its delay.
      this.#capacity.leave(key);
      throw error;
    } finally {
      giveBack();
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

  /**
   * Removes and returns the keys that waited for capacity, or in the line of a group, and may start a run now; and those that
   * a change of another job concerns.
   */
  takeUnblocked(): JobKey[] {
    const { groups, followers } = this.#evaluator;
    return [...this.#capacity.takeUnblocked(), ...groups.takeUnblocked(), ...followers.takeNews()];
  }

  /** Milliseconds until the rate of starts lets waiting keys start; undefined if nothing waits for that. */
  get rateWaitMs(): number | undefined {
    return this.#capacity.rateWaitMs;
  }

  async #reconcileRemoved(key: JobKey): Promise<Evaluated> {
    const decision = this.#evaluator.evaluateRemoved(key);
    await this.#apply({ key, job: undefined }, decision);
    return { wakeAt: decision.wakeAt, owesRecord: false };
  }

  /**
   * This order makes each crash harmless: a claim precedes the start that it guards; a release follows the record. Returns
   * whether the ledger holds the change.
   */
  async #apply({ key, job }: { key: JobKey; job: Job | undefined }, decision: Decision): Promise<boolean> {
    const { actions, change, events } = decision;
    const { notices = [], delivered = [] } = change;
    const { ledger } = this.#options;
    const starts = actions.filter((action) => action.kind === 'Start').map(({ run }) => run);
    const changes =
      change.status !== undefined ||
      change.runs.length + change.slots.length + change.forget.length + notices.length + delivered.length > 0;
    this.#evaluator.recording(key);
    await this.#start(key, starts, 'name');
    const isHeld = this.#mayHold(key, decision);
    if (isHeld) ledger.hold?.(key, change);
    else if (changes || ledger.holds?.(key)) await ledger.commit(key, change);
    this.#evaluator.recorded(key, change);
    const started = this.#start(key, starts, 'ledger');
    // After the starts have begun, because users wait for them; before they have ended, because a start may fail.
    const recorded = { key, job, change, events: this.#runners.withoutRefused(key, events) };
    if (changes) for (const listener of this.#options.onRecorded) listener(recorded);
    // A failed start must not prevent a recorded stop.
    await Promise.all([started, ...actions.map((action) => this.#runners.act(key, action))]);
    return isHeld;
  }

  /**
   * Whether the record may wait for the starts of other jobs: a restart would find the whole change again, in the runs
   * that a runner shows by their names. A second such change is written with the first: no record waits forever.
   */
  #mayHold(key: JobKey, { actions, change }: Decision): boolean {
    const { runs, slots, forget, corrections = [], notices = [], status } = change;
    const { ledger } = this.#options;
    if (ledger.hold === undefined || ledger.holds?.(key)) return false;
    // A user waits for its progress.
    if (isRunning(status?.backfill)) return false;
    const isFound = (run: Run) => isUnderWay(run) && this.#runners.traitsOf(run.executor).claim === 'name';
    return (
      runs.length > 0 &&
      runs.every(isFound) &&
      slots.every(({ outcome }) => outcome === 'Ran') &&
      forget.length + corrections.length + notices.length === 0 &&
      actions.every(({ kind }) => kind === 'Start')
    );
  }

  /** Starts those runs whose runner claims in the given way, as the job is now. */
  async #start(key: JobKey, runs: readonly Run[], claim: RunnerTraits['claim']): Promise<void> {
    const { source, meter, clockSteps } = this.#options;
    const job = source.get(key);
    if (job === undefined) return;
    await this.#runners.start(job, runs, claim, (run) =>
      meter?.started(run, clockSteps.look().now - run.startAfter),
    );
  }

  #refreshes(key: JobKey): Promise<void>[] {
    return [this.#options.ledger, ...this.#runners.all]
      .map((view) => view.refresh?.(key))
      .filter((refresh) => refresh !== undefined);
  }
}
