// The outbox of a daemon: a change and its entry are one transaction, and nothing grows without bound.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { HistoryEntry } from '../../../src/core/record/entry.ts';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { aChange, aJob, aRunAt, T0 } from '../../support/builders.ts';
import { tempDir } from '../../support/temp-dir.ts';

let path: string;
let store: SqliteStore;

function open(): SqliteStore {
  const opened = SqliteStore.open(path);
  onTestFinished(() => opened.close());
  return opened;
}

beforeEach(() => {
  path = join(tempDir(), 'lsh.db');
  store = SqliteStore.open(path);
  store.record();
  return () => store.close();
});

const CHANGE = { action: 'Added', at: T0, actor: 'ada' } as const;
const all = (): HistoryEntry[] => store.outbox.after(0, 1000).map(({ entry }) => entry);
const ended = (name: string, second: number) => aRunAt(name, second, { outputTail: 'hello' });

test('a finished run enters it as the store has it, once, in the order of the ends', async () => {
  const [late, early] = [ended('a', 2), ended('b', 1)];
  await store.commit('local/a', aChange({ runs: [late, aRunAt('a', 3, { phase: 'Running' })] }));
  await store.commit('local/b', aChange({ runs: [early] }));
  await store.commit('local/a', aChange({ runs: [late] }));
  expect(all().map((entry) => entry.kind === 'run' && entry.run)).toEqual([late, early]);
  expect(store.outbox.count(0)).toBe(2);
});

test('a commit that is refused adds nothing', async () => {
  await store.commit('local/a', aChange({ runs: [ended('a', 1)] }));
  const reopened = aRunAt('a', 1, { phase: 'Running' });
  await expect(store.commit('local/a', aChange({ runs: [ended('a', 2), reopened] }))).rejects.toMatchObject({
    code: 'RUN_FINISHED',
  });
  expect(all()).toHaveLength(1);
});

test('a store that records nothing adds nothing', async () => {
  const quiet = open();
  await quiet.putJob(aJob(), CHANGE);
  await quiet.commit('local/a', aChange({ runs: [ended('a', 1)] }));
  await quiet.removeJob('local/a', { job: aJob(), change: { ...CHANGE, action: 'Removed' } });
  expect(store.outbox.count(0)).toBe(0);
});

test('a job has one entry, its newest, and each change of it an audit entry', async () => {
  for (const command of ['one', 'two', 'three']) await store.putJob(aJob({ command }), CHANGE);
  const jobs = all().filter((entry) => entry.kind === 'job');
  expect(jobs).toMatchObject([{ spec: { command: 'three' }, changedBy: 'ada', isRemoved: false }]);
  expect(all().filter(({ kind }) => kind === 'audit')).toHaveLength(3);
});

test('each job enters it once for a project, and again after a time without one', async () => {
  const quiet = open();
  await quiet.putJob(aJob({ command: 'known' }, { createdAt: T0, specChangedAt: T0 + 1000 }));
  const entered = async (project: string | undefined) => {
    store.enterJobs(project);
    const entries = all();
    await store.outbox.remove(entries);
    return entries;
  };
  const job = { kind: 'job', spec: { command: 'known' }, changedAt: T0 + 1000, isRemoved: false };
  expect(await entered('one')).toMatchObject([job]);
  expect(await entered('one')).toEqual([]);
  expect(await entered('two')).toMatchObject([job]);
  expect(await entered(undefined)).toEqual([]);
  expect(await entered('two')).toMatchObject([job]);
});

test('a removed job is an entry with its last spec', async () => {
  const job = aJob({ command: 'last' });
  await store.putJob(job, CHANGE);
  await store.removeJob(job.key, { job, change: { ...CHANGE, action: 'Removed' } });
  expect(all().filter(({ kind }) => kind === 'job')).toMatchObject([
    { spec: { command: 'last' }, isRemoved: true },
  ]);
});

test('what is removed from it is gone, also after a restart; the rest stays', async () => {
  for (const second of [1, 2, 3]) await store.commit('local/a', aChange({ runs: [ended('a', second)] }));
  await store.outbox.remove(all().slice(0, 2));
  expect(open().outbox.after(0, 10)).toHaveLength(1);
  expect(open().outbox.count(0)).toBe(1);
});

test('a change of a job that comes while its entry is written stays', async () => {
  await store.putJob(aJob({ command: 'old' }), CHANGE);
  const onTheirWay = all();
  await store.putJob(aJob({ command: 'new' }), CHANGE);
  await store.outbox.remove(onTheirWay);
  expect(all().filter(({ kind }) => kind === 'job')).toMatchObject([{ spec: { command: 'new' } }]);
});

test('a run that is pruned leaves it', async () => {
  await store.commit('local/a', aChange({ runs: [ended('a', 1)] }));
  expect(await store.prune(T0 + 86_400_000)).toEqual(['a-1']);
  expect(store.outbox.count(0)).toBe(0);
});

describe('the numbers of entries', () => {
  test('grow when the clock is set back, and when all entries are gone', async () => {
    const numbers: number[] = [];
    for (const now of [5_000_000, 1_000, 2_000]) {
      vi.spyOn(Date, 'now').mockReturnValue(now);
      await store.putJob(aJob(), CHANGE);
      numbers.push(...all().map(({ id }) => Number(id)));
      await store.outbox.remove(all());
    }
    expect(numbers).toEqual([5_000_000, 5_000_001, 5_000_002, 5_000_003, 5_000_004, 5_000_005]);
  });

  test('of an older copy of the file are beyond those that were given since the copy', async () => {
    path = join(tempDir(), 'first.db');
    const before = SqliteStore.open(path);
    before.record();
    await before.putJob(aJob(), CHANGE);
    before.close();
    const copied = join(tempDir(), 'copy.db');
    copyFileSync(path, copied);
    const after = open();
    after.record();
    for (let change = 0; change < 5; change++) await after.putJob(aJob(), CHANGE);
    const given = after.outbox.after(0, 100).at(-1)!.place;
    path = copied;
    const copy = open();
    copy.record();
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    await copy.putJob(aJob(), CHANGE);
    const places = copy.outbox.after(0, 100).map(({ place }) => place);
    expect(places.filter((place) => place > given)).toHaveLength(2);
  });
});

test('it holds about ten thousand audit entries, and drops the oldest', async () => {
  const job = aJob();
  for (let group = 0; group < 24; group++) {
    const triggered = { ...CHANGE, action: 'Triggered' } as const;
    await Promise.all(Array.from({ length: 500 }, () => store.putJob(job, triggered)));
  }
  expect(store.outbox.count(0)).toBeGreaterThanOrEqual(10_000);
  expect(store.outbox.count(0)).toBeLessThanOrEqual(10_500);
  const [oldest] = store.outbox.after(0, 1);
  expect(oldest!.place).toBeGreaterThan(1);
});

test('it drops the oldest audit entries of processes, too, that make few', async () => {
  const triggered = { ...CHANGE, action: 'Triggered' } as const;
  for (let processes = 0; processes < 30; processes++) {
    const next = SqliteStore.open(path);
    next.record();
    await Promise.all(Array.from({ length: 400 }, () => next.putJob(aJob(), triggered)));
    next.close();
  }
  expect(store.outbox.count(0)).toBeLessThanOrEqual(10_400);
});

test('the identity of a file stays the same, and another file has another', () => {
  const id = store.originId();
  expect(open().originId()).toBe(id);
  path = join(tempDir(), 'other.db');
  expect(open().originId()).not.toBe(id);
});

test('jobs that the project shows, and the daemon does not have, enter as removed, once for each project', async () => {
  await store.putJob(aJob({}, { name: 'here' }));
  store.enterJobs('project');
  expect(store.isUncompared).toBe(true);
  const before = store.outbox.count(0);
  const shown = ['here', 'gone'].map((name) => ({ job: `local/${name}`, uid: `uid-of-${name}` }));
  await store.compareJobs(shown);
  expect(store.isUncompared).toBe(false);
  const entries = store.outbox.after(0, 100).slice(before);
  expect(entries.map(({ entry }) => entry)).toMatchObject([
    { kind: 'job', job: 'local/gone', jobUid: 'uid-of-gone', isRemoved: true },
  ]);
  store.enterJobs('project');
  expect(store.isUncompared).toBe(false);
});
