// The team's record in a Supabase project, as its readers ask it (deploy/supabase/migrations).
import type {
  OriginDocument,
  RecordQuery,
  TeamRecord,
  TeamRunDocument,
  TeamRunQuery,
} from '../../../contracts/team-record.ts';
import { closest } from '../../../core/closest.ts';
import { ERRORS, LshError } from '../../../core/errors.ts';
import { isNotThere } from '../causes.ts';
import { unexpectedAnswer } from '../errors.ts';
import { ProjectClient, type ProjectClientOptions, type ProjectRequest } from '../project-client.ts';
import { projectStatus } from '../project-status.ts';
import { originDocument, teamRunDocument, type Origins, type RecordedRunRow } from './documents.ts';
import { behind, pages } from './pages.ts';

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
