// The team’s history in a Supabase project: writes runs to its table. The history outbox decides when, and retries.
import type { RunHistory } from '../../control/ports.ts';
import type { Run } from '../../core/run.ts';
import { batches, type BatchLimits } from './batches.ts';
import { unexpectedAnswer } from './errors.ts';
import { ProjectClient, type ProjectClientOptions } from './project-client.ts';
import { runRow, type RunRow } from './rows.ts';

/** The largest request; a tail of output may have 4 KiB. */
const BATCH: BatchLimits = { rows: 500, bytes: 1024 * 1024 };

export class SupabaseHistory implements RunHistory {
  readonly #client: ProjectClient;

  constructor(options: ProjectClientOptions) {
    this.#client = new ProjectClient(options);
  }

  async record(runs: readonly Run[]): Promise<void> {
    for (const batch of batches(runs.map(runRow), BATCH)) await this.#write(batch);
  }

  /** One transaction. A run that is recorded already stays as it is. */
  async #write(rows: RunRow[]): Promise<void> {
    const data = await this.#client.call((client, signal) =>
      client
        .from('lsh_runs')
        .upsert(rows, { onConflict: 'job_uid,name', ignoreDuplicates: true })
        .abortSignal(signal)
        .throwOnError(),
    );
    // PostgREST returns no data, as the request selects none.
    if (data !== null) throw unexpectedAnswer(this.#client.project);
  }
}
