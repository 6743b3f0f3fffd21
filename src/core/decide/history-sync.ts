// What the team's history lacks of a job's runs, and what follows: they stay in the ledger, and a condition says so.
import { changedRuns, type Draft } from './draft.ts';
import type { Condition } from '../job.ts';
import { isFinished, type Run } from '../run.ts';

/** How far the team’s history has the runs of one job that the ledger shows. */
export interface HistoryProgress {
  /** Names of finished runs that it lacks. */
  missing: ReadonlySet<string>;
  /** Why nothing has come through to it for a while. */
  trouble?: { reason: string; message: string };
}

/** Whether the run has to stay in the ledger because the team’s history lacks it. */
export function isMissing(progress: HistoryProgress, draft: Draft, run: Run): boolean {
  // What ended in this very evaluation nobody can have written yet.
  return isFinished(run) && (progress.missing.has(run.name) || draft.changed.has(run.name));
}

/** Whether people can rely on finding the job’s runs there. */
export function historyVerdict(
  progress: HistoryProgress,
  draft: Draft,
): Pick<Condition, 'status' | 'reason' | 'message'> {
  const { missing, trouble } = progress;
  if (trouble !== undefined && (missing.size > 0 || changedRuns(draft).some(isFinished)))
    return { status: 'False', ...trouble };
  const before = draft.job.status?.conditions.find(({ type }) => type === 'HistorySynced');
  // What was told by an earlier leader stands until the runs have arrived.
  if (missing.size > 0 && before?.status === 'False') return before;
  return { status: 'True', reason: 'Recorded', message: 'Finished runs reach the team’s history.' };
}
