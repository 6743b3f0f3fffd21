// Shell runs of the cluster: the claim is in the LshJob’s status, the child in `lsh runner`. Neither a crash of the
// controller nor a change of the leader runs a command twice.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rfc3339 } from '../../../src/core/rfc3339.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import type { Operator } from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

const EVERY_SECOND = '* * * * * *';
/** Long: on a busy machine an operator can be too slow to renew a short lease, and loses it for good. */
const LEASE_MS = 15_000;
const LEASE = ['--lease-duration', `${LEASE_MS}ms`];
/** Runs survive until the next controller leads, even after a long gap. */
const RUNNER_ENV = { LSH_RUNNER_LEASE: '10m' };

describe.skipIf(NO_KUBE)('shell runs', () => {
  let cluster: OperatorCluster;
  let world: RunnerWorld;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    world = new RunnerWorld();
    await world.startRunner(RUNNER_ENV);
  });
  afterAll(async () => {
    await cluster?.stop();
    await world?.close();
  });

  const operator = (): Operator =>
    cluster.operator({
      args: [...LEASE, '--shell', world.socketPath, '--shell-namespaces', 'default'],
      env: RUNNER_ENV,
    });

  test('leave their output and exit code on the object', async () => {
    const first = await operator().leads();
    await cluster.create('spoken', {
      schedule: EVERY_SECOND,
      executor: 'Shell',
      command: 'echo said; exit 3',
    });
    const { status } = await cluster.until('spoken', ({ totals }) => (totals?.failed ?? 0) >= 1);
    expect(status?.recentRuns?.[0]).toMatchObject({
      executor: 'Shell',
      phase: 'Failed',
      reason: 'ExitCode',
      exitCode: 3,
      outputTail: 'said\n',
    });
    await cluster.delete('spoken');
    expect(await first.stop()).toEqual([0, null]);
  });

  test('survive the death of the controller, and are adopted by the next one', async () => {
    const first = await operator().leads();
    const gate = await world.gate('gate');
    const marks = join(world.path, 'marks');
    const command = `echo $LSH_SLOT >> ${marks}; cat ${gate.path}; echo out`;
    await cluster.create('adopted', { schedule: '@yearly', executor: 'Shell', command });
    await cluster.patch('adopted', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    const { status } = await cluster.until('adopted', ({ active = [] }) => active[0]?.phase === 'Running');
    const { name, slot } = status!.active![0]!;
    await first.stop('SIGKILL');
    const second = await operator().leads();
    await gate.open();
    const after = await cluster.until('adopted', ({ recentRuns = [] }) => recentRuns.length === 1);
    expect(after.status?.recentRuns?.[0]).toMatchObject({ name, phase: 'Completed', outputTail: 'out\n' });
    expect(world.lines('marks')).toEqual([slot]);
    await cluster.delete('adopted');
    await second.stop();
  });

  test('leave no log when their LshJob is deleted, active or ended', async () => {
    const only = await operator().leads();
    const gate = await world.gate('never');
    const logs = (): string[] =>
      readdirSync(join(world.stateDir, 'logs')).filter((log) => log.startsWith('default.deleted-'));
    const command = `echo said; cat ${gate.path}`;
    await cluster.create('deleted-running', { schedule: '@yearly', executor: 'Shell', command });
    await cluster.create('deleted-ended', { schedule: '@yearly', executor: 'Shell', command: 'echo said' });
    for (const name of ['deleted-running', 'deleted-ended'])
      await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    await cluster.until('deleted-ended', ({ totals }) => totals?.completed === 1);
    await eventually(() => logs().length === 2, { what: 'two logs' });
    await cluster.delete('deleted-ended');
    await cluster.delete('deleted-running');
    await eventually(() => logs().length === 0, { what: 'no log' });
    await only.stop();
  });

  test('start even if a hand-edited status names impossible runs', async () => {
    const entry = {
      job: 'forged',
      slot: '2026-01-01T00:00:00Z',
      trigger: 'Schedule',
      attempt: 1,
      executor: 'Shell',
      phase: 'Running',
      createdAt: '2026-01-01T00:00:00Z',
    };
    await cluster.create('forged', { schedule: '@yearly', executor: 'Shell', command: 'true' });
    await cluster.admin.json<LshJob>({
      method: 'PATCH',
      path: `${lshJobPath('default', 'forged')}/status`,
      contentType: 'application/merge-patch+json',
      body: {
        status: {
          accountedUntil: rfc3339(Date.now()),
          active: [
            { ...entry, name: '../../elsewhere' },
            { ...entry, name: 'forged-1', startedAt: '1960-01-01T00:00:00Z' },
            { ...entry, name: 'forged-2', stopCause: 'Because' },
          ],
        },
      },
    });
    await cluster.create('sound', { schedule: EVERY_SECOND, executor: 'Shell', command: 'true' });
    const only = await operator().leads();
    await cluster.until('sound', ({ totals }) => (totals?.completed ?? 0) >= 1);
    const { status } = await cluster.until('forged', ({ active }) => active?.length === 0);
    expect(status?.recentRuns?.map(({ name }) => name).toSorted()).toEqual(['forged-1', 'forged-2']);
    await cluster.delete('forged');
    await cluster.delete('sound');
    await only.stop();
    expect(only.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('run once each second through changes of the leader', async () => {
    const marks = join(world.path, 'seconds');
    const spec = { schedule: EVERY_SECOND, executor: 'Shell' as const, concurrencyPolicy: 'Allow' as const };
    const first = await operator().leads();
    await cluster.create('seconds', { ...spec, command: `echo $LSH_SLOT >> ${marks}` });
    await cluster.until('seconds', ({ totals }) => (totals?.completed ?? 0) >= 2);
    const second = operator();
    await second.line(({ msg }) => msg === 'controller started');
    await first.stop();
    const stoppedAt = performance.now();
    await second.leads();
    // The next leader would have to wait for a lease that was not released.
    expect(performance.now() - stoppedAt).toBeLessThan(LEASE_MS);
    const before = cluster.get('seconds')?.status?.totals?.completed ?? 0;
    await cluster.until('seconds', ({ totals }) => (totals?.completed ?? 0) >= before + 2);
    await cluster.patch('seconds', { spec: { suspend: true } });
    const { metadata, status } = await cluster.until(
      'seconds',
      ({ phase, active }) => phase === 'Suspended' && active?.length === 0,
    );
    const span = {
      from: Date.parse(metadata.creationTimestamp) + 1000,
      to: Date.parse(status!.accountedUntil!),
    };
    const account = cluster.accountOf('seconds', span);
    expect([...account].filter(([, count]) => count !== 1)).toEqual([]);
    const ran = world.lines('seconds');
    expect(new Set(ran).size).toBe(ran.length);
    expect(ran.toSorted()).toEqual(
      cluster
        .runsOf('seconds')
        .map(({ slot }) => slot)
        .toSorted(),
    );
    await second.stop();
  });

  test('with the same name in two namespaces are two runs, in the operator’s own process', async () => {
    const marks = join(world.path, 'twins');
    await cluster.createNamespace('other');
    const args = ['--shell', 'in-process', '--shell-namespaces', 'default,other'];
    const only = await cluster.operator({ args }).leads();
    const namespaces = ['default', 'other'];
    // A FIFO per run: with a shared one, the first reader would let both writers go, and the second would block.
    const gates = await Promise.all(namespaces.map((namespace) => world.gate(`twin-${namespace}`)));
    for (const [index, namespace] of namespaces.entries()) {
      const command = `echo $LSH_RUN >> ${marks}; cat ${gates[index]!.path}; echo out`;
      await cluster.create('twin', { schedule: '@yearly', executor: 'Shell', command }, namespace);
      await cluster.patch('twin', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } }, namespace);
    }
    await eventually(() => world.lines('twins').length === 2, { what: 'two runs' });
    await Promise.all(gates.map((gate) => gate.open()));
    for (const namespace of namespaces) {
      const { status } = await cluster.until('twin', ({ totals }) => totals?.completed === 1, namespace);
      expect(status?.recentRuns).toMatchObject([{ phase: 'Completed', outputTail: 'out\n' }]);
      // A command knows its run by the name that people see.
      expect(world.lines('twins')).toContain(status!.recentRuns![0]!.name);
    }
    await only.stop();
  });

  test('in the operator’s own process end its part in the election with the lease', async () => {
    const args = ['--shell', 'in-process', '--lease-duration', '2s'];
    const first = await cluster.operator({ args, pod: { name: 'first' } }).leads();
    const second = cluster.operator({ args, pod: { name: 'second' } });
    first.process.kill('SIGSTOP');
    await second.leads();
    first.process.kill('SIGCONT');
    // The next leader cannot see the commands of this one, so they must not run on beside its own.
    expect(await first.ended).toEqual([1, null]);
    expect(first.said()).toContain('LEASE_LOST');
    await second.stop();
  });
});
