// All or nothing for whatever is done to one SQLite connection.
import type { DatabaseSync } from 'node:sqlite';

/** Does the work in one transaction and answers with its result once that is on disk. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  // IMMEDIATE takes the write lock first, so that a busy neighbour is met before any work was done.
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite itself has rolled back after some errors, such as a full disk.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
