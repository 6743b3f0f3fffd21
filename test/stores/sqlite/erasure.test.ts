// What a job or a run was, once it is changed, removed or pruned: its variables and its output may be secret, so no file of
// the store holds them.
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { aChange, aJob, aRun } from '../../support/builders.ts';
import { tempDir } from '../../support/temp-dir.ts';

const SECRET = 'correct horse battery staple';
const DAY = 24 * 60 * 60_000;

const filesHoldSecret = (path: string) =>
  [path, `${path}-wal`].some((file) => existsSync(file) && readFileSync(file).includes(SECRET));

function aStore() {
  const path = join(tempDir(), 'lsh.db');
  const store = SqliteStore.open(path);
  onTestFinished(() => store.close());
  return { path, store, holdsSecret: () => filesHoldSecret(path) };
}

/** A job with the secret; `size` in bytes decides whether its row fits a page. */
const withSecret = (job: Job, size: number): Job => ({
  ...job,
  spec: { ...job.spec, env: [{ name: 'TOKEN', value: SECRET.repeat(Math.ceil(size / SECRET.length)) }] },
});

for (const size of [20, 3000, 60_000]) {
  test(`a variable of ${size} bytes is gone when its job has changed, and when it is removed`, async () => {
    const { store, holdsSecret } = aStore();
    const others = ['b', 'c', 'd'].map((name) => aJob({}, { name }));
    for (const other of others) await store.putJob(other);
    const job = aJob();
    for (const end of [() => store.putJob(job), () => store.removeJob(job.key)]) {
      await store.putJob(withSecret(job, size));
      expect(holdsSecret()).toBe(true);
      await end();
      expect(holdsSecret()).toBe(false);
    }
    expect(await store.jobs()).toHaveLength(others.length);
  });
}

test('the command of a removed job is gone once the team’s history has it', async () => {
  const { store, holdsSecret } = aStore();
  store.record();
  const job = aJob({ command: `echo ${SECRET}` });
  const change = { action: 'Added', at: 0 } as const;
  await store.putJob(job, change);
  await store.removeJob(job.key, { job, change: { ...change, action: 'Removed' } });
  expect(holdsSecret()).toBe(true);
  await store.outbox.remove(store.outbox.after(0, 10).map(({ entry }) => entry));
  expect(holdsSecret()).toBe(false);
});

test('the output of a run is gone when its record is pruned', async () => {
  const { store, holdsSecret } = aStore();
  const job = aJob();
  const run = aRun({
    name: 'a-1',
    phase: 'Completed',
    createdAt: 0,
    finishedAt: 1,
    outputTail: SECRET.repeat(40),
  });
  await store.commit(job.key, aChange({ runs: [run] }));
  expect(holdsSecret()).toBe(true);
  expect(await store.prune(DAY)).toEqual(['a-1']);
  expect(holdsSecret()).toBe(false);
});

test('a process that reads delays it until the next change, and blocks no write', async () => {
  const { path, store, holdsSecret } = aStore();
  const job = aJob();
  await store.putJob(withSecret(job, 20));
  const reader = new DatabaseSync(path, { readOnly: true });
  onTestFinished(() => void (reader.isOpen && reader.close()));
  reader.exec('BEGIN; SELECT count(*) FROM jobs;');
  await store.removeJob(job.key);
  expect(holdsSecret()).toBe(true);
  // What a daemon that is killed now leaves, and the next one opens.
  const left = join(tempDir(), 'lsh.db');
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, left + suffix);
  const next = SqliteStore.open(left);
  onTestFinished(() => next.close());
  expect(filesHoldSecret(left)).toBe(false);
  reader.exec('COMMIT');
  await store.putJob(job);
  expect(holdsSecret()).toBe(false);
});

test('a pause and a request for a run replace no text, and do not wait for the log to be emptied', async () => {
  const { path, store } = aStore();
  const job = withSecret(aJob({}, { labels: { a: 'b' } }), 20);
  await store.putJob(job);
  const logBytes = () => statSync(`${path}-wal`).size;
  const paused = { ...job, spec: { ...job.spec, suspend: true }, generation: 2 };
  for (const same of [paused, { ...paused, trigger: { id: 'one' } }, { ...paused, stop: ['backup-1'] }]) {
    await store.putJob(same);
    expect(logBytes()).toBeGreaterThan(0);
  }
  for (const changed of [{ ...paused, labels: { a: 'c' } }, { ...paused, annotations: { a: 'b' } }, job]) {
    await store.putJob({
      ...changed,
      spec: { ...changed.spec, description: JSON.stringify(changed.labels) },
    });
    expect(logBytes()).toBe(0);
  }
});
