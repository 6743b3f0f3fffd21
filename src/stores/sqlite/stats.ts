// Statistics per job over the stored history, computed by SQLite.
import type { SQLOutputValue } from 'node:sqlite';
import type { RunStats } from '../../contracts/stores.ts';
import { FINISHED } from './queries.ts';

/** Most durations in the statistics of a job. */
const RECENT = 30;

/** Takes `:job` (or null for all) and `:since`. */
export const STATS = `
  WITH counted AS (
    SELECT job,
      COUNT(*) FILTER (WHERE phase = 'Completed') AS completed,
      COUNT(*) FILTER (WHERE phase = 'Failed') AS failed,
      COUNT(*) FILTER (WHERE phase = 'Killed') AS killed,
      MIN(created_at) AS first_at, MAX(created_at) AS last_at
    FROM runs WHERE created_at >= :since AND (:job IS NULL OR job = :job) GROUP BY job
  ), durations AS (
    SELECT job, finished_at - started_at AS ms,
      ROW_NUMBER() OVER (PARTITION BY job ORDER BY finished_at - started_at) AS rank,
      COUNT(*) OVER (PARTITION BY job) AS total,
      ROW_NUMBER() OVER (PARTITION BY job ORDER BY created_at DESC, name DESC) AS age
    FROM runs
    WHERE created_at >= :since AND (:job IS NULL OR job = :job)
      AND phase IN ${FINISHED} AND started_at IS NOT NULL AND finished_at IS NOT NULL
  ), timed AS (
    SELECT job, AVG(ms) AS average,
      MIN(ms) FILTER (WHERE rank * 100 >= total * 95) AS p95,
      json_group_array(ms ORDER BY age DESC) FILTER (WHERE age <= ${RECENT}) AS recent
    FROM durations GROUP BY job
  ), without_run AS (
    SELECT job, SUM(count) FILTER (WHERE outcome IN ('Missed', 'Forbidden', 'DeadlineExceeded')) AS missed
    FROM slots WHERE to_at >= :since AND (:job IS NULL OR job = :job) GROUP BY job
  )
  SELECT job, completed, failed, killed, first_at, last_at, average, p95, recent, missed
  FROM (SELECT job FROM counted UNION SELECT job FROM without_run)
  LEFT JOIN counted USING (job) LEFT JOIN timed USING (job) LEFT JOIN without_run USING (job)
  ORDER BY job`;

/** Decodes a row of STATS that was read as an array. */
export function runStats(row: readonly SQLOutputValue[]): RunStats {
  const [job, completed, failed, killed, firstRunAt, lastRunAt, average, p95Ms, recent, missed] = row;
  const known = { firstRunAt, lastRunAt, averageMs: average && Math.round(Number(average)), p95Ms };
  return {
    job: String(job),
    completed: Number(completed),
    failed: Number(failed),
    killed: Number(killed),
    missed: Number(missed),
    recentDurationsMs: typeof recent === 'string' ? (JSON.parse(recent) as number[]) : [],
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null)),
  };
}
