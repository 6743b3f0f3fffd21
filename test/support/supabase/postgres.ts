// A Postgres of its own for one test file, behind a socket in its directory, with the roles and the default grants
// that a Supabase project has.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { ServerProcess, UNPRIVILEGED } from './server-process.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../deploy/supabase/migrations');

/** A Postgres without anything of Supabase; `postgres` owns the database and is no superuser. */
const PLAIN = `
  create role postgres login createrole;
  alter database postgres owner to postgres;
`;

/** As Supabase makes them: `postgres` owns what migrations make and is no superuser; new tables are for everybody. */
const PROJECT = `
  create role postgres login createdb createrole replication bypassrls;
  alter database postgres owner to postgres;
  grant all on schema public to postgres;
  create role anon nologin noinherit;
  create role authenticated nologin noinherit;
  create role service_role nologin noinherit bypassrls;
  create role authenticator login noinherit;
  grant anon, authenticated, service_role to authenticator;
  grant usage on schema public to anon, authenticated, service_role;
  alter default privileges for role postgres in schema public
    grant all on tables to postgres, anon, authenticated, service_role;
`;

export class Postgres {
  readonly #process: ServerProcess;
  readonly #admin: Client;
  /** Directory of its socket. */
  readonly host: string;

  private constructor(server: ServerProcess, host: string) {
    this.#process = server;
    this.host = host;
    this.#admin = clientOf(host, 'supabase_admin');
  }

  /** In a directory that the unprivileged user may write to, with what a project has, or plain; without migrations. */
  static async start(binaries: string, directory: string, kind: 'project' | 'plain'): Promise<Postgres> {
    const env = { PGDATA: join(directory, 'data') };
    const create = ['-U', 'supabase_admin', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'];
    execFileSync(join(binaries, 'initdb'), create, { cwd: '/', env, stdio: 'pipe', ...UNPRIVILEGED });
    const options = { listen_addresses: '', unix_socket_directories: directory, fsync: 'off' };
    const settings = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = new ServerProcess(join(binaries, 'postgres'), settings, env);
    await server.says(/ready to accept connections/);
    const postgres = new Postgres(server, directory);
    await postgres.#admin.connect();
    await postgres.query(kind === 'plain' ? PLAIN : PROJECT);
    return postgres;
  }

  /** Rows of a statement; everything is allowed. */
  async query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const { rows } = await (values.length > 0
      ? this.#admin.query<Row>(sql, values)
      : this.#admin.query<Row>(sql));
    return rows;
  }

  /** Rows of a query as a role of the REST API, with the claims of its token. */
  async queryAs<Row extends object>(role: string, claims: object, sql: string): Promise<Row[]> {
    await this.query(`begin; set local role ${role}`);
    try {
      await this.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify(claims)]);
      return await this.query<Row>(sql);
    } finally {
      await this.query('rollback');
    }
  }

  /** Applies the first files of deploy/supabase/migrations, or all, as `supabase db push` does to an empty project. */
  async migrate(count?: number): Promise<void> {
    await this.asOwner('postgres', async (query) => {
      for (const file of readdirSync(MIGRATIONS).toSorted().slice(0, count)) {
        await query(readFileSync(join(MIGRATIONS, file), 'utf8'));
      }
    });
  }

  /** Does the work in a database as its owner, who is no superuser. */
  async asOwner(
    database: string,
    work: (query: (sql: string) => Promise<object[]>) => Promise<void>,
  ): Promise<void> {
    const owner = clientOf(this.host, 'postgres', database);
    await owner.connect();
    try {
      await work(async (sql) => (await owner.query<object>(sql)).rows);
    } finally {
      await owner.end();
    }
  }

  async stop(): Promise<void> {
    await this.#admin.end();
    await this.#process.stop('SIGINT');
  }
}

function clientOf(host: string, user: string, database = 'postgres'): Client {
  return new Client({ host, user, database });
}
