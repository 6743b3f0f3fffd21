// Runs whose Pod does not get on, from an informer of pending Pods.
import { jobKey, type JobKey } from '../core/job.ts';
import { JOB_LABEL, RUN_LABEL } from './job-manifest.ts';
import type { NamespacedInformer } from './namespaced-informer.ts';
import type { PodObject } from './run-mapping.ts';
import { stuckMessage } from './stuck-pod.ts';

interface Stuck {
  message: string;
  /** When its Pod was made, milliseconds. */
  since: number;
}

export class StuckRuns {
  readonly #stuck = new Map<string, Stuck>();

  /** The listener hears the key of a job when something changed for one of its runs. */
  constructor(pending: NamespacedInformer<PodObject>, listener: (key: JobKey) => void) {
    pending.onChange(({ type, object }) => {
      const { namespace = '', labels = {}, creationTimestamp } = object.metadata;
      const id = `${namespace}/${labels[RUN_LABEL]}`;
      const message = type === 'Deleted' ? undefined : stuckMessage(object);
      if (message === this.#stuck.get(id)?.message) return;
      if (message === undefined) this.#stuck.delete(id);
      else this.#stuck.set(id, { message, since: Date.parse(creationTimestamp) });
      listener(jobKey(namespace, labels[JOB_LABEL] ?? ''));
    });
  }

  /** Why the run does not get going; undefined when it does. */
  of(key: JobKey, run: string): Stuck | undefined {
    return this.#stuck.get(`${key.slice(0, key.indexOf('/'))}/${run}`);
  }
}

/** As much of a Pod as is looked at here. */
export function trimmedPod({ metadata, spec, status }: PodObject): PodObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels } = metadata;
  const containers = spec?.containers.map((container) => ({ name: container.name, image: container.image }));
  return {
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp, labels },
    spec: { containers: containers ?? [] },
    status,
  };
}
