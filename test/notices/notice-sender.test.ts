// Delivery from a real database to real receivers that fail, hang, ask for a pause, or are gone.
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Notice } from '../../src/core/notices/notice.ts';
import type { Channel } from '../../src/notices/channel.ts';
import type { RunFacts } from '../../src/notices/message.ts';
import { NoticeSender } from '../../src/notices/notice-sender.ts';
import { SqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { aChange, at } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { keptLogger } from '../support/kept-logger.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aReceiver, hangs, ok, status, type Receiver } from '../support/notices/receiver.ts';
import { tempDir } from '../support/temp-dir.ts';

const START = at('2026-01-01T00:00:00Z');

let path: string;
let store: SqliteStore;
let clock: ManualClock;
let channels: Map<string, Channel>;

beforeEach(() => {
  path = join(tempDir(), 'lsh.db');
  store = SqliteStore.open(path);
  clock = new ManualClock(START);
  channels = new Map();
  return () => store.close();
});

function start(facts: RunFacts = {}, tryMs?: number): NoticeSender {
  const sender = new NoticeSender({
    store: store.notices,
    clock,
    logger: keptLogger(),
    home: { platform: 'local', name: 'laptop' },
    channels: () => channels,
    resolve: async (_, channel) => channel,
    factsOf: async () => facts,
    ...(tryMs !== undefined && { tryMs }),
  });
  onTestFinished(() => sender.close());
  sender.wake();
  return sender;
}

let made = 0;

/** Records notices of a job, each for the channels. */
async function record(
  job: string,
  of: readonly Partial<Notice>[],
  to: readonly string[] = ['ops'],
): Promise<string[]> {
  const notices = of.map((part): Notice => ({
    id: `uid-of-${job}/Failed/${job}-${++made}`,
    kind: 'Failed',
    at: clock.now(),
    channels: [...to],
    run: `${job}-${made}`,
    slot: START,
    attempt: 1,
    reason: 'ExitCode',
    exitCode: 3,
    failures: 1,
    ...part,
  }));
  await store.commit(`local/${job}`, aChange({ notices }));
  return notices.map(({ id }) => id);
}

const webhook = ({ url }: Receiver): Channel => ({ kind: 'webhook', url });
const idsOf = ({ received }: Receiver) => received.map(({ headers }) => headers['webhook-id']);
const waiting = () => store.notices.standing();
const gone = () => eventually(() => waiting().every((one) => one.waiting === 0), { what: 'an empty outbox' });
/** Lets the clock go on until the condition holds: what a try schedules is there only when its answer has come. */
const passing = (condition: () => boolean) =>
  eventually(() => {
    if (condition()) return true;
    clock.advanceTo(clock.now() + 500);
    return false;
  });

describe('a channel', () => {
  test('gets each notice once, in the order of its job, and the outbox is empty', async () => {
    const ops = await aReceiver();
    channels.set('ops', webhook(ops));
    const ids = [...(await record('backup', [{}, {}])), ...(await record('sync', [{}]))];
    const sender = start({ outputTail: 'disk full\n', usualMs: 60_000 });
    await gone();
    ids.push(...(await record('backup', [{}])));
    sender.wake(['ops']);
    await gone();
    expect(idsOf(ops)).toEqual(ids);
    expect(JSON.parse(ops.received[0]!.body)).toMatchObject({
      specversion: '1.0',
      id: ids[0],
      source: '/lsh/local/laptop',
      type: 'dev.lsh.job.failed',
      subject: 'local/backup',
      data: {
        job: 'backup',
        reason: 'ExitCode',
        exitCode: 3,
        attempt: 1,
        usualDurationSeconds: 60,
        output: 'disk full',
        explain: 'lsh cron explain backup --at 2026-01-01T00:00:00.000Z',
      },
    });
  });

  test('that fails gets the same notice again, with the same id, before the next one', async () => {
    const ops = await aReceiver((response, number) =>
      (number < 4 ? status(503) : ok)(response, number, ops.received[0]!),
    );
    channels.set('ops', webhook(ops));
    const [first, second] = await record('backup', [{}, {}]);
    start();
    await passing(() => ops.received.length === 5);
    await gone();
    expect(idsOf(ops)).toEqual([first, first, first, first, second]);
  });

  test('that asks for a pause with 429 gets it', async () => {
    const ops = await aReceiver((response, number) =>
      (number === 1 ? status(429, { 'retry-after': '120' }) : ok)(response, number, ops.received[0]!),
    );
    channels.set('ops', webhook(ops));
    await record('backup', [{}]);
    start();
    await ops.heard(1);
    await eventually(() => clock.pending === 1);
    clock.advanceTo(START + 119_000);
    expect(ops.received).toHaveLength(1);
    expect(clock.pending).toBe(1);
    clock.advanceTo(START + 120_000);
    await ops.heard(2);
    await gone();
  });

  test('that refuses a notice makes it a dead letter, and gets the next', async () => {
    const ops = await aReceiver((response, number) =>
      (number === 1 ? status(400) : ok)(response, number, ops.received[0]!),
    );
    channels.set('ops', webhook(ops));
    const ids = await record('backup', [{}, {}]);
    const sender = start();
    await gone();
    expect(waiting()).toEqual([
      { channel: 'ops', waiting: 0, dead: 1, why: 'the receiver answered with status 400' },
    ]);
    await store.notices.revive('ops');
    sender.restart('ops');
    await gone();
    expect(idsOf(ops)).toEqual([...ids, ids[0]]);
    expect(waiting()).toEqual([]);
  });

  test('that is gone is asked no more, until its owner changes it', async () => {
    const ops = await aReceiver(status(410));
    channels.set('ops', webhook(ops));
    await record('backup', [{}, {}, {}]);
    const sender = start();
    await gone();
    expect(ops.received).toHaveLength(1);
    expect(waiting()).toMatchObject([{ waiting: 0, dead: 3 }]);
    const next = await aReceiver();
    channels.set('ops', webhook(next));
    await record('backup', [{}]);
    sender.wake(['ops']);
    await next.heard(1);
  });

  test('that hangs, or does not exist, holds up no other', async () => {
    const [silent, ops] = [await aReceiver(hangs), await aReceiver()];
    channels.set('silent', webhook(silent));
    channels.set('ops', webhook(ops));
    await record('backup', [{}, {}, {}], ['silent', 'nowhere', 'ops']);
    const sender = start({}, 200);
    await ops.heard(3);
    expect(silent.received).toHaveLength(1);
    await eventually(
      () => sender.withTroubles(waiting()).find(({ channel }) => channel === 'silent')?.trouble,
    );
    expect(sender.withTroubles(waiting())).toEqual([
      { channel: 'nowhere', waiting: 3, dead: 0, trouble: 'there is no channel nowhere' },
      {
        channel: 'silent',
        waiting: 3,
        dead: 0,
        trouble: 'the receiver cannot be reached: no answer in time',
      },
    ]);
  });

  test('that takes nothing for three days leaves dead letters', async () => {
    const ops = await aReceiver(status(500));
    channels.set('ops', webhook(ops));
    await record('backup', [{}]);
    start();
    await ops.heard(1);
    await eventually(() => clock.pending === 1);
    clock.advanceTo(START + 4 * 24 * 3_600_000);
    await gone();
    expect(waiting()).toMatchObject([{ dead: 1, why: 'the receiver answered with status 500' }]);
  });
});

describe('a group', () => {
  const group = { id: 'uid/Failed/many-1', until: START + 60_000 };

  test('of a thousand jobs is one message, which names some and says how to see all', async () => {
    const ops = await aReceiver();
    channels.set('ops', webhook(ops));
    const sender = start();
    for (let job = 0; job < 1000; job++) await record(`job-${job}`, [{ group }]);
    sender.wake(['ops']);
    clock.advanceTo(START + 59_000);
    expect(ops.received).toHaveLength(0);
    clock.advanceTo(START + 62_000);
    await gone();
    expect(idsOf(ops)).toEqual([group.id]);
    expect(JSON.parse(ops.received[0]!.body)).toMatchObject({
      data: { kind: 'Failed', count: 1000, jobs: 1000, explain: 'lsh cron report' },
    });
  });

  test('holds the later notices of its jobs, and lets others pass', async () => {
    const ops = await aReceiver();
    channels.set('ops', webhook(ops));
    await record('backup', [{ group }]);
    const [recovered] = await record('backup', [{ kind: 'Recovered' }]);
    const [other] = await record('sync', [{}]);
    start();
    await ops.heard(1);
    await passing(() => ops.received.length === 3);
    expect(idsOf(ops)).toEqual([other, group.id, recovered]);
  });

  test('that was not acknowledged before a crash comes again with the same id', async () => {
    const ops = await aReceiver(hangs);
    channels.set('ops', webhook(ops));
    await record('backup', [{ group }]);
    await record('sync', [{ group }]);
    clock.advanceTo(START + 70_000);
    start().wake();
    await ops.heard(1);
    store.close();
    store = SqliteStore.open(path);
    ops.answer = ok;
    start();
    await gone();
    expect(idsOf(ops)).toEqual([group.id, group.id]);
    expect(ops.received[0]!.body).toBe(ops.received[1]!.body);
  });
});
