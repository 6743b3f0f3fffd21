// Which finished runs the ledger stops showing.
import type { JobSpec } from '../job.ts';
import { isActive, type Run } from '../run.ts';

/** The most runs kept beyond the limits, because the size of a Kubernetes object is bounded. */
const UNSYNCED_MAX = 100;

/**
 * Returns the finished runs beyond the job’s history limits; `runs` in any order. The newest stay within the limits.
 * The newest 100 unsynced runs stay too: the team’s history lacks them.
 */
export function runsBeyondLimits(
  spec: JobSpec,
  runs: readonly Run[],
  isUnsynced: (run: Run) => boolean = () => false,
): Run[] {
  const finished = runs
    .filter((run) => !isActive(run))
    .sort((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || b.attempt - a.attempt);
  const completed = finished.filter((run) => run.phase === 'Completed');
  const failed = finished.filter((run) => run.phase !== 'Completed');
  const beyond = [
    ...completed.slice(spec.successfulRunsHistoryLimit),
    ...failed.slice(spec.failedRunsHistoryLimit),
  ];
  const kept = new Set(
    finished.filter((run) => beyond.includes(run) && isUnsynced(run)).slice(0, UNSYNCED_MAX),
  );
  return beyond.filter((run) => !kept.has(run));
}
