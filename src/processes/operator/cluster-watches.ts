// The operator’s informers: LshJobs, and the Kubernetes Jobs and unfinished Pods of their runs, in its namespaces.
import type { Config } from '../../config.ts';
import type { KubeClient } from '../../kubernetes/api/client.ts';
import { JOB_LABEL, RUN_LABEL } from '../../kubernetes/objects/kube-job.ts';
import { NamespacedInformer } from '../../kubernetes/api/watch/namespaced-informer.ts';
import { trimmedKubeJob } from '../../kubernetes/objects/kube-job-run.ts';
import { withLastChange } from '../../kubernetes/objects/last-change.ts';
import { lshJobPath, type LshJob } from '../../kubernetes/objects/lsh-job.ts';
import type { KubeJob } from '../../kubernetes/objects/kube-job-run.ts';
import type { Pod } from '../../kubernetes/objects/pod.ts';
import { trimmedPod, UNFINISHED } from '../../kubernetes/objects/pod.ts';
import type { WatchReadings } from '../../kubernetes/api/watch/watch-health.ts';
import type { Log } from '../../telemetry/log.ts';

export interface WatchOptions {
  config: Config;
  client: KubeClient;
  log: Log;
}

/** One informer per resource, not started. */
export type Watches = {
  lshjobs: NamespacedInformer<LshJob>;
  jobs: NamespacedInformer<KubeJob>;
  pods: NamespacedInformer<Pod>;
};

/** The health of the watches of a resource. */
export interface WatchReading extends WatchReadings {
  resource: string;
}

const OUR_LABELS = `${RUN_LABEL},${JOB_LABEL}`;

/** Creates the informers, which cache only the fields that the loop reads. */
export function clusterWatches({ config, client, log }: WatchOptions): Watches {
  const shared = {
    client,
    logger: log.component('informer'),
    namespaces: config.namespaces ?? [],
    inactivityMs: config.watchSilenceMs,
  };
  return {
    lshjobs: new NamespacedInformer<LshJob>({ ...shared, pathOf: lshJobPath, trim: withLastChange }),
    jobs: new NamespacedInformer<KubeJob>({
      ...shared,
      pathOf: collection('/apis/batch/v1', 'jobs'),
      labelSelector: OUR_LABELS,
      trim: trimmedKubeJob,
    }),
    pods: new NamespacedInformer<Pod>({
      ...shared,
      pathOf: collection('/api/v1', 'pods'),
      labelSelector: OUR_LABELS,
      fieldSelector: UNFINISHED,
      trim: trimmedPod,
    }),
  };
}

function collection(group: string, plural: string): (namespace?: string) => string {
  return (namespace) =>
    namespace === undefined ? `${group}/${plural}` : `${group}/namespaces/${namespace}/${plural}`;
}

export function readingsOf(watches: Watches): WatchReading[] {
  return Object.entries(watches).map(([resource, informer]) => ({ resource, ...informer.health() }));
}
