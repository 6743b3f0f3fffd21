// Ends active runs. A Pod whose command runs gets a deadline that has passed: its node ends it, with the usual grace, and
// the Pod stays with its log and its exit code. Deleting the Kubernetes Job would delete both, so that is for runs that
// have nothing to keep, and for nodes that do not answer.
import type { Clock, Logger } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import type { StopCause } from '../../core/run.ts';
import { statusCode } from '../api/api-errors.ts';
import { asRetryable, type KubeApi } from '../api/fence.ts';
import { hasEnded, type KubeJob } from '../objects/kube-job-run.ts';
import type { Pod } from '../objects/pod.ts';
import type { KubeJobDeletions } from './kube-job-deletions.ts';
import type { RunPods } from './run-pods.ts';

/** How long a node may take beyond the grace period to end a Pod and to report it, milliseconds. */
const SLACK_MS = 15_000;
/** A Pod’s deadline in seconds after its start: the least that the API server takes. */
const PASSED = 1;
/** Answers to a change that a repetition would get again. */
const DENIALS: ReadonlySet<number> = new Set([400, 403, 404, 409, 422]);

export interface KubeJobStopsOptions {
  api: KubeApi;
  runPods: RunPods;
  deletions: KubeJobDeletions;
  clock: Clock;
  logger: Logger;
}

export interface Stop {
  key: JobKey;
  cause: StopCause;
  graceMs: number;
  /** Called when the node has not ended the Pod in time: the stop is then to be repeated. */
  onOverdue: () => void;
}

/** A Pod whose node is ending it. */
interface Ending {
  isOverdue: boolean;
  cancel: () => void;
}

export class KubeJobStops {
  readonly #options: KubeJobStopsOptions;
  /** By uid of the Kubernetes Job. */
  readonly #endings = new Map<string, Ending>();

  constructor(options: KubeJobStopsOptions) {
    this.#options = options;
  }

  /** Requests the end of the run. A repetition changes nothing until the node is overdue; then it deletes the Job. */
  async stop(kubeJob: KubeJob, stop: Stop): Promise<void> {
    const { runPods, deletions } = this.#options;
    if (hasEnded(kubeJob)) return;
    const ending = this.#endings.get(kubeJob.metadata.uid);
    // The Pod ends before its Job does, and is then no longer among the running ones.
    if (ending?.isOverdue === false) return;
    // Of a removed job no record is left to hold the output.
    const mayKeep = stop.cause !== 'JobRemoved' && ending === undefined;
    const pod = mayKeep ? runPods.running(kubeJob) : undefined;
    if (pod === undefined || !(await this.#passDeadline(pod))) return deletions.stop(kubeJob);
    this.#awaitEnd(kubeJob, stop);
  }

  /** The Kubernetes Job has ended or is gone. */
  forget({ metadata }: KubeJob): void {
    this.#endings.get(metadata.uid)?.cancel();
    this.#endings.delete(metadata.uid);
  }

  /** Cancels every wait for a node. */
  close(): void {
    for (const { cancel } of this.#endings.values()) cancel();
    this.#endings.clear();
  }

  #awaitEnd({ metadata }: KubeJob, { key, graceMs, onOverdue }: Stop): void {
    const { clock, logger } = this.#options;
    const { uid, name } = metadata;
    const ending: Ending = {
      isOverdue: false,
      cancel: clock.at(clock.now() + graceMs + SLACK_MS, () => {
        ending.isOverdue = true;
        logger.warn({ job: key, run: name }, 'the node does not end the Pod, so its Job is deleted');
        onOverdue();
      }),
    };
    this.#endings.set(uid, ending);
  }

  /** Returns whether the API server took the deadline: it does not without the right, and without the Pod. */
  async #passDeadline({ metadata }: Pod): Promise<boolean> {
    const { name, namespace, uid } = metadata;
    try {
      await this.#options.api.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${namespace}/pods/${name}`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { uid }, spec: { activeDeadlineSeconds: PASSED } },
      });
      return true;
    } catch (error) {
      if (DENIALS.has(statusCode(error) ?? 0)) return false;
      throw asRetryable(error);
    }
  }
}
