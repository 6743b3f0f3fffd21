// Jobs that concern each other in a cluster: an operator that dies after each of its writes in turn, and the next one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { hasEnded, type KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { InProcessOperator } from '../../support/cluster/in-process-operator.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const JOBS = ['one', 'two', 'three'];
/** The first operator dies after so many writes; three runs take at least nine. */
const DEATHS = [1, 2, 3, 4, 5, 6, 7, 8];

describe.skipIf(NO_KUBE)('an operator that dies', () => {
  let cluster: OperatorCluster;
  let client: KubeClient;
  let term = 0;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    client = cluster.clientOfOperator();
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

  const areDone = (jobs: readonly string[], namespace: string) =>
    jobs.every((name) => cluster.runsOf(name, namespace).some(({ phase }) => phase === 'Completed'));

  const TRIGGER = { metadata: { annotations: { 'lsh.dev/trigger': 'once' } } };

  /** Lets an operator die after so many writes, and another one finish. Returns the active Jobs at each create. */
  async function play(jobs: readonly string[], namespace: string, diesAfter: number): Promise<string[][]> {
    const beside: string[][] = [];
    const first = await operatorIn(namespace, beside, diesAfter);
    await first.died;
    await first.stop();
    const second = await operatorIn(namespace, beside);
    await cluster.waitFor(() => areDone(jobs, namespace) || undefined, `the runs of ${namespace}`);
    await second.stop();
    for (const name of jobs) expect(cluster.runsOf(name, namespace)).toHaveLength(1);
    return beside;
  }

  test.each(DEATHS)('after %d writes: no two runs of a concurrency group are active', async (diesAfter) => {
    const namespace = await cluster.createNamespace(`group-${diesAfter}`);
    const spec = { schedule: '@yearly', command: 'true', concurrencyGroup: { name: 'deploy' } };
    for (const name of JOBS) {
      await cluster.create(name, spec, namespace);
      await cluster.patch(name, TRIGGER, namespace);
    }
    expect((await play(JOBS, namespace, diesAfter)).flat()).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'after %d writes: one run follows the end of another job',
    async (diesAfter) => {
      const namespace = await cluster.createNamespace(`after-${diesAfter}`);
      await cluster.create('backup', { schedule: '@yearly', command: 'true' }, namespace);
      await cluster.create('upload', { after: [{ job: 'backup' }], command: 'true' }, namespace);
      await cluster.create(
        'alarm',
        { after: [{ job: 'backup', when: 'Failed' }], command: 'true' },
        namespace,
      );
      await cluster.patch('backup', TRIGGER, namespace);
      await play(['backup', 'upload'], namespace, diesAfter);
      const [backup] = cluster.runsOf('backup', namespace);
      expect(cluster.runsOf('upload', namespace)).toMatchObject([
        { trigger: 'After', slot: backup!.slot, cause: { job: 'backup', run: backup!.name } },
      ]);
      expect(cluster.runsOf('alarm', namespace)).toEqual([]);
    },
  );

  test('a circle of LshJobs is not Ready', async () => {
    const namespace = await cluster.createNamespace('circle');
    await cluster.create('a', { after: [{ job: 'b' }], command: 'true' }, namespace);
    await cluster.create('b', { after: [{ job: 'a' }], command: 'true' }, namespace);
    const operator = await operatorIn(namespace, []);
    for (const name of ['a', 'b']) await cluster.until(name, ({ phase }) => phase === 'Invalid', namespace);
    expect(cluster.get('a', namespace)?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'AfterCycle' }),
    );
    await operator.stop();
  });
});
