// The options that make a command act on a cluster instead of the local daemon; every command about jobs has them.
import type { Command } from 'commander';
import type { ClusterChoice, Context } from './context.ts';

/** The parsed options. */
interface ClusterFlags extends ClusterChoice {
  cluster?: true | undefined;
}

export const KUBECONFIG_DESCRIPTION =
  'kubeconfig file; default: $KUBECONFIG, ~/.kube/config, or the service account of the pod';

/** Adds the options to a command and its subcommands. The choice is in the context before the action runs. */
export function withClusterOptions(command: Command, context: Context): Command {
  return command
    .option('--cluster', 'act on a Kubernetes cluster instead of the local daemon')
    .option('--context <name>', 'context of the kubeconfig; implies --cluster')
    .option(
      '--namespace <name>',
      'namespace of the jobs; default: the namespace of the context; implies --cluster',
    )
    .option('--kubeconfig <file>', `${KUBECONFIG_DESCRIPTION}; implies --cluster`)
    .hook('preAction', (self) => {
      context.cluster = chosenCluster(self.opts<ClusterFlags>());
    });
}

/** The cluster that the flags of a command choose; undefined for the local daemon. */
export function chosenCluster({
  cluster,
  context,
  namespace,
  kubeconfig,
}: ClusterFlags): ClusterChoice | undefined {
  const implied = [context, namespace, kubeconfig].some((value) => value !== undefined);
  return cluster || implied ? { context, namespace, kubeconfig } : undefined;
}
