// The operator after an absence, or beside another operator: each slot meanwhile is run or recorded once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { findings } from '../../support/cluster/ledger-check.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';
import { testSeed } from '../../support/seed.ts';

const EVERY_SECOND = '* * * * * *';
// Longer than the default: no test restarts an operator that is too slow on a busy machine to renew its lease.
const IN_TURNS = ['--lease-duration', '8s'];

describe.skipIf(NO_KUBE)('an operator after an absence', () => {
  let cluster: OperatorCluster;
  const world = new RunnerWorld();

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
  });
  afterAll(async () => {
    await cluster?.stop();
    await world.close();
  });

  /** From the first slot after the creation to the last slot with an outcome. */
  function spanOf(name: string): { from: number; to: number } {
    const { metadata, status } = cluster.get(name)!;
    return { from: Date.parse(metadata.creationTimestamp) + 1000, to: Date.parse(status!.accountedUntil!) };
  }

  /** Creates an LshJob whose slots have outcomes up to this many milliseconds ago. */
  async function createBehind(name: string, schedule: string, behindMs: number): Promise<void> {
    const { metadata } = await cluster.create(name, { schedule });
    const accountedUntil = new Date(Date.parse(metadata.creationTimestamp) - behindMs).toISOString();
    await cluster.admin.request({
      method: 'PATCH',
      path: `${lshJobPath('default', name)}/status`,
      contentType: 'application/merge-patch+json',
      body: {
        status: {
          accountedUntil: accountedUntil.replace(/\.\d+Z/, 'Z'),
          observedSchedule: `UTC|||${schedule}`,
        },
      },
    });
  }

  test('continues after more than 100 missed slots, and records them', async () => {
    await createBehind('missed', EVERY_SECOND, 500_000);
    // No slot is due while the operator starts: it would run in place of the newest missed one.
    await createBehind('missed-days', '@daily', 500 * 86_400_000);
    const operator = await cluster.operator({ args: IN_TURNS }).leads();
    const { status } = await cluster.until('missed', ({ totals }) => (totals?.completed ?? 0) >= 2);
    expect(status?.recentOutcomes?.at(-1)).toMatchObject({ outcome: 'Missed', cause: 'NotEvaluated' });
    expect(status?.recentOutcomes?.at(-1)?.count).toBeGreaterThan(490);
    const days = await cluster.until('missed-days', ({ totals }) => totals?.completed === 1);
    expect(days.status?.recentOutcomes).toMatchObject([{ outcome: 'Missed', count: 499 }]);
    expect(cluster.runsOf('missed-days')).toMatchObject([{ trigger: 'CatchUp' }]);
    expect(await operator.stop()).toEqual([0, null]);
    await Promise.all([cluster.delete('missed'), cluster.delete('missed-days')]);
  });

  test('stopped and started at random, no slot runs twice and none is lost', async () => {
    const seed = testSeed('random stops');
    let state = seed;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    await world.startRunner();
    const args = [...IN_TURNS, '--shell', world.socketPath, '--shell-namespaces', 'default'];
    const rolling = [
      ['rolling-a', 'Job'],
      ['rolling-b', 'Job'],
      ['rolling-c', 'Shell'],
      ['rolling-d', 'Shell'],
    ] as const;
    const command = `echo $LSH_RUN >> ${world.path}/$LSH_JOB`;
    for (const [name, executor] of rolling)
      await cluster.create(name, { schedule: EVERY_SECOND, concurrencyPolicy: 'Allow', executor, command });
    for (let round = 0; round < 3; round++) {
      const operator = await cluster.operator({ args }).leads();
      const target = cluster.jobController.seen.size + Math.floor(random() * 6);
      await cluster.waitFor(() => cluster.jobController.seen.size >= target || undefined, 'more Jobs');
      await operator.stop(random() < 0.5 ? 'SIGTERM' : 'SIGKILL');
    }
    const operator = await cluster.operator({ args }).leads();
    for (const [name, executor] of rolling) {
      await cluster.patch(name, { spec: { suspend: true } });
      await cluster.until(name, ({ phase, active }) => phase === 'Suspended' && active?.length === 0);
      const slots = cluster.accountOf(name, spanOf(name));
      expect(slots.size).toBeGreaterThan(4);
      expect([...slots].filter(([, count]) => count !== 1)).toEqual([]);
      const executed = executor === 'Shell' ? world.lines(name) : cluster.jobController.namesOf(name);
      const recorded = cluster.runsOf(name).map((run) => run.name);
      expect(executed.toSorted()).toEqual(recorded.toSorted());
      expect(new Set(executed).size).toBe(executed.length);
    }
    await operator.stop();
  });

  test.each([
    ['ahead of', 30_000],
    ['behind', -30_000],
  ])(
    'under a leader whose clock is 30 s %s the others’, no slot runs twice and none is lost',
    async (which, skew) => {
      const name = `skewed-${which.slice(0, 2)}`;
      const skewed = await cluster
        .operator({ args: IN_TURNS, pod: { name: 'skewed', clockAheadMs: skew } })
        .leads();
      const other = cluster.operator({ args: IN_TURNS });
      await other.line(({ msg }) => msg === 'controller started');
      const created = await cluster.create(name, { schedule: EVERY_SECOND, successfulRunsHistoryLimit: 100 });
      await cluster.until(name, ({ totals }) => (totals?.completed ?? 0) >= 2);
      expect(other.lines.map(({ msg }) => msg)).not.toContain('every schedule is evaluated');
      await skewed.stop('SIGKILL');
      await other.leads();
      const led = cluster.get(name)?.status?.totals?.completed ?? 0;
      await cluster.until(name, ({ totals }) => (totals?.completed ?? 0) >= led + 2);
      await cluster.patch(name, { spec: { suspend: true } });
      const { status } = await cluster.until(
        name,
        ({ phase, active }) => phase === 'Suspended' && active?.length === 0,
      );
      expect(findings(cluster.ledgerOf(created, Date.parse(status!.accountedUntil!)))).toEqual([]);
      expect(await other.stop()).toEqual([0, null]);
      await cluster.delete(name);
    },
  );
});
