import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LshError } from '../../../src/core/errors.ts';
import type { Run } from '../../../src/core/run.ts';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { storeError } from '../../../src/stores/sqlite/errors.ts';
import { transaction } from '../../../src/stores/sqlite/transaction.ts';
import { aChange, aJob, aRunAt, aSlotAt } from '../../support/builders.ts';
import { tempDir } from '../../support/temp-dir.ts';

const PAGE = 4096;
const MEGABYTE = 1024 * 1024;

let directory: string;
let path: string;
const cleanups: (() => void)[] = [];

beforeEach(() => {
  directory = tempDir();
  path = join(directory, 'lsh.db');
});
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function open(options?: { busyTimeoutMs?: number }, at = path): SqliteStore {
  const store = SqliteStore.open(at, options);
  cleanups.push(() => store.close());
  return store;
}

/** The LshError of a failed open(). */
function refusal(at = path): LshError {
  try {
    SqliteStore.open(at, { busyTimeoutMs: 1 }).close();
  } catch (error) {
    if (error instanceof LshError) return error;
    throw error;
  }
  throw new Error('the store was opened');
}

const commit = (store: SqliteStore, ...runs: Run[]) =>
  store.commit('local/a', aChange({ runs, slots: [aSlotAt('a', 1)] }));

/** A closed store with some jobs and runs in it. */
async function writeStore(): Promise<void> {
  const store = SqliteStore.open(path);
  for (let i = 0; i < 20; i++) await store.putJob(aJob({}, { name: `j${i}` }));
  await commit(
    store,
    ...Array.from({ length: 100 }, (_, i) => aRunAt('a', i, { outputTail: 'x'.repeat(500) })),
  );
  store.close();
}

function overwrite(offset: number, length: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, offset, offset + length);
  writeFileSync(path, bytes);
}

function locker(sql: string): DatabaseSync {
  const db = new DatabaseSync(path);
  cleanups.push(() => db.close());
  db.exec(sql);
  return db;
}

test('the newest hundred steps of the clock are kept, newest first', async () => {
  const store = open();
  for (let i = 0; i < 105; i++) await store.addClockStep({ at: i, byMs: -1000 });
  await store.addClockStep({ at: 105, byMs: 2000, whileAway: true });
  const steps = await store.clockSteps();
  expect(steps).toHaveLength(100);
  expect(steps[0]).toEqual({ at: 105, byMs: 2000, whileAway: true });
  expect(steps.at(-1)).toEqual({ at: 6, byMs: -1000 });
});

describe('open() refuses a damaged file and leaves it unchanged', () => {
  test('when any of its pages is overwritten', async () => {
    await writeStore();
    const sound = readFileSync(path);
    const pages = sound.length / PAGE;
    expect(pages).toBeGreaterThan(20);
    for (let page = 0; page < pages; page++) {
      overwrite(page * PAGE, PAGE);
      const damaged = readFileSync(path);
      expect(refusal().code, `page ${page + 1} of ${pages}`).toBe('STORE_CORRUPT');
      expect(readFileSync(path).equals(damaged)).toBe(true);
      writeFileSync(path, sound);
    }
    expect(await open().jobs()).toHaveLength(20);
  });

  test('when it is truncated', async () => {
    await writeStore();
    truncateSync(path, statSync(path).size / 2);
    expect(refusal().code).toBe('STORE_CORRUPT');
  });

  test('when only its header is broken', async () => {
    await writeStore();
    overwrite(0, 16);
    expect(refusal().code).toBe('STORE_CORRUPT');
  });

  test.each(['hello', 'not a database at all\n'.repeat(5000)])('when it is something else (%#)', (text) => {
    writeFileSync(path, text);
    expect(refusal().code).toBe('STORE_CORRUPT');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('when it is the database of another program', () => {
    locker('CREATE TABLE bookmarks (url TEXT)').close();
    cleanups.pop();
    const before = readFileSync(path);
    expect(refusal()).toMatchObject({ code: 'STORE_CORRUPT', fields: { path } });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('and hints at where it is and how to move it away', () => {
    writeFileSync(path, 'hello');
    const error = refusal();
    expect(error.message).toContain(path);
    expect(error.hint).toContain('left as it is');
    expect(error.hint).toContain(`mv "${path}" "${path}.damaged"`);
  });

  test('when it is too large for a full check and the damage is in the jobs', async () => {
    await writeLargeStore();
    overwrite((rootPage('jobs') - 1) * PAGE, PAGE);
    expect(refusal().code).toBe('STORE_CORRUPT');
  });

  test('at the first read of the damaged part, when it is too large for a full check and the damage is in the history', async () => {
    await writeLargeStore();
    overwrite((rootPage('runs') - 1) * PAGE, PAGE);
    const store = open();
    expect(await store.jobs()).toHaveLength(1);
    await expect(store.run('a-1')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

async function writeLargeStore(): Promise<void> {
  const store = SqliteStore.open(path);
  await store.putJob(aJob({}, { name: 'a' }));
  for (let i = 0; i < 18; i++) await commit(store, aRunAt('a', i, { outputTail: 'x'.repeat(MEGABYTE) }));
  store.close();
}

function rootPage(table: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table);
  db.close();
  return Number(row?.rootpage);
}

describe('open() names what is wrong with a path', () => {
  test('a directory in place of the file', () => {
    mkdirSync(path);
    expect(refusal()).toMatchObject({
      code: 'STORE_UNUSABLE',
      fields: { detail: 'it is not a regular file' },
    });
  });

  test('a directory that does not exist', () => {
    expect(refusal(join(directory, 'no/lsh.db')).code).toBe('STORE_UNUSABLE');
  });

  test('a file in place of the directory', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(refusal(join(directory, 'file/lsh.db')).code).toBe('STORE_UNUSABLE');
  });

  test('a schema of a newer lsh, which stays unchanged', async () => {
    await writeStore();
    locker(`UPDATE meta SET value = '999' WHERE key = 'schema_version'`).close();
    cleanups.pop();
    const before = readFileSync(path);
    expect(refusal()).toMatchObject({ code: 'STORE_TOO_NEW', fields: { found: 999 } });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test.each([
    ['no file yet', async () => {}],
    [
      'a file that others may read',
      async () => {
        await writeStore();
        chmodSync(path, 0o644);
      },
    ],
  ])('a read-only directory with %s', async (_, prepare) => {
    await prepare();
    chmodSync(directory, 0o555);
    const child = fork(join(import.meta.dirname, '../../fixtures/store-child.ts'), ['open', path], {
      execArgv: [],
    });
    const exited = once(child, 'exit');
    const [answer] = (await once(child, 'message')) as [string];
    child.disconnect();
    await exited;
    chmodSync(directory, 0o700);
    expect(answer).toBe('STORE_READ_ONLY');
  });
});

describe('a lock of another process', () => {
  test('fails concurrent commits with a retryable error, and later commits succeed', async () => {
    const store = open({ busyTimeoutMs: 1 });
    const other = locker('BEGIN IMMEDIATE');
    const results = await Promise.allSettled([commit(store, aRunAt('a', 1)), commit(store, aRunAt('a', 2))]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_LOCKED', retryable: true } });
    }
    other.exec('ROLLBACK');
    await commit(store, aRunAt('a', 3));
    expect((await store.runs({})).map((run) => run.name)).toEqual(['a-3']);
  });

  test('fails open() when it is exclusive', async () => {
    await writeStore();
    locker('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM slots; COMMIT');
    expect(refusal().code).toBe('STORE_LOCKED');
  });
});

describe('a full disk', () => {
  test('fails the transaction as STORE_FULL and leaves the connection usable', () => {
    const db = locker('CREATE TABLE t (a TEXT); PRAGMA max_page_count = 10');
    const fill = () => db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(100_000));
    let error: unknown;
    try {
      transaction(db, fill);
    } catch (thrown) {
      error = storeError(thrown, path);
    }
    expect(error).toMatchObject({ code: 'STORE_FULL', retryable: true });
    expect(db.isTransaction).toBe(false);
    transaction(db, () => db.prepare('INSERT INTO t VALUES (?)').run('fits'));
    expect(db.prepare('SELECT COUNT(*) AS n FROM t').get()).toEqual({ n: 1 });
  });

  test('fails one commit, keeps those before it, and commits again when there is space', async ({ skip }) => {
    const disk = mountSmallDisk();
    if (disk === undefined) return skip('mounting a tmpfs is not permitted here');
    const filler = join(disk, 'filler');
    writeFileSync(filler, Buffer.alloc(MEGABYTE));
    const store = open({}, join(disk, 'lsh.db'));
    const acknowledged = await commitUntilFull(store);
    expect(acknowledged.length).toBeGreaterThan(0);
    rmSync(filler);
    await commit(store, aRunAt('a', 1000));
    const names = (await store.runs({ limit: 1000 })).map((run) => run.name).sort();
    expect(names).toEqual(['a-1000', ...acknowledged].sort());
  });

  test('fails open() of a new store', ({ skip }) => {
    const disk = mountSmallDisk();
    if (disk === undefined) return skip('mounting a tmpfs is not permitted here');
    expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(4 * MEGABYTE))).toThrow('ENOSPC');
    expect(refusal(join(disk, 'lsh.db')).code).toBe('STORE_FULL');
  });
});

/** Commits until the disk is full; returns the names of the acknowledged runs. */
async function commitUntilFull(store: SqliteStore): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < 500; i++) {
    const run = aRunAt('a', i, { outputTail: 'x'.repeat(20_000) });
    try {
      await commit(store, run);
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE_FULL', retryable: true });
      return names;
    }
    names.push(run.name);
  }
  throw new Error('the disk never became full');
}

function mountSmallDisk(): string | undefined {
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  cleanups.unshift(() => execFileSync('/bin/umount', [disk]));
  return disk;
}

describe('only this user can read the files', () => {
  const modes = () => ['', '-wal', '-shm'].map((suffix) => statSync(path + suffix).mode & 0o777);

  test.each([0o000, 0o022, 0o277])('under umask %o', async (umask) => {
    const before = process.umask(umask);
    cleanups.push(() => process.umask(before));
    await commit(open(), aRunAt('a', 1));
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
  });

  test('also when their mode was less strict before', async () => {
    const first = open();
    await commit(first, aRunAt('a', 1));
    for (const suffix of ['', '-wal', '-shm']) chmodSync(path + suffix, 0o666);
    await commit(open(), aRunAt('a', 2));
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
  });
});

describe('closing', () => {
  test('commits the waiting writes', async () => {
    const store = SqliteStore.open(path);
    const committed = commit(store, aRunAt('a', 1));
    store.close();
    await committed;
    expect((await open().run('a-1'))?.name).toBe('a-1');
  });

  test('makes every later call an error', async () => {
    const store = SqliteStore.open(path);
    store.close();
    const closed = { code: 'STORE_UNUSABLE', fields: { detail: 'it is closed' } };
    await expect(commit(store, aRunAt('a', 1))).rejects.toMatchObject(closed);
    await expect(store.jobs()).rejects.toMatchObject(closed);
  });
});

test('the file is in WAL mode, and the writes of one turn share one transaction', async () => {
  const store = open();
  const watcher = locker('PRAGMA busy_timeout = 1000');
  expect(watcher.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  const frames = () => statSync(`${path}-wal`).size;
  const before = frames();
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => store.putJob(aJob({}, { name: 'same', generation: i + 1 }))),
  );
  // A transaction writes the page of a row once, however often it changes the row.
  expect(frames() - before).toBeLessThan(10 * PAGE);
});

test('the history can be read with plain SQL', async () => {
  await commit(open(), aRunAt('a', 1, { phase: 'Failed', reason: 'ExitCode', trigger: 'CatchUp' }));
  const rows = locker('').prepare('SELECT name, job, trigger, phase, reason, slot FROM runs').all();
  const plain = { name: 'a-1', job: 'local/a', trigger: 'CatchUp', phase: 'Failed', reason: 'ExitCode' };
  expect(rows).toEqual([{ ...plain, slot: aRunAt('a', 1).slot }]);
});
