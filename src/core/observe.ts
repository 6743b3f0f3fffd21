// What the runner saw, written into the runs: ends, losses, and the retries that follow from them.
import { activeRuns, isOwn, put, requestStop, timeoutAt, wakeBy, type Draft } from './draft.ts';
import { PENDING_TIMEOUT_SECONDS } from './job.ts';
import { isRetried, nextAttempt } from './retry.ts';
import { cancelled, ended, lost } from './run-state.ts';
import { isActive, type Run, type RunObservation, type StopCause } from './run.ts';

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
    .filter((run) => !draft.runs.has(run.name) && isUnrecorded(draft, run))
    .sort((a, b) => a.slot - b.slot);
  for (const run of started) put(draft, { ...run, phase: 'Running', startedAt: run.startedAt ?? draft.now });
  return started.filter((run) => run.trigger !== 'Manual').map((run) => run.slot);
}

/** Whether the record of this run is still to come; otherwise it has come and is no longer shown. */
function isUnrecorded({ job, accountedUntil }: Draft, run: Run): boolean {
  if (run.attempt > 1 || run.jobUid !== job.uid) return false;
  if (run.trigger !== 'Manual') return run.slot > accountedUntil;
  return run.triggerId === job.trigger?.id && run.triggerId !== job.status?.lastHandledTrigger;
}

export function observe(draft: Draft, observations: readonly RunObservation[]): void {
  endForeign(draft);
  const seen = new Map(observations.map((observation) => [observation.name, observation]));
  for (const run of activeRuns(draft)) {
    if (run.phase === 'Running') observeRunning(draft, run, seen.get(run.name));
  }
  for (const { name, state, run: itself } of observations) {
    const run = draft.runs.get(name);
    if (state === 'Running' || (run !== undefined && isActive(run))) continue;
    if (run === undefined && itself !== undefined && isAhead(draft, itself)) continue;
    draft.actions.push({ kind: 'Release', name });
    // A run that the ledger does not show any more has been recorded long ago.
    if (run === undefined) draft.actions.push({ kind: 'Remove', name });
  }
}

/** The job was removed and added again before its runs had ended: they are still those of a removed job. */
function endForeign(draft: Draft): void {
  for (const run of activeRuns(draft)) {
    if (isOwn(draft, run)) continue;
    if (run.phase === 'Created') put(draft, cancelled(run, 'JobRemoved', draft.now));
    else if (run.stopCause === undefined) put(draft, { ...run, stopCause: 'JobRemoved' });
  }
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
      goOn(draft, run, seen);
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

function goOn(draft: Draft, run: Run, { stuck, limitedSince }: SeenRunning): void {
  // Why it is being ended stays said when its Pod has gone.
  if (run.stopCause !== undefined) return;
  if (stuck?.message !== run.message) {
    put(draft, { ...run, message: stuck?.message });
    if (stuck)
      draft.events.push({ type: 'Warning', reason: 'RunStuck', note: `Run ${run.name}: ${stuck.message}` });
  }
  stopBy(draft, run, 'Stuck', stuck && pendingUntil(draft, stuck.since));
  stopBy(draft, run, 'TimedOut', limitedSince && limitedUntil(draft, limitedSince));
}

/** Told to end when the instant has come, or looked at again then. */
function stopBy(draft: Draft, { name }: Run, cause: StopCause, at: number | undefined): void {
  const run = draft.runs.get(name);
  if (at === undefined || run === undefined) return;
  if (at <= draft.now) requestStop(draft, run, cause);
  else wakeBy(draft, at);
}

function pendingUntil({ job }: Draft, since: number): number | undefined {
  const seconds = job.spec.job?.pendingTimeoutSeconds ?? PENDING_TIMEOUT_SECONDS;
  return seconds === 0 ? undefined : since + seconds * 1000;
}

/** Whoever counts the limit may overlook that it has passed; by then it surely has. */
function limitedUntil({ job }: Draft, since: number): number | undefined {
  const { timeoutSeconds } = job.spec;
  return timeoutSeconds === undefined ? undefined : since + timeoutSeconds * 1000 + LIMIT_SLACK_MS;
}

/**
 * Recorded, but the child proved not to have started: starting it now is not a second time. The new claim makes
 * sure that the record is no older than what it says: a stale one is in conflict with the ledger and starts nothing.
 */
function startAgain(draft: Draft, run: Run): void {
  if (draft.job.stop?.includes(run.name)) requestStop(draft, run, 'StoppedByUser');
  const { stopCause } = draft.runs.get(run.name) ?? run;
  if (stopCause !== undefined) return finish(draft, lost({ ...run, stopCause }, draft.now));
  const claimed = { ...run, startedAt: draft.now };
  put(draft, claimed);
  draft.actions.push({ kind: 'Start', run: claimed });
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
  const ok = run.phase === 'Completed';
  draft.events.push({
    type: ok ? 'Normal' : 'Warning',
    reason: `Run${run.phase}`,
    note: ok ? `Run ${run.name} completed` : `Run ${run.name}: ${run.reason ?? run.phase}`,
  });
}

/** Ends what has run for too long and what somebody asked to end. */
export function stopWhatMust(draft: Draft): void {
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
export function sayStops({ job, runs, actions }: Draft): void {
  const graceMs = job.spec.terminationGracePeriodSeconds * 1000;
  for (const run of runs.values()) {
    if (run.phase !== 'Running' || run.stopCause === undefined) continue;
    actions.push({ kind: 'Stop', run, cause: run.stopCause, graceMs });
  }
}
