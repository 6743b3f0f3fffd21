// Checks the store for `lsh doctor`, and at each start of the daemon. Changes nothing.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LshError } from '../core/errors.ts';
import type { LocalPaths } from '../local/paths.ts';
import { runFiles } from '../runners/subprocess/run-files.ts';
import { inspectDatabase } from '../stores/sqlite/open.ts';

type StorePaths = Pick<LocalPaths, 'database' | 'stateDir'>;

/** Returns one line about the database. Throws STORE_… if the database is unusable. */
export function checkStore(paths: StorePaths): string {
  if (!existsSync(paths.database)) return 'no database yet';
  requireDatabase(paths);
  inspectDatabase(paths.database);
  return 'the database is sound';
}

/** Throws STORE_CORRUPT for an empty database beside the output of runs: it held jobs, so it is not a new one. */
export function requireDatabase({ database, stateDir }: StorePaths): void {
  if (statSync(database, { throwIfNoEntry: false })?.size !== 0) return;
  const { logs } = runFiles(stateDir);
  if (!existsSync(logs) || readdirSync(logs).length === 0) return;
  const detail = `it is empty, although ${logs} holds the output of runs`;
  throw new LshError('STORE_CORRUPT', { path: database, directory: dirname(database), detail });
}
