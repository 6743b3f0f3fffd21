// The Kubernetes Jobs of each LshJob: an index over the informer.
import type { JobKey } from '../../core/job.ts';
import { splitKey } from '../../core/naming.ts';
import { isNotFound } from '../api/api-errors.ts';
import type { KubeApi } from '../api/fence.ts';
import { objectKey } from '../api/objects.ts';
import type { NamespacedInformer } from '../api/watch/namespaced-informer.ts';
import { hasEnded, ownerOf, type KubeJob } from '../objects/kube-job-run.ts';
import { kubeJobPath } from '../objects/kube-job.ts';

/** A change of a Kubernetes Job that belongs to an LshJob. */
export interface OwnedKubeJobChange {
  key: JobKey;
  kubeJob: KubeJob;
  deleted: boolean;
  /** The Kubernetes Job appeared, ended or was deleted; other updates do not change the state of its run. */
  changesRun: boolean;
}

export class OwnedKubeJobs {
  readonly #informer: NamespacedInformer<KubeJob>;
  readonly #names = new Map<JobKey, Set<string>>();

  constructor(informer: NamespacedInformer<KubeJob>, listener: (change: OwnedKubeJobChange) => void) {
    this.#informer = informer;
    informer.onChange(({ type, object: kubeJob }) => {
      const owner = ownerOf(kubeJob);
      if (owner === undefined) return;
      const deleted = type === 'Deleted';
      this.#index(owner.key, kubeJob, deleted);
      listener({ key: owner.key, kubeJob, deleted, changesRun: type !== 'Modified' || hasEnded(kubeJob) });
    });
  }

  *of(key: JobKey): Iterable<KubeJob> {
    for (const name of this.#names.get(key) ?? []) {
      const kubeJob = this.#informer.get(name);
      if (kubeJob !== undefined) yield kubeJob;
    }
  }

  /** The Kubernetes Jobs of all LshJobs of the namespace. */
  *inNamespace(namespace: string): Iterable<{ key: JobKey; kubeJob: KubeJob }> {
    for (const key of this.#names.keys()) {
      if (splitKey(key).namespace !== namespace) continue;
      for (const kubeJob of this.of(key)) yield { key, kubeJob };
    }
  }

  get(key: JobKey, name: string): KubeJob | undefined {
    const kubeJob = this.#informer.get(`${splitKey(key).namespace}/${name}`);
    return kubeJob && ownerOf(kubeJob)?.key === key ? kubeJob : undefined;
  }

  /** Stores a Kubernetes Job that was just created or read. */
  put(key: JobKey, kubeJob: KubeJob): void {
    this.#informer.put(kubeJob);
    this.#index(key, kubeJob, false);
  }

  #index(key: JobKey, kubeJob: KubeJob, deleted: boolean): void {
    const names = this.#names.get(key) ?? new Set();
    if (deleted) names.delete(objectKey(kubeJob));
    else names.add(objectKey(kubeJob));
    if (names.size > 0) this.#names.set(key, names);
    else this.#names.delete(key);
  }
}

/** The Kubernetes Job from the API server; undefined if there is none. Throws ApiException. */
export async function readKubeJob(api: KubeApi, key: JobKey, name: string): Promise<KubeJob | undefined> {
  try {
    return await api.json<KubeJob>({ path: kubeJobPath(splitKey(key).namespace, name) });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
