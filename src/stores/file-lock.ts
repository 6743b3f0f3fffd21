// A lock that the kernel lets go when its holder dies, however it dies. Node has no flock(); SQLite takes the
// same kind of lock on a file and is here anyway. Nothing is ever written to the file.
import { DatabaseSync } from 'node:sqlite';

/** A lock that is held until release() or until the process is gone. */
export interface FileLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Takes the lock on the file, which is created when missing; undefined when another holds it. `waitMs` is how
 * long to wait for the other, in milliseconds; the thread waits with it.
 */
export function acquireFileLock(path: string, waitMs = 0): FileLock | undefined {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
