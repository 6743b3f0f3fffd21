// The REST API of a Supabase project: PostgREST, behind a socket, over a Postgres.
import { join } from 'node:path';
import type { Postgres } from './postgres.ts';
import { ServerProcess } from './server-process.ts';

const SCHEMA_LOADED = /Schema cache loaded/;

export class Postgrest {
  readonly #process: ServerProcess;
  readonly #postgres: Postgres;
  readonly socketPath: string;

  private constructor(server: ServerProcess, postgres: Postgres, socketPath: string) {
    this.#process = server;
    this.#postgres = postgres;
    this.socketPath = socketPath;
  }

  static async start(program: string, postgres: Postgres, jwtSecret: string): Promise<Postgrest> {
    const socketPath = join(postgres.host, 'rest.sock');
    const server = new ServerProcess(program, [], {
      PGRST_DB_URI: `postgres://authenticator@/postgres?host=${postgres.host}`,
      PGRST_DB_SCHEMAS: 'public',
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_JWT_SECRET: jwtSecret,
      PGRST_SERVER_UNIX_SOCKET: socketPath,
      // Tests ask how Postgres answers a request; a hosted project does not tell.
      PGRST_DB_PLAN_ENABLED: 'true',
    });
    await server.says(SCHEMA_LOADED);
    await server.says(/Listening for notifications/);
    return new Postgrest(server, postgres, socketPath);
  }

  /** After a change of the schema; a hosted project does so by itself. */
  async reload(): Promise<void> {
    const times = this.#process.count(SCHEMA_LOADED) + 1;
    await this.#postgres.query(`notify pgrst, 'reload schema'`);
    await this.#process.says(SCHEMA_LOADED, times);
  }

  stop(): Promise<void> {
    return this.#process.stop('SIGTERM');
  }
}
