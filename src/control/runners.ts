// The runners of this process by their executors: what they observe, and the actions of a decision that they carry out.
import type { Action } from '../core/decide/draft.ts';
import type { JobEvent } from '../core/decide/events.ts';
import { NO_RUNNER, type Executor, type RunnerTraits } from '../core/executor.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { Run, RunObservation } from '../core/run.ts';
import type { Runner } from './ports.ts';

export class Runners {
  readonly #byExecutor: Partial<Record<Executor, Runner>>;
  readonly #traceparentOf: ((run: Run) => string) | undefined;

  constructor(byExecutor: Partial<Record<Executor, Runner>>, traceparentOf?: (run: Run) => string) {
    this.#byExecutor = byExecutor;
    this.#traceparentOf = traceparentOf;
  }

  get executors(): Executor[] {
    return Object.keys(this.#byExecutor) as Executor[];
  }

  get all(): Runner[] {
    return Object.values(this.#byExecutor);
  }

  of(executor: Executor): Runner | undefined {
    return this.#byExecutor[executor];
  }

  readonly traitsOf = (executor: Executor): RunnerTraits => this.of(executor)?.traits ?? NO_RUNNER;

  /** A runner speaks for runs of its own executor only: a hostile runner must not end the runs of another. */
  observe(key: JobKey, runs: readonly Run[]): RunObservation[] {
    const executorOf = new Map(runs.map(({ name, executor }) => [name, executor]));
    return Object.entries(this.#byExecutor).flatMap(([executor, runner]) =>
      runner.observe(key).filter(({ name }) => (executorOf.get(name) ?? executor) === executor),
    );
  }

  /**
   * Starts the runs of a job whose runner claims in the given way. A run keeps its executor after an edit of the job.
   * Calls back after each start.
   */
  async start(
    job: Job,
    runs: readonly Run[],
    claim: RunnerTraits['claim'],
    onStarted: (run: Run) => void,
  ): Promise<void> {
    const starts = runs.flatMap((run) => {
      const runner = this.of(run.executor);
      // A user may have removed the job and added it again during the commit; then the run is not this job’s.
      if (runner?.traits.claim !== claim || run.jobUid !== job.uid) return [];
      return [this.#startOne(job, run, runner, onStarted)];
    });
    await Promise.all(starts);
  }

  async #startOne(job: Job, run: Run, runner: Runner, onStarted: (run: Run) => void): Promise<void> {
    const traceparent = this.#traceparentOf?.(run);
    await runner.start(job, traceparent === undefined ? run : { ...run, traceparent });
    onStarted(run);
  }

  /** Carries out an action other than a start. */
  async act(key: JobKey, action: Action): Promise<void> {
    switch (action.kind) {
      case 'Start':
        return;
      case 'Stop': {
        const { run, cause, graceMs } = action;
        await this.of(run.executor)?.stop(run.name, cause, graceMs, key);
        return;
      }
      case 'Release':
        for (const runner of this.all) runner.release(action.name, key);
        return;
      case 'Remove':
        for (const runner of this.#named(action.executor)) await runner.remove?.(action.name, key);
    }
  }

  /** Leaves out the start of each run that its runner could not start: nothing began. */
  withoutRefused(key: JobKey, events: readonly JobEvent[]): readonly JobEvent[] {
    if (!events.some(({ kind }) => kind === 'RunStarted')) return events;
    const observations = this.all.flatMap((runner) => runner.observe(key));
    const refused = observations.filter((one) => one.state === 'Ended' && one.startedAt === undefined);
    const names = new Set(refused.map(({ name }) => name));
    return events.filter((event) => event.kind !== 'RunStarted' || !names.has(event.run.name));
  }

  /** The runner of the executor; all runners if none is given. */
  #named(executor?: Executor): Runner[] {
    if (executor === undefined) return this.all;
    const runner = this.of(executor);
    return runner === undefined ? [] : [runner];
  }
}
