// Calls of the REST API of a Supabase project. Every failure becomes an error of the error table.
import type { SupabaseClient } from '@supabase/supabase-js';
import { answerError, requestError, unexpectedAnswer, type Project } from './errors.ts';
import type { AuditRow, JobRow, LogRow, Place, RunRow } from './rows.ts';

const TIMEOUT_MS = 10_000;

/** What lsh_status() answers (deploy/supabase/migrations). */
export type StatusRow = {
  schema: string;
  role: string;
  writes: boolean;
  newestRunAt: string | null;
  rows: Record<'teams' | 'members' | 'origins' | 'jobs' | 'runs' | 'runLogs' | 'audit', number>;
};

export type OriginRow = {
  team: string;
  id: string;
  kind: 'Host' | 'Cluster';
  name: string;
  namespace: string | null;
  version: string;
  last_seen_at: string;
  clock_at: string | null;
};

export type MemberRow = { team: string; user_id: string };

/** What lsh_report() answers: a job at an origin. */
export type ReportRow = {
  namespace: string;
  job: string;
  origin: string | null;
  completed: number;
  failed: number;
  killed: number;
  average_ms: number | null;
  p95_ms: number | null;
  newest_durations_ms: number[] | null;
  first_run_at: string;
  last_run_at: string;
};

type ReportQuestion = {
  for_team: string;
  of_job?: string | undefined;
  at_origins?: string[] | undefined;
  since?: string | undefined;
};

type ArrivalQuestion = {
  for_team: string;
  after_arrival?: number | undefined;
  of_job?: string | undefined;
  at_origins?: string[] | undefined;
  only_failed?: boolean;
};

/** `Computed` are columns that functions make. */
type Table<Row, Computed = unknown> = {
  Row: Row & Computed;
  Insert: Row;
  Update: Partial<Row>;
  Relationships: [];
};
/** A version of secrets; a query without the envelope leaves that out. */
export type SecretVersionRow = {
  version: number;
  hash: string;
  parents: string[];
  author: string;
  created_at: string;
  origin: string;
  envelope: string;
};
type SecretPlace = { team: string; project: string; environment: string };
export type SecretAuditRow = Pick<AuditRow, 'at' | 'action' | 'actor' | 'origin'> & {
  details: { version?: number; hash?: string; detail?: string } | null;
};
type SecretArguments = { of_team: string; of_project: string; of_environment: string };

type Schema = {
  public: {
    Tables: {
      lsh_origins: Table<OriginRow>;
      lsh_jobs: Table<JobRow, { lsh_last_run: (RunRow & Place) | null }>;
      lsh_runs: Table<RunRow & Place>;
      lsh_run_logs: Table<LogRow>;
      lsh_audit: Table<AuditRow>;
      lsh_secrets: Table<SecretPlace>;
      lsh_secret_versions: Table<SecretVersionRow & SecretPlace>;
      lsh_members: Table<MemberRow>;
    };
    Views: Record<string, never>;
    Functions: {
      lsh_status: { Args: Record<string, never>; Returns: StatusRow };
      lsh_arrivals: { Args: ArrivalQuestion; Returns: { arrival: number; runs: (RunRow & Place)[] } };
      lsh_report: { Args: ReportQuestion; Returns: ReportRow[] };
      lsh_secret_heads: { Args: SecretArguments; Returns: SecretVersionRow[] };
      lsh_append_secret: {
        Args: SecretArguments & { new: object; entry: object };
        Returns: 'appended' | 'moved';
      };
      lsh_audit_secret: { Args: SecretArguments & { entry: object }; Returns: undefined };
    };
  };
};

export interface ProjectClientOptions extends Project {
  /** How long one request may take, in milliseconds; default 10 s. */
  timeoutMs?: number;
}

/** One request of the REST API; it ends when the signal says so. */
export type ProjectRequest<T> = (
  client: SupabaseClient<Schema>,
  signal: AbortSignal,
) => PromiseLike<{ data: T }>;

export class ProjectClient {
  readonly project: Project;
  readonly #timeoutMs: number;
  #client: SupabaseClient<Schema> | undefined;
  #token: string | undefined;
  /** The project’s clock at its last answer, milliseconds since the epoch, to the second. */
  answeredAt: number | undefined;

  constructor({ timeoutMs = TIMEOUT_MS, ...project }: ProjectClientOptions) {
    this.project = project;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws HISTORY_REFUSED unless PostgREST has sent the answer of a write: it returns no data, as none is selected. */
  async write(request: ProjectRequest<unknown>): Promise<void> {
    if ((await this.call(request)) !== null) throw unexpectedAnswer(this.project);
  }

  /** The data of one request. Throws HISTORY_UNAVAILABLE (retryable) or HISTORY_REFUSED. */
  async call<T>(request: ProjectRequest<T>): Promise<T> {
    try {
      const client = (this.#client ??= await this.#connect());
      // Before the time of the request begins: a refresh may wait for that of another process.
      this.#token = await this.project.accessToken?.();
      return (await request(client, AbortSignal.timeout(this.#timeoutMs))).data;
    } catch (thrown) {
      throw requestError(thrown, this.project, this.#timeoutMs);
    }
  }

  /** The first call loads the client: without a history, no process pays its 30 ms and, with fetch, 20 MB. */
  async #connect(): Promise<SupabaseClient<Schema>> {
    const { createClient } = await import('./supabase-js.ts');
    const { url, apiKey } = this.project;
    return createClient<Schema>(url, apiKey, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      // The caller decides: an outbox waits longer after each failure, a command reports it at once.
      db: { retry: false },
      global: { fetch: (input, init) => this.#fetch(input, init) },
    });
  }

  /**
   * Throws on failed responses, because the client takes some for success (404 without a body) and drops their headers.
   * Follows no redirect: it would turn the write into a read, and send the key to another host.
   */
  async #fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const headers = new Headers(init?.headers);
    if (this.#token !== undefined) headers.set('authorization', `Bearer ${this.#token}`);
    const response = await fetch(input, { ...init, headers, redirect: 'manual' });
    const date = Date.parse(response.headers.get('date') ?? '');
    this.answeredAt = Number.isNaN(date) ? undefined : date;
    if (!response.ok) throw await answerError(response, this.project);
    return response;
  }
}
