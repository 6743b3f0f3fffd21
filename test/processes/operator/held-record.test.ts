// The record of a start waits until other starts have passed. Meanwhile the operator knows of the run, whatever happens to
// its Kubernetes Job and its LshJob.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manualRunName } from '../../../src/core/naming.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { kubeJobPath } from '../../../src/kubernetes/objects/kube-job.ts';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { InProcessOperator } from '../../support/cluster/in-process-operator.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const TRIGGER = { metadata: { annotations: { 'lsh.dev/trigger': 'once' } } };

describe.skipIf(NO_KUBE)('a held record', () => {
  let cluster: OperatorCluster;
  let client: KubeClient;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    client = cluster.clientOfOperator();
  });
  afterAll(() => cluster?.stop());

  /** An operator of the namespace, at whose first write of the status after a start the test does something. */
  async function operatorIn(namespace: string, atRecord: () => Promise<void>): Promise<InProcessOperator> {
    let state: 'idle' | 'started' | 'done' = 'idle';
    const operator = new InProcessOperator({
      client,
      env: { LSH_NAMESPACES: namespace },
      beforeWrite: async ({ method, path }) => {
        if (method === 'POST' && path.endsWith('/jobs')) state = 'started';
        else if (method === 'PATCH' && path.endsWith('/status') && state === 'started') {
          state = 'done';
          await atRecord();
        }
      },
    });
    return operator.start();
  }

  const starts = ({ writes }: InProcessOperator) => writes.filter((write) => write === 'POST jobs');

  test('an edit of the LshJob and the deletion of the Job at the time of the record cause no second start', async () => {
    const namespace = 'edited';
    const run = manualRunName('asked', 'once', 1);
    await cluster.createNamespace(namespace);
    cluster.behave('asked', () => undefined);
    const operator = await operatorIn(namespace, async () => {
      await cluster.patch('asked', { spec: { description: 'edited' } }, namespace);
      const body = { propagationPolicy: 'Background' };
      await cluster.admin.request({ method: 'DELETE', path: kubeJobPath(namespace, run), body });
    });
    await cluster.create('asked', { schedule: '@yearly', command: 'true' }, namespace);
    await cluster.until('asked', ({ phase }) => phase === 'Scheduled', namespace);
    await cluster.patch('asked', TRIGGER, namespace);
    await cluster.until('asked', ({ recentRuns = [] }) => recentRuns.length === 1, namespace);
    expect(cluster.runsOf('asked', namespace)).toMatchObject([
      { name: run, phase: 'Failed', reason: 'Lost' },
    ]);
    expect(cluster.get('asked', namespace)?.status?.lastHandledTrigger).toBe('once');
    expect(starts(operator)).toHaveLength(1);
    await operator.stop();
  });

  test('another writer of the status ends the hold, and the run is found by its name', async () => {
    const namespace = 'overwritten';
    await cluster.createNamespace(namespace);
    cluster.behave('asked', () => undefined);
    const operator = await operatorIn(namespace, async () => {
      const path = `${lshJobPath(namespace, 'asked')}/status`;
      const body = { status: { totals: { completed: 7, failed: 0, killed: 0, missed: 0 } } };
      const contentType = 'application/merge-patch+json';
      await cluster.admin.request({ method: 'PATCH', path, body, contentType });
    });
    await cluster.create('asked', { schedule: '@yearly', command: 'true' }, namespace);
    await cluster.until('asked', ({ phase }) => phase === 'Scheduled', namespace);
    await cluster.patch('asked', TRIGGER, namespace);
    await cluster.until('asked', ({ active = [] }) => active.length === 1, namespace);
    const { status } = cluster.get('asked', namespace)!;
    expect(status).toMatchObject({ lastHandledTrigger: 'once', totals: { completed: 7 } });
    expect(starts(operator)).toHaveLength(1);
    await operator.stop();
  });

  test('a namesake of a removed LshJob waits for the run whose record the removal prevented', async () => {
    const namespace = 'replaced';
    const run = manualRunName('asked', 'once', 1);
    await cluster.createNamespace(namespace);
    cluster.behave('asked', () => 'Run');
    const again = { ...TRIGGER.metadata, annotations: { 'lsh.dev/trigger': 'again' } };
    let atRemoval: string[] = [];
    const operator: InProcessOperator = await operatorIn(namespace, async () => {
      await cluster.delete('asked', namespace);
      await cluster.create('asked', { schedule: '@yearly', command: 'true' }, namespace);
      await cluster.patch('asked', { metadata: again }, namespace);
      atRemoval = [...operator.writes];
    });
    await cluster.create('asked', { schedule: '@yearly', command: 'true' }, namespace);
    await cluster.until('asked', ({ phase }) => phase === 'Scheduled', namespace);
    await cluster.patch('asked', TRIGGER, namespace);
    await cluster.waitFor(
      () => (starts(operator).length === 2 ? true : undefined),
      'a start of the namesake',
    );
    // Between the two starts the operator has stopped the run of the removed LshJob.
    const between = operator.writes.slice(atRemoval.length, operator.writes.lastIndexOf('POST jobs'));
    expect(between).toContain(`DELETE jobs/${run}`);
    await operator.stop();
  });

  test('of many LshJobs that are due together, the starts pass the records, and each gets its record', async () => {
    const namespace = 'burst';
    const names = Array.from({ length: 60 }, (_, index) => `due-${index}`);
    await cluster.createNamespace(namespace);
    // Ends would pass the records, too.
    for (const name of names) cluster.behave(name, () => undefined);
    const dueAt = Math.ceil(Date.now() / 1000) * 1000 + 20_000;
    const due = new Date(dueAt);
    const schedule = `${due.getUTCSeconds()} ${due.getUTCMinutes()} ${due.getUTCHours()} * * *`;
    for (const name of names) await cluster.create(name, { schedule, command: 'true' }, namespace);
    // One worker makes the order of its writes that of the queue.
    const env = { LSH_NAMESPACES: namespace, LSH_WORKERS: '1' };
    const operator = await new InProcessOperator({ client, env }).start();
    const isRecorded = (name: string) => cluster.runsOf(name, namespace).length === 1;
    await cluster.waitFor(() => (names.every(isRecorded) ? true : undefined), 'a record of each start');
    const from = operator.writes.indexOf('POST jobs');
    const to = operator.writes.lastIndexOf('POST jobs');
    expect(starts(operator)).toHaveLength(names.length);
    const recordsBetween = operator.writes.slice(from, to).filter((write) => write.startsWith('PATCH'));
    expect(recordsBetween.length).toBeGreaterThan(0);
    expect(recordsBetween.length).toBeLessThanOrEqual(Math.ceil(names.length / 15) + 1);
    await operator.stop();
  });
});
