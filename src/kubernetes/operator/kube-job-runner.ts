// The runner whose attempts are Kubernetes Jobs. The name of a Kubernetes Job is the lock: it is created first and
// recorded after. Knows no schedule; the Kubernetes Job itself says which run it is.
import { Listeners } from '../../control/listeners.ts';
import type { Clock, Logger, Runner } from '../../control/ports.ts';
import type { LshError } from '../../core/errors.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StartingRun, StopCause } from '../../core/run.ts';
import { invalidity } from '../api/api-errors.ts';
import type { KubeApi } from '../api/fence.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import { hasEnded, isOwnedBy, recordedRun, type KubeJob } from '../objects/kube-job-run.ts';
import { dryRunRequest, hasUncheckedParts, kubeJobInvalid } from '../objects/kube-job-request.ts';
import type { Pod } from '../objects/pod.ts';
import { isOutdated, kubeJobManifest, type KubeJobDefaults } from '../objects/kube-job.ts';
import { KubeJobDeletions } from './kube-job-deletions.ts';
import { KubeJobEnds, type RunFacts } from './kube-job-ends.ts';
import { KubeJobStarts } from './kube-job-starts.ts';
import { KubeJobStops } from './kube-job-stops.ts';
import { Lookups } from './lookups.ts';
import { OwnedKubeJobs, readKubeJob, type OwnedKubeJobChange } from './owned-kube-jobs.ts';
import { hasActivePod } from './pod-log.ts';
import { RunPods } from './run-pods.ts';

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
  readonly #lookups: Lookups;
  readonly #deletions: KubeJobDeletions;
  readonly #stops: KubeJobStops;
  readonly #ends: KubeJobEnds;
  readonly #starts: KubeJobStarts;

  constructor(options: KubeJobRunnerOptions) {
    const announce = (key: JobKey) => this.#listeners.notify(key);
    this.#options = options;
    this.#deletions = new KubeJobDeletions(options);
    this.#kubeJobs = new OwnedKubeJobs(options.kubeJobs, (change) => this.#onKubeJobChange(change));
    this.#lookups = new Lookups({ ...options, onRetry: announce });
    this.#runPods = new RunPods({ ...options, lookups: this.#lookups }, announce);
    this.#stops = new KubeJobStops({ ...options, runPods: this.#runPods, deletions: this.#deletions });
    this.#ends = new KubeJobEnds({ ...options, lookups: this.#lookups, onEnd: announce });
    this.#starts = new KubeJobStarts({
      ...options,
      kubeJobs: this.#kubeJobs,
      deletions: this.#deletions,
      ends: this.#ends,
      put: (key, kubeJob) => this.#put(key, kubeJob),
      onFound: announce,
    });
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

  start(job: Job, run: StartingRun): Promise<void> {
    return this.#starts.start(job, run);
  }

  async stop(name: string, cause: StopCause, graceMs: number, key: JobKey): Promise<void> {
    const kubeJob = this.#kubeJobs.get(key, name);
    const onOverdue = () => this.#listeners.notify(key);
    if (kubeJob !== undefined) await this.#stops.stop(kubeJob, { key, cause, graceMs, onOverdue });
  }

  refresh(key: JobKey): Promise<void> | undefined {
    return this.#starts.refresh(key);
  }

  observe(key: JobKey): RunObservation[] {
    const seen = new Map<string, RunObservation>(this.#ends.of(key));
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
    this.#ends.release(name, key);
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
    if (!this.#ends.isAwaited(key, name)) return undefined;
    this.#ends.lookUp(key, kubeJob);
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
    if (this.#starts.isMadeFrom(kubeJob, job.spec)) return false;
    return isOutdated(kubeJob, kubeJobManifest(job, run, defaults));
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
    const kubeJob = await readKubeJob(this.#options.api, key, run.name);
    if (kubeJob === undefined || !isOwnedBy(kubeJob, run.jobUid)) {
      if (await hasActivePod(this.#options.api, key, run.name)) return 'later';
      const message = 'Its Kubernetes Job was deleted while it was active.';
      return this.#ends.fail(run, { reason: 'Lost', message });
    }
    this.#put(key, kubeJob);
    this.#listeners.notify(key);
  }

  /** The watch announces no object that the cache has already. */
  #put(key: JobKey, kubeJob: KubeJob): void {
    this.#kubeJobs.put(key, kubeJob);
    if (!hasEnded(kubeJob)) this.#runPods.of(kubeJob);
  }

  #onKubeJobChange({ key, kubeJob, deleted, changesRun }: OwnedKubeJobChange): void {
    if (deleted || hasEnded(kubeJob)) {
      this.#runPods.forget(kubeJob);
      this.#stops.forget(kubeJob);
    } else this.#runPods.of(kubeJob);
    if (!changesRun || (this.#starts.isUnderWay(kubeJob) && !deleted && !hasEnded(kubeJob))) return;
    if (deleted && !this.#deletions.confirm(kubeJob)) this.#ends.deleted(key, kubeJob);
    if (!deleted && hasEnded(kubeJob) && this.#ends.isToBeRead(key, kubeJob)) {
      // At once: in a busy minute the next evaluation comes late, and without the end it would change nothing.
      this.#ends.lookUp(key, kubeJob);
      return;
    }
    this.#listeners.notify(key);
  }
}
