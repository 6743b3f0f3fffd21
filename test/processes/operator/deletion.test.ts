// Deletions beside the schedule: of an LshJob that has a finalizer, of a Kubernetes Job by hand, and of kept history that
// fills a quota. The real Job controller, garbage collector and quota controller act; the test acts as the node.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeList, KubeObject } from '../../../src/kubernetes/api/objects.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import { kubeJobPath } from '../../../src/kubernetes/objects/kube-job.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_MANAGER } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const EVERY_SECOND = '* * * * * *';
const PODS = '/api/v1/namespaces/default/pods';

describe.skipIf(NO_MANAGER)('with the controllers of Kubernetes', () => {
  let cluster: OperatorCluster;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    await cluster.environment.startControllerManager();
    await cluster.operator({ args: ['--leader-elect=false', '--lease-duration', '1s'] }).leads();
    // Its one run never ends, so each second has a slot that is missed.
    cluster.behave('neighbour', () => undefined);
    await cluster.create('neighbour', { schedule: EVERY_SECOND });
  });
  afterAll(() => cluster?.stop());

  /** Resolves when two more slots of the neighbour have passed. */
  async function secondsPass(): Promise<void> {
    const before = cluster.get('neighbour')!.status?.totals?.missed ?? 0;
    await cluster.until('neighbour', ({ totals }) => (totals?.missed ?? 0) >= before + 2);
  }

  /** The Pod of the LshJob that has not ended, as its node sees it. */
  async function podOf(name: string, namespace = 'default'): Promise<Pod | undefined> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const query = { labelSelector: `lsh.dev/job=${name}`, fieldSelector: 'status.phase=Pending' };
    return (await cluster.admin.json<KubeList<Pod>>({ path, query })).items[0];
  }

  async function endPod({ namespace, name }: Pod['metadata'], phase: 'Succeeded' | 'Failed'): Promise<void> {
    await cluster.admin.json({
      method: 'PATCH',
      path: `/api/v1/namespaces/${namespace}/pods/${name}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { phase } },
    });
  }

  test('an LshJob that is being deleted starts no run and no retry', async () => {
    cluster.behave('leaving', () => undefined);
    await cluster.create('leaving', { schedule: EVERY_SECOND, retry: { limit: 5, initialSeconds: 0 } });
    await cluster.patch('leaving', { metadata: { finalizers: ['example.com/hold'] } });
    await cluster.until('leaving', ({ active = [] }) => active.some(({ phase }) => phase === 'Pending'));
    await cluster.delete('leaving');
    const scheduled = ({ conditions = [] }: { conditions?: { type: string; reason: string }[] }) =>
      conditions.find(({ type }) => type === 'Scheduled')?.reason;
    await cluster.until('leaving', (status) => scheduled(status) === 'Terminating');
    const { metadata } = await eventually(() => podOf('leaving'));
    await endPod(metadata, 'Failed');
    const { status } = await cluster.until('leaving', ({ active = [] }) => active.length === 0);
    expect(status?.recentRuns?.[0]).toMatchObject({ phase: 'Failed' });
    const names = cluster.jobController.namesOf('leaving');
    await secondsPass();
    expect(cluster.jobController.namesOf('leaving')).toEqual(names);
    expect(cluster.get('leaving')?.status?.nextScheduleTime).toBeUndefined();
    await cluster.patch('leaving', { metadata: { finalizers: null } });
    await cluster.waitFor(() => (cluster.get('leaving') ? undefined : true), 'the deletion of the LshJob');
  });

  test('a run whose Job was deleted by hand is active until its Pod is gone', async () => {
    cluster.behave('handy', () => undefined);
    await cluster.create('handy', { schedule: EVERY_SECOND, retry: { limit: 1, initialSeconds: 0 } });
    const { metadata } = await eventually(() => podOf('handy'));
    // A Pod on a node is gone only when its kubelet says so, and this node has none.
    const target = { apiVersion: 'v1', kind: 'Node', name: 'a-node' };
    const binding = { metadata: { name: metadata.name }, target };
    await cluster.admin.json({ method: 'POST', path: `${PODS}/${metadata.name}/binding`, body: binding });
    const [name] = cluster.jobController.namesOf('handy');
    const body = { propagationPolicy: 'Background' };
    await cluster.admin.request({ method: 'DELETE', path: kubeJobPath('default', name), body });
    await eventually(async () => (await podOf('handy'))?.metadata.deletionTimestamp !== undefined);
    const missed = cluster.get('handy')?.status?.totals?.missed ?? 0;
    const waiting = await cluster.until('handy', ({ totals }) => (totals?.missed ?? 0) >= missed + 3);
    expect(waiting.status?.active).toMatchObject([{ name, phase: 'Pending' }]);
    expect(cluster.jobController.namesOf('handy')).toEqual([name]);
    const now = { gracePeriodSeconds: 0 };
    await cluster.admin.request({ method: 'DELETE', path: `${PODS}/${metadata.name}`, body: now });
    const { status } = await cluster.until('handy', ({ recentRuns = [] }) => recentRuns.length === 1);
    expect(status?.recentRuns).toMatchObject([{ name, phase: 'Failed', reason: 'Lost' }]);
    await cluster.waitFor(
      () => cluster.jobController.namesOf('handy').length === 2 || undefined,
      'the next attempt',
    );
    await cluster.delete('handy');
  });

  test('history that fills a quota on Jobs goes before a run', async () => {
    const namespace = 'tight';
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    await cluster.admin.json({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { metadata: { name: namespace } },
    });
    const hard = { 'count/jobs.batch': '1' };
    await cluster.admin.json({
      method: 'POST',
      path,
      body: { metadata: { name: 'one-job' }, spec: { hard } },
    });
    await eventually(async () => {
      const quota = await cluster.admin.json<KubeObject & { status: { used?: object } }>({
        path: `${path}/one-job`,
      });
      return quota.status.used;
    });
    cluster.behave('kept', () => undefined);
    await cluster.create('kept', { schedule: EVERY_SECOND }, namespace);
    for (let run = 0; run < 3; run++) {
      const { metadata } = await eventually(() => podOf('kept', namespace));
      await endPod(metadata, 'Succeeded');
    }
    const { status } = await cluster.until('kept', ({ totals }) => (totals?.completed ?? 0) >= 3, namespace);
    expect(status?.recentRuns?.filter(({ phase }) => phase === 'Failed')).toEqual([]);
    expect(status?.recentRuns).toHaveLength(3);
    await cluster.delete('kept', namespace);
  });
});
