// The API server of a test file, with the built command line in a namespace of its own.
import { afterAll, beforeAll } from 'vitest';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { aNamespace, type ClusterCli } from './cluster-cli.ts';
import { aController, type ControllerProcess } from './controller-process.ts';
import { KubeEnvironment } from './kube.ts';

export interface TestCluster extends ClusterCli {
  environment: KubeEnvironment;
  /** A client of the administrator. */
  client: KubeClient;
  /** Undefined without the option `controller`. */
  controller?: ControllerProcess;
}

export interface TestClusterOptions {
  /** Whether `lsh controller` runs for the namespace; default: false. */
  controller?: boolean;
}

/** Starts the cluster before the tests of the `describe` around the call, and stops it after them. */
export function aTestCluster(namespace: string, options: TestClusterOptions = {}): TestCluster {
  const cluster = {} as Partial<TestCluster>;
  beforeAll(async () => {
    const environment = await KubeEnvironment.start();
    cluster.environment = environment;
    cluster.client = await environment.client();
    const cli = await aNamespace(environment, namespace);
    Object.assign(cluster, cli);
    if (options.controller) cluster.controller = await aController(environment, cli);
  });
  afterAll(async () => {
    await cluster.controller?.stop();
    await cluster.environment?.stop();
  });
  return cluster as TestCluster;
}
