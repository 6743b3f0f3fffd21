// Deletes Kubernetes Jobs: an active one whose run has nothing to keep, an ended one when the history limits drop its run.
import type { Clock } from '../../control/ports.ts';
import { isNotFound } from '../api/api-errors.ts';
import { asRetryable, type KubeApi } from '../api/fence.ts';
import { hasEnded, observationOf, type KubeJob } from '../objects/kube-job-run.ts';
import { kubeJobPath } from '../objects/kube-job.ts';

export interface KubeJobDeletionsOptions {
  api: KubeApi;
  clock: Clock;
  /**
   * An ended Kubernetes Job stays for this many milliseconds, whatever the history limits say: its name is the lock
   * against a former leader that does not know yet that it lost the lease.
   */
  removalDelayMs: number;
}

/** Kubernetes’ quota controller counts a deletion within this time even when busy, milliseconds. */
const QUOTA_LAG_MS = 30_000;

export class KubeJobDeletions {
  readonly #options: KubeJobDeletionsOptions;
  /** Ended Kubernetes Jobs by uid whose removal is scheduled, or done but not yet delivered by the watch. */
  readonly #removed = new Map<string, KubeJob>();
  /** When the watch last delivered a deletion in each namespace, monotonic milliseconds. */
  readonly #deletedAt = new Map<string, number>();
  /** Cancel the scheduled removals. */
  readonly #scheduled = new Set<() => void>();

  constructor(options: KubeJobDeletionsOptions) {
    this.#options = options;
  }

  /** Ends the run. Kubernetes deletes the Job after its Pods, so that the run has ended once the Job is gone. */
  async stop(kubeJob: KubeJob): Promise<void> {
    if (hasEnded(kubeJob) || kubeJob.metadata.deletionTimestamp !== undefined) return;
    await this.#delete(kubeJob, 'Foreground');
  }

  /** Deletes an ended Kubernetes Job, after the removal delay if that is not over; calls back if that fails. */
  async remove(kubeJob: KubeJob, onFailure: () => void): Promise<void> {
    if (!hasEnded(kubeJob) || this.isRemoved(kubeJob)) return;
    this.#removed.set(kubeJob.metadata.uid, kubeJob);
    const { clock, removalDelayMs } = this.#options;
    const dueAt = finishedAt(kubeJob) + removalDelayMs;
    if (dueAt <= clock.now()) return this.#removeNow(kubeJob);
    const cancel = clock.at(dueAt, () => {
      this.#scheduled.delete(cancel);
      this.#removeNow(kubeJob).catch(onFailure);
    });
    this.#scheduled.add(cancel);
  }

  /**
   * Removes the first of the given ended Kubernetes Jobs to have ended, because a quota on Jobs is full. Returns whether
   * the quota has room soon; the run that it refused then waits.
   */
  async makeRoom(namespace: string, ended: readonly KubeJob[]): Promise<boolean> {
    if (this.#isMakingRoom(namespace)) return true;
    const [oldest] = ended.toSorted((a, b) => finishedAt(a) - finishedAt(b));
    // A removal that fails needs no announcement: the run that waits for it tries again.
    if (oldest !== undefined) await this.remove(oldest, () => undefined);
    return oldest !== undefined;
  }

  /** A Kubernetes Job was created: the quotas of its namespace have counted the deletions before it. */
  tookRoom(namespace: string): void {
    this.#deletedAt.delete(namespace);
  }

  #isMakingRoom(namespace: string): boolean {
    const at = this.#deletedAt.get(namespace) ?? -Infinity;
    if (this.#options.clock.monotonic() - at < QUOTA_LAG_MS) return true;
    return [...this.#removed.values()].some(({ metadata }) => metadata.namespace === namespace);
  }

  isRemoved({ metadata }: KubeJob): boolean {
    return this.#removed.has(metadata.uid);
  }

  /** The watch has delivered the deletion. Returns whether it was a removal of ours. */
  confirm({ metadata }: KubeJob): boolean {
    this.#deletedAt.set(metadata.namespace ?? '', this.#options.clock.monotonic());
    return this.#removed.delete(metadata.uid);
  }

  /** Cancels the scheduled removals. */
  close(): void {
    for (const cancel of this.#scheduled) cancel();
    this.#scheduled.clear();
  }

  async #removeNow(kubeJob: KubeJob): Promise<void> {
    try {
      await this.#delete(kubeJob, 'Background');
    } catch (error) {
      this.#removed.delete(kubeJob.metadata.uid);
      throw error;
    }
  }

  async #delete({ metadata }: KubeJob, propagationPolicy: 'Foreground' | 'Background'): Promise<void> {
    const { name, namespace = '', uid } = metadata;
    try {
      await this.#options.api.request({
        method: 'DELETE',
        path: kubeJobPath(namespace, name),
        body: { propagationPolicy, preconditions: { uid } },
      });
    } catch (error) {
      if (!isNotFound(error)) throw asRetryable(error);
    }
  }
}

function finishedAt(kubeJob: KubeJob): number {
  const end = observationOf(kubeJob, []);
  return end.state === 'Ended' ? end.finishedAt : 0;
}
