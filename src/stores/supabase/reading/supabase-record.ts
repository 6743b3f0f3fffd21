// The team's record in a Supabase project, as its readers ask it (deploy/supabase/migrations).
import type {
  ArrivalQuery,
  OriginDocument,
  RecordedJob,
  RecordQuery,
  TeamRecord,
  TeamRunDocument,
  TeamRunQuery,
  TeamStats,
} from '../../../contracts/team-record.ts';
import { closest } from '../../../core/closest.ts';
import { ERRORS, LshError } from '../../../core/errors.ts';
import { isNotThere } from '../causes.ts';
import { unexpectedAnswer } from '../errors.ts';
import {
  ProjectClient,
  type ProjectClientOptions,
  type ProjectRequest,
  type ReportRow,
} from '../project-client.ts';
import { projectStatus } from '../project-status.ts';
import {
  originDocument,
  recordedJob,
  teamRunDocument,
  teamStats,
  type Origins,
  type RecordedJobRow,
  type RecordedRunRow,
} from './documents.ts';
import { behind, pages } from './pages.ts';

/** Chunks of output in one answer: at most 2 MiB. */
const CHUNKS = 8;

export interface SupabaseRecordOptions extends ProjectClientOptions {
  /** The team whose rows are read. */
  team: string;
}

export class SupabaseRecord implements TeamRecord {
  readonly #options: SupabaseRecordOptions;
  readonly #client: ProjectClient;
  #origins: Origins | undefined;

  constructor(options: SupabaseRecordOptions) {
    this.#options = options;
    this.#client = new ProjectClient(options);
  }

  async *runs(query: TeamRunQuery): AsyncGenerator<TeamRunDocument[]> {
    const ids = await this.#idsOf(query);
    const origins = await this.#allOrigins();
    const read = (rows: number, last: RecordedRunRow | undefined) =>
      this.#runRows(query, { ids, rows, last });
    for await (const page of pages(read, query.limit)) yield page.map((row) => teamRunDocument(row, origins));
  }

  async arrivals(query: ArrivalQuery, after?: number): Promise<{ runs: TeamRunDocument[]; after: number }> {
    const question = {
      for_team: this.#options.team,
      after_arrival: after,
      of_job: query.job,
      at_origins: await this.#idsOf(query),
      only_failed: query.failed === true,
    };
    const { arrival, runs: rows } = await this.#read((api, signal) =>
      api.rpc('lsh_arrivals', question).abortSignal(signal).throwOnError(),
    );
    if (!Number.isInteger(arrival) || !Array.isArray(rows)) throw unexpectedAnswer(this.#client.project);
    const known = await this.#allOrigins();
    // A machine that writes for the first time.
    if (rows.some(({ origin }) => !known.has(origin))) this.#origins = undefined;
    const origins = await this.#allOrigins();
    return { runs: rows.map((row) => teamRunDocument(row, origins)), after: arrival };
  }

  async *output({ jobUid, name, outputTail }: TeamRunDocument): AsyncGenerator<Uint8Array> {
    const read = (_rows: number, last: { chunk: number } | undefined) =>
      this.#rows((api, signal) => {
        const select = api.from('lsh_run_logs').select('chunk, output').eq('job_uid', jobUid).eq('run', name);
        const next = last === undefined ? select : select.gt('chunk', last.chunk);
        return next.order('chunk').limit(CHUNKS).abortSignal(signal).throwOnError();
      });
    let isEmpty = true;
    for await (const chunks of pages(read)) {
      isEmpty = false;
      for (const { output } of chunks) yield Buffer.from(output ?? '');
    }
    // Its chunks come after the run, and an older lsh writes none.
    if (isEmpty && outputTail !== undefined) yield Buffer.from(outputTail);
  }

  async jobs(query: RecordQuery): Promise<RecordedJob[]> {
    const ids = await this.#idsOf(query);
    const origins = await this.#allOrigins();
    const all: RecordedJob[] = [];
    const read = (rows: number, last: RecordedJobRow | undefined) =>
      this.#jobRows(query, { ids, rows, last });
    for await (const page of pages(read)) all.push(...page.flatMap((row) => recordedJob(row, origins) ?? []));
    return all;
  }

  async stats({ since, ...query }: RecordQuery & { since?: string }): Promise<TeamStats[]> {
    const ids = await this.#idsOf(query);
    const origins = await this.#allOrigins();
    const question = { for_team: this.#options.team, of_job: query.job, at_origins: ids, since };
    const rows = await this.#rows<ReportRow>((api, signal) =>
      api.rpc('lsh_report', question).abortSignal(signal).throwOnError(),
    );
    return rows.map((row) => teamStats(row, origins));
  }

  async origins(): Promise<OriginDocument[]> {
    return [...(await this.#allOrigins()).values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #jobRows(
    { job }: RecordQuery,
    { ids, rows, last }: { ids: string[] | undefined; rows: number; last: RecordedJobRow | undefined },
  ): Promise<RecordedJobRow[]> {
    return this.#rows((api, signal) => {
      let select = api.from('lsh_jobs').select('*, lsh_last_run').eq('team', this.#options.team);
      select = select.is('removed_at', null);
      if (ids !== undefined) select = select.in('origin', ids);
      if (job !== undefined) select = select.eq('name', job);
      if (last !== undefined)
        select = select.or(
          behind([
            ['name', 'gt', last.name],
            ['namespace', 'gt', last.namespace],
            ['origin', 'gt', last.origin],
          ]),
        );
      const ordered = select.order('name').order('namespace').order('origin').limit(rows);
      return ordered.abortSignal(signal).throwOnError();
    });
  }

  #runRows(
    { job, run, failed, since }: TeamRunQuery,
    { ids, rows, last }: { ids: string[] | undefined; rows: number; last: RecordedRunRow | undefined },
  ): Promise<RecordedRunRow[]> {
    return this.#rows((api, signal) => {
      let select = api.from('lsh_runs').select('*').eq('team', this.#options.team);
      if (ids !== undefined) select = select.in('origin', ids);
      if (job !== undefined) select = select.eq('job', job);
      if (run !== undefined) select = select.eq('name', run);
      // As the index of failures says it.
      if (failed) select = select.neq('phase', 'Completed');
      if (since !== undefined) select = select.gte('created_at', since);
      if (last !== undefined)
        // The first condition is for the index, the second for rows of the same instant.
        select = select.lte('created_at', last.created_at).or(
          behind([
            ['created_at', 'lt', last.created_at],
            ['name', 'gt', last.name],
            ['job_uid', 'gt', last.job_uid],
          ]),
        );
      return select
        .order('created_at', { ascending: false })
        .order('name')
        .order('job_uid')
        .limit(rows)
        .abortSignal(signal)
        .throwOnError();
    });
  }

  /** Ids of the origins of the query; undefined for all. Throws ORIGIN_NOT_FOUND. */
  async #idsOf({ origin }: RecordQuery): Promise<string[] | undefined> {
    if (origin === undefined) return undefined;
    const all = [...(await this.#allOrigins()).values()];
    const ids = all.filter(({ id, name }) => id === origin || name === origin).map(({ id }) => id);
    if (ids.length > 0) return ids;
    const names = [...new Set(all.map(({ name }) => name))];
    const near = closest(origin, names);
    const hint =
      near === undefined
        ? ERRORS.ORIGIN_NOT_FOUND.hint
        : `Did you mean ${near}? ${ERRORS.ORIGIN_NOT_FOUND.hint}`;
    throw new LshError('ORIGIN_NOT_FOUND', { name: origin, team: this.#options.team }, { hint });
  }

  /** Read once: a command is short. */
  async #allOrigins(): Promise<Origins> {
    if (this.#origins !== undefined) return this.#origins;
    const all: [string, OriginDocument][] = [];
    const read = (rows: number, last: { id: string } | undefined) =>
      this.#rows((api, signal) => {
        const select = api.from('lsh_origins').select('*').eq('team', this.#options.team);
        const next = last === undefined ? select : select.gt('id', last.id);
        return next.order('id').limit(rows).abortSignal(signal).throwOnError();
      });
    for await (const page of pages(read))
      all.push(...page.map((row): [string, OriginDocument] => [row.id, originDocument(row)]));
    return (this.#origins = new Map(all));
  }

  /** The rows of one request. A page of a proxy may pass for an answer. */
  async #rows<Row>(request: ProjectRequest<Row[]>): Promise<Row[]> {
    const rows = await this.#read(request);
    if (!Array.isArray(rows)) throw unexpectedAnswer(this.#client.project);
    return rows;
  }

  /** The answer to one request. Names the schema as the cause where it is. */
  async #read<T>(request: ProjectRequest<T>): Promise<T> {
    try {
      return await this.#client.call(request);
    } catch (error) {
      throw await this.#schemaProblem(error);
    }
  }

  async #schemaProblem(error: unknown): Promise<unknown> {
    if (!(error instanceof LshError) || !isNotThere(error.fields['code'])) return error;
    const { schema: found, newestSchema: known } = await projectStatus(this.#options, () =>
      performance.now(),
    );
    return found < known ? new LshError('SUPABASE_SCHEMA_OLD', { found, known }) : error;
  }
}
