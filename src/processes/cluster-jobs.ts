// The jobs of a cluster for the command line: which cluster, whose rights, what is checked before anything is sent.
// Loaded by calls with --cluster only.
import { loadConfig } from '../config.ts';
import type { JobApi } from '../contracts/job-api.ts';
import { requireSafeCommand } from '../core/command-check/command-check.ts';
import { KubeClient } from '../kubernetes/api/client.ts';
import { readCronJob } from '../kubernetes/verbs/api-calls.ts';
import { clusterJobs } from '../kubernetes/verbs/cluster-jobs.ts';
import { loadKubeConfig, type KubeConfigChoice } from '../kubernetes/api/kube-config.ts';
import { VERSION } from '../version.ts';

export interface ClusterOptions extends KubeConfigChoice {
  /** Default: the namespace of the context. */
  namespace?: string;
  /** Lists the jobs of all namespaces. */
  allNamespaces?: boolean;
  /** Told in a sentence where an answer is not the whole one. */
  notice: (sentence: string) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** One namespace of a cluster, as a person works with it. */
export interface ClusterConnection {
  namespace: string;
  jobs: JobApi;
  /** A CronJob as the server has it; CRONJOB_NOT_FOUND. */
  cronJob: (name: string) => Promise<unknown>;
}

/** Finds the cluster and its credentials; connects with the first call. */
export function connectCluster({ kubeconfig, context, ...options }: ClusterOptions): ClusterConnection {
  const config = loadConfig();
  const { allowDangerousCommands: allowDangerous, commandAllowList: allowList } = config;
  const load = () => loadKubeConfig({ kubeconfig, kubeconfigEnv: config.kubeconfig, context });
  const client = new KubeClient({ load, userAgent: `lsh/${VERSION}` });
  const { namespace = client.namespace, allNamespaces = false, notice, now } = options;
  const checkCommand = (spec: Parameters<typeof requireSafeCommand>[0]) =>
    requireSafeCommand(spec, { allowDangerous, allowList });
  return {
    namespace,
    jobs: clusterJobs({ client, namespace, allNamespaces, notice, now, checkCommand }),
    cronJob: (name) => readCronJob({ client, namespace }, name),
  };
}
