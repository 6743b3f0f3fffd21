// The outbox of a daemon over a real database: what a killed process leaves is written by the next, in order and once.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { StoredOutbox } from '../../../src/control/history/stored-outbox.ts';
import type { TeamHistory } from '../../../src/control/ports.ts';
import { LshError } from '../../../src/core/errors.ts';
import type { HistoryEntry } from '../../../src/core/record/entry.ts';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { aChange, aRunAt, at } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { tempDir } from '../../support/temp-dir.ts';

const UNAVAILABLE = new LshError('HISTORY_UNAVAILABLE', { url: 'https://team.example', detail: 'away' });
const REFUSED = new LshError('HISTORY_REFUSED', { url: 'https://team.example', detail: 'no table' });

/** Takes entries, or fails with the error that `answer` returns. */
class Table implements TeamHistory {
  readonly rows: string[] = [];
  answer: (names: readonly string[]) => LshError | undefined = () => undefined;
  largest = 0;

  async record(entries: readonly HistoryEntry[]): Promise<void> {
    this.largest = Math.max(this.largest, entries.length);
    const names = entries.map((entry) => (entry.kind === 'run' ? entry.run.name : entry.id));
    const error = this.answer(names);
    if (error !== undefined) throw error;
    this.rows.push(...names);
  }
}

let path: string;
let store: SqliteStore;
let table: Table;
let clock: ManualClock;
const logger = keptLogger();

beforeEach(() => {
  path = join(tempDir(), 'lsh.db');
  store = SqliteStore.open(path);
  store.record();
  table = new Table();
  clock = new ManualClock(at('2026-01-01T00:00:00Z'));
  return () => store.close();
});

function start(): StoredOutbox {
  const outbox = new StoredOutbox({ history: table, clock, logger, store: store.outbox });
  onTestFinished(() => outbox.close());
  outbox.wake();
  return outbox;
}

async function end(from: number, to: number): Promise<string[]> {
  const runs = Array.from({ length: to - from }, (_, index) => aRunAt('a', from + index));
  await Promise.all(runs.map((run) => store.commit(run.job, aChange({ runs: [run] }))));
  return runs.map(({ name }) => name);
}

/** Lets time pass until the condition holds. */
const whilePassing = (holds: () => boolean): Promise<unknown> =>
  eventually(() => {
    clock.advanceTo(clock.now() + 1000);
    return holds();
  });

test('writes five thousand runs in their order, in batches, and empties the table', async () => {
  const names = await end(0, 5000);
  const outbox = start();
  await eventually(() => outbox.backlog === 0);
  expect(table.rows).toEqual(names);
  expect(table.largest).toBe(500);
  await eventually(() => store.outbox.count(0) === 0);
});

test('what a killed process has written and not removed is written again', async () => {
  store.outbox.remove = () => Promise.reject(new Error('killed'));
  const names = await end(0, 3);
  const first = start();
  await eventually(() => first.backlog === 0);
  first.close();
  Reflect.deleteProperty(store.outbox, 'remove');
  const second = start();
  await eventually(() => store.outbox.count(0) === 0);
  expect(second.backlog).toBe(0);
  expect(table.rows).toEqual([...names, ...names]);
});

test('holds back during an outage, says why, and writes all when the history is back', async () => {
  table.answer = () => UNAVAILABLE;
  const outbox = start();
  const names = await end(0, 2500);
  outbox.wake();
  await whilePassing(() => outbox.standing().trouble !== undefined);
  expect(outbox.standing().trouble).toEqual({
    reason: 'HistoryUnavailable',
    message: UNAVAILABLE.message,
    hint: UNAVAILABLE.hint,
  });
  // Those in memory, and those that the table still keeps.
  expect(outbox.standing()).toMatchObject({ backlog: 2500, oldestAt: aRunAt('a', 0).finishedAt });
  table.answer = () => undefined;
  await whilePassing(() => outbox.backlog === 0);
  expect(table.rows).toEqual(names);
  expect(outbox.standing()).toEqual({ backlog: 0, oldestAt: undefined, trouble: undefined });
});

test('tells the newest reason of an outage, with its next step', async () => {
  table.answer = () => UNAVAILABLE;
  const outbox = start();
  await end(0, 1);
  outbox.wake();
  await whilePassing(() => outbox.standing().trouble !== undefined);
  const paused = new LshError('HISTORY_UNAVAILABLE', { url: 'u', detail: 'paused' }, { hint: 'Restore it.' });
  table.answer = () => paused;
  await whilePassing(() => outbox.standing().trouble?.message === paused.message);
  expect(outbox.standing().trouble?.hint).toBe('Restore it.');
});

test('a process that ends leaves its entries to the next', async () => {
  table.answer = () => UNAVAILABLE;
  const first = start();
  const names = await end(0, 10);
  first.wake();
  await whilePassing(() => first.standing().trouble !== undefined);
  first.close();
  table.answer = () => undefined;
  const second = start();
  names.push(...(await end(10, 20)));
  second.wake();
  await eventually(() => second.backlog === 0);
  expect(table.rows).toEqual(names);
});

test('a close while a batch is on its way uses the store no more', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const history: TeamHistory = {
    record: () => {
      begun.resolve();
      return promise;
    },
  };
  await end(0, 3);
  const outbox = new StoredOutbox({ history, clock, logger, store: store.outbox });
  outbox.wake();
  await begun.promise;
  outbox.close();
  const removed: unknown[] = [];
  store.outbox.remove = async (entries) => void removed.push(entries);
  resolve();
  await new Promise(setImmediate);
  expect(removed).toEqual([]);
  expect(store.outbox.count(0)).toBe(3);
});

test('a table that cannot be read is in the log, and the process goes on', async () => {
  await end(0, 3);
  table.answer = () => UNAVAILABLE;
  const outbox = start();
  await eventually(() => table.largest === 3);
  const other = new DatabaseSync(path);
  other.exec('DROP TABLE outbox');
  other.close();
  outbox.wake();
  await whilePassing(() => outbox.standing().trouble !== undefined);
  expect(logger.lines.map(({ message }) => message)).toContain('the outbox was not read');
  expect(outbox.backlog).toBe(3);
});

test('a refusal of everything keeps everything, says why, and ends by itself', async () => {
  table.answer = () => REFUSED;
  const outbox = start();
  const names = await end(0, 4);
  outbox.wake();
  await whilePassing(() => outbox.standing().trouble !== undefined);
  expect(outbox.standing().trouble).toEqual({
    reason: 'HistoryRefused',
    message: REFUSED.message,
    hint: REFUSED.hint,
  });
  expect(outbox.backlog).toBe(4);
  table.answer = () => undefined;
  await whilePassing(() => outbox.backlog === 0);
  expect(table.rows.toSorted()).toEqual(names.toSorted());
});

/** Refuses batches with any of these runs. */
const refusing = (bad: ReadonlySet<string>) => (names: readonly string[]) =>
  names.some((name) => bad.has(name)) ? REFUSED : undefined;

test('a refused run keeps no written ones in the table', async () => {
  const [bad, ...good] = await end(0, 20);
  table.answer = refusing(new Set([bad!]));
  const outbox = start();
  await whilePassing(() => table.rows.length === good.length && store.outbox.count(0) === 1);
  expect(outbox.backlog).toBe(1);
});

test('more refused runs than the memory holds keep no other run waiting, and pass once their cause is gone', async () => {
  const bad = await end(0, 1200);
  table.answer = refusing(new Set(bad));
  const outbox = start();
  const good = await end(1200, 1210);
  outbox.wake();
  /** Past any delay in each turn: the many refusals need no real time. */
  const untilTurn = async (holds: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 50_000 && !holds(); turn++) {
      clock.advanceTo(clock.now() + 61_000);
      await new Promise(setImmediate);
    }
    expect(holds()).toBe(true);
  };
  await untilTurn(() => table.rows.length === good.length);
  expect(table.rows).toEqual(good);
  expect(outbox.backlog).toBe(bad.length);
  table.answer = () => undefined;
  await untilTurn(() => outbox.backlog === 0);
  expect(new Set(table.rows)).toEqual(new Set([...good, ...bad]));
  await eventually(() => store.outbox.count(0) === 0);
});
