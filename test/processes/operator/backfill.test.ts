// Backfills in a cluster: an operator that dies after each of its writes in turn, a leader that is killed, and the requests
// of users, by the command and by hand.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { jobBackfills } from '../../../src/kubernetes/verbs/backfills.ts';
import { InProcessOperator } from '../../support/cluster/in-process-operator.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const EACH_DAY = { schedule: '0 3 * * *', timeZone: 'UTC', command: 'true' } satisfies JobSpecInput;
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-03-03T23:00:00Z' };
const SLOTS = [1, 2, 3].map((day) => `2026-03-0${day}T03:00:00Z`);

describe.skipIf(NO_KUBE)('a backfill in a cluster', () => {
  let cluster: OperatorCluster;
  let client: KubeClient;
  let term = 0;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    client = cluster.clientOfOperator();
  });
  afterAll(() => cluster?.stop());

  function operatorIn(namespace: string, diesAfter?: number): Promise<InProcessOperator> {
    const env = { LSH_NAMESPACES: namespace };
    const options = { client, env, term: ++term, ...(diesAfter !== undefined && { diesAfter }) };
    return new InProcessOperator(options).start();
  }

  const requested = (request: object) => ({
    metadata: { annotations: { 'lsh.dev/backfill': JSON.stringify(request) } },
  });

  /** The slots of all Kubernetes Jobs that ever existed in the namespace. */
  const slotsStarted = (namespace: string) =>
    [...cluster.jobController.seen.values()]
      .filter((job) => job.namespace === namespace)
      .map(({ slot }) => slot)
      .sort();

  const ended = (namespace: string, phase = 'Completed') =>
    cluster.until('report', ({ backfill }) => backfill?.phase === phase, namespace);

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'after %d writes of a killed operator: each slot gets one Job',
    async (diesAfter) => {
      const namespace = await cluster.createNamespace(`backfill-${diesAfter}`);
      // The ledger forgets each run at once, and its Job is deleted.
      const limits = { successfulRunsHistoryLimit: 0, failedRunsHistoryLimit: 0 };
      await cluster.create('report', { ...EACH_DAY, ...limits }, namespace);
      await cluster.patch('report', requested({ ...MARCH, requestedBy: 'ada' }), namespace);
      const first = await operatorIn(namespace, diesAfter);
      await first.died;
      await first.stop();
      const second = await operatorIn(namespace);
      const { status } = await ended(namespace);
      await second.stop();
      expect(slotsStarted(namespace)).toEqual(SLOTS);
      expect(status?.backfill).toMatchObject({ slots: 3, completed: 3, failed: 0, pending: [] });
      expect(status?.backfilled).toEqual([MARCH]);
      // A run whose start and end are recorded together is forgotten before the status shows it.
      for (const run of cluster.runsOf('report', namespace))
        expect(run).toMatchObject({ trigger: 'Backfill', requestedBy: 'ada' });
    },
  );

  describe('through the command', () => {
    const namespace = 'by-command';
    let api: ReturnType<typeof jobBackfills>;
    let operator: InProcessOperator;

    beforeAll(async () => {
      await cluster.createNamespace(namespace);
      api = jobBackfills({ scope: { client: cluster.admin, namespace }, answerWithinMs: 30_000 });
      operator = await operatorIn(namespace);
    });
    afterAll(() => operator?.stop());

    test('shows its slots, runs them, refuses a second one, is cancelled and taken up again', async () => {
      cluster.behave('report', () => 'Run');
      await cluster.create('report', EACH_DAY, namespace);
      await cluster.until('report', ({ phase }) => phase === 'Scheduled', namespace);
      const order = { name: 'report', ...MARCH, parallel: 1 };
      const dry = await api.backfill({ ...order, id: 'dry', dryRun: true });
      expect(dry.slots.map(({ slot }) => slot)).toEqual(SLOTS);
      const { backfill } = await api.backfill({ ...order, id: 'one' });
      expect(backfill).toMatchObject({ id: 'one', phase: 'Running', slots: 3 });
      const jobOfFirst = () => cluster.jobController.jobsOf('report', namespace)[0];
      const first = await cluster.waitFor(jobOfFirst, 'the Job of the first slot');
      await expect(api.backfill({ ...order, id: 'two' })).rejects.toMatchObject({ code: 'BACKFILL_ACTIVE' });
      const cancelled = await api.cancelBackfill({ name: 'report' });
      expect(cancelled.backfill).toMatchObject({ phase: 'Cancelled', pending: [{ count: 2 }] });
      expect(await api.cancelBackfill({ name: 'report' })).toEqual({});

      cluster.behave('report', () => 'Complete');
      await cluster.jobController.end(first, 'Complete');
      await cluster.until('report', ({ active }) => active?.length === 0, namespace);
      const rest = await api.backfill({ ...order, id: 'three' });
      expect(rest.slots.map(({ slot }) => slot)).toEqual(SLOTS.slice(1));
      expect(rest.left).toEqual({ Ran: 1 });
      await ended(namespace);
      expect(slotsStarted(namespace)).toEqual(SLOTS);
      const none = await api.backfill({ ...order, id: 'four' });
      expect(none).toEqual({ job: 'report', slots: [], left: { Ran: 3 } });
    });
  });

  test('written by hand without sense is refused with a reason and an Event', async () => {
    const namespace = await cluster.createNamespace('by-hand');
    await cluster.create('report', EACH_DAY, namespace);
    const operator = await operatorIn(namespace);
    for (const [request, reason] of [
      [{ from: 'March' }, 'annotation lsh.dev/backfill, from: '],
      [{ from: '2020-01-01T00:00:00Z', to: MARCH.to }, 'more than 1000 slots, the most of one backfill'],
    ] as const) {
      await cluster.patch('report', requested(request), namespace);
      await cluster.until(
        'report',
        ({ backfill }) => backfill?.phase === 'Refused' && (backfill.message ?? '').includes(reason),
        namespace,
      );
    }
    expect(slotsStarted(namespace)).toEqual([]);
    await operator.stop();
  });

  test('goes on under the next leader when the leader is killed', async () => {
    cluster.behave('report', () => 'Run');
    await cluster.create('report', EACH_DAY);
    const leader = cluster.operator({ pod: { name: 'one' } });
    await leader.leads();
    await cluster.patch('report', requested(MARCH));
    const jobOfFirst = () => cluster.jobController.jobsOf('report')[0];
    const first = await cluster.waitFor(jobOfFirst, 'the Job of the first slot');
    leader.process.kill('SIGKILL');
    await leader.ended;
    await cluster.jobController.end(first, 'Complete');
    cluster.behave('report', () => 'Complete');
    cluster.operator({ pod: { name: 'two' } });
    const { status } = await ended('default');
    expect(status?.backfill).toMatchObject({ slots: 3, completed: 3 });
    expect(slotsStarted('default')).toEqual(SLOTS);
  });
});
