// How long the runs of a job usually take.
import type { Run } from '../../core/run.ts';

/** The median of the runs that have a start and an end, milliseconds; undefined without any. */
export function usualDuration(runs: readonly Run[]): number | undefined {
  const durations = runs
    .flatMap(({ startedAt, finishedAt }) =>
      startedAt === undefined || finishedAt === undefined ? [] : [finishedAt - startedAt],
    )
    .sort((a, b) => a - b);
  const middle = durations.length / 2;
  const [low, high] = [durations[Math.ceil(middle) - 1], durations[Math.floor(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
