// A transaction on one SQLite connection.
import type { DatabaseSync } from 'node:sqlite';

/** Does the work in one transaction; returns its result once the commit is on disk. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  // IMMEDIATE takes the write lock first, so that a lock conflict fails before any work.
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // After some errors, such as a full disk, SQLite has rolled back itself.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
