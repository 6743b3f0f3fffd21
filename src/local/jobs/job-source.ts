// The daemon's informer and ledger: jobs and their recent runs in memory, written to the store first. Objects handed
// out are replaced, never changed.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JobStore, RunStore } from '../../contracts/stores.ts';
import type { LastLook } from '../../control/clock-steps.ts';
import { Listeners } from '../../control/listeners.ts';
import type { Clock, JobSource, Ledger } from '../../control/ports.ts';
import type { BackfillRequest } from '../../core/backfill/backfill.ts';
import type { PastSlots } from '../../core/backfill/plan.ts';
import type { LedgerChange } from '../../core/decide/decide.ts';
import { LshError } from '../../core/errors.ts';
import type { Job, JobKey, TriggerRequest } from '../../core/job.ts';
import { jobKey, splitKey } from '../../core/naming.ts';
import type { AuditAction, JobChange } from '../../core/record/entry.ts';
import { changeAction } from '../../core/record/job-record.ts';
import { isOver } from '../../core/schedule/one-shot.ts';
import { isActive, isFinished, type Run } from '../../core/run.ts';
import { CommitFeed } from './commit-feed.ts';
import { keptJob, keptRuns, keptSpec, withoutOutput } from './job-memory.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { pastSlots } from './past-slots.ts';

/** The part of a job that a user defines. */
export type JobDefinition = Pick<Job, 'namespace' | 'name' | 'labels' | 'annotations' | 'spec'>;

type Suspension = { suspend: boolean; resumeAt?: string | undefined };

export interface PutOutcome {
  result: 'created' | 'configured' | 'unchanged';
  job: Job;
  /** The job before the change. */
  before?: Job;
}

/** Who removes a job that has run once. */
const RETIRED_BY = 'lsh';

/** Runs of each kind to read for all jobs in one query; jobs with longer history limits need a query each. */
const USUAL_HISTORY = 3;

/** Runs that are kept for the jobs that follow a job: as in runsBeyondLimits(). */
const AWAITED_MAX = 100;

export class StoreJobSource implements JobSource, Ledger {
  readonly #jobStore: JobStore;
  readonly #runStore: RunStore;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #user: string | undefined;
  readonly #jobs = new Map<JobKey, Job>();
  /** Holds also the active runs of removed jobs. */
  readonly #runs = new Map<JobKey, Run[]>();
  readonly #listeners = new Listeners<JobKey>();
  readonly #mutex = new KeyedMutex();
  readonly #handled = new CommitFeed();
  #synced = false;

  /** `user`: whose daemon this is, and so who changes its jobs. */
  constructor(jobStore: JobStore, runStore: RunStore, clock: Pick<Clock, 'now'>, user?: string) {
    this.#jobStore = jobStore;
    this.#runStore = runStore;
    this.#clock = clock;
    this.#user = user;
  }

  /** Reads the store; call it once, before any other method. */
  async load(): Promise<void> {
    for (const job of await this.#jobStore.jobs()) this.#jobs.set(job.key, keptJob(job));
    const runs = await this.#runStore.current(USUAL_HISTORY);
    for (const [key, own] of Map.groupBy(runs, (run) => run.job)) this.#keepRuns(key, own);
    for (const job of this.#jobs.values()) await this.#loadLongHistory(job);
    this.#synced = true;
  }

  /** The newest setting of the clock that a job recorded, and the newest instant with it; undefined for none. */
  lastLook(): LastLook | undefined {
    let last: LastLook | undefined;
    for (const { status } of this.#jobs.values()) {
      const at = status?.accountedUntil ?? 0;
      if (status?.clock !== undefined && at > (last?.at ?? -1)) last = { reference: status.clock, at };
    }
    return last;
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

  /** Newest first, without output: that stays in the store. */
  runsOf(key: JobKey): Run[] {
    return this.#runs.get(key) ?? [];
  }

  shownRunsOf(key: JobKey): readonly Run[] {
    return this.runsOf(key);
  }

  pastOf({ key, name }: Job, slots: readonly number[]): Promise<PastSlots> {
    return pastSlots(this.#runStore, { key, name }, slots);
  }

  async commit(key: JobKey, change: LedgerChange): Promise<void> {
    try {
      await this.#runStore.commit(key, change);
    } catch (error) {
      if (error instanceof LshError && error.code === 'RUN_FINISHED') await this.#recall(key, change.runs);
      throw error;
    }
    if (change.runs.length + change.forget.length > 0)
      this.#keepRuns(key, without(replaceByName(this.runsOf(key), change.runs), change.forget));
    const job = this.#jobs.get(key);
    if (job !== undefined && change.status !== undefined) {
      this.#jobs.set(key, { ...job, status: change.status });
      this.#handled.announce(key);
    }
  }

  /** Creates or changes a job by name; a definition that changes nothing writes nothing. */
  async put(definition: JobDefinition): Promise<PutOutcome> {
    const key = jobKey(definition.namespace, definition.name);
    return this.#mutex.run(key, async () => {
      const known = this.#jobs.get(key);
      if (known === undefined) return { result: 'created', job: await this.#create(key, definition) };
      return this.#configure(known, definition);
    });
  }

  /** Pauses a job, until `resumeAt` if that is given, or resumes it; a concurrent change to the rest of its spec survives. Throws JOB_NOT_FOUND. */
  async suspend(key: JobKey, { suspend, resumeAt }: Suspension): Promise<PutOutcome> {
    return this.#mutex.run(key, async () => {
      const known = this.#require(key);
      const { resumeAt: _, ...spec } = known.spec;
      return this.#configure(known, { spec: { ...spec, suspend, ...(resumeAt && { resumeAt }) } });
    });
  }

  /** Removes the definition; active runs stay until they end. Throws JOB_NOT_FOUND. */
  async remove(key: JobKey): Promise<void> {
    await this.#mutex.run(key, async () => {
      await this.#drop(this.#require(key), this.#change('Removed'));
    });
  }

  /** Removes a job that ran once and is over. Its runs, slots and changes stay in the history. */
  async retire(key: JobKey): Promise<void> {
    await this.#mutex.run(key, async () => {
      const job = this.#jobs.get(key);
      // It may have got another instant meanwhile, or a trigger.
      if (job === undefined || !isOver(job) || (job.trigger && hasOtherTrigger(job, { id: '' }))) return;
      await this.#drop(job, { ...this.#change('Removed'), actor: RETIRED_BY });
    });
  }

  /**
   * Resolves once the request is durable; waits until an earlier request is handled. Throws JOB_NOT_FOUND,
   * DAEMON_STOPPING.
   */
  async requestTrigger(key: JobKey, request: TriggerRequest, signal: AbortSignal): Promise<void> {
    // A queue of its own: a job can still be changed or removed while a trigger waits.
    await this.#mutex.run(`trigger of ${key}`, async () => {
      await this.#handled.until(
        key,
        async () => !hasOtherTrigger(this.#require(key), request) || undefined,
        signal,
      );
      await this.#mutex.run(key, async () => {
        const job = this.#require(key);
        const repeated = request.id === job.trigger?.id || request.id === job.status?.lastHandledTrigger;
        if (repeated) return;
        const { requestedBy: actor = this.#user } = request;
        await this.#write({ ...job, trigger: request }, { ...this.#change('Triggered'), actor });
      });
    });
  }

  /** Requests a stop of the named runs; ignores runs that are not active. Throws JOB_NOT_FOUND. */
  async requestStop(key: JobKey, names: readonly string[]): Promise<void> {
    await this.#mutex.run(key, async () => {
      const job = this.#require(key);
      const asked = new Set([...(job.stop ?? []), ...names]);
      const stop = this.runsOf(key)
        .filter((run) => isActive(run) && asked.has(run.name))
        .map((run) => run.name);
      if (stop.some((name) => !job.stop?.includes(name)))
        await this.#write({ ...job, stop }, this.#change('Stopped'));
    });
  }

  /** Resolves once the request is durable; undefined withdraws it. Throws JOB_NOT_FOUND. */
  async requestBackfill(key: JobKey, request: BackfillRequest | undefined): Promise<void> {
    await this.#mutex.run(key, async () => {
      const { backfill: _, ...job } = this.#require(key);
      const change = this.#change(request === undefined ? 'Stopped' : 'Triggered');
      await this.#write({ ...job, ...(request && { backfill: request }) }, change);
    });
  }

  async #configure(known: Job, definition: Omit<JobDefinition, 'namespace' | 'name'>): Promise<PutOutcome> {
    const job = redefined(known, definition, this.#clock.now());
    if (job === undefined) return { result: 'unchanged', job: known };
    const change = { ...this.#change(changeAction(known, job)), before: known };
    return { result: 'configured', job: await this.#write(job, change), before: known };
  }

  #create(key: JobKey, { spec, ...definition }: JobDefinition): Promise<Job> {
    const createdAt = this.#clock.now();
    const job = {
      key,
      ...definition,
      uid: randomUUID(),
      generation: 1,
      createdAt,
      specChangedAt: createdAt,
      spec: keptSpec(spec),
    };
    return this.#write(job, this.#change('Added'));
  }

  async #drop(job: Job, change: JobChange): Promise<void> {
    const { key } = job;
    await this.#jobStore.removeJob(key, { job, change });
    this.#jobs.delete(key);
    this.#keepRuns(key, this.runsOf(key));
    this.#handled.announce(key);
    this.#listeners.notify(key);
  }

  #change(action: AuditAction): JobChange {
    return { action, at: this.#clock.now(), actor: this.#user };
  }

  async #write(definition: Job, change: JobChange): Promise<Job> {
    await this.#jobStore.putJob(definition, change);
    // An evaluation may have committed a status meanwhile; the queue serializes all other changes to a job.
    const job = { ...definition, status: this.#jobs.get(definition.key)?.status };
    this.#jobs.set(job.key, job);
    this.#listeners.notify(job.key);
    return job;
  }

  #require(key: JobKey): Job {
    const job = this.#jobs.get(key);
    if (job === undefined) throw new LshError('JOB_NOT_FOUND', { name: splitKey(key).name });
    return job;
  }

  async #loadLongHistory({ key, spec, status }: Job): Promise<void> {
    // Jobs that follow this one may lack more of its ends than the limits show.
    const atLeast = status?.ends === undefined ? 0 : AWAITED_MAX;
    const completed = Math.max(spec.successfulRunsHistoryLimit, atLeast);
    const others = Math.max(spec.failedRunsHistoryLimit, atLeast);
    if (Math.max(completed, others) <= USUAL_HISTORY) return;
    const more = [
      ...(await this.#runStore.runs({ job: key, phases: ['Completed'], limit: completed })),
      ...(await this.#runStore.runs({ job: key, phases: ['Failed', 'Killed'], limit: others })),
    ];
    if (more.length > 0) this.#keepRuns(key, replaceByName(this.runsOf(key), more));
  }

  #keepRuns(key: JobKey, runs: readonly Run[]): void {
    const kept = keptRuns(runs, this.#jobs.get(key)?.spec, this.#clock.now());
    if (kept.length > 0) this.#runs.set(key, kept);
    else this.#runs.delete(key);
  }

  /**
   * Reads finished runs beyond the history limits back into memory. A slot comes twice when the clock was set back or
   * a job was added again; the next evaluation then sees that the slot has had its run.
   */
  async #recall(key: JobKey, wanted: readonly Run[]): Promise<void> {
    const stored = await Promise.all(wanted.filter(isActive).map(({ name }) => this.#runStore.run(name)));
    const finished = stored.filter((run) => run !== undefined).filter(isFinished);
    this.#runs.set(key, replaceByName(this.runsOf(key), finished.map(withoutOutput)));
  }
}

/**
 * Returns the job with the new definition, or undefined if nothing changes. Labels and annotations are merged, as in a
 * cluster: a definition without an annotation does not remove it.
 */
export function redefined(
  known: Job,
  { labels, annotations, spec: given }: Omit<JobDefinition, 'namespace' | 'name'>,
  now: number,
): Job | undefined {
  const spec = keptSpec(given);
  const job = {
    ...known,
    ...(labels && { labels: { ...known.labels, ...labels } }),
    ...(annotations && { annotations: { ...known.annotations, ...annotations } }),
    ...(!isDeepStrictEqual(known.spec, spec) && {
      spec,
      generation: known.generation + 1,
      specChangedAt: now,
    }),
  };
  return isDeepStrictEqual(job, known) ? undefined : job;
}

function without(runs: readonly Run[], names: readonly string[]): Run[] {
  return runs.filter((run) => !names.includes(run.name));
}

function replaceByName(known: readonly Run[], changed: readonly Run[]): Run[] {
  const names = new Set(changed.map((run) => run.name));
  return [...known.filter((run) => !names.has(run.name)), ...changed];
}

function hasOtherTrigger({ trigger, status }: Job, request: TriggerRequest): boolean {
  return trigger !== undefined && trigger.id !== request.id && trigger.id !== status?.lastHandledTrigger;
}
