// What every command is given: the terminal, the way to the jobs, and the exit status it leaves.
import type { JobApi } from '../contracts/job-api.ts';
import type { Platform } from '../core/executor.ts';
import type { ClusterChoice } from './cluster-options.ts';
import type { Io } from './io.ts';

export interface Context {
  io: Io;
  /** The cluster that the command is about; undefined for the local daemon. */
  cluster?: ClusterChoice | undefined;
  /** Connects on the first call. In a cluster the given namespace is taken where no option names one. */
  api: (namespace?: string) => Promise<JobApi>;
  /** What the process ends with when no error is thrown. */
  status: number;
}

/** Where the jobs of the command live. */
export function platformOf({ cluster }: Context): Platform {
  return cluster === undefined ? 'local' : 'cluster';
}

/** What a hint’s command line ends with, so that it is about the same jobs. */
export function targetFlags({ cluster }: Context): string {
  if (cluster === undefined) return '';
  const { context, namespace, kubeconfig } = cluster;
  const flags = Object.entries({ context, namespace, kubeconfig }).filter(([, value]) => value !== undefined);
  return [' --cluster', ...flags.map(([name, value]) => `--${name} ${value}`)].join(' ');
}
