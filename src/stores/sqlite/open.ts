// Opens the database file: private, durable and with the newest schema. A refused file stays unchanged.
import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LshError } from '../../core/errors.ts';
import { MIGRATIONS, migrate, schemaVersion } from './migrations.ts';
import { storeError } from './errors.ts';

/** Up to this size each start checks every page; beyond it, only the pages of the jobs table. */
const FULL_CHECK_MAX_BYTES = 16 * 1024 * 1024;
const PRIVATE_MODE = 0o600;
/** How long to wait for the lock of another process by default, in milliseconds. */
export const BUSY_TIMEOUT_MS = 2000;

/** Opens or creates the file; throws an LshError whose code starts with STORE_. */
export function openDatabase(path: string, busyTimeoutMs: number): DatabaseSync {
  try {
    makePrivate(path);
    inspect(path, busyTimeoutMs);
    return withDatabase(path, { timeout: busyTimeoutMs }, prepareForWriting);
  } catch (error) {
    throw storeError(error, path);
  }
}

/** Checks a file that may be in use, without changing it; throws the errors of openDatabase. */
export function inspectDatabase(path: string): void {
  try {
    inspect(path, BUSY_TIMEOUT_MS);
  } catch (error) {
    throw storeError(error, path);
  }
}

/** Creates the file with mode 0600, or restricts it: SQLite gives the -wal and -shm files the mode of this file. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', PRIVATE_MODE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (!statSync(path).isFile()) {
    throw new LshError('STORE_UNUSABLE', {
      path,
      directory: dirname(path),
      detail: 'it is not a regular file',
    });
  }
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o777) !== PRIVATE_MODE) chmodSync(file, PRIVATE_MODE);
  }
}

/** Uses a read-only connection: the close of a writable connection would already change the file. */
function inspect(path: string, timeout: number): void {
  const size = statSync(path).size;
  withDatabase(path, { readOnly: true, timeout }, (db) => {
    requireKnownSchema(path, schemaVersion(db));
    const scope = size <= FULL_CHECK_MAX_BYTES ? '1' : 'jobs';
    const problem = db.prepare(`PRAGMA quick_check(${scope})`).get()?.quick_check;
    if (problem !== 'ok') throw damaged(path, String(problem));
  }).close();
}

function requireKnownSchema(path: string, version: number | undefined): void {
  if (version === undefined) throw damaged(path, 'it is the database of another program');
  if (version > MIGRATIONS.length) {
    throw new LshError('STORE_TOO_NEW', { path, found: version, known: MIGRATIONS.length });
  }
}

function damaged(path: string, detail: string): LshError {
  return new LshError('STORE_CORRUPT', { path, directory: dirname(path), detail });
}

function prepareForWriting(db: DatabaseSync): void {
  const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
  if (mode !== 'wal')
    throw new Error('its file system cannot share memory between processes (is it remote?)');
  db.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON; -- macOS: through the cache of the drive as well
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON; -- zeroes what a removed or changed job leaves: its variables may be secret
    PRAGMA cache_size = -256;
    PRAGMA cache_spill = OFF; -- a burst changes more pages than the cache holds, and would write them twice
    PRAGMA cell_size_check = ON;
    PRAGMA journal_size_limit = 16777216;
  `);
  migrate(db);
}

/** Opens the database and calls `prepare`; closes it if that throws. */
function withDatabase(
  path: string,
  options: { timeout: number; readOnly?: boolean },
  prepare: (db: DatabaseSync) => void,
): DatabaseSync {
  const db = new DatabaseSync(path, options);
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
