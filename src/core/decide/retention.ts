// Which finished runs the ledger stops showing.
import type { JobSpec } from '../spec/job-spec.ts';
import { firstAttemptName } from '../naming.ts';
import { isFinished, type Run } from '../run.ts';

/** The API server’s clock may be ahead by this many milliseconds. */
const SKEW_MS = 60_000;
/** The most runs kept beyond the limits, because the size of a Kubernetes object is bounded. */
const UNSYNCED_MAX = 100;

interface Keeping {
  now?: number;
  isUnsynced?: (run: Run) => boolean;
}

/**
 * Returns the finished runs beyond the job’s history limits; `runs` in any order. The newest stay within the limits,
 * except for the attempts before one that goes. The newest 100 unsynced runs stay too: the team’s history lacks them. A
 * run that ended after `now` ended before the clock was set back, so it is older than every other run.
 */
export function runsBeyondLimits(
  spec: JobSpec,
  runs: readonly Run[],
  { now = Infinity, isUnsynced = () => false }: Keeping = {},
): Run[] {
  if (!exceedsLimits(spec, runs)) return [];
  const isOfFuture = ({ finishedAt = 0 }: Run) => Number(finishedAt > now + SKEW_MS);
  const finished = runs.filter(isFinished).sort(
    (a, b) =>
      isOfFuture(a) - isOfFuture(b) ||
      (b.finishedAt ?? 0) - (a.finishedAt ?? 0) ||
      // Kubernetes tells the second of an end.
      b.slot - a.slot ||
      b.attempt - a.attempt,
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
  return withEarlierAttempts(
    beyond.filter((run) => !kept.has(run)),
    finished.filter((run) => !isUnsynced(run)),
  );
}

/** Most evaluations find no run beyond the limits, and then need no order of the runs. */
function exceedsLimits(spec: JobSpec, runs: readonly Run[]): boolean {
  let completed = 0;
  let failed = 0;
  for (const run of runs) {
    if (run.phase === 'Completed') completed++;
    else if (isFinished(run)) failed++;
  }
  return completed > spec.successfulRunsHistoryLimit || failed > spec.failedRunsHistoryLimit;
}

/** Adds the attempts before the forgotten ones: a failed one that stays without its retry would pass for the last of its slot. */
function withEarlierAttempts(forgotten: readonly Run[], finished: readonly Run[]): Run[] {
  const last = new Map<string, number>();
  for (const { name, attempt } of forgotten) {
    const first = firstAttemptName(name);
    last.set(first, Math.max(attempt, last.get(first) ?? 0));
  }
  const chosen = new Set(forgotten);
  const earlier = finished.filter(
    (run) => !chosen.has(run) && run.attempt < (last.get(firstAttemptName(run.name)) ?? 0),
  );
  return [...forgotten, ...earlier];
}
