// Jobs of the team's record, as they stand at several origins.
import { API_VERSION, KIND } from '../../../../core/api-version.ts';
import { closest } from '../../../../core/closest.ts';
import { LshError } from '../../../../core/errors.ts';
import type { OriginDocument, RecordedJob, TeamRecord } from '../../../../contracts/team-record.ts';
import { formatDuration } from '../../../../core/duration.ts';

/** A job as a document: the definition that changed last, and where the job lives. */
export interface TeamJobDocument {
  apiVersion: typeof API_VERSION;
  kind: typeof KIND;
  metadata: Pick<RecordedJob, 'name' | 'labels' | 'annotations'>;
  spec: RecordedJob['spec'];
  /** How many definitions the origins have; 1 if all are equal. */
  definitions: number;
  origins: Omit<RecordedJob, 'name' | 'labels' | 'annotations' | 'spec'>[];
}

/** Jobs of one name as one document. */
export function teamJobs(jobs: readonly RecordedJob[]): TeamJobDocument[] {
  return [...Map.groupBy(jobs, ({ name }) => name).values()].map((places) => {
    const { name, labels, annotations, spec } = newest(places);
    return {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
      spec,
      definitions: definitionsOf(places),
      origins: places.map(
        ({ name: _name, labels: _labels, annotations: _annotations, spec: _spec, ...place }) => place,
      ),
    };
  });
}

export function definitionsOf(places: readonly RecordedJob[]): number {
  return new Set(places.map(({ specHash }) => specHash)).size;
}

/** The job where it changed last. */
export function newest(places: readonly RecordedJob[]): RecordedJob {
  return places.toSorted((a, b) => Date.parse(b.changedAt) - Date.parse(a.changedAt))[0]!;
}

/** Throws JOB_NOT_FOUND if no origin has the job. */
export async function jobsNamed(
  record: TeamRecord,
  name: string,
  query: { origin?: string },
): Promise<RecordedJob[]> {
  const found = await record.jobs({ ...query, job: name });
  if (found.length > 0) return found;
  const names = new Set((await record.jobs(query)).map((job) => job.name));
  const near = closest(name, names);
  const hint = 'List the jobs of the team with `lsh cron list --remote`.';
  throw new LshError(
    'JOB_NOT_FOUND',
    { name },
    { hint: near === undefined ? hint : `Did you mean ${near}? ${hint}` },
  );
}

/** Beyond this, the times of rows mislead their readers, milliseconds. */
export const SKEW_MAX_MS = 60_000;

/** `clock 5m ahead`; undefined if the clock of the origin agrees with the database’s, or is not known. */
export function clockText({ clockAheadMs = 0 }: OriginDocument): string | undefined {
  if (Math.abs(clockAheadMs) <= SKEW_MAX_MS) return undefined;
  const whole = Math.round(Math.abs(clockAheadMs) / 1000) * 1000;
  return `clock ${formatDuration(whole)} ${clockAheadMs > 0 ? 'ahead' : 'behind'}`;
}
