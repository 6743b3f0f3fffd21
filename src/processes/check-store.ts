// What `lsh doctor` says of the store: looked at beside a running daemon, never changed.
import { existsSync } from 'node:fs';
import { inspectDatabase } from '../stores/sqlite/open.ts';

/** One line about the database file; throws an LshError whose code starts with STORE_. */
export function checkStore(database: string): string {
  if (!existsSync(database)) return 'no database yet';
  inspectDatabase(database);
  return 'the database is sound';
}
