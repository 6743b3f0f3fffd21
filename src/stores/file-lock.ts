// A file lock that the kernel releases when its holder dies, however it dies. Node has no flock(), but SQLite takes the
// same kind of lock. It never writes to the file.
import { DatabaseSync } from 'node:sqlite';
import { SQLITE_BUSY, storeError } from './sqlite/errors.ts';

/** Locked until release(), or until the process ends. */
export interface FileLock {
  release(): void;
}

/**
 * Locks the file, and creates it if it is missing. Returns undefined if another process holds the lock for longer than
 * `waitMs` (milliseconds); the event loop blocks meanwhile. Throws an LshError whose code starts with STORE_.
 */
export function acquireFileLock(path: string, waitMs = 0): FileLock | undefined {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw storeError(error, path);
  }
  return { release: () => database.close() };
}
