// The jobs of a cluster and their ledger: both are the LshJob object, read from the informer and written by one patch of
// its status. Knows no runner; objects that it returns never change afterwards.
import { isDeepStrictEqual } from 'node:util';
import { Listeners } from '../../control/listeners.ts';
import type { JobSource, Ledger } from '../../control/ports.ts';
import type { LedgerChange } from '../../core/decide/decide.ts';
import { LshError } from '../../core/errors.ts';
import type { Job, JobKey } from '../../core/job.ts';
import { splitKey } from '../../core/naming.ts';
import type { Notice } from '../../core/notices/notice.ts';
import { isActive, type ClosedStretch, type Run } from '../../core/run.ts';
import { asRetryable, type KubeApi } from '../api/fence.ts';
import { isConflict, isNotFound, isUncertain } from '../api/api-errors.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import type { Change } from '../api/watch/object-cache.ts';
import { objectKey } from '../api/objects.ts';
import { jobWith, lshJobPath, readLshJob, type LshJob } from '../objects/lsh-job.ts';
import { readPendingNotices } from '../objects/lsh-job-status.ts';
import { readOutcomes } from '../objects/lsh-job-outcomes.ts';
import { merged, patchFor, viewOf, withChange, type LshJobView } from './lsh-job-view.ts';

export interface LshJobSourceOptions {
  api: KubeApi;
  informer: NamespacedInformer<LshJob>;
  /** Why this operator must not run the job, although its spec is valid. */
  admit: (job: Job, lshJob: LshJob) => LshError | undefined;
  /** The LshJob was deleted, and with it the record of these runs; some may still be active. */
  onRemoved?: (key: JobKey, runs: readonly Run[]) => void;
}

export class LshJobSource implements JobSource, Ledger {
  readonly #options: LshJobSourceOptions;
  readonly #parsed = new Map<JobKey, LshJobView>();
  /** The version that the current evaluation has read; its commit patches this one. */
  readonly #pending = new Map<JobKey, LshJobView>();
  /** Active runs of deleted LshJobs. A new LshJob of the same name waits until they have ended. */
  readonly #leftovers = new Map<JobKey, Run[]>();
  /** LshJobs whose last commit ended in a conflict or without an answer: the cache may be outdated. */
  readonly #uncertainCommits = new Set<JobKey>();
  readonly #listeners = new Listeners<JobKey>();

  constructor(options: LshJobSourceOptions) {
    this.#options = options;
    options.informer.onChange((change) => this.#onLshJobChange(change));
  }

  get(key: JobKey): Job | undefined {
    return this.#leftovers.has(key) ? undefined : this.#current(key)?.job;
  }

  *keys(): Iterable<JobKey> {
    yield* this.#options.informer.keys();
    for (const key of this.#leftovers.keys()) if (!this.#options.informer.get(key)) yield key;
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  hasSynced(): boolean {
    return this.#options.informer.hasSynced();
  }

  /** Begins an evaluation: the commit that follows conflicts if the LshJob has changed by then. */
  runsOf(key: JobKey): Run[] {
    const leftovers = this.#leftovers.get(key);
    if (leftovers !== undefined) return leftovers;
    const parsed = this.#current(key);
    if (parsed === undefined) return [];
    this.#pending.set(key, parsed);
    return parsed.runs;
  }

  closedOf(key: JobKey): ClosedStretch[] {
    return readOutcomes(this.#current(key)?.status?.recentOutcomes ?? []);
  }

  /** Phase of the run; undefined if the ledger lacks it. Begins no evaluation. */
  phaseOf(key: JobKey, name: string): Run['phase'] | undefined {
    return this.shownRunsOf(key).find((run) => run.name === name)?.phase;
  }

  /** The runs in the status. Begins no evaluation. */
  shownRunsOf(key: JobKey): readonly Run[] {
    return this.#leftovers.get(key) ?? this.#current(key)?.runs ?? [];
  }

  /** The notices in the status. Begins no evaluation. */
  pendingNoticesOf(key: JobKey): Notice[] {
    return readPendingNotices(this.#current(key)?.status);
  }

  /** The runs that are active or wait for their start. Begins no evaluation. */
  activeRunsOf(key: JobKey): Run[] {
    return this.shownRunsOf(key).filter(isActive);
  }

  /** Shows the change as if it were written. If the LshJob has changed otherwise than by its status, holds it all the same. */
  hold(key: JobKey, change: LedgerChange): void {
    const read = this.#pending.get(key);
    const parsed = this.#current(key);
    if (read === undefined || parsed === undefined || parsed.job.uid !== read.job.uid) return;
    if (!isDeepStrictEqual(parsed.status, read.status))
      throw new LshError('CLUSTER_CONFLICT', { object: key });
    this.#pending.delete(key);
    this.#parsed.set(key, withChange(parsed, change));
  }

  holds(key: JobKey): boolean {
    return this.#current(key)?.recorded !== undefined;
  }

  async commit(key: JobKey, change: LedgerChange): Promise<void> {
    if (this.#leftovers.has(key)) return this.#commitLeftovers(key, change);
    const parsed = this.#pending.get(key);
    if (parsed === undefined) return;
    this.#pending.delete(key);
    const patch = patchFor(parsed, change);
    if (patch === undefined) return;
    await this.#write(parsed.lshJob, patch);
  }

  async #write(lshJob: LshJob, status: object): Promise<void> {
    const { api, informer } = this.#options;
    const { metadata } = lshJob;
    const key = objectKey(lshJob);
    const path = lshJobPath(metadata.namespace, metadata.name);
    const { uid, resourceVersion } = metadata;
    try {
      const written = await api.json<LshJob>({
        method: 'PATCH',
        path: `${path}/status`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { uid, resourceVersion }, status },
      });
      informer.put(written);
    } catch (error) {
      // The LshJob was deleted: no status is left to write.
      if (isNotFound(error)) return;
      if (isConflict(error) || isUncertain(error)) this.#uncertainCommits.add(key);
      if (!isConflict(error)) throw asRetryable(error);
      throw new LshError('CLUSTER_CONFLICT', { object: key });
    }
  }

  /** Reads the LshJob again: a second commit on the cached version would conflict, or contradict the first. */
  refresh(key: JobKey): Promise<void> | undefined {
    return this.#uncertainCommits.has(key) ? this.#readAgain(key) : undefined;
  }

  async #readAgain(key: JobKey): Promise<void> {
    const { namespace, name } = splitKey(key);
    try {
      this.#options.informer.put(await this.#options.api.json<LshJob>({ path: lshJobPath(namespace, name) }));
    } catch (error) {
      if (!isNotFound(error)) throw asRetryable(error);
    }
    this.#uncertainCommits.delete(key);
  }

  #commitLeftovers(key: JobKey, change: LedgerChange): void {
    const active = merged(this.#leftovers.get(key) ?? [], change).filter(isActive);
    if (active.length > 0) this.#leftovers.set(key, active);
    else this.#forget(key);
  }

  #forget(key: JobKey): void {
    this.#leftovers.delete(key);
    this.#listeners.notify(key);
  }

  #onLshJobChange({ type, object: lshJob }: Change<LshJob>): void {
    const key = objectKey(lshJob);
    const parsed = this.#parsed.get(key);
    const replaced = parsed !== undefined && parsed.lshJob.metadata.uid !== lshJob.metadata.uid;
    const gone = type === 'Deleted' || replaced ? parsed : undefined;
    if (gone) this.#setAside(key, gone.runs);
    this.#listeners.notify(key);
    // Last: if it throws, the loop still knows of the change.
    if (gone) this.#options.onRemoved?.(key, gone.runs);
  }

  #setAside(key: JobKey, runs: readonly Run[]): void {
    const active = runs.filter(isActive);
    if (active.length > 0 && !this.#leftovers.has(key)) this.#leftovers.set(key, active);
    this.#parsed.delete(key);
    this.#pending.delete(key);
  }

  #current(key: JobKey): LshJobView | undefined {
    const lshJob = this.#options.informer.get(key);
    if (lshJob === undefined) return undefined;
    const parsed = this.#parsed.get(key);
    if (parsed?.lshJob === lshJob) return parsed;
    const next = this.#parse(lshJob, parsed);
    this.#parsed.set(key, next);
    return next;
  }

  #parse(lshJob: LshJob, before: LshJobView | undefined): LshJobView {
    const { uid, generation } = lshJob.metadata;
    const same = before?.job.uid === uid ? before : undefined;
    const job =
      same && same.lshJob.metadata.generation === generation
        ? { ...jobWith(lshJob, same.job.spec), ...(same.job.invalid && { invalid: same.job.invalid }) }
        : this.#admitted(lshJob);
    return viewOf(lshJob, job, same);
  }

  #admitted(lshJob: LshJob): Job {
    const { job, problem } = readLshJob(lshJob);
    const invalid = problem ?? this.#options.admit(job, lshJob);
    return invalid === undefined ? job : { ...job, invalid };
  }
}
