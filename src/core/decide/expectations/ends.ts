// What the status remembers of the ends of runs: the last success, the last failure, and how long runs usually take.
import { changedRuns, isOwn, type Draft } from '../draft.ts';
import type { JobStatus } from '../../job.ts';
import { isFinished, type Run } from '../../run.ts';

/** How many of the newest completed runs the status keeps a duration of. */
const DURATIONS_MAX = 20;

export function endsAfter(
  draft: Draft,
  before: JobStatus | undefined,
): Pick<JobStatus, 'lastSuccessAt' | 'lastFailureAt' | 'durationsMs'> {
  const ended = changedRuns(draft).filter(isFinished);
  const durationsMs = durationsAfter(draft, ended, before?.durationsMs);
  const newestOf = (runs: readonly Run[], known: number | undefined) =>
    newest(
      draft,
      runs.map(({ finishedAt }) => finishedAt ?? 0),
      known,
    );
  return {
    lastSuccessAt: newestOf(ended.filter(isSuccess), before?.lastSuccessAt),
    lastFailureAt: newestOf(ended.filter(isFailure), before?.lastFailureAt),
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

function isSuccess({ phase }: Run): boolean {
  return phase === 'Completed';
}

function isFailure(run: Run): boolean {
  return run.phase === 'Failed' || (run.phase === 'Killed' && run.reason === 'TimedOut');
}

function durationsAfter(
  draft: Draft,
  ended: readonly Run[],
  known: number[] | undefined,
): number[] | undefined {
  const newer = ended
    .filter((run) => isSuccess(run) && isOwn(draft, run))
    .sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0))
    .flatMap(({ startedAt, finishedAt }) =>
      startedAt === undefined || finishedAt === undefined ? [] : [Math.max(0, finishedAt - startedAt)],
    );
  return newer.length === 0 ? known : [...(known ?? []), ...newer].slice(-DURATIONS_MAX);
}
