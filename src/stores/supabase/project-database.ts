// The database of a Supabase project, over its own protocol: the REST API makes no tables. The schema itself says which
// migrations it has, however they came: by this file, by `supabase db push`, or through the SQL editor.
import type { Client, ClientConfig } from 'pg';
import { LshError } from '../../core/errors.ts';
import { databaseError } from './database-errors.ts';
import { FIRST_VERSION, type Migration } from './migrations.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** Reads tables: within a transaction, to_regprocedure() does not see what another session has committed meanwhile. */
const VERSION_SOURCES = `select
  exists (select from pg_proc where pronamespace = 'public'::regnamespace and proname = 'lsh_schema_version') as tells,
  exists (select from pg_class where relnamespace = 'public'::regnamespace and relname = 'lsh_runs') as has_runs`;

export class ProjectDatabase {
  readonly #client: Client;
  /** For messages: host and port, without user and password. */
  readonly #host: string;

  private constructor(client: Client, host: string) {
    this.#client = client;
    this.#host = host;
  }

  /** Throws DATABASE_REFUSED or DATABASE_UNREACHABLE. The package is loaded here: no other command needs it. */
  static async connect(connectionString: string): Promise<ProjectDatabase> {
    const { config, host } = connectionOf(connectionString);
    const { Client } = await import('pg');
    const client = new Client(config);
    // A connection that breaks between two queries fails the next one.
    client.on('error', () => undefined);
    const database = new ProjectDatabase(client, host);
    await database.#attempt(() => client.connect());
    return database;
  }

  /** Version of the schema; undefined if there are no tables of lsh. */
  version(): Promise<string | undefined> {
    return this.#attempt(() => this.#version());
  }

  /**
   * Applies the migration, all of it or nothing. Returns false if another process has applied it meanwhile. Throws
   * DATABASE_REFUSED with the words of Postgres.
   */
  apply({ version, sql }: Migration): Promise<boolean> {
    return this.#attempt(async () => {
      await this.#client.query('begin');
      try {
        await this.#client.query(
          `set local lock_timeout = '20s'; set local statement_timeout = 0;
           select pg_advisory_xact_lock(hashtext('lsh migrations'))`,
        );
        const found = await this.#version();
        const isNew = found === undefined || found < version;
        if (isNew) await this.#client.query(sql);
        await this.#client.query('commit');
        return isNew;
      } catch (error) {
        // The first error says why; a broken connection cannot roll back, and need not.
        await this.#client.query('rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#client.end();
  }

  async #version(): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ tells: boolean; has_runs: boolean }>(VERSION_SOURCES);
    if (!rows[0]?.tells) return rows[0]?.has_runs ? FIRST_VERSION : undefined;
    const answer = await this.#client.query<{ version: string }>(
      'select public.lsh_schema_version() as version',
    );
    return answer.rows[0]?.version;
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw databaseError(error, this.#host);
    }
  }
}

/**
 * Connects as psql does, but never in the clear to another machine: without an sslmode, it encrypts. Only `verify-full` checks
 * who answers, because the certificates of Supabase come from an authority of its own.
 */
export function connectionOf(connectionString: string): { config: ClientConfig; host: string } {
  if (/\[YOUR-PASSWORD\]/i.test(connectionString))
    throw new LshError('DATABASE_REFUSED', {
      host: 'SUPABASE_DB_URL',
      detail: 'the connection string still has [YOUR-PASSWORD] in place of the password of the database',
    });
  const url = URL.parse(connectionString);
  if (url === null)
    throw new LshError('DATABASE_REFUSED', {
      host: 'SUPABASE_DB_URL',
      detail:
        'the connection string is not a URL; write special characters of the password as %23 (#) or %40 (@)',
    });
  const host = url.searchParams.get('host') ?? url.hostname;
  const isLocal = host === '' || /^(?:\/|localhost$|127\.|\[::1\]$)/.test(host);
  if (!isLocal && !url.searchParams.has('sslmode')) url.searchParams.set('sslmode', 'require');
  if (url.searchParams.has('sslmode')) url.searchParams.set('uselibpqcompat', 'true');
  const config = {
    connectionString: url.href,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'lsh',
  };
  return { config, host: host === '' ? 'localhost' : `${host}${url.port && `:${url.port}`}` };
}
