// What the status remembers of the ends of runs: the last success, the last failure, and how long runs usually take.
import { changedRuns, isOwn, type Draft } from '../draft.ts';
import type { JobStatus } from '../../job.ts';
import type { Run } from '../../run.ts';

/** How many of the newest completed runs the status keeps a duration of. */
const DURATIONS_MAX = 20;

export function endsAfter(
  draft: Draft,
  before: JobStatus | undefined,
): Pick<JobStatus, 'lastSuccessAt' | 'lastFailureAt' | 'durationsMs'> {
  const durationsMs = durationsAfter(draft, before?.durationsMs);
  return {
    lastSuccessAt: newestEnd(draft, (run) => run.phase === 'Completed', before?.lastSuccessAt),
    lastFailureAt: newestEnd(draft, isFailure, before?.lastFailureAt),
    ...(durationsMs && { durationsMs }),
  };
}

/** The newest instant. One ahead of now is from before the clock was set back, so every new instant is newer. */
export function newest(
  { now }: Draft,
  instants: readonly number[],
  before: number | undefined,
): number | undefined {
  if (instants.length === 0) return before;
  return Math.max(before === undefined || before > now ? 0 : before, ...instants);
}

function isFailure(run: Run): boolean {
  return run.phase === 'Failed' || (run.phase === 'Killed' && run.reason === 'TimedOut');
}

function newestEnd(
  draft: Draft,
  wanted: (run: Run) => boolean,
  before: number | undefined,
): number | undefined {
  const ends = changedRuns(draft)
    .filter(wanted)
    .map((run) => run.finishedAt ?? 0);
  return newest(draft, ends, before);
}

function durationsAfter(draft: Draft, known: number[] | undefined): number[] | undefined {
  const ended = changedRuns(draft)
    .filter((run) => run.phase === 'Completed' && isOwn(draft, run))
    .sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0))
    .flatMap(({ startedAt, finishedAt }) =>
      startedAt === undefined || finishedAt === undefined ? [] : [Math.max(0, finishedAt - startedAt)],
    );
  return ended.length === 0 ? known : [...(known ?? []), ...ended].slice(-DURATIONS_MAX);
}
