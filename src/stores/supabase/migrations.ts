// The migrations of a project’s database, deploy/supabase/migrations; the bundle has them built in. Each can run again and
// then changes nothing, and ends with the version that it makes, lsh_schema_version().
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Migration {
  /** Its time, such as 20261125120000: sorts by age. */
  version: string;
  /** Its name, such as lsh_runs. */
  name: string;
  sql: string;
}

/** Set by scripts/build.ts, as JSON. */
declare const __LSH_SUPABASE_MIGRATIONS__: string | undefined;

/** The migrations in a directory, oldest first. */
export function readMigrations(directory: string): Migration[] {
  return readdirSync(directory)
    .toSorted()
    .map((file) => {
      const [, version = '', name = ''] = /^(\d+)_(\w+)\.sql$/.exec(file) ?? [];
      return { version, name, sql: readFileSync(join(directory, file), 'utf8') };
    });
}

/** Every migration, oldest first. */
export const MIGRATIONS: readonly Migration[] =
  typeof __LSH_SUPABASE_MIGRATIONS__ === 'string'
    ? (JSON.parse(__LSH_SUPABASE_MIGRATIONS__) as Migration[])
    : readMigrations(join(import.meta.dirname, '../../../deploy/supabase/migrations'));

/** The first one makes lsh_runs, and no function that says so. */
export const FIRST_VERSION = MIGRATIONS[0]!.version;
/** The version that this lsh is made for. */
export const NEWEST_VERSION = MIGRATIONS.at(-1)!.version;

/** The migrations that a database lacks; `version` is undefined for an empty one. */
export function migrationsAfter(version: string | undefined): readonly Migration[] {
  return MIGRATIONS.filter((migration) => version === undefined || migration.version > version);
}
