// Connects the command line to the jobs of a cluster: credentials, namespace, and the check of commands before a
// request. Only calls with --cluster load this file.
import { loadConfig } from '../config.ts';
import type { JobApi } from '../contracts/job-api.ts';
import { requireSafeCommand, type CheckedCommand } from '../core/command-check/command-check.ts';
import { policyFor } from '../core/command-check/policy.ts';
import type { LshError } from '../core/errors.ts';
import type { JobManifest } from '../core/job.ts';
import { KubeClient } from '../kubernetes/api/client.ts';
import { readCronJob } from '../kubernetes/verbs/api-calls.ts';
import { isWorthAsking, kubeJobProblem } from '../kubernetes/verbs/dry-run.ts';
import { clusterJobs } from '../kubernetes/verbs/cluster-jobs.ts';
import { loadKubeConfig, type KubeConfigChoice } from '../kubernetes/api/kube-config.ts';
import { VERSION } from '../version.ts';
import { commandSettings } from './command-settings.ts';

export interface ClusterOptions extends KubeConfigChoice {
  /** Default: the namespace of the context. */
  namespace?: string;
  /** Lists the jobs of all namespaces. */
  allNamespaces?: boolean;
  /** Called with a sentence when an answer is incomplete. */
  notice: (sentence: string) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** One namespace of a cluster, as a user works with it. */
export interface ClusterConnection {
  namespace: string;
  jobs: JobApi;
  /** Returns a CronJob as the server stores it. Throws CRONJOB_NOT_FOUND. */
  cronJob: (name: string) => Promise<unknown>;
}

/** Finds the cluster and its credentials. The first call connects. */
export function connectCluster({ kubeconfig, context, ...options }: ClusterOptions): ClusterConnection {
  const config = loadConfig();
  const client = clientOf({ kubeconfig, context });
  const { namespace = client.namespace, allNamespaces = false, notice, now } = options;
  const settings = commandSettings(config);
  const checkCommand = (spec: CheckedCommand, name: string) =>
    requireSafeCommand(spec, policyFor({ namespace, name }, settings));
  return {
    namespace,
    jobs: clusterJobs({ client, namespace, allNamespaces, notice, now, checkCommand }),
    cronJob: (name) => readCronJob({ client, namespace }, name),
  };
}

/**
 * Why the server would refuse the Kubernetes Job of a valid document; undefined if it would not, and for a document
 * whose parts lsh has checked by itself: no call is made about that. Throws if the server gives no answer.
 */
export async function kubeJobRefusal(
  { kubeconfig, context, namespace }: Pick<ClusterOptions, 'kubeconfig' | 'context' | 'namespace'>,
  manifest: JobManifest,
): Promise<LshError | undefined> {
  if (!isWorthAsking(manifest)) return undefined;
  const client = clientOf({ kubeconfig, context });
  const scope = { client, namespace: manifest.metadata.namespace ?? namespace ?? client.namespace };
  return kubeJobProblem(scope, manifest, { image: loadConfig().jobImage });
}

/** A client with the credentials of the kubeconfig. */
export function clientOf({ kubeconfig, context }: KubeConfigChoice): KubeClient {
  const { kubeconfig: kubeconfigEnv } = loadConfig();
  const load = () => loadKubeConfig({ kubeconfig, kubeconfigEnv, context });
  return new KubeClient({ load, userAgent: `lsh/${VERSION}` });
}
