// Which finished runs a job still shows.
import type { JobSpec } from '../job.ts';
import { isActive, type Run } from '../run.ts';

/** Runs beyond the limits that are kept all the same, at the most: an object of the cluster has its bounds. */
const KEPT_MAX = 100;

/**
 * The finished runs beyond the job’s history limits; `runs` in any order, the newest are kept. So are the newest of
 * those that somebody still needs.
 */
export function beyondHistory(
  spec: JobSpec,
  runs: readonly Run[],
  isNeeded: (run: Run) => boolean = () => false,
): Run[] {
  const finished = runs
    .filter((run) => !isActive(run))
    .sort((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || b.attempt - a.attempt);
  const good = finished.filter((run) => run.phase === 'Completed');
  const bad = finished.filter((run) => run.phase !== 'Completed');
  const beyond = [...good.slice(spec.successfulRunsHistoryLimit), ...bad.slice(spec.failedRunsHistoryLimit)];
  const kept = new Set(finished.filter((run) => beyond.includes(run) && isNeeded(run)).slice(0, KEPT_MAX));
  return beyond.filter((run) => !kept.has(run));
}
