// The team’s history in a Supabase project: writes entries to its tables. An outbox decides when, and retries.
import type { JobRoster, OutputReader, RecordedJob, TeamHistory } from '../../control/ports.ts';
import { jobKey } from '../../core/naming.ts';
import type { HistoryEntry, JobEntry } from '../../core/record/entry.ts';
import { maskedTail, outputChunks } from '../../core/record/output-chunks.ts';
import { maskedText, maskedTexts } from '../../core/redaction/masked.ts';
import type { Run } from '../../core/run.ts';
import { batches, type BatchLimits } from './batches.ts';
import { ProjectClient, type OriginRow, type ProjectClientOptions } from './project-client.ts';
import {
  auditRow,
  changeOf,
  isRowOf,
  jobName,
  jobRow,
  logRow,
  runRow,
  SHOWN_COLUMNS,
  type JobRow,
  type Place,
  type RunRow,
} from './rows.ts';

/** The largest request; a chunk of output has up to 64 KiB. */
const BATCH: BatchLimits = { rows: 500, bytes: 1024 * 1024 };
/** Rows of one answer, unless the server sends fewer. */
const PAGE = 1000;
/** The columns of each table by which a row is known again. */
const KEYS = {
  lsh_jobs: 'team,origin,namespace,name',
  lsh_runs: 'job_uid,name',
  lsh_run_logs: 'job_uid,run,chunk',
  lsh_audit: 'team,origin,id',
} as const;
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

/** Values that no row shows. */
export interface HiddenValues {
  /** In rows of jobs and of their changes, beside those of the job itself, which its entry lacks. */
  ofJobs: readonly string[];
  /** In rows of the run. */
  ofRun: (run: Run) => readonly string[];
}

/** Which output of the runs is recorded. */
export interface RecordedOutput {
  /** Most bytes of a run. */
  maxBytes: number;
  read: OutputReader;
}

export interface SupabaseHistoryOptions extends ProjectClientOptions {
  origin: Origin;
  /** Undefined if no output is recorded, not even its end. */
  output: RecordedOutput | undefined;
  /** Default: none. */
  hidden?: HiddenValues;
}

const NOTHING: HiddenValues = { ofJobs: [], ofRun: () => [] };

export class SupabaseHistory implements TeamHistory, JobRoster {
  readonly #client: ProjectClient;
  readonly #origin: Origin;
  readonly #place: Place;
  readonly #output: RecordedOutput | undefined;
  readonly #hidden: HiddenValues;
  #seenAt = -Infinity;

  constructor({ origin, output, hidden = NOTHING, ...options }: SupabaseHistoryOptions) {
    this.#client = new ProjectClient(options);
    this.#origin = origin;
    this.#output = output;
    this.#hidden = hidden;
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
    const runs = of('run').map(({ run }) => run);
    const [jobs, removals] = partition(of('job'));
    // First: an operator that is killed in between finds the change of the job again, and with it this row.
    await this.#put(
      'lsh_audit',
      of('audit').map((entry) => auditRow(place, this.#masked(entry))),
    );
    await this.#put('lsh_jobs', newestOfEach(jobs.map((entry) => jobRow(place, this.#masked(entry)))));
    for (const entry of removals) await this.#markRemoved(entry);
    await this.#put(
      'lsh_runs',
      runs.map((run) => this.#runRow(run)),
    );
    if (this.#output !== undefined) await this.#put('lsh_run_logs', this.#logRows(runs, this.#output));
  }

  async jobs(): Promise<RecordedJob[]> {
    const jobs: RecordedJob[] = [];
    for (;;) {
      const rows = await this.#jobsFrom(jobs.length);
      if (rows.length === 0) return jobs;
      for (const { namespace, name, uid, revision, removed_at: removedAt, ...shown } of rows)
        jobs.push({
          job: jobKey(namespace, name),
          uid,
          revision,
          isRemoved: removedAt !== null,
          matches: (payload) => isRowOf(shown, this.#masked(payload)),
        });
    }
  }

  /** The server decides how many. */
  #jobsFrom(from: number) {
    return this.#client.call((client, signal) =>
      client
        .from('lsh_jobs')
        .select(`namespace, name, uid, revision, removed_at, ${SHOWN_COLUMNS}`)
        .match(this.#place)
        .order('namespace')
        .order('name')
        .range(from, from + PAGE - 1)
        .abortSignal(signal)
        .throwOnError(),
    );
  }

  async #markRemoved(entry: JobEntry): Promise<void> {
    const row = { ...this.#place, ...jobName(entry) };
    await this.#client.write((client, signal) =>
      client.from('lsh_jobs').update(changeOf(entry)).match(row).abortSignal(signal).throwOnError(),
    );
  }

  #runRow(run: Run): RunRow & Place {
    const hidden = this.#hidden.ofRun(run);
    const { message } = run;
    const shown = {
      message: message === undefined ? undefined : maskedText(message, hidden),
      outputTail: this.#output === undefined ? undefined : maskedTail(run, hidden),
    };
    return { ...runRow({ ...run, ...shown }), ...this.#place };
  }

  #masked<T>(entry: T): T {
    return maskedTexts(entry, this.#hidden.ofJobs);
  }

  /** The other rows refer to that of the origin. */
  async #tellOrigin(): Promise<void> {
    const now = performance.now();
    if (now - this.#seenAt < SEEN_EVERY_MS) return;
    const { team, id, kind, name, namespace = null, version } = this.#origin;
    // The database reads `now` as its own time, and keeps ours beside it: readers see by how much our clock is off.
    const times = { last_seen_at: 'now', clock_at: new Date().toISOString() };
    const row = { team, id, kind, name, namespace, version, ...times };
    await this.#client.write((client, signal) =>
      client.from('lsh_origins').upsert(row, { onConflict: 'team,id' }).abortSignal(signal).throwOnError(),
    );
    this.#seenAt = now;
  }

  /** The output of the runs, one run in memory at a time. */
  async *#logRows(runs: readonly Run[], { maxBytes, read }: RecordedOutput) {
    for (const run of runs.filter(({ outputTail }) => outputTail !== undefined)) {
      const kept = await read(run, maxBytes);
      for (const chunk of outputChunks(run, kept, this.#hidden.ofRun(run)))
        yield logRow(this.#place, run, chunk);
    }
  }

  /** A job is replaced; any other row that is recorded already stays as it is. */
  async #put<T extends object>(
    table: keyof typeof KEYS,
    rows: Iterable<T> | AsyncIterable<T>,
  ): Promise<void> {
    const options = { onConflict: KEYS[table], ignoreDuplicates: table !== 'lsh_jobs' };
    for await (const batch of batches(rows, BATCH))
      await this.#client.write((client, signal) =>
        client
          .from(table)
          .upsert(batch as never, options)
          .abortSignal(signal)
          .throwOnError(),
      );
  }
}

/** Jobs with their spec, and removed jobs without it. */
function partition(entries: readonly JobEntry[]): [(JobEntry & { spec: object })[], JobEntry[]] {
  const hasSpec = (entry: JobEntry): entry is JobEntry & { spec: object } => entry.spec !== undefined;
  return [entries.filter(hasSpec), entries.filter((entry) => !hasSpec(entry))];
}

/** Postgres refuses to write a row twice in one statement. */
function newestOfEach(rows: readonly JobRow[]): JobRow[] {
  return [...new Map(rows.map((row) => [`${row.namespace}/${row.name}`, row])).values()];
}
