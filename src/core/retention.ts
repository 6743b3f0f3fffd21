// Which finished runs a job still shows.
import type { JobSpec } from './job.ts';
import { isActive, type Run } from './run.ts';

/** Splits finished runs by the job’s history limits; `runs` in any order, the newest are kept. */
export function beyondHistory(spec: JobSpec, runs: readonly Run[]): Run[] {
  const finished = runs
    .filter((run) => !isActive(run))
    .sort((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || b.attempt - a.attempt);
  const good = finished.filter((run) => run.phase === 'Completed');
  const bad = finished.filter((run) => run.phase !== 'Completed');
  return [...good.slice(spec.successfulRunsHistoryLimit), ...bad.slice(spec.failedRunsHistoryLimit)];
}
