// The team’s history in a Supabase project: writes runs to its table. The history outbox decides when, and retries.
import type { SupabaseClient } from '@supabase/supabase-js';
import type { RunHistory } from '../../control/ports.ts';
import type { Run } from '../../core/run.ts';
import { batches, type BatchLimits } from './batches.ts';
import { answerError, requestError, unexpectedAnswer, type Project } from './errors.ts';
import { runRow, type RunRow } from './rows.ts';

/** The largest request; a tail of output may have 4 KiB. */
const BATCH: BatchLimits = { rows: 500, bytes: 1024 * 1024 };
const TIMEOUT_MS = 10_000;

type Schema = {
  public: {
    Tables: { lsh_runs: { Row: RunRow; Insert: RunRow; Update: never; Relationships: [] } };
    Views: Record<string, never>;
    Functions: Record<string, never>;
  };
};

export interface SupabaseHistoryOptions {
  /** URL of the project, such as https://abcdefgh.supabase.co. */
  url: string;
  /** Secret: it bypasses row-level security. */
  serviceRoleKey: string;
  /** How long one request may take, in milliseconds; default 10 s. */
  timeoutMs?: number;
}

export class SupabaseHistory implements RunHistory {
  readonly #project: Project;
  readonly #timeoutMs: number;
  #client: SupabaseClient<Schema> | undefined;

  constructor({ url, serviceRoleKey, timeoutMs = TIMEOUT_MS }: SupabaseHistoryOptions) {
    this.#project = { url, serviceRoleKey };
    this.#timeoutMs = timeoutMs;
  }

  async record(runs: readonly Run[]): Promise<void> {
    for (const batch of batches(runs.map(runRow), BATCH)) await this.#write(batch);
  }

  /** One transaction. A run that is recorded already stays as it is. */
  async #write(rows: RunRow[]): Promise<void> {
    try {
      const client = (this.#client ??= await this.#connect());
      const { data } = await client
        .from('lsh_runs')
        .upsert(rows, { onConflict: 'job_uid,name', ignoreDuplicates: true })
        .abortSignal(AbortSignal.timeout(this.#timeoutMs))
        .throwOnError();
      // PostgREST returns no data, as the request selects none.
      if (data !== null) throw unexpectedAnswer(this.#project);
    } catch (thrown) {
      throw requestError(thrown, this.#project, this.#timeoutMs);
    }
  }

  /** The first write loads the client: without a history, no process pays its 30 ms and, with fetch, 20 MB. */
  async #connect(): Promise<SupabaseClient<Schema>> {
    const { createClient } = await import('@supabase/supabase-js');
    const { url, serviceRoleKey } = this.#project;
    return createClient<Schema>(url, serviceRoleKey, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      global: { fetch: (input, init) => this.#fetch(input, init) },
    });
  }

  /**
   * Throws on failed responses, because the client takes some for success (404 without a body) and drops their headers.
   * Follows no redirect: it would turn the write into a read, and send the key to another host.
   */
  async #fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const response = await fetch(input, { ...init, redirect: 'manual' });
    if (!response.ok) throw await answerError(response, this.#project);
    return response;
  }
}
