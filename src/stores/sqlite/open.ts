// Opens the database file so that it is private, durable and of our schema, or says why not. What is refused
// here is left as it was found.
import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LshError } from '../../core/errors.ts';
import { MIGRATIONS, migrate, schemaVersion } from './migrations.ts';
import { storeError } from './errors.ts';

/** Up to this size every page is checked at each start; beyond it, only those that hold the jobs. */
const FULL_CHECK_MAX_BYTES = 16 * 1024 * 1024;
const PRIVATE_MODE = 0o600;
const INSPECT_TIMEOUT_MS = 2000;

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

/** Looks at a file that may be in use and changes nothing; throws what openDatabase would. */
export function inspectDatabase(path: string): void {
  try {
    inspect(path, INSPECT_TIMEOUT_MS);
  } catch (error) {
    throw storeError(error, path);
  }
}

/** SQLite gives the -wal and -shm files the mode of the database file, whatever the umask says. */
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

/** Through a read-only connection, because closing a writing one would already change the file. */
function inspect(path: string, timeout: number): void {
  const size = statSync(path).size;
  withDatabase(path, { readOnly: true, timeout }, (db) => {
    refuseForeign(path, schemaVersion(db));
    const scope = size <= FULL_CHECK_MAX_BYTES ? '1' : 'jobs';
    const problem = db.prepare(`PRAGMA quick_check(${scope})`).get()?.quick_check;
    if (problem !== 'ok') throw damaged(path, String(problem));
  }).close();
}

function refuseForeign(path: string, version: number | undefined): void {
  if (version === undefined) throw damaged(path, 'it is a database, but not one of lsh');
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
    PRAGMA cache_size = -256;
    PRAGMA cell_size_check = ON;
    PRAGMA journal_size_limit = 16777216;
  `);
  migrate(db);
}

/** The open database after `prepare`; closed when that fails. */
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
