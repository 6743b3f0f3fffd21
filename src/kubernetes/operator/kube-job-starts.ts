// The starts of runs: the name of a Kubernetes Job is the lock, so a start creates it, or finds that a former start did.
import { LshError } from '../../core/errors.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { jobKey } from '../../core/naming.ts';
import type { Run, StartingRun } from '../../core/run.ts';
import { isAlreadyExists, isJobQuotaExceeded, isUncertain, rejection } from '../api/api-errors.ts';
import { asRetryable, type KubeApi } from '../api/fence.ts';
import { objectKey } from '../api/objects.ts';
import { createRequest } from '../objects/kube-job-request.ts';
import { hasEnded, isOwnedBy, type KubeJob } from '../objects/kube-job-run.ts';
import type { KubeJobDefaults } from '../objects/kube-job.ts';
import type { KubeJobDeletions } from './kube-job-deletions.ts';
import type { KubeJobEnds } from './kube-job-ends.ts';
import { readKubeJob, type OwnedKubeJobs } from './owned-kube-jobs.ts';

export interface KubeJobStartsOptions {
  api: KubeApi;
  defaults: KubeJobDefaults;
  kubeJobs: OwnedKubeJobs;
  deletions: KubeJobDeletions;
  ends: KubeJobEnds;
  /** Stores a Kubernetes Job that was just created or read. */
  put: (key: JobKey, kubeJob: KubeJob) => void;
  /** Called when a start found the Kubernetes Job of a former start. */
  onFound: (key: JobKey) => void;
}

export class KubeJobStarts {
  readonly #options: KubeJobStartsOptions;
  /** Kubernetes Jobs that are being created: their appearance is no news to the evaluation that creates them. */
  readonly #starting = new Set<string>();
  /** The spec that a new Kubernetes Job was made from: as long as it is the job’s, no manifest is made to compare the two. */
  readonly #madeFrom = new WeakMap<KubeJob, JobSpec>();
  /** Runs whose start ended without an answer. */
  readonly #uncertain = new Map<JobKey, Map<string, Run>>();

  constructor(options: KubeJobStartsOptions) {
    this.#options = options;
  }

  isUnderWay(kubeJob: KubeJob): boolean {
    return this.#starting.has(objectKey(kubeJob));
  }

  isMadeFrom(kubeJob: KubeJob, spec: JobSpec): boolean {
    return this.#madeFrom.get(kubeJob) === spec;
  }

  /** As Runner.start. */
  async start(job: Job, run: StartingRun): Promise<void> {
    const id = jobKey(job.namespace, run.name);
    this.#starting.add(id);
    try {
      await this.#create(job, run);
    } catch (error) {
      if (isAlreadyExists(error)) return this.#adoptExisting(job, run);
      if (isJobQuotaExceeded(error) && (await this.#makeRoom(job.namespace))) throw asRetryable(error);
      if (isUncertain(error)) this.#markUncertain(run);
      const message = rejection(error);
      if (message === undefined) throw asRetryable(error);
      this.#options.ends.fail(run, { reason: 'SpawnError', message });
    } finally {
      this.#starting.delete(id);
    }
  }

  /** Reads uncertain starts from the server: the watch may not have delivered their Kubernetes Jobs yet. */
  refresh(key: JobKey): Promise<void> | undefined {
    const runs = this.#uncertain.get(key);
    return runs && this.#readUncertain(key, [...runs.values()]);
  }

  async #create(job: Job, run: StartingRun): Promise<void> {
    const { api, defaults, kubeJobs, deletions, put } = this.#options;
    put(job.key, await api.json<KubeJob>(createRequest(job, run, defaults)));
    const created = kubeJobs.get(job.key, run.name);
    if (created !== undefined) this.#madeFrom.set(created, job.spec);
    deletions.tookRoom(job.namespace);
  }

  /** Whether kept history makes room for a Kubernetes Job that a quota refused: the history goes before the run. */
  #makeRoom(namespace: string): Promise<boolean> {
    const { kubeJobs, deletions, ends } = this.#options;
    const kept = [...kubeJobs.inNamespace(namespace)].filter(
      ({ key, kubeJob }) => hasEnded(kubeJob) && !ends.isAwaited(key, kubeJob.metadata.name),
    );
    return deletions.makeRoom(
      namespace,
      kept.map(({ kubeJob }) => kubeJob),
    );
  }

  #markUncertain(run: Run): void {
    const runs = this.#uncertain.get(run.job) ?? new Map<string, Run>();
    this.#uncertain.set(run.job, runs.set(run.name, run));
  }

  async #readUncertain(key: JobKey, runs: readonly Run[]): Promise<void> {
    const { api, put } = this.#options;
    for (const { name, jobUid } of runs) {
      const kubeJob = await readKubeJob(api, key, name).catch(rethrowRetryable);
      if (kubeJob !== undefined && isOwnedBy(kubeJob, jobUid)) put(key, kubeJob);
    }
    this.#uncertain.delete(key);
  }

  /** This process or a former leader has started the run, or an object that is not ours has its name. */
  async #adoptExisting({ key, uid }: Job, run: Run): Promise<void> {
    const { api, ends, put, onFound } = this.#options;
    const existing = await readKubeJob(api, key, run.name).catch(rethrowRetryable);
    if (existing === undefined) throw new LshError('CLUSTER_CONFLICT', { object: run.name });
    if (!isOwnedBy(existing, uid)) {
      const message = `A Job named ${run.name} exists and does not belong to this LshJob.`;
      return ends.fail(run, { reason: 'NameTaken', message });
    }
    put(key, existing);
    // The watch may have delivered its end already, so no further event would announce the job.
    onFound(key);
  }
}

function rethrowRetryable(error: unknown): never {
  throw asRetryable(error);
}
