// The runner whose attempts are Kubernetes Jobs. The name of a Job is the lock: it is created first and recorded
// after. Knows the Jobs, not the schedule; what a run is, its Job says itself.
import { Listeners } from '../../control/listeners.ts';
import type { Clock, Logger, Runner } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import { splitKey, type Job, type JobKey } from '../../core/job.ts';
import type { Run, RunEnd, RunObservation, RunPhase, StopCause } from '../../core/run.ts';
import { asRetryable, type KubeApi } from '../api/fence.ts';
import { isAlreadyExists, isNotFound, isUncertain } from '../api/api-errors.ts';
import { ActiveTimes } from './active-times.ts';
import { Inquiries } from './inquiries.ts';
import { kubeJobManifest, type KubeJobDefaults } from '../objects/kube-job.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import { OwnedKubeJobs, recordedRun, type OwnedKubeJobChange } from './owned-kube-jobs.ts';
import { runEnd } from './pod-log.ts';
import { hasEnded, isOwnedBy, observationOf, type KubeJob, type Pod } from '../objects/kube-job-run.ts';
import { startRefusal } from './start-refusal.ts';
import { StuckRuns } from './stuck-runs.ts';

/** What the runner asks about runs and jobs that it does not keep itself. */
export interface RunFacts {
  /** How far the ledger has the run; undefined when it does not have it. */
  phaseOf(key: JobKey, name: string): RunPhase | undefined;
  /** Whether there is such an LshJob. The Jobs of one that was deleted are the garbage collector’s. */
  isKnown(key: JobKey): boolean;
  capturesOutput(key: JobKey): boolean;
  /** Runs that the ledger holds as Running. */
  runningOf(key: JobKey): Run[];
}

export interface KubeJobRunnerOptions {
  api: KubeApi;
  jobs: NamespacedInformer<KubeJob>;
  /** Those that are pending. */
  pods: NamespacedInformer<Pod>;
  facts: RunFacts;
  defaults: KubeJobDefaults;
  clock: Clock;
  logger: Logger;
  /**
   * A Job stays for so many milliseconds after its end, whatever the history limits say: as long as somebody who
   * does not know yet that he lost the lease may try its name.
   */
  removalDelayMs: number;
}

export class KubeJobRunner implements Runner {
  readonly traits = { claim: 'name', keepsTimeout: true, hasHost: false, leavesObject: true } as const;
  readonly #options: KubeJobRunnerOptions;
  readonly #jobs: OwnedKubeJobs;
  readonly #stuck: StuckRuns;
  readonly #active: ActiveTimes;
  readonly #listeners = new Listeners<JobKey>();
  /** Ends that are known whole, by job and run. */
  readonly #ends = new Map<JobKey, Map<string, RunEnd>>();
  readonly #inquiries: Inquiries;
  /** Uids of Jobs that are to be deleted, or have been. */
  readonly #removed = new Set<string>();
  /** Runs whose start ended without an answer. */
  readonly #uncertain = new Map<JobKey, Map<string, Run>>();
  /** Take back deletions that are to come. */
  readonly #deletions = new Set<() => void>();

  constructor(options: KubeJobRunnerOptions) {
    this.#options = options;
    this.#active = new ActiveTimes(options.clock);
    this.#jobs = new OwnedKubeJobs(options.jobs, (change) => this.#heard(change));
    this.#inquiries = new Inquiries({ ...options, again: (key) => this.#listeners.notify(key) });
    this.#stuck = new StuckRuns({ pending: options.pods, clock: options.clock }, (key) =>
      this.#listeners.notify(key),
    );
  }

  /** The cluster has its own ways to make Pods wait. */
  capacity(): number {
    return Infinity;
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  async start(job: Job, run: Run): Promise<void> {
    const { api, defaults } = this.#options;
    try {
      const path = jobsPath(job.key);
      const body = kubeJobManifest(job, run, defaults);
      this.#jobs.put(job.key, await api.json<KubeJob>({ method: 'POST', path, body }));
    } catch (error) {
      if (isAlreadyExists(error)) return this.#takeExisting(job, run);
      const refusal = startRefusal(error);
      if (isUncertain(error)) this.#doubt(run);
      if (refusal === undefined) throw asRetryable(error);
      this.#fail(run, { reason: 'SpawnError', message: refusal });
    }
  }

  async stop(name: string, _cause: StopCause, _graceMs: number, key: JobKey): Promise<void> {
    const job = this.#jobs.get(key, name);
    if (job === undefined || hasEnded(job) || job.metadata.deletionTimestamp !== undefined) return;
    // In the foreground: the Job goes when its Pods have, and only then has the run ended.
    await this.#delete(job, 'Foreground');
  }

  /** The watch may be behind: a Job that it has not brought yet would not be known to the next decision. */
  refresh(key: JobKey): Promise<void> | undefined {
    const runs = this.#uncertain.get(key);
    return runs && this.#lookFor(key, [...runs.values()]);
  }

  observe(key: JobKey): RunObservation[] {
    const seen = new Map<string, RunObservation>(this.#ends.get(key));
    for (const job of this.#jobs.of(key)) {
      const observation = this.#observeJob(key, job, seen.get(job.metadata.name));
      if (observation !== undefined) seen.set(job.metadata.name, observation);
    }
    for (const run of this.#options.facts.runningOf(key)) {
      if (!seen.has(run.name)) seen.set(run.name, this.#seek(key, run));
    }
    return [...seen.values()];
  }

  release(name: string, key: JobKey): void {
    const ends = this.#ends.get(key);
    ends?.delete(name);
    if (ends?.size === 0) this.#ends.delete(key);
  }

  async remove(name: string, key: JobKey): Promise<void> {
    const job = this.#jobs.get(key, name);
    if (job === undefined || !hasEnded(job)) return;
    if (this.#removed.has(job.metadata.uid)) return;
    this.#removed.add(job.metadata.uid);
    const { clock, removalDelayMs } = this.#options;
    const end = observationOf(job, []);
    const dueAt = (end.state === 'Ended' ? end.finishedAt : 0) + removalDelayMs;
    if (dueAt <= clock.now()) return this.#removeNow(job);
    const cancel = clock.at(dueAt, () => {
      this.#deletions.delete(cancel);
      this.#removeNow(job).catch(() => this.#listeners.notify(key));
    });
    this.#deletions.add(cancel);
  }

  /** Starts, asks and deletes nothing more. */
  close(): void {
    for (const cancel of this.#deletions) cancel();
    this.#deletions.clear();
    this.#inquiries.close();
  }

  #observeJob(key: JobKey, job: KubeJob, end: RunObservation | undefined): RunObservation | undefined {
    const { name, uid } = job.metadata;
    if (this.#removed.has(uid)) return undefined;
    const run = recordedRun(job);
    if (end !== undefined) return { ...end, run };
    const seen = observationOf(job, []);
    if (seen.state === 'Running')
      return { ...seen, run, stuck: this.#stuck.of(key, name), limit: this.#limitOf(job) };
    if (!this.#isToBeRecorded(key, name)) return undefined;
    this.#askForEnd(key, job);
    // Not told before all of it is known: what is recorded once is not looked at again.
    return { name, state: 'Running', startedAt: Date.parse(job.metadata.creationTimestamp), run };
  }

  #limitOf(job: KubeJob): { ms: number; forMs: number } | undefined {
    const seconds = job.spec?.activeDeadlineSeconds;
    return seconds === undefined ? undefined : { ms: seconds * 1000, forMs: this.#active.of(job) };
  }

  /**
   * The record of a run may come by its watch before the Job comes by the other: it is lost only when the server
   * says that there is no such Job.
   */
  #seek(key: JobKey, run: Run): RunObservation {
    const { name, startedAt = this.#options.clock.now() } = run;
    this.#inquiries.ask({ key, run: name, id: `${key} ${name}` }, () => this.#find(key, run));
    return { name, state: 'Running', startedAt };
  }

  async #find(key: JobKey, run: Run): Promise<void> {
    try {
      const job = await this.#options.api.json<KubeJob>({ path: `${jobsPath(key)}/${run.name}` });
      if (isOwnedBy(job, run.jobUid)) {
        this.#jobs.put(key, job);
        return this.#listeners.notify(key);
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#fail(run, { reason: 'Lost', message: 'Its Kubernetes Job is gone.' });
  }

  #askForEnd(key: JobKey, job: KubeJob): void {
    const { api, facts } = this.#options;
    const { uid, name } = job.metadata;
    this.#inquiries.ask({ key, run: name, id: uid }, async () =>
      this.#end(key, await runEnd(api, job, facts.capturesOutput(key))),
    );
  }

  #doubt(run: Run): void {
    this.#uncertain.set(run.job, (this.#uncertain.get(run.job) ?? new Map<string, Run>()).set(run.name, run));
  }

  async #lookFor(key: JobKey, runs: readonly Run[]): Promise<void> {
    for (const { name, jobUid } of runs) {
      const job = await this.#read(key, name);
      if (job !== undefined && isOwnedBy(job, jobUid)) this.#jobs.put(key, job);
    }
    this.#uncertain.delete(key);
  }

  /** Started before, by us or by whoever led before us; or the name is somebody else’s. */
  async #takeExisting({ key, uid }: Job, run: Run): Promise<void> {
    const existing = await this.#read(key, run.name);
    if (existing === undefined) throw new LshError('CLUSTER_CONFLICT', { object: run.name });
    if (!isOwnedBy(existing, uid)) {
      const message = `A Job named ${run.name} exists and does not belong to this LshJob.`;
      return this.#fail(run, { reason: 'NameTaken', message });
    }
    this.#jobs.put(key, existing);
    // It may have ended before, and then no watch will tell.
    this.#listeners.notify(key);
  }

  async #read(key: JobKey, name: string): Promise<KubeJob | undefined> {
    try {
      return await this.#options.api.json<KubeJob>({ path: `${jobsPath(key)}/${name}` });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw asRetryable(error);
    }
  }

  #fail(run: Run, why: Pick<RunEnd, 'reason' | 'message'>): void {
    this.#end(run.job, { name: run.name, state: 'Ended', finishedAt: this.#options.clock.now(), ...why });
  }

  #end(key: JobKey, end: RunEnd): void {
    const ends = this.#ends.get(key) ?? new Map<string, RunEnd>();
    this.#ends.set(key, ends.set(end.name, end));
    this.#listeners.notify(key);
  }

  #heard({ key, job, deleted, isNews }: OwnedKubeJobChange): void {
    if (deleted) this.#active.forget(job);
    else this.#active.note(job);
    if (!isNews) return;
    if (deleted && !this.#removed.delete(job.metadata.uid)) this.#deletedByOthers(key, job);
    this.#listeners.notify(key);
  }

  #deletedByOthers(key: JobKey, job: KubeJob): void {
    const { name } = job.metadata;
    if (!this.#isToBeRecorded(key, name) || this.#ends.get(key)?.has(name)) return;
    const seen = observationOf(job, []);
    const message = 'Its Kubernetes Job was deleted while it was active.';
    const lost = {
      ...seen,
      state: 'Ended',
      reason: 'Lost',
      message,
      finishedAt: this.#options.clock.now(),
    } as const;
    this.#end(key, seen.state === 'Ended' ? seen : lost);
  }

  async #removeNow(job: KubeJob): Promise<void> {
    try {
      await this.#delete(job, 'Background');
    } catch (error) {
      this.#removed.delete(job.metadata.uid);
      throw error;
    }
  }

  async #delete({ metadata }: KubeJob, propagationPolicy: 'Foreground' | 'Background'): Promise<void> {
    const { name, namespace, uid } = metadata;
    try {
      await this.#options.api.request({
        method: 'DELETE',
        path: `${jobsPath(`${namespace}/`)}/${name}`,
        body: { propagationPolicy, preconditions: { uid } },
      });
    } catch (error) {
      if (!isNotFound(error)) throw asRetryable(error);
    }
  }

  /**
   * Whether the ledger lacks the end of the run and somebody is there to take it. What nobody takes would come back
   * to the loop each time it is released, for as long as the Job is there.
   */
  #isToBeRecorded(key: JobKey, name: string): boolean {
    const { facts } = this.#options;
    const phase = facts.phaseOf(key, name);
    return phase === undefined ? facts.isKnown(key) : phase === 'Running' || phase === 'Created';
  }
}

function jobsPath(key: JobKey): string {
  return `/apis/batch/v1/namespaces/${splitKey(key).namespace}/jobs`;
}
