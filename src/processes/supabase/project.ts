// The Supabase project of the configuration, for the command line.
import { loadConfig } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import {
  MIGRATIONS,
  migrationsAfter,
  NEWEST_VERSION,
  type Migration,
} from '../../stores/supabase/migrations.ts';
import { ProjectDatabase } from '../../stores/supabase/project-database.ts';
import { projectStatus, type ProjectStatus } from '../../stores/supabase/project-status.ts';
import { projectForReading } from './credentials.ts';

export type { Migration, ProjectStatus };

/** Asks the project. Throws SUPABASE_NOT_CONFIGURED, ENVIRONMENT_INVALID, SUPABASE_SCHEMA_MISSING or HISTORY_…. */
export async function configuredStatus(now: () => number): Promise<ProjectStatus> {
  return projectStatus(projectForReading(loadConfig()), now);
}

/** Undefined without a project. */
export function configuredUrl(): string | undefined {
  return loadConfig().supabaseUrl;
}

/** The migrations that the database of SUPABASE_DB_URL lacks; all of them if it is not set. */
export async function pendingMigrations(): Promise<{ pending: readonly Migration[]; isAsked: boolean }> {
  if (loadConfig().supabaseDbUrl === undefined) return { pending: MIGRATIONS, isAsked: false };
  const pending = await withDatabase(async (database) => pendingOf(await database.version()));
  return { pending, isAsked: true };
}

/** Applies what is pending, and calls `onApplied` after each migration. Throws DATABASE_… or SUPABASE_SCHEMA_TOO_NEW. */
export async function applyMigrations(onApplied: (migration: Migration) => void): Promise<void> {
  await withDatabase(async (database) => {
    for (const migration of pendingOf(await database.version()))
      if (await database.apply(migration)) onApplied(migration);
  });
}

function pendingOf(version: string | undefined): readonly Migration[] {
  if (version !== undefined && version > NEWEST_VERSION)
    throw new LshError('SUPABASE_SCHEMA_TOO_NEW', { found: version, known: NEWEST_VERSION });
  return migrationsAfter(version);
}

async function withDatabase<T>(work: (database: ProjectDatabase) => Promise<T>): Promise<T> {
  const { supabaseDbUrl } = loadConfig();
  if (supabaseDbUrl === undefined)
    throw new LshError('SUPABASE_NOT_CONFIGURED', { detail: 'SUPABASE_DB_URL is not set' });
  const database = await ProjectDatabase.connect(supabaseDbUrl);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
