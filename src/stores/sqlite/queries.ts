// The SQL of every read, as text and parameters. An index answers each query with work in proportion to its result,
// however long the history is.
import type { SQLInputValue } from 'node:sqlite';
import type { RunQuery, SlotQuery } from '../../contracts/stores.ts';
import { FINISHED_PHASES, isActive, RUN_PHASES } from '../../core/run.ts';
import { RUN_ROWS, SLOT_ROWS } from './rows.ts';

const DEFAULT_LIMIT = 50;

/** The phases as the list of an `IN`; a negation could use no index. */
export const ACTIVE = listOf(RUN_PHASES.filter((phase) => isActive({ phase })));
export const FINISHED = listOf(FINISHED_PHASES);

function listOf(phases: readonly string[]): string {
  return `(${phases.map((phase) => `'${phase}'`).join(', ')})`;
}

export interface Query {
  sql: string;
  parameters: Record<string, SQLInputValue>;
}

/** Merges one limited index walk per phase, so that a filter on phases reads no other runs. */
export function runsQuery(query: RunQuery): Query {
  const { job, phases = RUN_PHASES, since, limit = DEFAULT_LIMIT } = query;
  const newest = 'ORDER BY created_at DESC, name DESC LIMIT :limit';
  const filter =
    (job === undefined ? '' : ' AND job = :job') + (since === undefined ? '' : ' AND created_at >= :since');
  const walk = (phase: string) =>
    `SELECT * FROM (SELECT ${RUN_ROWS.columns} FROM runs WHERE phase = :${phase}${filter} ${newest})`;
  return {
    sql: `${phases.map(walk).join(' UNION ALL ')} ${newest}`,
    parameters: {
      ...Object.fromEntries(phases.map((phase) => [phase, phase])),
      ...(job !== undefined && { job }),
      ...(since !== undefined && { since }),
      limit,
    },
  };
}

/** The records that begin within the span, and the stretches that begin before it and reach into it. */
export function slotsQuery({ job, from, to, notRun, limit = DEFAULT_LIMIT }: SlotQuery): Query {
  const filter = notRun ? ` AND outcome <> 'Ran'` : '';
  const select = `SELECT ${SLOT_ROWS.columns} FROM slots WHERE job = :job${filter}`;
  const stretches = select.replace('FROM slots', 'FROM slots INDEXED BY slots_stretches');
  return {
    sql: `${select} AND from_at BETWEEN :from AND :to
      UNION ALL ${stretches} AND from_at < :from AND to_at >= :from AND from_at < to_at
      ORDER BY from_at DESC, pass DESC LIMIT :limit`,
    parameters: { job, from, to, limit },
  };
}

/** Takes the job. */
export const OLDEST_SLOT = `SELECT ${SLOT_ROWS.columns} FROM slots WHERE job = ? ORDER BY from_at, pass LIMIT 1`;

const newestOf = (phase: string) =>
  `SELECT * FROM (SELECT rowid, created_at, name FROM runs WHERE job = jobs_with_runs.job AND phase = '${phase}'
    ORDER BY created_at DESC, name DESC LIMIT :limit)`;

/** Takes `:limit`. Steps from job to job through the index, where a GROUP BY would read the whole history. */
export const CURRENT_RUNS = `
  WITH RECURSIVE jobs_with_runs (job) AS (
    SELECT MIN(job) FROM runs
    UNION ALL
    SELECT (SELECT MIN(job) FROM runs WHERE job > jobs_with_runs.job) FROM jobs_with_runs WHERE job IS NOT NULL
  )
  SELECT ${RUN_ROWS.columns} FROM runs WHERE rowid IN (
    SELECT rowid FROM runs WHERE phase IN ${ACTIVE}
  )
  UNION ALL
  SELECT ${RUN_ROWS.columns
    .split(', ')
    .map((column) => `runs.${column}`)
    .join(', ')}
  FROM jobs_with_runs JOIN runs ON runs.rowid IN (
    SELECT rowid FROM (${newestOf('Completed')})
    UNION ALL
    SELECT rowid FROM (${newestOf('Failed')} UNION ALL ${newestOf('Killed')} ORDER BY 2 DESC, 3 DESC LIMIT :limit)
  )`;

const OLD_RUNS = `phase IN ${FINISHED} AND created_at < :before
  AND COALESCE(finished_at, created_at) < :before`;

/** Takes `:before` and `:limit`; returns the names of the deleted runs. */
export const PRUNE_RUNS = `DELETE FROM runs WHERE rowid IN (SELECT rowid FROM runs WHERE ${OLD_RUNS} LIMIT :limit)
  RETURNING name`;

/** Takes `:before` and `:limit`; returns the job of each deleted slot record. */
export const PRUNE_SLOTS = `DELETE FROM slots WHERE (job, from_at, pass) IN
  (SELECT job, from_at, pass FROM slots WHERE to_at < :before LIMIT :limit)
  RETURNING job`;
