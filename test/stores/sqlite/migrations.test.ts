import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { MIGRATIONS, migrate, schemaVersion } from '../../../src/stores/sqlite/migrations.ts';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { aJob } from '../../support/builders.ts';
import { tempDir } from '../../support/temp-dir.ts';

const FIRST = `CREATE TABLE notes (body TEXT) STRICT; INSERT INTO notes VALUES ('kept')`;
const SECOND = 'ALTER TABLE notes ADD COLUMN author TEXT';

let directory: string;
let path: string;
beforeEach(() => {
  directory = tempDir();
  path = join(directory, 'lsh.db');
});

function withDatabase<T>(work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

test('an empty file has version 0 and gets every migration', () => {
  withDatabase((db) => {
    expect(schemaVersion(db)).toBe(0);
    migrate(db, [FIRST, SECOND]);
    expect(schemaVersion(db)).toBe(2);
    expect(db.prepare('SELECT * FROM notes').all()).toEqual([{ body: 'kept', author: null }]);
  });
});

test('an older file gets the missing migrations only, and keeps its rows', () => {
  withDatabase((db) => migrate(db, [FIRST]));
  withDatabase((db) => {
    expect(schemaVersion(db)).toBe(1);
    migrate(db, [FIRST, SECOND]);
    expect(db.prepare('SELECT body FROM notes').all()).toEqual([{ body: 'kept' }]);
    migrate(db, [FIRST, SECOND]);
    expect(schemaVersion(db)).toBe(2);
  });
});

test('a migration that fails half-way leaves the earlier version whole', () => {
  withDatabase((db) => {
    const broken = `${SECOND}; DROP TABLE nothing_of_that_name`;
    expect(() => migrate(db, [FIRST, broken])).toThrow('no such table');
    expect(schemaVersion(db)).toBe(1);
    expect(db.prepare('SELECT * FROM notes').all()).toEqual([{ body: 'kept' }]);
    migrate(db, [FIRST, SECOND]);
    expect(schemaVersion(db)).toBe(2);
  });
});

test('a database without a schema version belongs to another program', () => {
  withDatabase((db) => {
    db.exec('CREATE TABLE notes (body TEXT)');
    expect(schemaVersion(db)).toBeUndefined();
  });
});

test('a store opens again at the newest version with its content', async () => {
  const store = SqliteStore.open(path);
  await store.putJob(aJob({}, { name: 'a' }));
  store.close();
  const again = SqliteStore.open(path);
  expect(await again.jobs()).toEqual([aJob({}, { name: 'a' })]);
  again.close();
  expect(withDatabase(schemaVersion)).toBe(MIGRATIONS.length);
});
