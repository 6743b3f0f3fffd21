// The view of one version of an LshJob: the job, its runs, and the status that the ledger makes of them. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { LedgerChange } from '../../core/decide/decide.ts';
import type { Job } from '../../core/job.ts';
import type { Notice } from '../../core/notices/notice.ts';
import type { Run } from '../../core/run.ts';
import { readRuns, type LshJob } from '../objects/lsh-job.ts';
import { corrected, withOutcomes } from '../objects/lsh-job-outcomes.ts';
import {
  readPendingNotices,
  readStatus,
  statusPatch,
  writeStatus,
  type LshJobStatus,
} from '../objects/lsh-job-status.ts';

/** One version of an LshJob, with the job and the runs that it describes. */
export interface LshJobView {
  lshJob: LshJob;
  /** Its status, or the one that the held change makes of it. */
  status: LshJob['status'];
  /** The view without the held change; undefined if none is held. */
  recorded?: LshJobView;
  job: Job;
  /** Active ones first, then finished ones, newest first. */
  runs: Run[];
}

/** No LshJob has this generation: the status counts as not evaluated yet. */
const NOTHING_OBSERVED = 0;

/**
 * The view of one version of an LshJob; `job` is what the operator read from that version. `before` is the view of an
 * earlier version. Its held change stays in the new view, unless another writer changed the status: then the next
 * evaluation finds the started run by its name.
 */
export function viewOf(lshJob: LshJob, job: Job, before: LshJobView | undefined): LshJobView {
  const { status } = lshJob;
  const recorded = before?.recorded ?? before;
  if (recorded !== undefined && isStatusOlder(recorded.job, job)) return restored(lshJob, job, recorded);
  const view = { lshJob, status, job, runs: readRuns(lshJob) };
  const isHeld = before?.recorded !== undefined && isDeepStrictEqual(status, before.lshJob.status);
  return isHeld ? withStatus(view, before.status) : view;
}

/** The view as it is once the change is written. */
export function withChange(view: LshJobView, change: LedgerChange): LshJobView {
  return withStatus(view, statusToWrite(view, change));
}

function withStatus(view: LshJobView, status: LshJob['status']): LshJobView {
  const written = { ...view.lshJob, status };
  const job = { ...view.job, status: readStatus(status) };
  return { ...view, status, recorded: view.recorded ?? view, job, runs: readRuns(written) };
}

/** Whether a hand edit removed the status’s cursor or set it back. The operator sets it back after a clock step. */
function isStatusOlder(before: Job, now: Job): boolean {
  if (before.status === undefined) return false;
  if (now.status === undefined) return true;
  if ((now.status.clockEffect?.pass ?? 1) > (before.status.clockEffect?.pass ?? 1)) return false;
  return now.status.accountedUntil < before.status.accountedUntil;
}

/** The new version with the status and runs of the version before; the next evaluation writes them again. */
function restored(lshJob: LshJob, job: Job, { job: { status }, runs }: LshJobView): LshJobView {
  return {
    lshJob,
    status: lshJob.status,
    job: { ...job, status: status && { ...status, observedGeneration: NOTHING_OBSERVED } },
    runs,
  };
}

/** The patch of the status that records the change, and the held one with it; undefined if nothing changes. */
export function patchFor(view: LshJobView, change: LedgerChange): object | undefined {
  return statusPatch(view.lshJob.status, statusToWrite(view, change));
}

function statusToWrite(
  { status: before, job, runs }: LshJobView,
  change: LedgerChange,
): LshJobStatus | undefined {
  const status = change.status ?? job.status;
  if (status === undefined) return undefined;
  const outcomes = withOutcomes(
    corrected(before?.recentOutcomes ?? [], change.corrections ?? []),
    change.slots,
    job.status?.lastScheduleAt,
  );
  return writeStatus(job, status, {
    runs: merged(runs, change),
    outcomes,
    notices: noticesAfter(before, change),
  });
}

/** The notices that still wait after the change, oldest first. */
function noticesAfter(before: LshJob['status'], { notices = [], delivered = [] }: LedgerChange): Notice[] {
  const gone = new Set([...delivered, ...notices.map(({ id }) => id)]);
  return [...readPendingNotices(before).filter(({ id }) => !gone.has(id)), ...notices];
}

/** The runs after the change, newest first. */
export function merged(runs: readonly Run[], { runs: changed, forget }: LedgerChange): Run[] {
  const after = new Map([...runs, ...changed].map((run) => [run.name, run]));
  for (const name of forget) after.delete(name);
  return [...after.values()].sort((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1));
}
