// What every command gets: the terminal, the API of the jobs, and the exit status to set.
import type { JobApi } from '../contracts/job-api.ts';
import type { Platform } from '../core/executor.ts';
import type { Io } from './io.ts';

/** Which cluster a command acts on; the kubeconfig decides each field that is left out. */
export interface ClusterChoice {
  context?: string | undefined;
  namespace?: string | undefined;
  kubeconfig?: string | undefined;
  allNamespaces?: boolean;
}

export interface Context {
  io: Io;
  /** The cluster that the command acts on; undefined for the local daemon. */
  cluster?: ClusterChoice | undefined;
  /** Whether the command reads the team's record. */
  isRemote?: boolean;
  /** Connects on the first call. In a cluster, `namespace` applies where no option names one. */
  api: (namespace?: string) => Promise<JobApi>;
  /** Exit status of the process where no error is thrown. */
  status: number;
  /** Exit status of every error that is thrown, for a command whose other statuses belong to the job. */
  failureStatus?: number;
}

/** Where the jobs of the command live. */
export function platformOf({ cluster }: Context): Platform {
  return cluster === undefined ? 'local' : 'cluster';
}

/** Options that a command line in a hint ends with, so that it acts on the same jobs. */
export function targetFlags({ cluster }: Context): string {
  if (cluster === undefined) return '';
  const { context, namespace, kubeconfig } = cluster;
  const flags = Object.entries({ context, namespace, kubeconfig }).filter(([, value]) => value !== undefined);
  return [' --cluster', ...flags.map(([name, value]) => `--${name} ${value}`)].join(' ');
}
