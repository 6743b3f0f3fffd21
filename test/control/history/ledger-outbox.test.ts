// Finished runs reach the team's history once it takes writes, and one refused run does not hold up the others.
import { beforeEach, describe, expect, test } from 'vitest';
import { LedgerOutbox } from '../../../src/control/history/ledger-outbox.ts';
import type { TeamHistory } from '../../../src/control/ports.ts';
import { LshError } from '../../../src/core/errors.ts';
import type { HistoryEntry } from '../../../src/core/record/entry.ts';
import type { Run } from '../../../src/core/run.ts';
import { aRun, at } from '../../support/builders.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const KEY = 'local/backup';
const JOB = { key: KEY, uid: 'uid-of-backup' };
const UNAVAILABLE = new LshError('HISTORY_UNAVAILABLE', {
  url: 'https://team.example',
  detail: 'connect ECONNREFUSED',
});
const REFUSED = new LshError('HISTORY_REFUSED', {
  url: 'https://team.example',
  detail: 'there is no table lsh_runs',
});

/** Lets every write and listener proceed. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes runs, or fails with the error that `answer` returns. */
class Table implements TeamHistory {
  readonly calls: string[][] = [];
  readonly rows = new Set<string>();
  answer: (names: string[]) => LshError | undefined = () => undefined;
  /** While set, writes wait for it. */
  gate: Promise<void> | undefined;

  async record(entries: readonly HistoryEntry[]): Promise<void> {
    const names = entries.map((entry) => (entry.kind === 'run' ? entry.run.name : entry.id));
    this.calls.push(names);
    await this.gate;
    const error = this.answer(names);
    if (error !== undefined) throw error;
    for (const name of names) this.rows.add(name);
  }
}

function ended(name: string, run: Partial<Run> = {}): Run {
  return aRun({ name, phase: 'Completed', finishedAt: at('2026-01-01T00:01:01Z'), ...run });
}

let table: Table;
let clock: ManualClock;
let announced: string[];
let outbox: LedgerOutbox;

const logger = keptLogger();

beforeEach(() => {
  table = new Table();
  clock = new ManualClock(at('2026-01-01T00:00:00Z'));
  announced = [];
  outbox = new LedgerOutbox({ history: table, clock, logger });
  outbox.onChange((key) => announced.push(key));
  logger.lines.length = 0;
});

/** Advances the clock by some seconds, one at a time. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advanceTo(clock.now() + 1000);
    await settle();
  }
}

test('a finished run is written once, and missing until it is written', async () => {
  const runs = [ended('one'), aRun({ name: 'two', phase: 'Running' })];
  expect(outbox.progress(JOB, runs)).toEqual({ missing: new Set(['one']), trouble: undefined });
  expect(outbox.backlog).toBe(1);
  await settle();
  expect(announced).toEqual([KEY]);
  expect(outbox.progress(JOB, runs)).toEqual({ missing: new Set(), trouble: undefined });
  await settle();
  expect(table.calls).toEqual([['one']]);
  expect(outbox.backlog).toBe(0);
});

test('runs that end while a batch is on its way form the next batch', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  table.gate = promise;
  outbox.add([ended('one')]);
  outbox.add([ended('two'), ended('one')]);
  outbox.add([ended('three')]);
  resolve();
  await settle();
  expect(table.calls).toEqual([['one'], ['two', 'three']]);
});

test('after a restart every run that the ledger shows is written again', async () => {
  outbox.progress(JOB, [ended('one')]);
  await settle();
  const next = new LedgerOutbox({ history: table, clock, logger });
  expect(next.progress(JOB, [ended('one'), ended('two')]).missing).toEqual(new Set(['one', 'two']));
  await settle();
  expect(table.calls.at(-1)).toEqual(['one', 'two']);
  expect(table.rows).toEqual(new Set(['one', 'two']));
});

test('runs of a removed job and of a new job of its name are different runs', async () => {
  outbox.progress(JOB, [ended('one')]);
  await settle();
  outbox.progress(JOB, [ended('one', { jobUid: 'another' })]);
  await settle();
  expect(table.calls).toEqual([['one'], ['one']]);
});

describe('while the history is unavailable', () => {
  beforeEach(() => {
    table.answer = () => UNAVAILABLE;
  });

  test('a write is retried after 1, 2, 4 seconds and so on, at most a minute', async () => {
    outbox.add([ended('one')]);
    await settle();
    const tries: number[] = [];
    for (let second = 1; second <= 200; second++) {
      const before = table.calls.length;
      await pass(1);
      if (table.calls.length > before) tries.push(second);
    }
    expect(tries).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
  });

  test('a retry waits as long as the server asks', async () => {
    table.answer = () =>
      new LshError(
        'HISTORY_UNAVAILABLE',
        { url: 'https://team.example', detail: '429' },
        { retryAfterMs: 20_000 },
      );
    outbox.add([ended('one')]);
    await settle();
    await pass(19);
    expect(table.calls).toHaveLength(1);
    await pass(1);
    expect(table.calls).toHaveLength(2);
  });

  test('jobs hear of it once, after seven seconds, and again when their runs are written', async () => {
    const other = ended('other', { job: 'local/other', jobUid: 'uid-of-other' });
    outbox.progress(JOB, [ended('one')]);
    outbox.progress({ key: other.job, uid: other.jobUid }, [other]);
    await settle();
    await pass(3);
    expect(outbox.progress(JOB, [ended('one')]).trouble).toBeUndefined();
    expect(announced).toEqual([]);
    await pass(60);
    expect(announced).toEqual([KEY, 'local/other']);
    expect(outbox.progress(JOB, [ended('one')]).trouble).toEqual({
      reason: 'HistoryUnavailable',
      message: UNAVAILABLE.message,
      hint: UNAVAILABLE.hint,
    });
    announced = [];
    table.answer = () => undefined;
    await pass(60);
    expect(announced).toEqual(expect.arrayContaining([KEY, 'local/other']));
    expect(outbox.progress(JOB, [ended('one')])).toEqual({ missing: new Set(), trouble: undefined });
    expect(table.rows).toEqual(new Set(['one', 'other']));
  });

  test('a retry waits at most five minutes although the server asks for hours', async () => {
    const url = 'https://team.example';
    table.answer = () =>
      new LshError('HISTORY_UNAVAILABLE', { url, detail: '' }, { retryAfterMs: 86_400_000 });
    outbox.add([ended('one')]);
    await settle();
    await pass(300);
    expect(table.calls).toHaveLength(2);
    expect(outbox.progress(JOB, [ended('one')]).trouble).toMatchObject({ reason: 'HistoryUnavailable' });
  });

  test('the queue takes twenty thousand runs, and jobs turned away hear when it has room', async () => {
    outbox.add(Array.from({ length: 20_000 }, (_, index) => ended(`run-${index}`)));
    const late = ended('late', { job: 'local/late', jobUid: 'uid-of-late' });
    const job = { key: late.job, uid: late.jobUid };
    expect(outbox.progress(job, [late]).missing).toEqual(new Set(['late']));
    expect(outbox.backlog).toBe(20_000);
    await settle();
    table.answer = () => undefined;
    await pass(1);
    await expect.poll(() => outbox.backlog, { timeout: 60_000 }).toBe(0);
    expect(announced).toContain('local/late');
    expect(table.rows.has('late')).toBe(false);
    outbox.progress(job, [late]);
    await settle();
    expect(table.rows.has('late')).toBe(true);
    expect(Math.max(...table.calls.map(({ length }) => length))).toBe(500);
  });

  test('a closed outbox retries no write', async () => {
    outbox.add([ended('one')]);
    await settle();
    outbox.close();
    await pass(10);
    outbox.add([ended('two')]);
    expect(table.calls).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

describe('a refused run', () => {
  const BAD = { key: 'local/bad', uid: 'uid-of-bad' };
  const POISON = ended('poison', { job: BAD.key, jobUid: BAD.uid });

  beforeEach(() => {
    table.answer = (names) => (names.includes('poison') ? REFUSED : undefined);
  });

  test('is found in its batch, whose other runs arrive within seconds, and only its job hears of it', async () => {
    const runs = Array.from({ length: 199 }, (_, index) => ended(`run-${index}`));
    outbox.progress(JOB, runs);
    outbox.progress(BAD, [POISON]);
    await settle();
    await pass(20);
    expect(table.rows.size).toBe(199);
    expect(outbox.progress(JOB, runs)).toEqual({ missing: new Set(), trouble: undefined });
    expect(outbox.progress(BAD, [POISON])).toEqual({
      missing: new Set(['poison']),
      trouble: { reason: 'HistoryRefused', message: REFUSED.message, hint: REFUSED.hint },
    });
    expect(outbox.backlog).toBe(1);
  });

  test('does not hold up later runs, and is retried once a minute', async () => {
    outbox.progress(BAD, [POISON]);
    const troubles = new Set<string | undefined>();
    for (let second = 0; second < 300; second++) {
      const run = ended(`run-${second}`);
      outbox.add([run]);
      await pass(1);
      troubles.add(outbox.progress(JOB, [run]).trouble?.reason);
      expect(outbox.backlog).toBeLessThan(12);
    }
    expect(troubles).toEqual(new Set([undefined]));
    expect(table.rows.size).toBeGreaterThan(295);
    const tries = table.calls.filter((names) => names.length === 1 && names[0] === 'poison');
    expect(tries.length).toBeGreaterThan(3);
    expect(tries.length).toBeLessThan(9);
  });

  test('takes turns with other refused runs, and they arrive together once one of them is taken', async () => {
    const isBad = (name: string) => name.startsWith('poison');
    table.answer = (names) => (names.some(isBad) ? REFUSED : undefined);
    outbox.add(Array.from({ length: 20 }, (_, index) => ended(`poison-${index}`)));
    const tries = () => table.calls.filter((names) => names.some(isBad)).length;
    await settle();
    const passWithOthers = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second++) {
        outbox.add([ended(`run-${clock.now()}`)]);
        await pass(1);
      }
    };
    await passWithOthers(300);
    expect(table.rows.size).toBeGreaterThan(290);
    expect(outbox.backlog).toBeLessThan(25);
    const before = tries();
    await passWithOthers(600);
    expect(tries() - before).toBeGreaterThan(8);
    expect(tries() - before).toBeLessThan(12);
    table.answer = () => undefined;
    await passWithOthers(62);
    expect([...table.rows].filter(isBad)).toHaveLength(20);
    expect(outbox.backlog).toBeLessThan(3);
  });

  test('arrives once the history takes it', async () => {
    outbox.progress(BAD, [POISON]);
    await settle();
    table.answer = () => undefined;
    await pass(61);
    expect(table.rows).toEqual(new Set(['poison']));
    expect(outbox.backlog).toBe(0);
  });

  describe('of a removed job', () => {
    const dropped = (): object[] =>
      logger.lines.filter(({ message }) => message.includes('dropped')).map(({ fields }) => fields);
    const DROPPED = { job: BAD.key, run: 'poison', reason: 'HistoryRefused' };

    test('is dropped with a warning in the log', async () => {
      outbox.progress(BAD, [POISON]);
      await settle();
      outbox.forget(BAD.key);
      expect(outbox.backlog).toBe(0);
      expect(dropped()).toEqual([DROPPED]);
      table.answer = () => undefined;
      await pass(100);
      expect(table.rows).toEqual(new Set());
    });

    test('is dropped although it is refused only after the removal, since its job hears of the refusal', async () => {
      outbox.forget(BAD.key);
      outbox.add([POISON]);
      await settle();
      expect(announced).toEqual([BAD.key]);
      outbox.forget(BAD.key);
      expect(outbox.backlog).toBe(0);
      expect(dropped()).toEqual([DROPPED]);
    });

    test('is dropped when a new job has the name, whose own refused run is kept', async () => {
      outbox.progress(BAD, [POISON]);
      await settle();
      const anew = { ...BAD, uid: 'another' };
      const runs = [ended('poison', { job: anew.key, jobUid: anew.uid })];
      outbox.progress(anew, runs);
      await pass(20);
      expect(outbox.progress(anew, runs).trouble?.reason).toBe('HistoryRefused');
      expect(outbox.backlog).toBe(1);
      expect(dropped()).toEqual([DROPPED]);
    });

    test('is still written if it is only waiting', async () => {
      table.answer = () => UNAVAILABLE;
      outbox.progress(BAD, [POISON]);
      await settle();
      outbox.forget(BAD.key);
      table.answer = () => undefined;
      await pass(2);
      expect(table.rows).toEqual(new Set(['poison']));
    });
  });
});

test('a project that cannot take a large batch in time gets smaller batches', async () => {
  table.answer = (names) => (names.length > 100 ? UNAVAILABLE : undefined);
  outbox.add(Array.from({ length: 400 }, (_, index) => ended(`run-${index}`)));
  await settle();
  await pass(30);
  expect(table.rows.size).toBe(400);
});

test('runs that the ledger shows are written in the order of their ends', async () => {
  const at = (name: string, finishedAt: number) => ended(name, { finishedAt });
  outbox.progress(JOB, [at('third', 3), at('first', 1), at('second', 2)]);
  await settle();
  expect(table.calls).toEqual([['first', 'second', 'third']]);
});
