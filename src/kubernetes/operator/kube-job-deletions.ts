// Deletes Kubernetes Jobs: an active one to stop its run, an ended one when the history limits drop its run.
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

export class KubeJobDeletions {
  readonly #options: KubeJobDeletionsOptions;
  /** Uids of ended Kubernetes Jobs whose removal is scheduled, or done but not yet delivered by the watch. */
  readonly #removed = new Set<string>();
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
    this.#removed.add(kubeJob.metadata.uid);
    const { clock, removalDelayMs } = this.#options;
    const end = observationOf(kubeJob, []);
    const dueAt = (end.state === 'Ended' ? end.finishedAt : 0) + removalDelayMs;
    if (dueAt <= clock.now()) return this.#removeNow(kubeJob);
    const cancel = clock.at(dueAt, () => {
      this.#scheduled.delete(cancel);
      this.#removeNow(kubeJob).catch(onFailure);
    });
    this.#scheduled.add(cancel);
  }

  isRemoved({ metadata }: KubeJob): boolean {
    return this.#removed.has(metadata.uid);
  }

  /** The watch has delivered the deletion. Returns whether it was a removal of ours. */
  confirm({ metadata }: KubeJob): boolean {
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
