// Runs once before the end-to-end tests: takes the kind cluster of `npm run e2e`, or starts a cluster here, in the
// namespaces (mount, network, …) that `npm run e2e` has created.
import type { TestProject } from 'vitest/node';
import { startDebianCluster } from '../../../scripts/cluster/debian-cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the administrator's kubeconfig. */
    kubeconfig: string;
    /** Program and arguments that run a script on the node. */
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
  if (directory === undefined) throw new Error('start these tests with npm run e2e');
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
