// A concurrency group in a cluster: an operator that dies after each of its writes in turn, and the next one. At no create
// of a Kubernetes Job does another Job of the group exist that has not ended.
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { hasEnded, type KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { InProcessOperator } from '../../support/cluster/in-process-operator.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const JOBS = ['one', 'two', 'three'];
/** The first operator dies after so many writes; three runs take at least nine. */
const DEATHS = [1, 2, 3, 4, 5, 6, 7, 8];

describe.skipIf(NO_KUBE)('a concurrency group', () => {
  let cluster: OperatorCluster;
  let client: KubeClient;
  let term = 0;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    client = cluster.environment.clientOf(() => {
      const config = new KubeConfig();
      config.loadFromFile(cluster.kubeconfig);
      return config;
    });
  });
  afterAll(() => cluster?.stop());

  /** The Jobs that had not ended whenever a Job was created. */
  async function active(namespace: string): Promise<string[]> {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const { items } = await cluster.admin.json<{ items: KubeJob[] }>({ path });
    return items.filter((job) => !hasEnded(job)).map(({ metadata }) => metadata.name);
  }

  async function operatorIn(namespace: string, beside: string[][], diesAfter?: number) {
    const operator = new InProcessOperator({
      client,
      env: { LSH_NAMESPACES: namespace },
      term: ++term,
      ...(diesAfter !== undefined && { diesAfter }),
      beforeWrite: async ({ method, path }) => {
        if (method === 'POST' && path.endsWith('/jobs')) beside.push(await active(namespace));
      },
    });
    return operator.start();
  }

  const isDone = (namespace: string) =>
    JOBS.every((name) => cluster.runsOf(name, namespace).some(({ phase }) => phase === 'Completed'));

  async function live(diesAfter: number): Promise<void> {
    const namespace = `dies-after-${diesAfter}`;
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await cluster.admin.json({ method: 'POST', path: '/api/v1/namespaces', body });
    const spec = { schedule: '@yearly', command: 'true', concurrencyGroup: { name: 'deploy' } };
    const trigger = { metadata: { annotations: { 'lsh.dev/trigger': 'once' } } };
    for (const name of JOBS) {
      await cluster.create(name, spec, namespace);
      await cluster.patch(name, trigger, namespace);
    }
    const beside: string[][] = [];
    const first = await operatorIn(namespace, beside, diesAfter);
    await first.died;
    await first.stop();
    const second = await operatorIn(namespace, beside);
    await cluster.waitFor(() => isDone(namespace) || undefined, `the runs of ${namespace}`);
    await second.stop();
    expect(beside.flat()).toEqual([]);
    for (const name of JOBS) expect(cluster.runsOf(name, namespace)).toHaveLength(1);
  }

  test.each(DEATHS)('has one active run, though the operator dies after %d writes', live);
});
