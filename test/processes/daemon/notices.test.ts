// Notices of a real daemon: a failing job, a receiver, and kill -9 between the record and the delivery.
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { lsh, lshOk } from '../../support/daemon/cli.ts';
import { aDaemon, aManifest, type TestHome } from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';
import { aHomeWith, writeChannels } from '../../support/notices/channels.ts';
import { aReceiver, hangs, ok, status, type Receiver } from '../../support/notices/receiver.ts';

const FAILS = 'echo "the disk is full, says $PASSWORD"; exit 3';

async function add({ client }: TestHome, name: string, spec: JobSpecInput = {}): Promise<void> {
  await client.put({ job: aManifest(name, { command: FAILS, ...spec }) });
}

async function runOnce({ client }: TestHome, name: string, id: string): Promise<void> {
  const run = await client.trigger({ name, id });
  await client.run({ run: run.name, wait: true });
}

const standing = async ({ client }: TestHome) => (await client.notices({})).channels;
const dataOf = ({ received }: Receiver) =>
  received.map(
    ({ body }) => (JSON.parse(body) as { data: { kind: string; job: string; output?: string } }).data,
  );

describe('a daemon', () => {
  test('tells of the first failure and of the recovery, once each, with the output', async () => {
    const ops = await aReceiver();
    const home = await aDaemon(aHomeWith({ ops: { kind: 'webhook', url: ops.url } }));
    await add(home, 'backup', { notify: [{ channels: ['ops'] }] });
    await runOnce(home, 'backup', 'one');
    await runOnce(home, 'backup', 'two');
    await add(home, 'backup', { command: 'true', notify: [{ channels: ['ops'] }] });
    await runOnce(home, 'backup', 'three');
    await ops.heard(2);
    await eventually(async () => (await standing(home)).length === 0);
    expect(dataOf(ops)).toMatchObject([
      { kind: 'Failed', job: 'backup', output: 'the disk is full, says' },
      { kind: 'Recovered', failures: 2 },
    ]);
  });

  test('tells the channels of LSH_NOTIFY of jobs without rules, and shows no output that the job does not keep', async () => {
    const ops = await aReceiver();
    const home = await aDaemon(aHomeWith({ ops: { kind: 'webhook', url: ops.url } }, { LSH_NOTIFY: 'ops' }));
    await add(home, 'quiet', { notify: [] });
    await add(home, 'hidden', { captureOutput: false });
    await runOnce(home, 'quiet', 'one');
    await runOnce(home, 'hidden', 'two');
    await ops.heard(1);
    await eventually(async () => (await standing(home)).length === 0);
    expect(dataOf(ops)).toHaveLength(1);
    expect(dataOf(ops)[0]).toMatchObject({ job: 'hidden' });
    expect(dataOf(ops)[0]).not.toHaveProperty('output');
  });

  test('that is killed before the delivery sends the same notice after its next start', async () => {
    const ops = await aReceiver(hangs);
    const home = aHomeWith({ ops: { kind: 'webhook', url: ops.url } });
    const first = await aDaemon(home);
    await add(home, 'backup', { notify: [{ channels: ['ops'] }] });
    await runOnce(home, 'backup', 'one');
    await ops.heard(1);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    ops.answer = ok;
    await aDaemon(home);
    await ops.heard(2);
    await eventually(async () => (await standing(home)).length === 0);
    expect(new Set(ops.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  test('warns of a channel that does not exist when a job names it', async () => {
    const home = await aDaemon(aHomeWith({ ops: { kind: 'ping', url: 'http://127.0.0.1:1' } }));
    const job = aManifest('backup', { notify: [{ channels: ['ops', 'tema'] }] });
    const { warnings } = await home.client.put({ job, dryRun: true });
    expect(warnings).toEqual([
      'there is no channel tema: notices wait for it, and `lsh channel add tema` adds it',
    ]);
  });

  test('says in `lsh cron explain` what channels hear of a job, have heard, and have still to hear', async () => {
    const [ops, silent] = [await aReceiver(), await aReceiver(status(503))];
    const home = await aDaemon(
      aHomeWith({ ops: { kind: 'webhook', url: ops.url }, silent: { kind: 'webhook', url: silent.url } }),
    );
    const explained = async (name: string) =>
      (await lshOk(home, ['cron', 'explain', name])).split('\nNotices\n')[1]?.trimEnd().split('\n');
    await add(home, 'unheard');
    expect(await explained('unheard')).toBeUndefined();
    const notify = [
      { channels: ['ops'], after: 2, repeat: '24h' },
      { channels: ['silent'], events: ['Failed' as const] },
    ];
    await add(home, 'backup', { notify });
    expect(await explained('backup')).toEqual([
      'ops hears of Failed, Recovered.',
      'ops hears of failures after 2 in a row; there are 0 now.',
      'silent hears of Failed.',
    ]);
    await runOnce(home, 'backup', 'one');
    await runOnce(home, 'backup', 'two');
    await ops.heard(1);
    await eventually(async () => (await standing(home)).find(({ channel }) => channel === 'silent')?.trouble);
    await eventually(async () => (await standing(home)).every(({ channel }) => channel === 'silent'));
    const time = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;
    const words = [
      'ops hears of Failed, Recovered\\.',
      `These 2 failures in a row were told to ops at ${time}: a further one is told again 1d later\\. ops hears when it has recovered\\.`,
      'silent hears of Failed\\.',
      `The last notice that ops has is Failed, of ${time}\\.`,
      `Failed waits for silent since ${time}: the receiver answered with status 503, next try at ${time}\\.`,
    ];
    expect((await explained('backup'))?.join('\n')).toMatch(new RegExp(`^${words.join('\n')}$`));
    // What was sent is known to the next daemon; what waits has had no try yet.
    const before = await home.client.noticesOf({ name: 'backup' });
    home.child.kill('SIGKILL');
    await once(home.child, 'exit');
    await aDaemon(home);
    const after = await home.client.noticesOf({ name: 'backup' });
    expect(after.rules).toEqual(before.rules);
    expect(after.notices.map(({ channel, kind, state }) => `${channel} ${kind} ${state}`)).toEqual([
      'ops Failed Sent',
      'silent Failed Waiting',
    ]);
  });

  test('says in one sentence why a notice waits and when it is tried again', async () => {
    const home = await aDaemon(aHomeWith({ ops: { kind: 'webhook', url: '${env:NONE}' } }));
    await add(home, 'backup', { notify: [{ channels: ['ops'] }] });
    await runOnce(home, 'backup', 'one');
    await eventually(async () => (await standing(home))[0]?.trouble);
    expect(await lshOk(home, ['cron', 'explain', 'backup'])).toMatch(
      /: Channel "ops" names \$\{env:NONE\}, which has no value, next try at [^ ]+Z\.$/m,
    );
  });

  test('shows a dead letter in `lsh doctor`, `lsh channel list` and its metrics', async () => {
    const ops = await aReceiver(status(400));
    const home = await aDaemon(aHomeWith({ ops: { kind: 'webhook', url: ops.url } }));
    await add(home, 'backup', { notify: [{ channels: ['ops'] }] });
    await runOnce(home, 'backup', 'one');
    await eventually(async () => (await standing(home))[0]?.dead === 1);
    expect(await lshOk(home, ['channel', 'list'])).toMatch(/ops +webhook .* 0 +1 +.*status 400/);
    const metrics = await lshOk(home, ['daemon', 'metrics']);
    expect(metrics).toMatch(/^lsh_notices_dead\{channel="ops"\} 1$/m);
    expect(metrics).toMatch(/^lsh_notices_waiting\{channel="ops"\} 0$/m);
    expect(await lshOk(home, ['cron', 'explain', 'backup'])).toMatch(
      /^ops did not take Failed of .*, a dead letter: the receiver answered with status 400\. `lsh channel test/m,
    );
    const { stdout } = await lsh(home, ['doctor']);
    expect(stdout).toMatch(/^warn +channels +ops did not take 1 notice \(dead letters\): .*status 400$/m);
    expect(stdout).not.toContain('for ops wait');
  });

  test('says which dead letters `lsh channel test --retry` sends again', async () => {
    const ops = await aReceiver(status(400));
    const home = await aDaemon(aHomeWith({ ops: { kind: 'webhook', url: ops.url } }));
    await add(home, 'backup', { notify: [{ channels: ['ops'] }] });
    await runOnce(home, 'backup', 'one');
    await eventually(async () => (await standing(home))[0]?.dead === 1);
    ops.answer = ok;
    const { stderr } = await lsh(home, ['channel', 'test', 'ops', '--retry']);
    expect(stderr).toBe('The daemon sends 1 dead letter again.\n');
    await eventually(async () => (await standing(home)).length === 0);
  });

  test('warns of a channel of LSH_NOTIFY that does not exist: in its log, and in `lsh doctor`', async () => {
    const env = { LSH_NOTIFY: 'ops,tema' };
    const home = await aDaemon(aHomeWith({ ops: { kind: 'ping', url: 'http://127.0.0.1:1' } }, env));
    const { stdout } = await lsh(home, ['doctor']);
    expect(stdout).toMatch(
      /^warn +channels +LSH_NOTIFY of the daemon names tema, and there is no such channel$/m,
    );
    expect(stdout).not.toContain('names ops');
    expect(await lshOk(home, ['channel', 'list'])).toMatch(/^tema .*there is no channel tema$/m);
    home.child.kill('SIGTERM');
    const { stdout: log } = await home.ended;
    const warning = log.split('\n').find((line) => line.includes('LSH_NOTIFY names'));
    expect(JSON.parse(warning!)).toMatchObject({ channels: ['tema'] });
  });

  test('says whether a channel is new, changed or the same, and that a secret goes', async () => {
    const home = aHomeWith({});
    const words = ['channel', 'add', 'ops', '--kind', 'webhook', '--url', 'http://127.0.0.1:8080/'];
    const secret = ['--secret', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];
    const said = async (more: string[] = []) => {
      const { stdout, stderr } = await lsh(home, [...words, ...more]);
      return [/^channel "ops" (\w+) in /.exec(stdout)?.[1], /warning: .*/.exec(stderr)?.[0]];
    };
    expect(await said(secret)).toEqual(['created', undefined]);
    expect(await said(secret)).toEqual(['unchanged', undefined]);
    const gone = 'warning: its secret is gone: messages are no longer signed';
    expect(await said()).toEqual(['configured', gone]);
    expect((await lsh(home, [...words, '--secret', 'geheim'])).stderr).toMatch(/secret must be whsec_/);
  });

  test.each([
    ['webhook', 'example.org/s3cr3t'],
    ['ping', 'localhost:80/s3cr3t'],
    ['email', 'https://s3cr3t@example.org'],
  ])('refuses a channel of kind %s with the URL %s, without the URL', async (kind, url) => {
    const home = aHomeWith({});
    const { status, stderr } = await lsh(home, ['channel', 'add', 'ops', '--kind', kind, '--url', url]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/The url of a channel of kind \w+ begins with \w+:\/\/ or \w+:\/\/\./);
    expect(stderr).not.toContain('s3cr3t');
    expect(await lshOk(home, ['channel', 'list'])).toContain('No channels yet');
  });

  test('shows what waits for a channel that does not exist, and sends it once the channel does', async () => {
    const ops = await aReceiver();
    const home = aHomeWith({});
    await aDaemon(home);
    await add(home, 'backup', { notify: [{ channels: ['ops'] }] });
    await runOnce(home, 'backup', 'one');
    await eventually(async () => (await standing(home))[0]?.trouble !== undefined);
    expect(await standing(home)).toEqual([
      { channel: 'ops', waiting: 1, dead: 0, trouble: 'there is no channel ops' },
    ]);
    writeChannels(home, { ops: { kind: 'webhook', url: ops.url } });
    await home.client.notices({ retry: 'ops' });
    await ops.heard(1);
  });
});
