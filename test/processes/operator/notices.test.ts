// Notices of a real operator: the status of an LshJob holds them until their channels have them, also across leaders.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { aReceiver, hangs, ok } from '../../support/notices/receiver.ts';

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
    const { status } = await cluster.until('backup', ({ pendingNotices }) => pendingNotices?.length === 1);
    expect(status).toMatchObject({ notices: { failures: 1 }, pendingNotices: [{ kind: 'Failed' }] });
    await cluster.stopOperators();
    ops.answer = ok;
    await cluster.operator({ env }).leads();
    await ops.heard(2);
    await cluster.until('backup', ({ pendingNotices }) => pendingNotices === undefined);
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
  });
});
