// A SQLite store in a temporary directory of the test.
import { join } from 'node:path';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { tempDir } from '../temp-dir.ts';

export async function openTemporaryStore(): Promise<{ store: SqliteStore; close: () => Promise<void> }> {
  const store = SqliteStore.open(join(tempDir(), 'lsh.db'));
  return { store, close: async () => store.close() };
}
