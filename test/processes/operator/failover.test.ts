// Two operators, and jobs that are due each second. What lasts how long is the operator's promise: see docs/adr/0015.
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../../src/kubernetes/api/lease-record.ts';
import type { LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import type { RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { findings, isComplete } from '../../support/cluster/ledger-check.ts';
import { OPERATOR_NAMESPACE, type Operator } from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/lsh-controller`;
/** From the kill of a leader to the next start, milliseconds. */
const NEXT_START_MS = 8_000;
/** What a leader survives, milliseconds. */
const STALL_MS = 5_000;
/** Short, so that the runs of a killed controller end before the test. */
const RUNNER_ENV = { LSH_RUNNER_LEASE: '5s', LSH_RUNNER_GRACE: '1s' };
const EVERY_SECOND = { schedule: '* * * * * *', concurrencyPolicy: 'Allow' } as const;
const SHOWN = { successfulRunsHistoryLimit: 100, failedRunsHistoryLimit: 100 } as const;
const EXECUTORS = ['Job', 'Shell'] as const;

describe.skipIf(NO_KUBE)('two operators', () => {
  let cluster: OperatorCluster;
  let worlds: RunnerWorld[] = [];
  let leader: Operator;
  let standby: Operator;
  let created: LshJob[];
  let count = 0;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
  });
  beforeEach(async () => {
    leader = await replica('one');
    await leader.leads();
    standby = await replica('two');
    await standby.line(({ msg }) => msg === 'controller started');
    count++;
    const command = `echo $LSH_RUN >> ${worlds[0]!.path}/executed`;
    created = await Promise.all(
      EXECUTORS.map((executor) =>
        cluster.create(`${executor.toLowerCase()}-${count}`, {
          ...EVERY_SECOND,
          ...SHOWN,
          executor,
          command,
        }),
      ),
    );
    for (const { metadata } of created)
      await cluster.until(metadata.name, ({ totals }) => (totals?.completed ?? 0) >= 3);
  });
  afterEach(async () => {
    for (const { metadata } of created) await cluster.delete(metadata.name);
    await cluster.stopOperators();
    for (const world of worlds.splice(0)) await world.close();
    await cluster.admin.request({ method: 'DELETE', path: LEASE });
  });
  afterAll(() => cluster?.stop());

  async function replica(name: string): Promise<Operator> {
    const world = new RunnerWorld();
    worlds.push(world);
    await world.startRunner(RUNNER_ENV);
    const args = ['--shell', world.socketPath, '--shell-namespaces', 'default'];
    return cluster.operator({ args, pod: { name }, env: RUNNER_ENV });
  }

  const lease = () => cluster.admin.json<Lease>({ path: LEASE });

  /** Suspends the jobs, and returns the faults of their ledgers once every run has ended. */
  async function faults(): Promise<string[]> {
    for (const { metadata } of created) await cluster.patch(metadata.name, { spec: { suspend: true } });
    const accounts = await Promise.all(
      created.map(async (object) => {
        const { name } = object.metadata;
        const { status } = await cluster.until(
          name,
          ({ phase, active }) => phase === 'Suspended' && active?.length === 0,
        );
        return () => {
          const account = cluster.ledgerOf(object, Date.parse(status!.accountedUntil!));
          if (name.startsWith('job')) return account;
          const slots = new Map(account.runs.map((run) => [run.name, Date.parse(run.slot)]));
          const executions = worlds[0]!.lines('executed').map((run) => ({ run, slot: slots.get(run) ?? 0 }));
          return { ...account, executions };
        };
      }),
    );
    await eventually(() => accounts.every((account) => isComplete(account())), {
      what: 'the end of all runs',
    });
    return accounts.flatMap((account) => findings(account()));
  }

  test(`start the next run within ${NEXT_START_MS / 1000} s after the kill of the leader's process`, async () => {
    // Just after a renewal: the other one waits longest.
    const { renewTime } = (await lease()).spec!;
    await eventually(async () => (await lease()).spec?.renewTime !== renewTime);
    leader.process.kill('SIGKILL');
    const killedAt = Date.now();
    await leader.ended;
    const gapsMs = await Promise.all(
      created.map(async ({ metadata }) => {
        const next = await cluster.waitFor(
          () => cluster.runsOf(metadata.name).find((run) => startOf(run) > killedAt),
          `a run of ${metadata.name} after the kill`,
        );
        return startOf(next) - killedAt;
      }),
    );
    console.log(`${EXECUTORS.join(' and ')}: the next runs began ${gapsMs.join(' and ')} ms after the kill`);
    // The earlier one: a shell run also waits for its runner, which other tests on the machine delay.
    expect(Math.min(...gapsMs)).toBeLessThan(NEXT_START_MS);
    expect(standby.lines.map(({ msg }) => msg)).toContain('every schedule is evaluated');
    expect(await faults()).toEqual([]);
  });

  test('lead again in the same process after a lost lease', async () => {
    leader.process.kill('SIGSTOP');
    await standby.leads();
    leader.process.kill('SIGCONT');
    await leader.line(({ msg }) => msg === 'stopped leading');
    await eventually(async () => (await leader.get('/readyz')).status === 200, { what: 'a ready standby' });
    expect((await leader.get('/metrics')).body).toContain(
      'leader_election_master_status{name="lsh-controller"} 0',
    );

    standby.process.kill('SIGKILL');
    const killedAt = Date.now();
    for (const { metadata } of created)
      await cluster.waitFor(
        () => cluster.runsOf(metadata.name).find((run) => startOf(run) > killedAt),
        `a run of ${metadata.name} after the kill`,
      );
    expect(leader.process.exitCode).toBeNull();
    expect(leader.lines.filter(({ msg }) => msg === 'started leading')).toHaveLength(2);
    expect(await faults()).toEqual([]);
  });

  test(`keep their leader through ${STALL_MS / 1000} s in which the API server answers nothing`, async () => {
    const { holderIdentity, leaseTransitions } = (await lease()).spec!;
    const { renewTime } = (await lease()).spec!;
    const pid = cluster.environment.apiServerPid;
    process.kill(pid, 'SIGSTOP');
    const stalledAt = Date.now();
    await once(AbortSignal.timeout(STALL_MS), 'abort');
    process.kill(pid, 'SIGCONT');
    const healedAt = Date.now();
    await eventually(async () => (await lease()).spec?.renewTime !== renewTime, { what: 'a renewal' });
    for (const { metadata } of created)
      await cluster.waitFor(
        () => cluster.runsOf(metadata.name).find(({ slot }) => Date.parse(slot) > healedAt + 1000),
        `a run of ${metadata.name} after the stall`,
      );
    expect(healedAt - stalledAt).toBeGreaterThanOrEqual(STALL_MS);
    expect((await lease()).spec).toMatchObject({ holderIdentity, leaseTransitions });
    expect(standby.lines.map(({ msg }) => msg)).not.toContain('started leading');
    expect(leader.process.exitCode).toBeNull();
    expect(await faults()).toEqual([]);
  });
});

/** When the operator started the run, milliseconds: the Kubernetes Job of a run is created with it. */
function startOf({ executor, createdAt, startedAt }: RunEntry): number {
  return Date.parse((executor === 'Shell' ? startedAt : createdAt) ?? '');
}
