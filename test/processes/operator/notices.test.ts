// Notices of a real operator: the status of an LshJob holds them until their channels have them, also across leaders.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterJobs } from '../../../src/kubernetes/verbs/cluster-jobs.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { aReceiver, hangs, ok, status } from '../../support/notices/receiver.ts';

describe.skipIf(NO_KUBE)('notices in a cluster', () => {
  let cluster: OperatorCluster;
  let directory: string;
  let file: string;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    directory = mkdtempSync(join(tmpdir(), 'lsh-test-'));
    file = join(directory, 'channels.json');
  });
  afterAll(async () => {
    await cluster?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('a leader that is killed before the delivery leaves the notice to the next, with its id', async () => {
    const ops = await aReceiver(hangs);
    writeFileSync(file, JSON.stringify({ ops: { kind: 'webhook', url: ops.url } }));
    const env = { LSH_CHANNELS_FILE: file, LSH_NOTIFY: 'ops' };
    await cluster.operator({ env }).leads();
    cluster.behave('backup', () => 'Failed');
    await cluster.create('backup', { schedule: '@yearly', command: 'false' });
    await cluster.patch('backup', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    await ops.heard(1);
    const held = await cluster.until('backup', ({ pendingNotices }) => pendingNotices?.length === 1);
    expect(held.status).toMatchObject({ notices: { failures: 1 }, pendingNotices: [{ kind: 'Failed' }] });
    const verbs = clusterJobs({
      client: cluster.admin,
      namespace: 'default',
      allNamespaces: false,
      checkCommand: () => [],
      notice: () => {},
      now: () => 0,
    });
    // The rule of a job without one is known to the operator alone.
    const [open, ...others] = (await verbs.noticesOf({ name: 'backup' })).notices;
    expect(others).toEqual([]);
    expect(open).toMatchObject({ channel: 'ops', kind: 'Failed', state: 'Waiting' });
    await cluster.stopOperators();
    ops.answer = ok;
    await cluster.operator({ env }).leads();
    await ops.heard(2);
    await cluster.until('backup', ({ pendingNotices }) => pendingNotices === undefined);
    expect((await verbs.noticesOf({ name: 'backup' })).notices).toMatchObject([
      { channel: 'ops', kind: 'Failed', state: 'Sent' },
    ]);
    expect(new Set(ops.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(JSON.parse(ops.received[1]!.body)).toMatchObject({
      subject: 'default/backup',
      data: { job: 'backup', namespace: 'default', kind: 'Failed' },
    });
    cluster.behave('backup', () => 'Complete');
    await cluster.patch('backup', { metadata: { annotations: { 'lsh.dev/trigger': 'two' } } });
    await ops.heard(3);
    expect(JSON.parse(ops.received[2]!.body)).toMatchObject({ data: { kind: 'Recovered', failures: 1 } });
    await cluster.until('backup', ({ pendingNotices, notices }) => !pendingNotices && !notices);
    await cluster.stopOperators();
  });

  test('a dead letter is an Event and a metric, also of a command, which no cluster runs', async () => {
    const ops = await aReceiver(status(400));
    const channels = { ops: { kind: 'webhook', url: ops.url }, script: { kind: 'command', command: 'true' } };
    writeFileSync(file, JSON.stringify(channels));
    const operator = cluster.operator({ env: { LSH_CHANNELS_FILE: file, LSH_NOTIFY: 'ops,tema' } });
    await operator.leads();
    const warning = await operator.line(({ msg }) => msg === 'LSH_NOTIFY names channels that do not exist');
    expect(warning['channels']).toEqual(['tema']);
    for (const [name, channel] of [
      ['refused', 'ops'],
      ['scripted', 'script'],
    ] as const) {
      cluster.behave(name, () => 'Failed');
      await cluster.create(name, {
        schedule: '@yearly',
        command: 'false',
        notify: [{ channels: [channel] }],
      });
      await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    }
    expect((await cluster.eventOf('refused', 'NoticeDead')).message).toBe(
      'Channel ops did not take Failed: the receiver answered with status 400',
    );
    expect((await cluster.eventOf('scripted', 'NoticeDead')).message).toMatch(
      /command works on a laptop only/,
    );
    const { body } = await operator.get('/metrics');
    expect(body).toMatch(/^lsh_notices_total\{channel="ops",result="dead"\} 1$/m);
    await eventually(async () => (await operator.get('/metrics')).body.includes('\nlsh_notices_waiting 0\n'));
    await cluster.stopOperators();
  });

  test('a channel that does not exist is an Event of the job that names it', async () => {
    writeFileSync(file, JSON.stringify({}));
    await cluster.operator({ env: { LSH_CHANNELS_FILE: file } }).leads();
    await cluster.create('mistyped', {
      schedule: '@yearly',
      command: 'true',
      notify: [{ channels: ['tema'] }],
    });
    expect((await cluster.eventOf('mistyped', 'ChannelUnknown')).message).toBe(
      'Notices wait: there is no channel tema',
    );
    await cluster.stopOperators();
  });
});
