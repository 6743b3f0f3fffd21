// Two operators in real pods. The test deletes the leader's pod, then kills the leader's process on the node. The slot
// of every second must have one run or one recorded outcome, and no run may execute twice.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Executor } from '../../src/core/executor.ts';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import type { LshJob } from '../../src/kubernetes/objects/lsh-job.ts';
import type { RunEntry } from '../../src/kubernetes/objects/lsh-job-status.ts';
import { findings, isComplete, type Account } from '../support/cluster/ledger-check.ts';
import { Marks } from './support/marks.ts';
import { RealCluster, RELEASE, TEAM } from './support/real-cluster.ts';

/** Seconds with due slots: fewer than the status keeps, and enough for both faults on a slow machine. */
const SECONDS = 95;
/** Runs before each fault. */
const STEADY_RUNS = 5;
/**
 * Expiry of a lease, next try of the standby, and a start, where the node starts two Pods a second on two cores: it starves the
 * operator, which loses further leases. test/processes/operator/failover.test.ts holds the limit of 8 s without such a load.
 */
const MAX_GAP_MS = 120_000;
const EVERYTHING = { missedRunPolicy: 'All', maxMissedRuns: 100, successfulRunsHistoryLimit: 100 } as const;
const JOBS: { name: string; executor: Executor; policy: Partial<JobSpecInput> }[] = [
  { name: 'steady', executor: 'Shell', policy: { concurrencyPolicy: 'Allow', ...EVERYTHING } },
  { name: 'forbid', executor: 'Shell', policy: {} },
  { name: 'queue', executor: 'Shell', policy: { concurrencyPolicy: 'Queue', ...EVERYTHING } },
  { name: 'skip', executor: 'Shell', policy: { missedRunPolicy: 'Skip' } },
  { name: 'pods', executor: 'Job', policy: { concurrencyPolicy: 'Allow', ...EVERYTHING } },
  { name: 'pods-skip', executor: 'Job', policy: { missedRunPolicy: 'Skip' } },
];

const cluster = new RealCluster();
const marks = new Marks('failover');

beforeAll(() =>
  cluster.start(
    {
      replicas: 2,
      shell: { namespaces: [TEAM], extraVolumeMounts: [marks.mount] },
      extraVolumes: [marks.podVolume],
    },
    marks.volume(RELEASE.namespace),
  ),
);
afterAll(() => cluster.stop());

test('no slot is lost or doubled after the deletion and after the kill of a leader', async () => {
  const leader = () => cluster.until('a leader', () => cluster.leader());
  await leader();
  const until = Math.ceil(Date.now() / 1000 + SECONDS) * 1000;
  const created = await Promise.all(JOBS.map((job) => create(job, until)));

  await steadyRuns(created, 'before');
  const deleted = await leader();
  const deletedAt = Date.now();
  const heldBefore = cluster.holders.length;
  await cluster.kubectl(
    'delete',
    'pod',
    deleted.metadata.name,
    '--namespace',
    RELEASE.namespace,
    '--wait=false',
  );
  await startsAgain(deletedAt);

  await steadyRuns(created, 'between');
  let killedAt = 0;
  // The process of a leader that has just lost its lease is gone before the lease says so.
  await cluster.until('the kill of another leader', () => {
    const found = cluster.leader();
    if (found === undefined || found.metadata.uid === deleted.metadata.uid) return undefined;
    killedAt = Date.now();
    return cluster.killController(found).length === 1 || undefined;
  });
  expect(cluster.holders.slice(heldBefore), 'the leader releases the lease').toContain('');
  expect(killedAt, 'slots follow the last fault').toBeLessThan(until);
  await startsAgain(killedAt);

  const accounts = (): Account[] => {
    const executed = marks.read();
    return created.map((object, index) => {
      const account = cluster.accountOf(object, until);
      const executions = executed.get(account.name) ?? [];
      return JOBS[index]?.executor === 'Job' ? account : { ...account, executions };
    });
  };
  // After the time limit, open runs are among the findings.
  await cluster
    .until('the end of all runs', () => accounts().every(isComplete) || undefined)
    .catch(() => undefined);
  const deletion = gaps(deletedAt, killedAt);
  const kill = gaps(killedAt, Infinity);
  for (const [fault, { shell, job }] of Object.entries({ 'pod deleted': deletion, 'process killed': kill }))
    console.log(`${fault}: ${shell} ms between two starts of shell runs, ${job} ms between two Jobs`);

  expect(accounts().flatMap(findings)).toEqual([]);
  const isOfDeletion = ({ finishedAt = '' }: RunEntry) => Date.parse(finishedAt) < killedAt;
  const ends = created.flatMap(({ metadata }) => cluster.runsOf(metadata.name)).filter(isOfDeletion);
  expect(
    ends.filter(({ phase }) => phase !== 'Completed'),
    'the deleted pod records the ends of its runs',
  ).toEqual([]);
  expect(marks.read().get('steady')?.length).toBeGreaterThan(SECONDS / 2);
  for (const gap of [deletion, kill].flatMap(Object.values)) expect(gap).toBeLessThan(MAX_GAP_MS);
});

function create({ name, executor, policy }: (typeof JOBS)[number], until: number): Promise<LshJob> {
  const notAfter = new Date(until).toISOString();
  const command = executor === 'Shell' ? marks.command : 'true';
  return cluster.create(name, { schedule: '* * * * * *', executor, command, notAfter, ...policy });
}

/** Resolves when every job has new runs: STEADY_RUNS of the first job, one of each other; a Job need not complete. */
async function steadyRuns(created: LshJob[], what: string): Promise<void> {
  const now = Date.now();
  await cluster.until(`runs ${what}`, () => {
    const [steady, ...rest] = created.map(({ metadata }) =>
      cluster
        .runsOf(metadata.name)
        .filter(
          ({ slot, phase, executor }) =>
            Date.parse(slot) > now && (phase === 'Completed' || executor === 'Job'),
        ),
    );
    const enough = (steady?.length ?? 0) >= STEADY_RUNS && rest.every((runs) => runs.length > 0);
    return enough || undefined;
  });
}

async function startsAgain(at: number): Promise<void> {
  const later = ({ startedAt }: { startedAt?: string }) =>
    startedAt !== undefined && Date.parse(startedAt) > at + 1000;
  await cluster.untilRun('steady', later);
}

/** The longest time without a start of each executor, in milliseconds; every second was due. */
function gaps(from: number, to: number): { shell: number; job: number } {
  return {
    shell: longestGap('steady', ({ startedAt }) => startedAt, { from, to }),
    // A Job's startTime has whole seconds; the run's createdAt is its exact counterpart.
    job: longestGap('pods', ({ createdAt }) => createdAt, { from, to }),
  };
}

/** The longest time between two consecutive instants, from the last instant before `from` to `to`. */
function longestGap(
  name: string,
  instant: (run: RunEntry) => string | undefined,
  { from, to }: { from: number; to: number },
): number {
  const instants = cluster
    .runsOf(name)
    .flatMap((run) => Date.parse(instant(run) ?? '') || [])
    .toSorted((a, b) => a - b);
  const first = instants.findLastIndex((at) => at < from);
  const within = instants.slice(Math.max(0, first)).filter((at) => at <= to);
  expect(within.length).toBeGreaterThan(1);
  return Math.max(...within.slice(1).map((at, index) => at - within[index]!));
}
