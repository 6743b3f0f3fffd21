// What the runner saw, written into the runs: ends, losses, and the retries that follow from them.
import { activeRuns, isOwn, put, requestStop, timeLimitAt, timeoutAt, wakeBy, type Draft } from './draft.ts';
import { PENDING_TIMEOUT_SECONDS } from '../job.ts';
import { isRetried, nextAttempt } from './retry.ts';
import { cancelled, claimed, ended, lost } from './run-state.ts';
import { isActive, type ClosedStretch, type Run, type RunObservation, type StopCause } from '../run.ts';
import { closedStretchOf } from './late-start.ts';

/** Beyond a time limit that somebody else counts, until we end the run: longer than they take to notice it. */
const LIMIT_SLACK_MS = 15_000;

/**
 * Takes in runs that were started although the process died before it recorded them, as a runner whose names are
 * the lock leaves them; answers with their slots, oldest first.
 */
export function adoptStarted(draft: Draft, observations: readonly RunObservation[]): number[] {
  const started = observations
    .map((observation) => observation.run)
    .filter((run) => run !== undefined)
    .filter((run) => run.attempt === 1 && !draft.runs.has(run.name) && isUnaccounted(draft, run))
    .sort((a, b) => a.slot - b.slot);
  for (const run of started) put(draft, { ...run, phase: 'Running', startedAt: run.startedAt ?? draft.now });
  return started.filter((run) => run.trigger !== 'Manual').map((run) => run.slot);
}

/** Whether the account of the run’s slot or trigger is still to come; otherwise it has come and may be no longer shown. */
function isUnaccounted({ job, accountedUntil }: Draft, run: Run): boolean {
  if (run.jobUid !== job.uid) return false;
  if (run.trigger !== 'Manual') return run.slot > accountedUntil;
  return run.triggerId === job.trigger?.id && run.triggerId !== job.status?.lastHandledTrigger;
}

/** `closed` are the slots that the ledger shows as not run. */
export function observe(
  draft: Draft,
  observations: readonly RunObservation[],
  closed: readonly ClosedStretch[] = [],
): void {
  claimStarted(draft, observations);
  endForeign(draft);
  const seen = new Map(observations.map((observation) => [observation.name, observation]));
  let running = activeRuns(draft).filter(({ phase }) => phase === 'Running');
  while (running.length > 0) {
    for (const run of running) observeRunning(draft, run, seen.get(run.name));
    // The retry of what has just been found to have ended may run already, or have ended as well.
    running = claimStarted(draft, observations);
  }
  for (const observation of observations) {
    const run = draft.runs.get(observation.name);
    if (run !== undefined && isActive(run)) continue;
    if (observation.state !== 'Running') releaseEnded(draft, observation, closed);
    else if (run !== undefined) stopLate(draft, run, observation.run);
  }
}

/** Takes runs that are recorded as waiting for what they are: they were started, and the record of it was lost. */
function claimStarted(draft: Draft, observations: readonly RunObservation[]): Run[] {
  const started: Run[] = [];
  for (const { name, run: itself } of observations) {
    const run = draft.runs.get(name);
    if (run?.phase !== 'Created' || itself?.jobUid !== run.jobUid) continue;
    started.push(claimed(run, itself.startedAt ?? draft.now, run.host));
  }
  for (const run of started) put(draft, run);
  return started;
}

/** What has ended is of no use to the runner any more, unless its record is to come. */
function releaseEnded(
  draft: Draft,
  { name, run: itself }: RunObservation,
  closed: readonly ClosedStretch[],
): void {
  const isKnown = draft.runs.has(name);
  if (!isKnown && itself !== undefined && willBeRecorded(draft, itself, closed)) return;
  draft.actions.push({ kind: 'Release', name });
  // A run that the ledger does not show any more has been recorded long ago.
  if (!isKnown) draft.actions.push({ kind: 'Remove', name });
}

/** Ends what runs although its record is closed: a start that was held up, of a run that was called off meanwhile. */
function stopLate({ job, actions }: Draft, run: Run, itself: Run | undefined): void {
  if (itself !== undefined && itself.jobUid !== run.jobUid) return;
  const graceMs = job.spec.terminationGracePeriodSeconds * 1000;
  actions.push({ kind: 'Stop', run, cause: run.stopCause ?? 'StoppedByUser', graceMs });
}

/** The job was removed and added again before its runs had ended: they are still those of a removed job. */
function endForeign(draft: Draft): void {
  for (const run of activeRuns(draft)) {
    if (isOwn(draft, run)) continue;
    if (run.phase === 'Created') put(draft, cancelled(run, 'JobRemoved', draft.now));
    else if (run.stopCause === undefined) put(draft, { ...run, stopCause: 'JobRemoved' });
  }
}

/** Whether the run will be recorded yet: as soon as the job can be evaluated again, or with the end before it. */
function willBeRecorded(draft: Draft, run: Run, closed: readonly ClosedStretch[]): boolean {
  return (
    isUnaccounted(draft, run) || closedStretchOf(draft, run, closed) !== undefined || isAhead(draft, run)
  );
}

/** Whether the run is a retry of an attempt whose end is not recorded yet: its own record comes with that. */
function isAhead(draft: Draft, { slot, triggerId, attempt }: Run): boolean {
  return activeRuns(draft).some(
    (other) => other.slot === slot && other.triggerId === triggerId && other.attempt < attempt,
  );
}

function observeRunning(draft: Draft, run: Run, seen: RunObservation | undefined): void {
  switch (seen?.state) {
    case 'Running':
      observeProgress(draft, run, seen);
      return;
    case 'NeverStarted':
      startAgain(draft, run);
      return;
    case 'Ended':
      finish(draft, ended(run, seen));
      return;
    case undefined:
      finish(draft, lost(run, draft.now));
  }
}

type SeenRunning = Extract<RunObservation, { state: 'Running' }>;

function observeProgress(draft: Draft, run: Run, { stuck, limit }: SeenRunning): void {
  // Why it is being ended stays said when its Pod has gone.
  if (run.stopCause !== undefined) return;
  if (stuck?.message !== run.message) {
    put(draft, { ...run, message: stuck?.message });
    if (stuck) draft.events.push({ kind: 'RunStuck', run, message: stuck.message });
  }
  if (stuck) stopIn(draft, run, 'Stuck', pendingMs(draft) - stuck.forMs);
  // Whoever keeps the limit may overlook that it has passed; by then it surely has.
  if (limit) stopIn(draft, run, 'TimedOut', limit.ms + LIMIT_SLACK_MS - limit.forMs);
}

/** Told to end when no time is left, or looked at again when none will be. */
function stopIn(draft: Draft, { name }: Run, cause: StopCause, leftMs: number): void {
  const run = draft.runs.get(name);
  if (leftMs > 0) wakeBy(draft, draft.now + leftMs);
  else if (run !== undefined) requestStop(draft, run, cause);
}

/** When to look at a run whose limit somebody else keeps, although nothing may be heard of it before. */
export function limitedUntilAt(draft: Draft, run: Run): number | undefined {
  const limitAt = timeLimitAt(draft, run);
  return limitAt !== undefined && draft.traitsOf(run.executor).keepsTimeout
    ? limitAt + LIMIT_SLACK_MS
    : undefined;
}

function pendingMs({ job }: Draft): number {
  const seconds = job.spec.job?.pendingTimeoutSeconds ?? PENDING_TIMEOUT_SECONDS;
  return seconds === 0 ? Infinity : seconds * 1000;
}

/**
 * Recorded, but the child proved not to have started: starting it now is not a second time. The new claim makes
 * sure that the record is no older than what it says: a stale one is in conflict with the ledger and starts nothing.
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
  if (!isRetried(run, draft.job.spec.retry)) return;
  const next = nextAttempt(draft.job.name, run, draft.job.spec.retry, draft.now);
  put(draft, next);
}

function count(draft: Draft, run: Run): void {
  const result = run.phase === 'Completed' ? 'completed' : run.phase === 'Killed' ? 'killed' : 'failed';
  draft.totals[result]++;
  draft.events.push({ kind: 'RunFinished', run });
}

/** Ends what has run for too long and what somebody asked to end. */
export function requestDueStops(draft: Draft): void {
  for (const run of draft.runs.values()) {
    if (!isActive(run)) continue;
    if (draft.job.stop?.includes(run.name)) requestStop(draft, run, 'StoppedByUser');
    else if ((timeoutAt(draft, run) ?? Infinity) <= draft.now) requestStop(draft, run, 'TimedOut');
  }
}

/**
 * Says to every run that was told to end that it must, also to those that were told before: the process that
 * recorded it may have died before it said so. Saying it again changes nothing.
 */
export function sendStops({ job, runs, actions }: Draft): void {
  const graceMs = job.spec.terminationGracePeriodSeconds * 1000;
  for (const run of runs.values()) {
    if (run.phase !== 'Running' || run.stopCause === undefined) continue;
    actions.push({ kind: 'Stop', run, cause: run.stopCause, graceMs });
  }
}
