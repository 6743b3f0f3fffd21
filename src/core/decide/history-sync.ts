// Runs that the team’s history lacks stay in the ledger, and the condition HistorySynced reports a lasting delay.
import { changedRuns, type Draft } from './draft.ts';
import type { Condition } from '../job.ts';
import { isFinished, type Run } from '../run.ts';

/** Which runs of one job have reached the team’s history. */
export interface HistoryProgress {
  /** Names of the finished runs that the history lacks. */
  missing: ReadonlySet<string>;
  /** Why writes to the history have failed for a while. */
  trouble?: HistoryTrouble;
}

/** Why the team’s history lacks what is recorded. */
export interface HistoryTrouble {
  reason: string;
  message: string;
  /** The next step. */
  hint: string;
}

/** Whether the run has to stay in the ledger because the team’s history lacks it. */
export function isMissing(progress: HistoryProgress, draft: Draft, run: Run): boolean {
  // A run that ended in this evaluation is not in `missing` yet: the outbox hears of it after the commit.
  return isFinished(run) && (progress.missing.has(run.name) || draft.changed.has(run.name));
}

/** The condition HistorySynced: whether users find the job’s finished runs in the team’s history. */
export function historyVerdict(
  progress: HistoryProgress,
  draft: Draft,
): Pick<Condition, 'status' | 'reason' | 'message'> {
  const { missing, trouble } = progress;
  if (trouble !== undefined && (missing.size > 0 || changedRuns(draft).some(isFinished)))
    return { status: 'False', reason: trouble.reason, message: trouble.message };
  const before = draft.job.status?.conditions.find(({ type }) => type === 'HistorySynced');
  // A new leader keeps the verdict of the last one until the runs have arrived.
  if (missing.size > 0 && before?.status === 'False') return before;
  return { status: 'True', reason: 'Recorded', message: 'Finished runs reach the team’s history.' };
}
