// The options that turn a command from the local daemon to a cluster, the same for every command about jobs.
import type { Command } from 'commander';
import type { Context } from './context.ts';

/** Which cluster, and what of it; everything that is left out is the kubeconfig’s to say. */
export interface ClusterChoice {
  context?: string | undefined;
  namespace?: string | undefined;
  kubeconfig?: string | undefined;
  allNamespaces?: boolean;
}

/** The options as they were given. */
export interface ClusterFlags extends ClusterChoice {
  cluster?: true | undefined;
}

/** Gives the command, and with it those below it, the options; what is chosen is in the context before it acts. */
export function withClusterOptions(command: Command, context: Context): Command {
  return command
    .option('--cluster', 'jobs of a Kubernetes cluster instead of the local daemon')
    .option('--context <name>', 'context of the kubeconfig; implies --cluster')
    .option('--namespace <name>', 'namespace of the jobs, default: that of the context; implies --cluster')
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, ~/.kube/config, in a pod its service account')
    .hook('preAction', (self) => {
      context.cluster = chosenCluster(self.opts<ClusterFlags>());
    });
}

/** The cluster that the flags choose, among others of the same command; undefined for the local daemon. */
export function chosenCluster({
  cluster,
  context,
  namespace,
  kubeconfig,
}: ClusterFlags): ClusterChoice | undefined {
  const implied = [context, namespace, kubeconfig].some((value) => value !== undefined);
  return cluster || implied ? { context, namespace, kubeconfig } : undefined;
}
