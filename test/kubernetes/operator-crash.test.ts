// A controller that dies after each of its writes, one after the other, none left out; a new one takes over. Nothing
// is doubled and nothing is lost.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KubeConfig } from '@kubernetes/client-node';
import { manualRunName } from '../../src/core/naming.ts';
import type { KubeClient } from '../../src/kubernetes/client.ts';
import { lshJobPath } from '../../src/kubernetes/resource.ts';
import { NO_KUBE } from '../support/kube.ts';
import { InProcessOperator } from '../support/in-process-operator.ts';
import { OperatorCluster } from '../support/operator-cluster.ts';

const SLOTS = 3;
const ASKED = manualRunName('asked', 'once', 1);
const AT_A_TIME = 6;

describe.skipIf(NO_KUBE)('a controller that dies', () => {
  let cluster: OperatorCluster;
  let client: KubeClient;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    client = cluster.environment.clientOf(() => {
      const config = new KubeConfig();
      config.loadFromFile(cluster.kubeconfig);
      return config;
    });
    // The first attempt of each second slot fails, and is tried again.
    cluster.behave('slots', ({ metadata }) => {
      const slot = Date.parse(metadata.annotations!['lsh.dev/slot']!) / 1000;
      return slot % 2 === 0 && metadata.annotations!['lsh.dev/attempt'] === '1' ? 'Failed' : 'Complete';
    });
    cluster.behave('asked', () => undefined);
  });
  afterAll(() => cluster?.stop());

  /** Lives through three slots with retries and pruning, and a run that is asked for and told to stop. */
  async function live(namespace: string, diesAfter: number): Promise<string[]> {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await cluster.admin.json({ method: 'POST', path: '/api/v1/namespaces', body });
    const env = { LSH_NAMESPACES: namespace };
    const first = await new InProcessOperator({ client, env, diesAfter }).start();
    const from = Math.ceil(Date.now() / 1000) * 1000 + 4000;
    const to = from + (SLOTS - 1) * 1000;
    await create(namespace, from, to);
    const done = finished(namespace, to);
    await Promise.race([first.died, done]);
    await first.stop();
    const second = await new InProcessOperator({ client, env }).start();
    try {
      await done;
      await cluster.waitFor(() => isPruned(namespace) || undefined, `Jobs of ${namespace} to be pruned`);
    } finally {
      await second.stop();
    }
    check(namespace, from, to);
    return first.writes;
  }

  async function create(namespace: string, from: number, to: number): Promise<void> {
    const history = { successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 1 };
    const notBefore = new Date(from).toISOString();
    const notAfter = new Date(to).toISOString();
    const retry = { limit: 1, initialSeconds: 0 };
    const slots = {
      schedule: '* * * * * *',
      notBefore,
      notAfter,
      retry,
      concurrencyPolicy: 'Queue' as const,
    };
    const { metadata } = await cluster.create(
      'slots',
      { ...slots, ...history, missedRunPolicy: 'All' },
      namespace,
    );
    expect(Date.parse(metadata.creationTimestamp)).toBeLessThan(from);
    const annotations = { 'lsh.dev/trigger': 'once' };
    await cluster.admin.json({
      method: 'POST',
      path: lshJobPath(namespace),
      body: {
        apiVersion: 'lsh.dev/v1alpha1',
        kind: 'LshJob',
        metadata: { name: 'asked', annotations },
        spec: { schedule: '@yearly', command: 'true' },
      },
    });
  }

  async function stopAsked(namespace: string): Promise<void> {
    await cluster.until('asked', ({ active = [] }) => active.length === 1, namespace);
    await cluster.patch('asked', { metadata: { annotations: { 'lsh.dev/stop': ASKED } } }, namespace);
  }

  async function finished(namespace: string, to: number): Promise<void> {
    const slots = cluster.until(
      'slots',
      ({ accountedUntil = '', active }) => Date.parse(accountedUntil) >= to && active?.length === 0,
      namespace,
    );
    await stopAsked(namespace);
    await cluster.until('asked', ({ recentRuns = [] }) => recentRuns.length === 1, namespace);
    await slots;
  }

  function isPruned(namespace: string): boolean {
    const left = cluster.kubelet.jobsOf('slots', namespace).length;
    return left <= 2 && cluster.kubelet.jobsOf('asked', namespace).length === 0;
  }

  function check(namespace: string, from: number, to: number): void {
    const account = cluster.accountOf('slots', { from, to }, namespace);
    expect([...account.values()], `slots of ${namespace}`).toEqual(Array.from({ length: SLOTS }, () => 1));
    for (const name of ['slots', 'asked']) {
      const jobs = cluster.kubelet.namesOf(name, namespace);
      expect(jobs.length, `Jobs of ${namespace}: ${jobs.join(' ')}`).toBe(new Set(jobs).size);
      const runs = cluster.runsOf(name, namespace).map((run) => run.name);
      expect(runs.toSorted(), `runs of ${namespace}`).toEqual(jobs.toSorted());
    }
    const [asked] = cluster.runsOf('asked', namespace);
    expect(asked).toMatchObject({ name: ASKED, phase: 'Killed', reason: 'StoppedByUser' });
    // What ended and left the history in the same moment was never shown as ended; the totals have it.
    const evenSlots = [...account.keys()].filter((slot) => (slot / 1000) % 2 === 0).length;
    const { totals } = cluster.get('slots', namespace)!.status!;
    expect(totals).toEqual({ completed: SLOTS, failed: evenSlots, killed: 0, missed: 0 });
    expect(cluster.runsOf('slots', namespace)).toHaveLength(SLOTS + evenSlots);
  }

  test('after any of its writes, whichever it was', { timeout: 300_000 }, async () => {
    const writes = await live('whole', Infinity);
    expect(writes.length).toBeGreaterThan(15);
    expect(writes.some((write) => write.startsWith('DELETE'))).toBe(true);
    const points = writes.map((_, index) => index);
    while (points.length > 0) {
      const together = points.splice(0, AT_A_TIME);
      await Promise.all(together.map((diesAfter) => live(`after-${diesAfter}`, diesAfter)));
    }
    expect(cluster.kubelet.failures).toEqual([]);
  });
});
