// The cluster's jobs and their ledger: both are the LshJob object, read from the informer and written by one
// patch of its status. Knows no runner; what it hands out is never changed afterwards.
import { Listeners } from '../../control/listeners.ts';
import type { JobSource, Ledger } from '../../control/ports.ts';
import type { LedgerChange } from '../../core/decide/decide.ts';
import { LshError } from '../../core/errors.ts';
import { splitKey, type Job, type JobKey } from '../../core/job.ts';
import { isActive, type Run } from '../../core/run.ts';
import type { ClosedStretch } from '../../core/run.ts';
import { asRetryable, type KubeApi } from '../api/fence.ts';
import { isConflict, isNotFound, isUncertain } from '../api/api-errors.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import type { Change } from '../api/watch/object-cache.ts';
import { objectKey } from '../api/objects.ts';
import { jobWith, lshJobPath, readLshJob, readRuns, type LshJob } from '../objects/lsh-job.ts';
import {
  corrected,
  readOutcomes,
  withOutcomes,
  writeStatus,
  type LshJobStatus,
} from '../objects/lsh-job-status.ts';
import { statusPatch } from './status-patch.ts';

export interface LshJobSourceOptions {
  api: KubeApi;
  informer: NamespacedInformer<LshJob>;
  /** Why the job must not be carried out here, beyond what its spec says by itself. */
  admit: (job: Job, object: LshJob) => LshError | undefined;
  /** The job is gone, and with it what told of these runs; some may still be active. */
  onRemoved?: (key: JobKey, runs: readonly Run[]) => void;
}

/** One version of an object, and what was read from it. */
interface Known {
  object: LshJob;
  job: Job;
  /** Active ones first, then finished ones, newest first. */
  runs: Run[];
}

/** What an evaluation that has seen nothing yet believes: no generation has this number. */
const NOTHING_OBSERVED = 0;

export class LshJobSource implements JobSource, Ledger {
  readonly #options: LshJobSourceOptions;
  readonly #known = new Map<JobKey, Known>();
  /** What an evaluation has read and its commit builds upon. */
  readonly #read = new Map<JobKey, Known>();
  /** Active runs of jobs that were deleted. A new job of the same name waits until they have ended. */
  readonly #leftovers = new Map<JobKey, Run[]>();
  /** Jobs whose last commit ended without an answer. */
  readonly #uncertain = new Set<JobKey>();
  readonly #listeners = new Listeners<JobKey>();

  constructor(options: LshJobSourceOptions) {
    this.#options = options;
    options.informer.onChange((change) => this.#heard(change));
  }

  get(key: JobKey): Job | undefined {
    return this.#leftovers.has(key) ? undefined : this.#look(key)?.job;
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

  /** Begins an evaluation: the commit that follows is refused if the object is another by then. */
  runsOf(key: JobKey): Run[] {
    const leftovers = this.#leftovers.get(key);
    if (leftovers !== undefined) return leftovers;
    const known = this.#look(key);
    if (known === undefined) return [];
    this.#read.set(key, known);
    return known.runs;
  }

  closedOf(key: JobKey): ClosedStretch[] {
    return readOutcomes(this.#look(key)?.object.status?.recentOutcomes ?? []);
  }

  /** Whether the ledger has the run, and its end. Begins nothing. */
  phaseOf(key: JobKey, name: string): Run['phase'] | undefined {
    return this.shownRunsOf(key).find((run) => run.name === name)?.phase;
  }

  /** What the job shows of its runs. Begins nothing. */
  shownRunsOf(key: JobKey): readonly Run[] {
    return this.#leftovers.get(key) ?? this.#look(key)?.runs ?? [];
  }

  /** What runs, or waits to, of the job. Begins nothing. */
  activeRunsOf(key: JobKey): Run[] {
    return this.shownRunsOf(key).filter(isActive);
  }

  async commit(key: JobKey, change: LedgerChange): Promise<void> {
    if (this.#leftovers.has(key)) return this.#commitLeftovers(key, change);
    const known = this.#read.get(key);
    if (known === undefined) return;
    this.#read.delete(key);
    const patch = statusPatch(known.object.status, statusAfter(known, change));
    if (patch === undefined) return;
    await this.#write(known.object, patch);
  }

  async #write({ metadata }: LshJob, status: object): Promise<void> {
    const { api, informer } = this.#options;
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
      // Deleted meanwhile: there is nothing left that could be told.
      if (isNotFound(error)) return;
      if (isConflict(error) || isUncertain(error))
        this.#uncertain.add(`${metadata.namespace}/${metadata.name}`);
      if (!isConflict(error)) throw asRetryable(error);
      throw new LshError('CLUSTER_CONFLICT', { object: `${metadata.namespace}/${metadata.name}` });
    }
  }

  /** The watch may be behind: a second try on the same version would be refused, or contradict the first. */
  refresh(key: JobKey): Promise<void> | undefined {
    return this.#uncertain.has(key) ? this.#reread(key) : undefined;
  }

  async #reread(key: JobKey): Promise<void> {
    const { namespace, name } = splitKey(key);
    try {
      this.#options.informer.put(await this.#options.api.json<LshJob>({ path: lshJobPath(namespace, name) }));
    } catch (error) {
      if (!isNotFound(error)) throw asRetryable(error);
    }
    this.#uncertain.delete(key);
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

  #heard({ type, object }: Change<LshJob>): void {
    const key = objectKey(object);
    const known = this.#known.get(key);
    const replaced = known !== undefined && known.object.metadata.uid !== object.metadata.uid;
    const gone = type === 'Deleted' || replaced ? known : undefined;
    if (gone) this.#leave(key, gone.runs);
    this.#listeners.notify(key);
    // Last: whatever comes of it, the loop has heard.
    if (gone) this.#options.onRemoved?.(key, gone.runs);
  }

  #leave(key: JobKey, runs: readonly Run[]): void {
    const active = runs.filter(isActive);
    if (active.length > 0 && !this.#leftovers.has(key)) this.#leftovers.set(key, active);
    this.#known.delete(key);
    this.#read.delete(key);
  }

  #look(key: JobKey): Known | undefined {
    const object = this.#options.informer.get(key);
    if (object === undefined) return undefined;
    const known = this.#known.get(key);
    if (known?.object === object) return known;
    const read = this.#readObject(object, known);
    this.#known.set(key, read);
    return read;
  }

  #readObject(object: LshJob, before: Known | undefined): Known {
    const { uid, generation } = object.metadata;
    const same = before?.job.uid === uid ? before : undefined;
    const job =
      same && same.object.metadata.generation === generation
        ? { ...jobWith(object, same.job.spec), ...(same.job.invalid && { invalid: same.job.invalid }) }
        : this.#admitted(object);
    return same && wentBack(same.job, job)
      ? restored(object, job, same)
      : { object, job, runs: readRuns(object) };
  }

  #admitted(object: LshJob): Job {
    const { job, problem } = readLshJob(object);
    const invalid = problem ?? this.#options.admit(job, object);
    return invalid === undefined ? job : { ...job, invalid };
  }
}

/** Whether somebody wrote the status by hand and its account is gone or older. */
function wentBack(before: Job, now: Job): boolean {
  if (before.status === undefined) return false;
  return now.status === undefined || now.status.accountedUntil < before.status.accountedUntil;
}

/** The object with what was known of it: the next evaluation writes that again, because none has seen this version. */
function restored(object: LshJob, job: Job, { job: { status }, runs }: Known): Known {
  return {
    object,
    job: { ...job, status: status && { ...status, observedGeneration: NOTHING_OBSERVED } },
    runs,
  };
}

function statusAfter({ object, job, runs }: Known, change: LedgerChange): LshJobStatus | undefined {
  const status = change.status ?? job.status;
  if (status === undefined) return undefined;
  const outcomes = withOutcomes(
    corrected(object.status?.recentOutcomes ?? [], change.corrections ?? []),
    change.slots,
    job.status?.lastScheduleAt,
  );
  return writeStatus(job, status, { runs: merged(runs, change), outcomes });
}

function merged(runs: readonly Run[], { runs: changed, forget }: LedgerChange): Run[] {
  const after = new Map([...runs, ...changed].map((run) => [run.name, run]));
  for (const name of forget) after.delete(name);
  return [...after.values()].sort((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1));
}
