// The end of a leader with active shell runs: its Pod is deleted or lost, or it was frozen. Whatever leads meanwhile, the
// ledger gets the end that the runner knows, and only a run of a Pod that is gone is Lost. The limit by which a runner
// must have ended its runs is too far away to help.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HostPods } from '../../../src/kubernetes/operator/host-pods.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OPERATOR_NAMESPACE, type Operator } from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';
import { aCollector, type Collector } from '../../support/traces/collector.ts';

const RUNNER_ENV = { LSH_RUNNER_LEASE: '10m', LSH_RUNNER_GRACE: '1s' };
const PODS = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods`;

const hostOf = (pod: string) => `${OPERATOR_NAMESPACE}/${pod}`;

/** A replica of the operator, in a Pod of one Deployment. */
interface Replica {
  pod: string;
  world: RunnerWorld;
  operator: Operator;
}

describe.skipIf(NO_KUBE)('the end of a leader with an active shell run', () => {
  let cluster: OperatorCluster;
  let count = 0;
  let replicas: Replica[] = [];
  let leader: Replica;
  let standby: Replica;
  let collector: Collector;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
  });
  beforeEach(async () => {
    collector = await aCollector();
    leader = await replica();
    await leader.operator.leads();
    standby = await replica();
  });
  afterEach(async () => {
    // In order, so that the next leader need not wait for the lease.
    await cluster.stopOperators('SIGTERM');
    for (const { world, pod } of replicas) {
      await world.close();
      await deletePod(pod, 0);
    }
    replicas = [];
  });
  afterAll(() => cluster?.stop());

  async function replica(): Promise<Replica> {
    const hash = { 'pod-template-hash': '7d9f' };
    const pod = `lsh-controller-7d9f-${++count}`;
    const metadata = { name: pod, generateName: 'lsh-controller-7d9f-', labels: hash };
    const spec = { nodeName: 'nowhere', containers: [{ name: 'controller', image: 'none' }] };
    await cluster.admin.json({ method: 'POST', path: PODS, body: { metadata, spec } });
    const world = new RunnerWorld();
    await world.startRunner(RUNNER_ENV);
    const started = { pod, world, operator: process(pod, world) };
    replicas.push(started);
    await started.operator.line(({ msg }) => msg === 'controller started');
    return started;
  }

  function process(pod: string, world: RunnerWorld): Operator {
    const args = ['--shell', world.socketPath, '--shell-namespaces', 'default'];
    const env = { ...RUNNER_ENV, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    return cluster.operator({ args, pod: { name: pod }, env });
  }

  /** A Pod on a node stays until the kubelet confirms its end, unless it has no grace period. */
  async function deletePod(pod: string, gracePeriodSeconds: number): Promise<void> {
    const query = { gracePeriodSeconds: String(gracePeriodSeconds) };
    await cluster.admin.request({ method: 'DELETE', path: `${PODS}/${pod}`, query }).catch(() => undefined);
  }

  /** Starts a run that waits at a gate, and resolves when its command waits. */
  async function waiting(name: string): Promise<{ open: () => Promise<void> }> {
    const { world } = leader;
    const gate = await world.gate(name);
    await cluster.create(name, {
      schedule: '@yearly',
      executor: 'Shell',
      command: `echo up >> ${world.path}/up-${name}; cat ${gate.path}; exit 3`,
    });
    await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    await eventually(() => world.lines(`up-${name}`).length === 1, { what: 'the command' });
    return gate;
  }

  const ended = async (name: string) => {
    const { status } = await cluster.until(name, ({ recentRuns = [] }) => recentRuns.length === 1);
    return status?.recentRuns?.[0];
  };

  test('is recorded by its Pod that is being deleted, while another one leads', async () => {
    const gate = await waiting('deleted');
    await deletePod(leader.pod, 60);
    const runner = leader.world.process!;
    runner.kill('SIGTERM');
    leader.operator.process.kill('SIGTERM');
    await standby.operator.leads();
    expect(cluster.get('deleted')?.status?.active).toMatchObject([
      { phase: 'Running', host: hostOf(leader.pod) },
    ]);
    await gate.open();
    expect(await ended('deleted')).toMatchObject({ phase: 'Failed', reason: 'ExitCode', exitCode: 3 });
    const { status } = await cluster.until('deleted', ({ phase }) => phase === 'Failing');
    expect(status?.totals).toMatchObject({ failed: 1 });
    expect(await leader.operator.ended).toEqual([0, null]);
    await eventually(() => runner.exitCode === 0, { what: 'the end of the runner' });
    await cluster.delete('deleted');
  });

  test('does not hold up the next run of the job', async () => {
    const { world } = leader;
    await cluster.create('each', { schedule: '* * * * * *', executor: 'Shell', command: 'sleep 0.3' });
    await cluster.until('each', ({ active = [] }) => active[0]?.phase === 'Running');
    await deletePod(leader.pod, 60);
    world.process!.kill('SIGTERM');
    leader.operator.process.kill('SIGTERM');
    await cluster.until('each', ({ recentRuns = [] }) =>
      recentRuns.some(({ phase, host }) => phase === 'Completed' && host === hostOf(standby.pod)),
    );
    const reasons = cluster.runsOf('each').map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason !== undefined)).toEqual([]);
    await cluster.delete('each');
  });

  test('leaves the run to the next controller of a Pod that stays', async () => {
    const gate = await waiting('stays');
    expect(await leader.operator.stop()).toEqual([0, null]);
    await standby.operator.leads();
    leader.operator = process(leader.pod, leader.world);
    await gate.open();
    expect(await ended('stays')).toMatchObject({ phase: 'Failed', reason: 'ExitCode', exitCode: 3 });
    await cluster.delete('stays');
  });

  test('leaves a run Lost once its Pod is gone, and no earlier', async () => {
    await waiting('lost');
    await leader.world.killRunner();
    expect(await leader.operator.stop()).toEqual([0, null]);
    await standby.operator.leads();
    await cluster.patch('lost', { metadata: { annotations: { touched: 'yes' } } });
    await cluster.create('after', { schedule: '* * * * * *', executor: 'Job' });
    await cluster.until('after', ({ totals }) => totals?.completed === 2);
    expect(cluster.get('lost')?.status?.active).toHaveLength(1);
    await deletePod(leader.pod, 0);
    expect(await ended('lost')).toMatchObject({ phase: 'Failed', reason: 'Lost' });
    await cluster.delete('after');
    await cluster.delete('lost');
  });

  test('after a freeze keeps what the runner knows', async () => {
    const gate = await waiting('frozen');
    leader.operator.process.kill('SIGSTOP');
    await gate.open();
    await standby.operator.leads();
    expect(cluster.get('frozen')?.status?.active).toHaveLength(1);
    leader.operator.process.kill('SIGCONT');
    await leader.operator.line(({ msg }) => msg === 'stopped leading');
    const run = await ended('frozen');
    expect(run).toMatchObject({ phase: 'Failed', reason: 'ExitCode', exitCode: 3 });
    expect(leader.operator.process.exitCode).toBeNull();
    // The process that recorded the end tells the collector: the leader finds the run with its end.
    const span = await collector.spanOf(run!.name);
    expect(span.attributes).toMatchObject({ 'error.type': 'ExitCode', 'process.exit.code': 3 });
    await cluster.delete('frozen');
  });

  describe('a Pod', () => {
    const pods = (own: string): HostPods =>
      new HostPods({ client: cluster.admin, own: hostOf(own), logger: keptLogger() });
    const setStatus = (pod: string, status: object) =>
      cluster.admin.json({
        method: 'PATCH',
        path: `${PODS}/${pod}/status`,
        contentType: 'application/merge-patch+json',
        body: { status },
      });
    const container = { name: 'controller', image: 'none', imageID: '', ready: false, restartCount: 0 };

    test('that exists is gone when all its containers have ended', async () => {
      const isGone = (pod: string) => pods(standby.pod).isGone(hostOf(pod));
      expect(await isGone(leader.pod)).toBe(false);
      const running = { ...container, state: { running: {} } };
      await setStatus(leader.pod, { phase: 'Failed', containerStatuses: [running] });
      expect(await isGone(leader.pod)).toBe(false);
      const terminated = { ...container, state: { terminated: { exitCode: 0 } } };
      await setStatus(leader.pod, { containerStatuses: [terminated] });
      expect(await isGone(leader.pod)).toBe(true);
    });

    test('that does not exist is gone if it was one of this Deployment', async () => {
      const gone = 'lsh-controller-5c8b-x';
      expect(await pods(standby.pod).isGone(hostOf(gone))).toBe(true);
      expect(await pods(standby.pod).isGone(hostOf('somebodys-laptop'))).toBe(false);
      expect(await pods(standby.pod).isGone(`default/${gone}`)).toBe(false);
      expect(await pods(standby.pod).isGone(gone)).toBe(false);
      // A controller outside the cluster knows no Pods.
      expect(await pods('somebodys-laptop').isGone(hostOf(gone))).toBe(false);
    });
  });
});
