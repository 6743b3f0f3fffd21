// Which finished runs the ledger stops showing.
import type { JobSpec } from '../job.ts';
import { isActive, type Run } from '../run.ts';

/** The API server’s clock may be ahead by this many milliseconds. */
const SKEW_MS = 60_000;
/** The most runs kept beyond the limits, because the size of a Kubernetes object is bounded. */
const UNSYNCED_MAX = 100;

interface Keeping {
  now?: number;
  isUnsynced?: (run: Run) => boolean;
}

/**
 * Returns the finished runs beyond the job’s history limits; `runs` in any order. The newest stay within the limits.
 * The newest 100 unsynced runs stay too: the team’s history lacks them. A run that ended after `now` ended before the
 * clock was set back, so it is older than every other run.
 */
export function runsBeyondLimits(
  spec: JobSpec,
  runs: readonly Run[],
  { now = Infinity, isUnsynced = () => false }: Keeping = {},
): Run[] {
  const isOfFuture = ({ finishedAt = 0 }: Run) => Number(finishedAt > now + SKEW_MS);
  const finished = runs
    .filter((run) => !isActive(run))
    .sort(
      (a, b) =>
        isOfFuture(a) - isOfFuture(b) || (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || b.attempt - a.attempt,
    );
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
