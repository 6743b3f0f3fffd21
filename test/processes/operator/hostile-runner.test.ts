// A hostile process in the place of `lsh runner`, which knows everything about a Kubernetes Job of another namespace: the
// operator neither ends the run nor deletes the Job.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nonceOf, wireNameOf } from '../../../src/runners/remote/remote-runs.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { HostileRunner } from '../../support/runners/hostile-runner.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

const TRIGGER = { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } };

describe.skipIf(NO_KUBE)('a hostile runner', () => {
  let cluster: OperatorCluster;
  let world: RunnerWorld;
  let hostile: HostileRunner;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    world = new RunnerWorld();
    hostile = await HostileRunner.listen(world.socketPath);
  });
  afterAll(async () => {
    await cluster?.stop();
    await hostile?.close();
    await world?.close();
  });

  test('ends no Job of another namespace, and the operator goes on', async () => {
    await cluster.createNamespace('other');
    const args = ['--shell', world.socketPath, '--shell-namespaces', 'default'];
    const operator = await cluster.operator({ args }).leads();
    cluster.behave('victim', () => undefined);
    await cluster.create('victim', { schedule: '@yearly', executor: 'Job' }, 'other');
    await cluster.patch('victim', TRIGGER, 'other');
    const { metadata, status } = await cluster.until(
      'victim',
      ({ active = [] }) => active.length === 1,
      'other',
    );
    const { name } = status!.active![0]!;
    const run = { name: wireNameOf('other/victim', name), nonce: nonceOf({ jobUid: metadata.uid, name }) };
    const observation = { name: run.name, state: 'Ended', finishedAt: Date.now(), exitCode: 0 };
    for (let number = 0; number < 4; number++) {
      const connection = await hostile.ready(number);
      connection.say({ type: 'observed', nonce: run.nonce, observation });
      await connection.cut();
    }
    const before = hostile.listeners.length;
    const second = cluster.operator({ args });
    const ends = await hostile.connection(before, hostile.listeners);
    const end = { key: 'other/victim', nonce: run.nonce, end: observation };
    ends.say(end, { ...end, key: 'other/nowhere' }, { explode: true });
    // It connects again when it has looked at every end.
    await hostile.connection(before + 1, hostile.listeners);
    await second.stop('SIGKILL');
    // An evaluation of the job, after everything that the runner said.
    await cluster.patch('victim', { spec: { description: 'evaluated' } }, 'other');
    await cluster.until('victim', ({ observedGeneration }) => observedGeneration === 2, 'other');
    const [job] = cluster.jobController.jobsOf('victim', 'other');
    expect(job?.metadata).toMatchObject({ name });
    expect(job?.metadata.deletionTimestamp).toBeUndefined();
    expect(cluster.get('victim', 'other')?.status?.active).toMatchObject([{ name }]);
    await cluster.jobController.end(job!, 'Complete');
    const after = await cluster.until('victim', ({ recentRuns = [] }) => recentRuns.length === 1, 'other');
    expect(after.status?.recentRuns).toMatchObject([{ name, phase: 'Completed' }]);
    await operator.stop();
  });

  test('that answers no start holds up no Job', async () => {
    // One worker: an evaluation that waits holds up all others.
    const args = ['--shell', world.socketPath, '--shell-namespaces', 'default', '--workers', '1'];
    const operator = await cluster.operator({ args }).leads();
    const connection = await hostile.ready(hostile.connections.length);
    for (const name of ['stuck-1', 'stuck-2', 'stuck-3']) {
      await cluster.create(name, { schedule: '@yearly', executor: 'Shell', command: 'true' });
      await cluster.patch(name, TRIGGER);
      await connection.hears('start', ({ run }) => run!.name.startsWith(`default.${name}`));
    }
    await cluster.create('free', { schedule: '@yearly', executor: 'Job' }, 'other');
    await cluster.patch('free', TRIGGER, 'other');
    await cluster.until('free', ({ totals }) => totals?.completed === 1, 'other');
    await operator.stop('SIGKILL');
  });
});
