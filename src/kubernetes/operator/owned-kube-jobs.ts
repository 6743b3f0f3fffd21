// Kubernetes Jobs that carry out runs, found by the LshJob that owns them. Reads an informer and keeps an index.
import { API_VERSION, KIND, jobKey, splitKey, type JobKey } from '../../core/job.ts';
import type { Run } from '../../core/run.ts';
import { RECORD_ANNOTATION } from '../objects/kube-job.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import { objectKey } from '../api/objects.ts';
import { hasEnded, type KubeJob } from '../objects/kube-job-run.ts';
import { readRun, type RunEntry } from '../objects/lsh-job-status.ts';

interface Owner {
  key: JobKey;
  uid: string;
}

/** What changed of the Jobs of an LshJob. */
export interface OwnedKubeJobChange {
  key: JobKey;
  job: KubeJob;
  /** It is gone. */
  deleted: boolean;
  /** It is new, has ended or is gone. */
  isNews: boolean;
}

export class OwnedKubeJobs {
  readonly #informer: NamespacedInformer<KubeJob>;
  readonly #names = new Map<JobKey, Set<string>>();

  constructor(informer: NamespacedInformer<KubeJob>, listener: (change: OwnedKubeJobChange) => void) {
    this.#informer = informer;
    informer.onChange(({ type, object }) => {
      const owner = ownerOf(object);
      if (owner === undefined) return;
      const deleted = type === 'Deleted';
      this.#index(owner.key, object, deleted);
      listener({ key: owner.key, job: object, deleted, isNews: type !== 'Modified' || hasEnded(object) });
    });
  }

  *of(key: JobKey): Iterable<KubeJob> {
    for (const name of this.#names.get(key) ?? []) {
      const job = this.#informer.get(name);
      if (job !== undefined) yield job;
    }
  }

  get(key: JobKey, name: string): KubeJob | undefined {
    const job = this.#informer.get(`${splitKey(key).namespace}/${name}`);
    return job && ownerOf(job)?.key === key ? job : undefined;
  }

  /** Takes in a Job that was just created or read. */
  put(key: JobKey, job: KubeJob): void {
    this.#informer.put(job);
    this.#index(key, job, false);
  }

  #index(key: JobKey, job: KubeJob, deleted: boolean): void {
    const names = this.#names.get(key) ?? new Set();
    if (deleted) names.delete(objectKey(job));
    else names.add(objectKey(job));
    if (names.size > 0) this.#names.set(key, names);
    else this.#names.delete(key);
  }
}

/** Who the run of the Job is; undefined for a Job that does not say it in our words. */
export function recordedRun(job: KubeJob): Run | undefined {
  const owner = ownerOf(job);
  const record = job.metadata.annotations?.[RECORD_ANNOTATION];
  if (owner === undefined || record === undefined) return undefined;
  try {
    return readRun(JSON.parse(record) as RunEntry, { job: owner.key, jobUid: owner.uid });
  } catch {
    return undefined;
  }
}

/** As much of a Job as is looked at here: the Pod’s template is the larger half of it. */
export function trimmedKubeJob({ metadata, spec, status }: KubeJob): KubeJob {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const { labels, annotations, ownerReferences } = metadata;
  const record = annotations?.[RECORD_ANNOTATION];
  return {
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      labels,
      annotations: record === undefined ? {} : { [RECORD_ANNOTATION]: record },
      ownerReferences,
    },
    ...(spec?.activeDeadlineSeconds !== undefined && {
      spec: { activeDeadlineSeconds: spec.activeDeadlineSeconds, template: {} },
    }),
    status: {
      startTime: status?.startTime,
      completionTime: status?.completionTime,
      conditions: status?.conditions,
    },
  };
}

function ownerOf({ metadata }: KubeJob): Owner | undefined {
  const owner = metadata.ownerReferences?.find(
    ({ controller, apiVersion, kind }) => controller === true && apiVersion === API_VERSION && kind === KIND,
  );
  return owner && { key: jobKey(metadata.namespace ?? '', owner.name), uid: owner.uid };
}
