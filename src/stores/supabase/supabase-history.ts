// The team’s history in a Supabase project: writes entries to its tables. An outbox decides when, and retries.
import type { TeamHistory } from '../../control/ports.ts';
import type { HistoryEntry } from '../../core/record/entry.ts';
import { batches, type BatchLimits } from './batches.ts';
import { ProjectClient, type OriginRow, type ProjectClientOptions } from './project-client.ts';
import { auditRow, jobRow, runRow, type JobRow, type Place } from './rows.ts';

/** The largest request; a tail of output may have 4 KiB. */
const BATCH: BatchLimits = { rows: 500, bytes: 1024 * 1024 };
/** How often the row of the origin says that it was heard of, milliseconds. */
const SEEN_EVERY_MS = 60_000;

/** Where the entries come from. */
export interface Origin {
  /** The team that they belong to. */
  team: string;
  /** Stays the same for as long as the machine or the cluster does. */
  id: string;
  kind: OriginRow['kind'];
  /** For people. */
  name: string;
  /** Of the operator. */
  namespace?: string;
  /** Of lsh. */
  version: string;
}

export interface SupabaseHistoryOptions extends ProjectClientOptions {
  origin: Origin;
}

export class SupabaseHistory implements TeamHistory {
  readonly #client: ProjectClient;
  readonly #origin: Origin;
  readonly #place: Place;
  #seenAt = -Infinity;

  constructor({ origin, ...options }: SupabaseHistoryOptions) {
    this.#client = new ProjectClient(options);
    this.#origin = origin;
    this.#place = { team: origin.team, origin: origin.id };
  }

  async record(entries: readonly HistoryEntry[]): Promise<void> {
    if (entries.length === 0) return;
    try {
      await this.#tellOrigin();
      await this.#write(entries);
    } catch (error) {
      // Its row may be gone.
      this.#seenAt = -Infinity;
      throw error;
    }
  }

  async #write(entries: readonly HistoryEntry[]): Promise<void> {
    const place = this.#place;
    const of = <K extends HistoryEntry['kind']>(kind: K) =>
      entries.filter((entry): entry is Extract<HistoryEntry, { kind: K }> => entry.kind === kind);
    await this.#putJobs(newestOfEach(of('job').map((entry) => jobRow(place, entry))));
    await this.#addRuns(of('run').map(({ run }) => ({ ...runRow(run), ...place })));
    await this.#addAudit(of('audit').map((entry) => auditRow(place, entry)));
  }

  /** The other rows refer to that of the origin. */
  async #tellOrigin(): Promise<void> {
    const now = performance.now();
    if (now - this.#seenAt < SEEN_EVERY_MS) return;
    const { team, id, kind, name, namespace = null, version } = this.#origin;
    // The database reads `now` as its own time.
    const row = { team, id, kind, name, namespace, version, last_seen_at: 'now' };
    await this.#client.write((client, signal) =>
      client.from('lsh_origins').upsert(row, { onConflict: 'team,id' }).abortSignal(signal).throwOnError(),
    );
    this.#seenAt = now;
  }

  async #putJobs(rows: readonly JobRow[]): Promise<void> {
    for (const batch of batches(rows, BATCH))
      await this.#client.write((client, signal) =>
        client
          .from('lsh_jobs')
          .upsert(batch, { onConflict: 'team,origin,namespace,name' })
          .abortSignal(signal)
          .throwOnError(),
      );
  }

  /** A run that is recorded already stays as it is. */
  async #addRuns(rows: readonly (ReturnType<typeof runRow> & Place)[]): Promise<void> {
    for (const batch of batches(rows, BATCH))
      await this.#client.write((client, signal) =>
        client
          .from('lsh_runs')
          .upsert(batch, { onConflict: 'job_uid,name', ignoreDuplicates: true })
          .abortSignal(signal)
          .throwOnError(),
      );
  }

  async #addAudit(rows: readonly ReturnType<typeof auditRow>[]): Promise<void> {
    for (const batch of batches(rows, BATCH))
      await this.#client.write((client, signal) =>
        client
          .from('lsh_audit')
          .upsert(batch, { onConflict: 'team,origin,id', ignoreDuplicates: true })
          .abortSignal(signal)
          .throwOnError(),
      );
  }
}

/** Postgres refuses to write a row twice in one statement. */
function newestOfEach(rows: readonly JobRow[]): JobRow[] {
  return [...new Map(rows.map((row) => [`${row.namespace}/${row.name}`, row])).values()];
}
