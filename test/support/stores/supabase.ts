// A Supabase project for one test file: a real Postgres with the migrations of deploy/ applied, a real PostgREST, and a
// gateway that demands a key. Only the gateway listens on the network, on loopback.
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from '../../../src/core/run.ts';
import { runEntry } from '../../../src/core/record/entry.ts';
import type { ProjectClientOptions } from '../../../src/stores/supabase/project-client.ts';
import {
  SupabaseHistory,
  type Origin,
  type RecordedOutput,
} from '../../../src/stores/supabase/supabase-history.ts';
import { runOfRow, type RunRow } from '../../../src/stores/supabase/rows.ts';
import { BINARIES } from '../supabase/binaries.ts';
import { Gateway } from '../supabase/gateway.ts';
import { roleToken } from '../supabase/keys.ts';
import { Postgres } from '../supabase/postgres.ts';
import { Postgrest } from '../supabase/postgrest.ts';
import { SignIn } from '../supabase/sign-in.ts';
import { UNPRIVILEGED } from '../supabase/server-process.ts';

/** Whether to skip the tests of Supabase; in CI they fail instead when the servers are missing. */
export const NO_SUPABASE = BINARIES === undefined && process.env['CI'] === undefined;
if (NO_SUPABASE) {
  process.stderr.write('The tests of Supabase are skipped: no Postgres and PostgREST for this platform.\n');
}

/** A machine that writes. */
export const AN_ORIGIN: Origin = {
  team: 'default',
  id: 'one',
  kind: 'Host',
  name: 'laptop',
  version: '1.0.0',
};

/** Records of the output what the run's record has. */
export const TAILS: RecordedOutput = { maxBytes: 256 * 1024, read: async () => undefined };

/** A history of the given project that records runs alone. */
export class RunRecorder {
  readonly #history: SupabaseHistory;

  constructor(options: ProjectClientOptions) {
    this.#history = new SupabaseHistory({ ...options, origin: AN_ORIGIN, output: TAILS });
  }

  record(runs: readonly Run[]): Promise<void> {
    return this.#history.record(runs.map(runEntry));
  }
}

interface Parts {
  jwtSecret: string;
  postgres: Postgres;
  postgrest: Postgrest;
  gateway: Gateway;
}

export class Supabase {
  readonly #started: AsyncDisposableStack;
  readonly #parts: Parts;
  /** Secret, as it would be in SUPABASE_SERVICE_ROLE_KEY. */
  readonly serviceRoleKey: string;
  /** The public key. */
  readonly anonKey: string;
  /** Stops and restarts the project's address, on the same port. */
  readonly gateway: Gateway;
  readonly signIn: SignIn;

  private constructor(started: AsyncDisposableStack, parts: Parts) {
    this.#started = started;
    this.#parts = parts;
    this.gateway = parts.gateway;
    this.serviceRoleKey = roleToken(parts.jwtSecret, 'service_role');
    this.anonKey = roleToken(parts.jwtSecret, 'anon');
    this.signIn = new SignIn({ tokenOf: (claims) => this.token('authenticated', claims) });
    this.gateway.signIn = this.signIn;
  }

  /** Starts a fresh project with the first migrations, or all; stop() removes all of it. */
  static async start(migrations?: number): Promise<Supabase> {
    const started = new AsyncDisposableStack();
    try {
      return new Supabase(started, await startParts(started, migrations));
    } catch (error) {
      await started.disposeAsync();
      throw error;
    }
  }

  /** Of the project, as it would be in SUPABASE_URL. */
  get url(): string {
    return this.gateway.url;
  }

  /** Connection string of the database, as it would be in SUPABASE_DB_URL. */
  get databaseUrl(): string {
    return `postgresql:///postgres?user=postgres&host=${this.#parts.postgres.host}`;
  }

  /** The bearer token of a signed-in user. */
  userToken(sub: string): string {
    return this.token('authenticated', { sub });
  }

  /** A token of the project, with claims such as `exp`. */
  token(role: string, claims: object = {}): string {
    return roleToken(this.#parts.jwtSecret, role, claims);
  }

  /** The token of a user of another project. */
  foreignToken(claims: object): string {
    return roleToken('another secret', 'authenticated', claims);
  }

  /** Executes an SQL statement as a superuser, without grants and policies. */
  sql<Row extends object>(statement: string, values?: unknown[]): Promise<Row[]> {
    return this.#parts.postgres.query<Row>(statement, values);
  }

  /** Executes a query as a role of the REST API, with the claims of its token. */
  sqlAs<Row extends object>(role: string, claims: object, query: string): Promise<Row[]> {
    return this.#parts.postgres.queryAs<Row>(role, claims, query);
  }

  /** Does the work in another database of the project's server, as its owner. */
  inDatabase(
    name: string,
    work: (query: (sql: string) => Promise<object[]>) => Promise<void>,
  ): Promise<void> {
    return this.#parts.postgres.asOwner(name, work);
  }

  /** All recorded runs, sorted by name. */
  async runs(): Promise<Run[]> {
    const rows = await this.sql<{ row: RunRow }>('select to_json(r) as row from lsh_runs r order by name');
    return rows.map(({ row }) => runOfRow(row));
  }

  /** Deletes every row but the team `default`. */
  async clear(): Promise<void> {
    await this.sql(
      'truncate lsh_secret_versions, lsh_secrets, lsh_audit, lsh_run_logs, lsh_runs, lsh_jobs, lsh_origins, lsh_members, lsh_teams',
    );
    await this.sql(`insert into lsh_teams (name) values ('default')`);
  }

  /** Applies the migrations once more. */
  async migrate(): Promise<void> {
    await this.#parts.postgres.migrate();
    await this.#parts.postgrest.reload();
  }

  /** Changes the schema, and reloads it in the REST API. */
  async alter(statement: string): Promise<void> {
    await this.sql(statement);
    await this.#parts.postgrest.reload();
  }

  stop(): Promise<void> {
    return this.#started.disposeAsync();
  }
}

/** A new directory for a Postgres. */
export function serverDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-supabase-'));
  if (UNPRIVILEGED) chownSync(directory, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  return directory;
}

/** Puts each part on the stack as soon as it has started. */
async function startParts(started: AsyncDisposableStack, migrations?: number): Promise<Parts> {
  if (BINARIES === undefined) throw new Error('the packages of Postgres and PostgREST are not installed');
  const directory = serverDirectory();
  started.defer(() => rmSync(directory, { recursive: true }));
  const jwtSecret = randomBytes(32).toString('hex');
  const keys = ['anon', 'service_role'].map((role) => roleToken(jwtSecret, role));
  const postgres = await Postgres.start(BINARIES.postgres, directory, 'project');
  started.defer(() => postgres.stop());
  await postgres.migrate(migrations);
  const postgrest = await Postgrest.start(BINARIES.postgrest, postgres, jwtSecret);
  started.defer(() => postgrest.stop());
  const gateway = await Gateway.start(postgrest.socketPath, keys);
  started.defer(() => gateway.away());
  return { jwtSecret, postgres, postgrest, gateway };
}
