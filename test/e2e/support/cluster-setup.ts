// Once before the end-to-end tests: the cluster of kind that `npm run e2e` has made, or one that is started here,
// in the namespaces that it has made.
import type { TestProject } from 'vitest/node';
import { startDebianCluster } from '../../../scripts/cluster/debian-cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** File of the cluster's administrator. */
    kubeconfig: string;
    /** What a script is given to, to run on the node. */
    nodeShell: string[];
    /** A docker archive of lsh's image. */
    imageArchive: string;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const { LSH_E2E_KUBECONFIG: kind, LSH_E2E_DIRECTORY: directory, LSH_E2E_IMAGE: image } = process.env;
  project.provide('imageArchive', image ?? '');
  if (kind !== undefined) {
    project.provide('kubeconfig', kind);
    project.provide('nodeShell', ['docker', 'exec', process.env['LSH_E2E_NODE'] ?? '', 'sh', '-c']);
    return undefined;
  }
  if (directory === undefined) throw new Error('npm run e2e makes what these tests need');
  const cluster = await startDebianCluster({
    directory,
    cgroup: process.env['LSH_E2E_CGROUP'] ?? '',
    binaries: process.env['LSH_E2E_BINARIES'] ?? '',
    images: (process.env['LSH_E2E_IMAGES'] ?? '').split(','),
    say: (line) => process.stderr.write(`e2e: ${line}\n`),
  });
  project.provide('kubeconfig', cluster.kubeconfig);
  project.provide('nodeShell', ['sh', '-c']);
  return cluster.stop;
}
