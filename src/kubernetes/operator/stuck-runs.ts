// Runs whose Pod does not start, from an informer of pending Pods.
import type { Clock } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import { jobKey, splitKey } from '../../core/naming.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import type { Pod } from '../objects/kube-job-run.ts';
import { JOB_LABEL, RUN_LABEL } from '../objects/kube-job.ts';
import { stuckMessage } from '../objects/pending-pod.ts';

interface StuckRun {
  message: string;
  /** Monotonic milliseconds at which a problem was first seen. */
  since: number;
}

export interface StuckRunsOptions {
  pendingPods: NamespacedInformer<Pod>;
  clock: Clock;
}

export class StuckRuns {
  readonly #clock: Clock;
  readonly #stuck = new Map<string, StuckRun>();

  /** The listener gets the key of a job when the problem of one of its runs appears, changes or ends. */
  constructor({ pendingPods, clock }: StuckRunsOptions, listener: (key: JobKey) => void) {
    this.#clock = clock;
    pendingPods.onChange(({ type, object }) => {
      const { namespace = '', labels = {} } = object.metadata;
      const id = `${namespace}/${labels[RUN_LABEL]}`;
      const message = type === 'Deleted' ? undefined : stuckMessage(object);
      const before = this.#stuck.get(id);
      if (message === before?.message) return;
      if (message === undefined) this.#stuck.delete(id);
      else this.#stuck.set(id, { message, since: before?.since ?? clock.monotonic() });
      listener(jobKey(namespace, labels[JOB_LABEL] ?? ''));
    });
  }

  /** Why the run does not start, and for how long already; undefined without a problem. */
  of(key: JobKey, run: string): { message: string; forMs: number } | undefined {
    const stuck = this.#stuck.get(`${splitKey(key).namespace}/${run}`);
    return stuck && { message: stuck.message, forMs: this.#clock.monotonic() - stuck.since };
  }
}
