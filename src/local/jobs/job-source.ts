// The local home’s informer and ledger: jobs and their recent runs in memory, the store behind them. The store is
// written first, so what is shown is durable. Objects handed out are replaced, never changed.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JobStore, RunStore } from '../../contracts/stores.ts';
import { Listeners } from '../../control/listeners.ts';
import type { Clock, JobSource, Ledger } from '../../control/ports.ts';
import type { LedgerChange } from '../../core/decide/decide.ts';
import { LshError } from '../../core/errors.ts';
import {
  jobKey,
  splitKey,
  type Job,
  type JobKey,
  type JobSpec,
  type TriggerRequest,
} from '../../core/job.ts';
import { isActive, isFinished, type Run } from '../../core/run.ts';
import { CommitFeed } from './commit-feed.ts';
import { keptJob, keptRuns, keptSpec, withoutOutput } from './job-memory.ts';
import { Turns } from './turns.ts';

/** What a person decides about a job; the rest of it is kept here. */
export type JobDefinition = Pick<Job, 'namespace' | 'name' | 'spec'>;

export interface PutOutcome {
  result: 'created' | 'configured' | 'unchanged';
  job: Job;
  /** The spec that was replaced. */
  before?: JobSpec;
}

/** Runs of each kind that are read for all jobs at once; what a few jobs show beyond it is read per job. */
const USUAL_HISTORY = 3;

export class StoreJobSource implements JobSource, Ledger {
  readonly #jobStore: JobStore;
  readonly #runStore: RunStore;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #jobs = new Map<JobKey, Job>();
  /** Also of jobs that were removed while a run of theirs was active. */
  readonly #runs = new Map<JobKey, Run[]>();
  readonly #listeners = new Listeners<JobKey>();
  readonly #turns = new Turns();
  readonly #settled = new CommitFeed();
  #synced = false;

  constructor(jobStore: JobStore, runStore: RunStore, clock: Pick<Clock, 'now'>) {
    this.#jobStore = jobStore;
    this.#runStore = runStore;
    this.#clock = clock;
  }

  /** Reads the store, once and before anything else is asked of this. */
  async load(): Promise<void> {
    for (const job of await this.#jobStore.jobs()) this.#jobs.set(job.key, keptJob(job));
    const runs = await this.#runStore.current(USUAL_HISTORY);
    for (const [key, own] of Map.groupBy(runs, (run) => run.job)) this.#keepRuns(key, own);
    for (const { key, spec } of this.#jobs.values()) await this.#loadLongHistory(key, spec);
    this.#synced = true;
  }

  hasSynced(): boolean {
    return this.#synced;
  }

  get(key: JobKey): Job | undefined {
    return this.#jobs.get(key);
  }

  *keys(): Iterable<JobKey> {
    yield* this.#jobs.keys();
    for (const key of this.#runs.keys()) if (!this.#jobs.has(key)) yield key;
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  /** Without their output, which the store has. Newest first. */
  runsOf(key: JobKey): Run[] {
    return this.#runs.get(key) ?? [];
  }

  async commit(key: JobKey, change: LedgerChange): Promise<void> {
    try {
      await this.#runStore.commit(key, change);
    } catch (error) {
      if (error instanceof LshError && error.code === 'RUN_FINISHED') await this.#recall(key, change.runs);
      throw error;
    }
    if (change.runs.length + change.forget.length > 0)
      this.#keepRuns(key, newer(this.runsOf(key), change.runs));
    const job = this.#jobs.get(key);
    if (job !== undefined && change.status !== undefined) {
      this.#jobs.set(key, { ...job, status: change.status });
      this.#settled.announce(key);
    }
  }

  /** Creates or changes a job by name; a spec that is equal to the known one writes nothing. */
  async put({ namespace, name, spec: wanted }: JobDefinition): Promise<PutOutcome> {
    const key = jobKey(namespace, name);
    return this.#turns.take(key, async () => {
      const spec = keptSpec(wanted);
      const known = this.#jobs.get(key);
      if (known === undefined) return { result: 'created', job: await this.#create(namespace, name, spec) };
      return this.#configure(known, spec);
    });
  }

  /** Pauses or resumes a job, and leaves the rest of its spec to whoever changes it meanwhile. JOB_NOT_FOUND. */
  async suspend(key: JobKey, suspend: boolean): Promise<PutOutcome> {
    return this.#turns.take(key, async () => {
      const known = this.#known(key);
      return this.#configure(known, { ...known.spec, suspend });
    });
  }

  /** Forgets the definition; its active runs stay known until they end. JOB_NOT_FOUND. */
  async remove(key: JobKey): Promise<void> {
    await this.#turns.take(key, async () => {
      this.#known(key);
      await this.#jobStore.removeJob(key);
      this.#jobs.delete(key);
      this.#keepRuns(key, this.runsOf(key));
      this.#settled.announce(key);
      this.#listeners.notify(key);
    });
  }

  /** Resolves once the request is durable; waits while an earlier one is not handled yet. JOB_NOT_FOUND, DAEMON_STOPPING. */
  async requestTrigger(key: JobKey, request: TriggerRequest, signal: AbortSignal): Promise<void> {
    // A queue of its own: a job whose trigger is never handled can still be changed or removed.
    await this.#turns.take(`trigger of ${key}`, async () => {
      await this.#settled.until(
        key,
        async () => !hasOtherTrigger(this.#known(key), request) || undefined,
        signal,
      );
      await this.#turns.take(key, async () => {
        const job = this.#known(key);
        const repeated = request.id === job.trigger?.id || request.id === job.status?.lastHandledTrigger;
        if (!repeated) await this.#write({ ...job, trigger: request });
      });
    });
  }

  /** Asks the named runs to end; those that are not active are left out. JOB_NOT_FOUND. */
  async requestStop(key: JobKey, names: readonly string[]): Promise<void> {
    await this.#turns.take(key, async () => {
      const job = this.#known(key);
      const asked = new Set([...(job.stop ?? []), ...names]);
      const stop = this.runsOf(key)
        .filter((run) => isActive(run) && asked.has(run.name))
        .map((run) => run.name);
      if (stop.some((name) => !job.stop?.includes(name))) await this.#write({ ...job, stop });
    });
  }

  async #configure(known: Job, spec: JobSpec): Promise<PutOutcome> {
    if (isDeepStrictEqual(known.spec, spec)) return { result: 'unchanged', job: known };
    const changed = { generation: known.generation + 1, specChangedAt: this.#clock.now(), spec };
    return { result: 'configured', job: await this.#write({ ...known, ...changed }), before: known.spec };
  }

  #create(namespace: string, name: string, spec: JobSpec): Promise<Job> {
    const createdAt = this.#clock.now();
    const key = jobKey(namespace, name);
    const uid = randomUUID();
    return this.#write({
      key,
      namespace,
      name,
      uid,
      generation: 1,
      createdAt,
      specChangedAt: createdAt,
      spec,
    });
  }

  async #write(definition: Job): Promise<Job> {
    await this.#jobStore.putJob(definition);
    // An evaluation may have committed a status meanwhile; everything else of a job changes in turns.
    const job = { ...definition, status: this.#jobs.get(definition.key)?.status };
    this.#jobs.set(job.key, job);
    this.#listeners.notify(job.key);
    return job;
  }

  #known(key: JobKey): Job {
    const job = this.#jobs.get(key);
    if (job === undefined) throw new LshError('JOB_NOT_FOUND', { name: splitKey(key).name });
    return job;
  }

  async #loadLongHistory(key: JobKey, spec: JobSpec): Promise<void> {
    const { successfulRunsHistoryLimit: completed, failedRunsHistoryLimit: others } = spec;
    if (Math.max(completed, others) <= USUAL_HISTORY) return;
    const more = [
      ...(await this.#runStore.runs({ job: key, phases: ['Completed'], limit: completed })),
      ...(await this.#runStore.runs({ job: key, phases: ['Failed', 'Killed'], limit: others })),
    ];
    if (more.length > 0) this.#keepRuns(key, newer(this.runsOf(key), more));
  }

  #keepRuns(key: JobKey, runs: readonly Run[]): void {
    const kept = keptRuns(runs, this.#jobs.get(key)?.spec);
    if (kept.length > 0) this.#runs.set(key, kept);
    else this.#runs.delete(key);
  }

  /**
   * Knows those again that have finished, though they are beyond the history limits: with a clock that was set back,
   * or a job that was added again, a slot comes twice. The next evaluation sees that it has had its run.
   */
  async #recall(key: JobKey, wanted: readonly Run[]): Promise<void> {
    const stored = await Promise.all(wanted.filter(isActive).map(({ name }) => this.#runStore.run(name)));
    const finished = stored.filter((run) => run !== undefined).filter(isFinished);
    this.#runs.set(key, newer(this.runsOf(key), finished.map(withoutOutput)));
  }
}

function newer(known: readonly Run[], changed: readonly Run[]): Run[] {
  const names = new Set(changed.map((run) => run.name));
  return [...known.filter((run) => !names.has(run.name)), ...changed];
}

function hasOtherTrigger({ trigger, status }: Job, request: TriggerRequest): boolean {
  return trigger !== undefined && trigger.id !== request.id && trigger.id !== status?.lastHandledTrigger;
}
