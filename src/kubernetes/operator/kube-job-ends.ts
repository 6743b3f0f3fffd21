// The ends of runs: read once a Kubernetes Job has ended, and kept until the ledger has them. An end is reported only when
// it is complete, with exit code and output, because the ledger records it once.
import type { Clock } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import { isActive, type Run, type RunEnd, type RunPhase } from '../../core/run.ts';
import type { KubeApi } from '../api/fence.ts';
import { observationOf, type KubeJob } from '../objects/kube-job-run.ts';
import type { Lookups } from './lookups.ts';
import { runEnd } from './pod-log.ts';

/** The facts about jobs and runs that the runner does not keep itself. */
export interface RunFacts {
  /** Phase of the run in the ledger; undefined if the ledger lacks it. */
  phaseOf(key: JobKey, name: string): RunPhase | undefined;
  /** Undefined for a deleted LshJob, whose Jobs Kubernetes’ garbage collector deletes. */
  jobOf(key: JobKey): Job | undefined;
  /** Runs that are under way in the ledger. */
  underWayOf(key: JobKey): Run[];
}

export interface KubeJobEndsOptions {
  api: KubeApi;
  facts: RunFacts;
  clock: Clock;
  lookups: Lookups;
  /** Called when an end is known in full. */
  onEnd: (key: JobKey) => void;
}

export class KubeJobEnds {
  readonly #options: KubeJobEndsOptions;
  /** Ends that are known in full and not yet released, by job and run. */
  readonly #ends = new Map<JobKey, Map<string, RunEnd>>();

  constructor(options: KubeJobEndsOptions) {
    this.#options = options;
  }

  of(key: JobKey): ReadonlyMap<string, RunEnd> | undefined {
    return this.#ends.get(key);
  }

  release(name: string, key: JobKey): void {
    const ends = this.#ends.get(key);
    ends?.delete(name);
    if (ends?.size === 0) this.#ends.delete(key);
  }

  /**
   * Whether the ledger lacks the end of the run and its LshJob still exists. Without this check the loop would get the
   * same end again after each release, for as long as the Kubernetes Job exists.
   */
  isAwaited(key: JobKey, name: string): boolean {
    const { facts } = this.#options;
    const phase = facts.phaseOf(key, name);
    return phase === undefined ? facts.jobOf(key) !== undefined : isActive({ phase });
  }

  /** Whether the ledger awaits the end of this Kubernetes Job, and it is not known. */
  isToBeRead(key: JobKey, { metadata: { name } }: KubeJob): boolean {
    return this.isAwaited(key, name) && this.#ends.get(key)?.has(name) !== true;
  }

  /** Reads the end of a Kubernetes Job that has ended, unless it is being read. */
  lookUp(key: JobKey, kubeJob: KubeJob): void {
    const { api, facts, clock, lookups } = this.#options;
    const { uid, name } = kubeJob.metadata;
    const captureOutput = facts.jobOf(key)?.spec.captureOutput ?? false;
    lookups.start({ key, run: name, id: `${uid} end` }, async () => {
      const end = await runEnd(api, kubeJob, { captureOutput, now: clock.now() });
      if (end === 'later') return end;
      this.#add(key, end);
      return undefined;
    });
  }

  /** The Kubernetes Job ended and was deleted before the ledger had its end. One that was active is looked up. */
  deleted(key: JobKey, kubeJob: KubeJob): void {
    if (!this.isToBeRead(key, kubeJob)) return;
    const observation = observationOf(kubeJob, []);
    if (observation.state === 'Ended') this.#add(key, observation);
  }

  /** The run ended now, without a Kubernetes Job that says how. */
  fail(run: Run, cause: Pick<RunEnd, 'reason' | 'message'>): void {
    this.#add(run.job, { name: run.name, state: 'Ended', finishedAt: this.#options.clock.now(), ...cause });
  }

  #add(key: JobKey, end: RunEnd): void {
    const ends = this.#ends.get(key) ?? new Map<string, RunEnd>();
    this.#ends.set(key, ends.set(end.name, end));
    this.#options.onEnd(key);
  }
}
