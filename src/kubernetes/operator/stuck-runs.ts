// Runs whose Pod does not get on, from an informer of pending Pods.
import type { Clock } from '../../control/ports.ts';
import { jobKey, splitKey, type JobKey } from '../../core/job.ts';
import { JOB_LABEL, RUN_LABEL } from '../objects/kube-job.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import type { Pod } from '../objects/kube-job-run.ts';
import { stuckMessage } from './stuck-pod.ts';

interface Stuck {
  message: string;
  /** When that was first seen, steady milliseconds. */
  since: number;
}

/** The Pods that are pending, and what time is measured with. */
export interface PendingPods {
  pending: NamespacedInformer<Pod>;
  clock: Clock;
}

export class StuckRuns {
  readonly #clock: Clock;
  readonly #stuck = new Map<string, Stuck>();

  /** The listener hears the key of a job when something changed for one of its runs. */
  constructor({ pending, clock }: PendingPods, listener: (key: JobKey) => void) {
    this.#clock = clock;
    pending.onChange(({ type, object }) => {
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

  /** Why the run does not get going, and for how long; undefined when it does. */
  of(key: JobKey, run: string): { message: string; forMs: number } | undefined {
    const stuck = this.#stuck.get(jobKey(splitKey(key).namespace, run));
    return stuck && { message: stuck.message, forMs: this.#clock.monotonic() - stuck.since };
  }
}

/** As much of a Pod as is looked at here. */
export function trimmedPod({ metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels } = metadata;
  return {
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp, labels },
    spec: { initContainers: images(spec?.initContainers), containers: images(spec?.containers) },
    status,
  };
}

function images(containers: readonly { name: string; image?: string }[] = []) {
  return containers.map(({ name, image }) => ({ name, image }));
}
