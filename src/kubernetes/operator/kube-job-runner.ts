// The runner whose attempts are Kubernetes Jobs. The name of a Kubernetes Job is the lock: it is created first and
// recorded after. Knows no schedule; the Kubernetes Job itself says which run it is.
import { Listeners } from '../../control/listeners.ts';
import type { Clock, Logger, Runner } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import type { Job, JobKey, JobSpec } from '../../core/job.ts';
import { jobKey, splitKey } from '../../core/naming.ts';
import {
  isActive,
  type Run,
  type RunEnd,
  type RunObservation,
  type RunPhase,
  type StopCause,
} from '../../core/run.ts';
import {
  invalidity,
  isAlreadyExists,
  isJobQuotaExceeded,
  isNotFound,
  isUncertain,
  rejection,
} from '../api/api-errors.ts';
import { asRetryable, type KubeApi } from '../api/fence.ts';
import { objectKey } from '../api/objects.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import { hasEnded, isOwnedBy, observationOf, recordedRun, type KubeJob } from '../objects/kube-job-run.ts';
import {
  createRequest,
  dryRunRequest,
  hasUncheckedParts,
  kubeJobInvalid,
} from '../objects/kube-job-request.ts';
import type { Pod } from '../objects/pod.ts';
import { isOutdated, kubeJobManifest, kubeJobPath, type KubeJobDefaults } from '../objects/kube-job.ts';
import { KubeJobDeletions } from './kube-job-deletions.ts';
import { KubeJobStops } from './kube-job-stops.ts';
import { Lookups } from './lookups.ts';
import { OwnedKubeJobs, type OwnedKubeJobChange } from './owned-kube-jobs.ts';
import { hasActivePod, runEnd } from './pod-log.ts';
import { RunPods } from './run-pods.ts';

/** The facts about jobs and runs that the runner does not keep itself. */
export interface RunFacts {
  /** Phase of the run in the ledger; undefined if the ledger lacks it. */
  phaseOf(key: JobKey, name: string): RunPhase | undefined;
  /** Undefined for a deleted LshJob, whose Jobs Kubernetes’ garbage collector deletes. */
  jobOf(key: JobKey): Job | undefined;
  /** Runs that are under way in the ledger. */
  underWayOf(key: JobKey): Run[];
}

export interface KubeJobRunnerOptions {
  api: KubeApi;
  kubeJobs: NamespacedInformer<KubeJob>;
  pods: NamespacedInformer<Pod>;
  facts: RunFacts;
  defaults: KubeJobDefaults;
  clock: Clock;
  logger: Logger;
  /** As in KubeJobDeletionsOptions. */
  removalDelayMs: number;
}

export class KubeJobRunner implements Runner {
  readonly traits = {
    claim: 'name',
    keepsTimeout: true,
    startsLater: true,
    hasHost: false,
    leavesObject: true,
  } as const;
  readonly #options: KubeJobRunnerOptions;
  readonly #kubeJobs: OwnedKubeJobs;
  readonly #runPods: RunPods;
  readonly #listeners = new Listeners<JobKey>();
  /** Ends that are known in full and not yet released, by job and run. */
  readonly #ends = new Map<JobKey, Map<string, RunEnd>>();
  readonly #lookups: Lookups;
  readonly #deletions: KubeJobDeletions;
  readonly #stops: KubeJobStops;
  /** Kubernetes Jobs that are being created: their appearance is no news to the evaluation that creates them. */
  readonly #starting = new Set<string>();
  /** The spec that a new Kubernetes Job was made from: as long as it is the job’s, no manifest is made to compare the two. */
  readonly #madeFrom = new WeakMap<KubeJob, JobSpec>();
  /** Runs whose start ended without an answer. */
  readonly #uncertainStarts = new Map<JobKey, Map<string, Run>>();

  constructor(options: KubeJobRunnerOptions) {
    const announce = (key: JobKey) => this.#listeners.notify(key);
    this.#options = options;
    this.#deletions = new KubeJobDeletions(options);
    this.#kubeJobs = new OwnedKubeJobs(options.kubeJobs, (change) => this.#onKubeJobChange(change));
    this.#lookups = new Lookups({ ...options, onRetry: announce });
    this.#runPods = new RunPods({ ...options, lookups: this.#lookups }, announce);
    this.#stops = new KubeJobStops({ ...options, runPods: this.#runPods, deletions: this.#deletions });
  }

  /** Unlimited: the cluster itself lets Pods wait. */
  capacity(): number {
    return Infinity;
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  async check(job: Job): Promise<LshError | undefined> {
    if (!hasUncheckedParts(job.spec)) return undefined;
    const { api, defaults } = this.#options;
    try {
      await api.json(dryRunRequest(job, defaults));
      return undefined;
    } catch (error) {
      // Any other failure is about the cluster of now: the start of a run meets it again, and reports it.
      const detail = invalidity(error);
      return detail === undefined ? undefined : kubeJobInvalid(detail, error);
    }
  }

  async start(job: Job, run: Run): Promise<void> {
    const { api, defaults } = this.#options;
    const id = jobKey(job.namespace, run.name);
    this.#starting.add(id);
    try {
      this.#put(job.key, await api.json<KubeJob>(createRequest(job, run, defaults)));
      const created = this.#kubeJobs.get(job.key, run.name);
      if (created !== undefined) this.#madeFrom.set(created, job.spec);
      this.#deletions.tookRoom(job.namespace);
    } catch (error) {
      if (isAlreadyExists(error)) return this.#adoptExisting(job, run);
      if (isJobQuotaExceeded(error) && (await this.#makeRoom(job.namespace))) throw asRetryable(error);
      if (isUncertain(error)) this.#markUncertain(run);
      const message = rejection(error);
      if (message === undefined) throw asRetryable(error);
      this.#fail(run, { reason: 'SpawnError', message });
    } finally {
      this.#starting.delete(id);
    }
  }

  async stop(name: string, cause: StopCause, graceMs: number, key: JobKey): Promise<void> {
    const kubeJob = this.#kubeJobs.get(key, name);
    const onOverdue = () => this.#listeners.notify(key);
    if (kubeJob !== undefined) await this.#stops.stop(kubeJob, { key, cause, graceMs, onOverdue });
  }

  /** Reads uncertain starts from the server: the watch may not have delivered their Kubernetes Jobs yet. */
  refresh(key: JobKey): Promise<void> | undefined {
    const runs = this.#uncertainStarts.get(key);
    return runs && this.#readUncertain(key, [...runs.values()]);
  }

  observe(key: JobKey): RunObservation[] {
    const seen = new Map<string, RunObservation>(this.#ends.get(key));
    for (const kubeJob of this.#kubeJobs.of(key)) {
      const { name } = kubeJob.metadata;
      const observation = this.#observeKubeJob(key, kubeJob, seen.get(name));
      if (observation !== undefined) seen.set(name, observation);
    }
    for (const run of this.#options.facts.underWayOf(key)) {
      if (!seen.has(run.name)) seen.set(run.name, this.#observeMissing(key, run));
    }
    return [...seen.values()];
  }

  release(name: string, key: JobKey): void {
    const ends = this.#ends.get(key);
    ends?.delete(name);
    if (ends?.size === 0) this.#ends.delete(key);
  }

  async remove(name: string, key: JobKey): Promise<void> {
    const kubeJob = this.#kubeJobs.get(key, name);
    if (kubeJob !== undefined) await this.#deletions.remove(kubeJob, () => this.#listeners.notify(key));
  }

  /** Cancels every lookup and deletion that is scheduled. */
  close(): void {
    this.#deletions.close();
    this.#stops.close();
    this.#runPods.close();
    this.#lookups.close();
  }

  #observeKubeJob(
    key: JobKey,
    kubeJob: KubeJob,
    end: RunObservation | undefined,
  ): RunObservation | undefined {
    if (this.#deletions.isRemoved(kubeJob)) return undefined;
    const { name } = kubeJob.metadata;
    const run = recordedRun(kubeJob);
    if (end !== undefined) return { ...end, run };
    if (!hasEnded(kubeJob)) return this.#observeProgress(key, kubeJob, run);
    if (!this.#awaitsEnd(key, name)) return undefined;
    this.#lookUpEnd(key, kubeJob);
    // No news until the end is known in full: the ledger does not change a recorded end.
    return { name, state: 'Pending', run };
  }

  #observeProgress(key: JobKey, kubeJob: KubeJob, run: Run | undefined): RunObservation {
    const { name } = kubeJob.metadata;
    const { startedAt, limit, stuck, isWithoutPod } = this.#runPods.of(kubeJob);
    if (startedAt !== undefined) return { name, state: 'Running', startedAt, run, limit };
    const outdated = isWithoutPod && run !== undefined && this.#isOutdated(key, kubeJob, run);
    return { name, state: 'Pending', run, stuck, ...(outdated && { outdated }) };
  }

  #isOutdated(key: JobKey, kubeJob: KubeJob, run: Run): boolean {
    const { facts, defaults } = this.#options;
    const job = facts.jobOf(key);
    if (job === undefined || job.invalid !== undefined) return false;
    if (this.#madeFrom.get(kubeJob) === job.spec) return false;
    return isOutdated(kubeJob, kubeJobManifest(job, run, defaults));
  }

  #lookUpEnd(key: JobKey, kubeJob: KubeJob): void {
    const { api, facts, clock } = this.#options;
    const { uid, name } = kubeJob.metadata;
    const captureOutput = facts.jobOf(key)?.spec.captureOutput ?? false;
    this.#lookups.start({ key, run: name, id: `${uid} end` }, async () => {
      const end = await runEnd(api, kubeJob, { captureOutput, now: clock.now() });
      if (end === 'later') return end;
      this.#end(key, end);
      return undefined;
    });
  }

  /**
   * A run that is under way without a Kubernetes Job in the cache. The two watches are independent, and the one of the
   * ledger can be ahead: the run is lost only if the API server confirms that the Kubernetes Job does not exist. Its Pod
   * can outlive it, and the command with the Pod: until then no other run may start.
   */
  #observeMissing(key: JobKey, run: Run): RunObservation {
    const { name } = run;
    this.#lookups.start({ key, run: name, id: `${key} ${name}` }, () => this.#lookUpMissing(key, run));
    return { name, state: 'Pending' };
  }

  async #lookUpMissing(key: JobKey, run: Run): Promise<void | 'later'> {
    const kubeJob = await this.#read(key, run.name);
    if (kubeJob === undefined || !isOwnedBy(kubeJob, run.jobUid)) {
      if (await hasActivePod(this.#options.api, key, run.name)) return 'later';
      const message = 'Its Kubernetes Job was deleted while it was active.';
      return this.#fail(run, { reason: 'Lost', message });
    }
    this.#put(key, kubeJob);
    this.#listeners.notify(key);
  }

  /** The watch announces no object that the cache has already. */
  #put(key: JobKey, kubeJob: KubeJob): void {
    this.#kubeJobs.put(key, kubeJob);
    if (!hasEnded(kubeJob)) this.#runPods.of(kubeJob);
  }

  /** Whether kept history makes room for a Kubernetes Job that a quota refused: the history goes before the run. */
  #makeRoom(namespace: string): Promise<boolean> {
    const kept = [...this.#kubeJobs.inNamespace(namespace)].filter(
      ({ key, kubeJob }) => hasEnded(kubeJob) && !this.#awaitsEnd(key, kubeJob.metadata.name),
    );
    return this.#deletions.makeRoom(
      namespace,
      kept.map(({ kubeJob }) => kubeJob),
    );
  }

  #markUncertain(run: Run): void {
    const runs = this.#uncertainStarts.get(run.job) ?? new Map<string, Run>();
    this.#uncertainStarts.set(run.job, runs.set(run.name, run));
  }

  async #readUncertain(key: JobKey, runs: readonly Run[]): Promise<void> {
    for (const { name, jobUid } of runs) {
      const kubeJob = await this.#read(key, name).catch(rethrowRetryable);
      if (kubeJob !== undefined && isOwnedBy(kubeJob, jobUid)) this.#put(key, kubeJob);
    }
    this.#uncertainStarts.delete(key);
  }

  /** This process or a former leader has started the run, or an object that is not ours has its name. */
  async #adoptExisting({ key, uid }: Job, run: Run): Promise<void> {
    const existing = await this.#read(key, run.name).catch(rethrowRetryable);
    if (existing === undefined) throw new LshError('CLUSTER_CONFLICT', { object: run.name });
    if (!isOwnedBy(existing, uid)) {
      const message = `A Job named ${run.name} exists and does not belong to this LshJob.`;
      return this.#fail(run, { reason: 'NameTaken', message });
    }
    this.#put(key, existing);
    // The watch may have delivered its end already, so no further event would announce the job.
    this.#listeners.notify(key);
  }

  /** The Kubernetes Job from the API server; undefined if there is none. Throws ApiException. */
  async #read(key: JobKey, name: string): Promise<KubeJob | undefined> {
    try {
      return await this.#options.api.json<KubeJob>({ path: kubeJobPath(splitKey(key).namespace, name) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #fail(run: Run, cause: Pick<RunEnd, 'reason' | 'message'>): void {
    this.#end(run.job, { name: run.name, state: 'Ended', finishedAt: this.#options.clock.now(), ...cause });
  }

  #end(key: JobKey, end: RunEnd): void {
    const ends = this.#ends.get(key) ?? new Map<string, RunEnd>();
    this.#ends.set(key, ends.set(end.name, end));
    this.#listeners.notify(key);
  }

  #onKubeJobChange({ key, kubeJob, deleted, changesRun }: OwnedKubeJobChange): void {
    if (deleted || hasEnded(kubeJob)) {
      this.#runPods.forget(kubeJob);
      this.#stops.forget(kubeJob);
    } else this.#runPods.of(kubeJob);
    if (!changesRun || (this.#starting.has(objectKey(kubeJob)) && !deleted && !hasEnded(kubeJob))) return;
    if (deleted && !this.#deletions.confirm(kubeJob)) this.#endDeleted(key, kubeJob);
    this.#listeners.notify(key);
  }

  /** The Kubernetes Job ended and was deleted before the ledger had its end. One that was active is looked up. */
  #endDeleted(key: JobKey, kubeJob: KubeJob): void {
    const { name } = kubeJob.metadata;
    if (!this.#awaitsEnd(key, name) || this.#ends.get(key)?.has(name)) return;
    const observation = observationOf(kubeJob, []);
    if (observation.state === 'Ended') this.#end(key, observation);
  }

  /**
   * Whether the ledger lacks the end of the run and its LshJob still exists. Without this check the loop would get the
   * same end again after each release, for as long as the Kubernetes Job exists.
   */
  #awaitsEnd(key: JobKey, name: string): boolean {
    const { facts } = this.#options;
    const phase = facts.phaseOf(key, name);
    return phase === undefined ? facts.jobOf(key) !== undefined : isActive({ phase });
  }
}

function rethrowRetryable(error: unknown): never {
  throw asRetryable(error);
}
