// Applies the runner’s observations to the runs: starts, ends, losses, and the retries that follow.
import {
  activeRuns,
  countBackfilled,
  isOwn,
  put,
  requestStop,
  timeoutAt,
  wakeBy,
  type Draft,
} from './draft.ts';
import { isOwedBackfill, noteAdopted } from './backfill/follow.ts';
import { PENDING_TIMEOUT_SECONDS } from '../spec/blocks.ts';
import { isOwedRun, isSameStart } from './related/after.ts';
import { isRetried, nextAttempt } from './retry.ts';
import { adopted, begun, cancelled, claimed, ended, lost } from './run-state.ts';
import {
  isActive,
  isOfSlot,
  isOngoing,
  isUnderWay,
  type ClosedStretch,
  type Run,
  type RunEnd,
  type RunObservation,
  type StopCause,
} from '../run.ts';
import { passOf } from '../schedule/clock-effect.ts';
import { closedStretchOf } from './late-start.ts';

/** How long after its time limit lsh stops a run whose executor enforces the limit: longer than Kubernetes takes. */
const LIMIT_SLACK_MS = 15_000;

/**
 * Adds runs that an earlier process started but did not record: it crashed between the two writes, in the order of a
 * runner that claims by name. Returns the slots of the runs, oldest first.
 */
export function adoptStarted(draft: Draft, observations: readonly RunObservation[]): number[] {
  const started = observations
    .map((observation) => observation.run)
    .filter((run) => run !== undefined)
    .filter(
      (run) =>
        run.attempt === (run.firstAttempt ?? 1) && !draft.runs.has(run.name) && isUnaccounted(draft, run),
    )
    .sort((a, b) => a.slot - b.slot);
  for (const run of started) {
    put(draft, adopted(run, draft.now, draft.traitsOf(run.executor)));
    noteAdopted(draft, run);
  }
  return started.filter(isOfSlot).map((run) => run.slot);
}

/** Whether the run’s slot, trigger or cause has no outcome yet. If it has one, the ledger may no longer show the run. */
function isUnaccounted(draft: Draft, run: Run): boolean {
  const { job, accountedUntil, clockEffect } = draft;
  if (run.jobUid !== job.uid) return false;
  if (run.trigger === 'After') return isOwedRun(draft, run);
  if (run.trigger === 'Backfill') return isOwedBackfill(draft, run);
  if (isOfSlot(run)) return run.slot > accountedUntil && run.pass === passOf(clockEffect, run.slot);
  return run.triggerId === job.trigger?.id && run.triggerId !== job.status?.lastHandledTrigger;
}

/** Applies every observation. `closed` are the slots that the ledger records as not run. */
export function applyObservations(
  draft: Draft,
  observations: readonly RunObservation[],
  closed: readonly ClosedStretch[] = [],
): void {
  claimStarted(draft, observations);
  stopRunsOfRemovedJob(draft);
  const byName = new Map(observations.map((observation) => [observation.name, observation]));
  let underWay = activeRuns(draft).filter(isUnderWay);
  while (underWay.length > 0) {
    for (const run of underWay) observeUnderWay(draft, run, byName.get(run.name));
    // An earlier process may have started the retry that this loop just added; the retry may even have ended.
    underWay = claimStarted(draft, observations);
  }
  for (const observation of observations) {
    const run = draft.runs.get(observation.name);
    if (run !== undefined && isActive(run)) continue;
    if (!isOngoing(observation)) releaseEnded(draft, observation, closed);
    else if (run !== undefined) stopRecordedAsEnded(draft, run, observation.run);
  }
}

/** Marks waiting runs as started if the runner shows them: a process started them and crashed before its record. */
function claimStarted(draft: Draft, observations: readonly RunObservation[]): Run[] {
  const started: Run[] = [];
  for (const { name, run: startedRun } of observations) {
    const run = draft.runs.get(name);
    if (run?.phase !== 'Created' || startedRun?.jobUid !== run.jobUid) continue;
    const at = startedRun.startedAt ?? draft.now;
    started.push(claimed(run, { ...draft.traitsOf(run.executor), at, host: run.host }));
  }
  for (const run of started) put(draft, run);
  return started;
}

/** Lets the runner forget an ended run, unless a later evaluation still has to record the run. */
function releaseEnded(
  draft: Draft,
  { name, run: endedRun }: RunObservation,
  closed: readonly ClosedStretch[],
): void {
  const isKnown = draft.runs.has(name);
  if (!isKnown && endedRun !== undefined && willBeRecorded(draft, endedRun, closed)) return;
  draft.actions.push({ kind: 'Release', name });
  // The ledger recorded this run and no longer shows it, so the run is beyond the history limits.
  if (!isKnown) draft.actions.push({ kind: 'Remove', name });
}

/** Stops a run that runs although the ledger holds its end: it was stopped while its start was delayed. */
function stopRecordedAsEnded({ job, actions }: Draft, run: Run, observed: Run | undefined): void {
  if (observed !== undefined && observed.jobUid !== run.jobUid) return;
  const graceMs = job.spec.terminationGracePeriodSeconds * 1000;
  actions.push({ kind: 'Stop', run, cause: run.stopCause ?? 'StoppedByUser', graceMs });
}

/** Stops runs of a removed job of the same name: a user added the job again before these runs had ended. */
function stopRunsOfRemovedJob(draft: Draft): void {
  for (const run of activeRuns(draft)) {
    if (isOwn(draft, run)) continue;
    if (run.phase === 'Created') put(draft, cancelled(run, 'JobRemoved', draft.now));
    else if (run.stopCause === undefined) put(draft, { ...run, stopCause: 'JobRemoved' });
  }
}

/** Whether a later evaluation records the run: once the spec is valid again, or with the end of an earlier attempt. */
function willBeRecorded(draft: Draft, run: Run, closed: readonly ClosedStretch[]): boolean {
  return (
    isUnaccounted(draft, run) ||
    closedStretchOf(draft, run, closed) !== undefined ||
    hasActiveEarlierAttempt(draft, run)
  );
}

/** Whether the ledger lacks the end of an earlier attempt. Recording that end adds this run as its retry. */
function hasActiveEarlierAttempt(draft: Draft, run: Run): boolean {
  return activeRuns(draft).some((other) => isSameStart(other, run) && other.attempt < run.attempt);
}

function observeUnderWay(draft: Draft, run: Run, observation: RunObservation | undefined): void {
  switch (observation?.state) {
    case 'Pending':
      observePending(draft, run, observation);
      return;
    case 'Running':
      observeProgress(draft, run, observation);
      return;
    case 'NeverStarted':
      startAgain(draft, run);
      return;
    case 'Ended':
      finish(draft, ended(run, endedByNow(draft, run, observation)));
      return;
    case undefined:
      finish(draft, lost(run, draft.now));
  }
}

/** Ends one running run; ignores the end of any other. */
export function applyEnd(draft: Draft, end: RunEnd): void {
  const run = draft.runs.get(end.name);
  if (run !== undefined && isUnderWay(run)) observeUnderWay(draft, run, end);
}

/** The times of a process are of this host’s clock. One ahead of now is from before the clock was set back, or invented. */
function endedByNow({ now, traitsOf }: Draft, { executor }: Run, end: RunEnd): RunEnd {
  if (!traitsOf(executor).hasHost) return end;
  const startedAt = end.startedAt && Math.min(end.startedAt, now);
  return { ...end, startedAt, finishedAt: Math.min(end.finishedAt, now) };
}

type Observation<State> = Extract<RunObservation, { state: State }>;

/** A running run stays one: its Pod may have ended, and its end is not known in full yet. */
function observePending(draft: Draft, run: Run, { stuck, outdated }: Observation<'Pending'>): void {
  // The message explains the stop, and stays when the Pod that caused it is gone.
  if (run.phase !== 'Pending' || run.stopCause !== undefined) return;
  if (outdated) return requestStop(draft, run, 'SpecChanged');
  const { message } = stuck ?? {};
  if (message !== run.message) {
    put(draft, { ...run, message });
    if (message !== undefined) draft.events.push({ kind: 'RunStuck', run, message });
  }
  if (stuck) stopAfter(draft, run, 'Stuck', pendingMs(draft) - stuck.forMs);
}

function observeProgress(draft: Draft, run: Run, { startedAt, limit }: Observation<'Running'>): void {
  if (run.phase === 'Pending') put(draft, begun(run, startedAt));
  if (run.stopCause !== undefined) return;
  // Kubernetes may fail to enforce its limit; `forMs` counts from when the runner first saw the run active.
  const graceMs = draft.job.spec.terminationGracePeriodSeconds * 1000;
  if (limit) stopAfter(draft, run, 'TimedOut', limit.ms + graceMs + LIMIT_SLACK_MS - limit.forMs);
}

/** Requests the stop if no time is left; otherwise wakes the job when none is. */
function stopAfter(draft: Draft, { name }: Run, cause: StopCause, leftMs: number): void {
  const run = draft.runs.get(name);
  if (leftMs > 0) wakeBy(draft, draft.now + leftMs);
  else if (run !== undefined) requestStop(draft, run, cause);
}

function pendingMs({ job }: Draft): number {
  const seconds = job.spec.job?.pendingTimeoutSeconds ?? PENDING_TIMEOUT_SECONDS;
  return seconds === 0 ? Infinity : seconds * 1000;
}

/**
 * Starts a run that the ledger holds as Running although the runner proves that it never started. The run is claimed
 * again: a process with a stale view of the ledger gets a conflict and starts nothing.
 */
function startAgain(draft: Draft, run: Run): void {
  if (draft.job.stop?.includes(run.name)) requestStop(draft, run, 'StoppedByUser');
  const { stopCause } = draft.runs.get(run.name) ?? run;
  if (stopCause !== undefined) return finish(draft, lost({ ...run, stopCause }, draft.now));
  const again = { ...run, startedAt: draft.now };
  put(draft, again);
  draft.actions.push({ kind: 'Start', run: again });
}

function finish(draft: Draft, run: Run): void {
  put(draft, run);
  if (!isOwn(draft, run)) return;
  count(draft, run);
  if (draft.job.terminating || !isRetried(run, draft.job.spec.retry))
    return countBackfilled(draft, run, run.phase === 'Completed' ? 'completed' : 'failed');
  const next = nextAttempt(draft.job.name, run, draft.job.spec.retry, draft.now);
  put(draft, next);
}

function count(draft: Draft, run: Run): void {
  const result = run.phase === 'Completed' ? 'completed' : run.phase === 'Killed' ? 'killed' : 'failed';
  draft.totals[result]++;
  draft.events.push({ kind: 'RunFinished', run });
}

/** Requests a stop for each run that exceeds its timeout or that a user asked to stop. */
export function requestDueStops(draft: Draft): void {
  for (const run of draft.runs.values()) {
    if (!isActive(run)) continue;
    if (draft.job.stop?.includes(run.name)) requestStop(draft, run, 'StoppedByUser');
    else if ((timeoutAt(draft, run) ?? Infinity) <= draft.now) requestStop(draft, run, 'TimedOut');
  }
}

/**
 * Sends a stop to every run that is marked for one, at each evaluation: the process that recorded the mark may have
 * crashed before it sent the stop. A repeated stop changes nothing.
 */
export function sendStops({ job, runs, actions }: Draft): void {
  const graceMs = job.spec.terminationGracePeriodSeconds * 1000;
  for (const run of runs.values()) {
    if (!isUnderWay(run) || run.stopCause === undefined) continue;
    actions.push({ kind: 'Stop', run, cause: run.stopCause, graceMs });
  }
}
