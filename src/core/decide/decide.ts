// Decides about one job: known facts and the time go in; actions, the ledger change, events and the next wake-up
// come out. Pure, so the daemon and the operator share it and tests need no clock.
import { admitSlots, admitTrigger } from './admit.ts';
import { afterStep, type ClockReading } from './clock-step.ts';
import {
  activeRuns,
  changedRuns,
  newDraft,
  requestStop,
  timeoutAt,
  wakeBy,
  type Action,
  type Draft,
} from './draft.ts';
import { owed } from './due.ts';
import type { PastSlots } from '../backfill/plan.ts';
import { followBackfill } from './backfill/follow.ts';
import type { JobEvent } from './events.ts';
import type { LshError } from '../errors.ts';
import type { Executor, RunnerTraits } from '../executor.ts';
import { judgeExpectations } from './expectations/judge.ts';
import { isMissing, type HistoryProgress } from './history-sync.ts';
import { noticesAfter } from './notices/notices-after.ts';
import type { Job, JobStatus } from '../job.ts';
import {
  adoptStarted,
  applyEnd,
  applyObservations,
  sendStops,
  requestDueStops,
} from './apply-observations.ts';
import { runsBeyondLimits } from './retention.ts';
import { cancelled, ended, lost } from './run-state.ts';
import type { NoticeAnswer } from '../notices/due.ts';
import type { Notice, NoticeHome } from '../notices/notice.ts';
import {
  isActive,
  isOngoing,
  type ClosedStretch,
  type Correction,
  type Run,
  type RunEnd,
  type RunObservation,
  type SlotRecord,
} from '../run.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { isSuspended, resumesAt } from '../schedule/suspension.ts';
import { wakeForDays } from './slots/excluded.ts';
import { followEnds, isAwaited, numberEnds } from './related/after.ts';
import type { Followers, Predecessor } from './related/ends.ts';
import type { GroupStanding } from './related/group.ts';
import { startWaitingRuns, type Waiting } from './start.ts';
import { endStatus, invalidStatus, sameStatus, statusAfter } from './status.ts';
import { adoptLateStarts } from './late-start.ts';

export interface Evaluation {
  job: Job;
  schedule: Schedule;
  /** The ledger’s runs of the job: all active runs, and the finished runs that it still shows. */
  runs: readonly Run[];
  observations: readonly RunObservation[];
  /** Slots that the ledger records as not run. Set if a runner may start a run before the ledger records it. */
  closed?: readonly ClosedStretch[];
  /** What is recorded of past slots; undefined while it is not known, and a new backfill waits. */
  past?: PastSlots | undefined;
  now: number;
  /** The setting of the clock that `now` comes from. */
  clock: ClockReading;
  /** When this process began to evaluate, milliseconds. An earlier slot without a record was missed. */
  evaluatingSince: number;
  /** Whether the ledger did not take the changes of the job’s last evaluation. */
  ledgerFailed?: boolean;
  /** How many more runs the job’s runner can start now. */
  capacity: number;
  /** Traits of the executor’s runner; NO_RUNNER if this process has none. */
  traitsOf: (executor: Executor) => RunnerTraits;
  /** Host of the processes that start now; undefined on the local platform, which has one host. */
  host?: string;
  /** Undefined if no team history is configured. */
  history?: HistoryProgress;
  /** The notices of this home; undefined if it has no rule for jobs without rules of their own. */
  notices?: NoticeHome;
  /** Undefined for a job without a concurrency group. */
  group?: GroupStanding;
  /** The jobs of spec.after. */
  after?: readonly Predecessor[];
  /** Undefined if no job follows this one. */
  followers?: Followers;
}

/** The changes of one evaluation. The ledger commits all of them or none. */
export interface LedgerChange {
  /** New and changed runs, each complete. */
  runs: Run[];
  slots: SlotRecord[];
  /** Slots that ran although the ledger records them as not run; only if the evaluation has `closed`. */
  corrections?: Correction[];
  /** Names of finished runs beyond the history limits: the ledger stops showing them, a store keeps their records. */
  forget: string[];
  /** The new status; undefined if it equals the recorded one. */
  status?: JobStatus;
  /** Notices that became due. The ledger keeps each until its channels have it. */
  notices?: Notice[];
  /** Ids of notices that the ledger need not keep any more. */
  delivered?: readonly string[];
}

export interface Decision extends Waiting {
  actions: Action[];
  change: LedgerChange;
  events: JobEvent[];
  /** When to evaluate again if no change comes earlier, milliseconds; Infinity for never. */
  wakeAt: number;
}

/** The order of the steps matters: ends precede due slots, so that a run that just ended does not forbid the next. */
export function decide(evaluation: Evaluation): Decision {
  const { now, evaluatingSince, ledgerFailed } = evaluation;
  const stepped = afterStep(evaluation.job, evaluation);
  const { job, jumpedOver } = stepped;
  const draft = newDraft({ ...evaluation, stepped });
  const schedule = evaluation.schedule.under(draft.clockEffect);
  const started = adoptStarted(draft, evaluation.observations);
  adoptLateStarts(draft, evaluation.observations, { schedule, closed: evaluation.closed ?? [] });
  applyObservations(draft, evaluation.observations);
  requestDueStops(draft);
  admitSlots(draft, owed(job, schedule, { now, evaluatingSince, started, ledgerFailed, jumpedOver }));
  const lastHandledTrigger = admitTrigger(draft);
  const followed = followEnds(draft);
  followBackfill(draft, evaluation);
  // Again, for the run that admitTrigger added: a run that the user stopped before this evaluation never starts.
  requestDueStops(draft);
  sendStops(draft);
  const waiting = startWaitingRuns(draft, evaluation);
  numberEnds(draft);
  const nextScheduleAt = schedule.next(Math.max(now, draft.accountedUntil));
  wakeForSlotsAndTimeouts(draft, nextScheduleAt);
  if (!isSuspended(job.spec, now)) wakeBy(draft, wakeForDays(schedule, draft.accountedUntil, now));
  const { history, job: recorded } = evaluation;
  const expectations = judgeExpectations(draft, schedule);
  const due = noticesAfter(draft, evaluation.notices);
  const calendars = job.spec.calendars && schedule.limits?.rules.shown(now / 1000);
  const { hasIntervals } = schedule;
  const next = { nextScheduleAt, hasIntervals, calendars };
  const outlook = { ...next, lastHandledTrigger, history, expectations, notices: due.memory, followed };
  const status = statusAfter(draft, outlook);
  const { followers } = evaluation;
  return decision(draft, {
    recorded,
    status,
    ...waiting,
    history,
    followers,
    ...owedNotices(evaluation, due),
  });
}

/** Decides about a job whose spec is invalid: running runs may end, no run starts, and the job waits for an edit. */
export function decideInvalid(evaluation: Omit<Evaluation, 'schedule'>, problem: LshError): Decision {
  const stepped = afterStep(evaluation.job, evaluation);
  const draft = newDraft({ ...evaluation, stepped });
  applyObservations(draft, evaluation.observations, evaluation.closed);
  requestDueStops(draft);
  sendStops(draft);
  wakeForTimeouts(draft);
  const isReported =
    evaluation.job.status?.phase === 'Invalid' &&
    evaluation.job.status.observedGeneration === evaluation.job.generation;
  if (!isReported) draft.events.push({ kind: 'InvalidSpec', problem });
  numberEnds(draft);
  const { history, followers, job: recorded } = evaluation;
  const expectations = judgeExpectations(draft, undefined);
  const due = noticesAfter(draft, evaluation.notices);
  const status = { ...invalidStatus(draft, problem, { history, expectations }), notices: due.memory };
  const owed = owedNotices(evaluation, due);
  return decision(draft, { recorded, status, waitsForCapacity: false, history, followers, ...owed });
}

/**
 * Records the end of a run while another process leads, with its retry and the totals. The leader hears of the change
 * and decides everything else.
 */
export function decideEnd(
  { job, notices: home, ...known }: Pick<Evaluation, EndFacts>,
  end: RunEnd,
): Pick<Decision, 'change' | 'events'> {
  const draft = newDraft({ ...known, stepped: { job, byMs: 0 } });
  applyEnd(draft, end);
  numberEnds(draft);
  const { notices, memory } = noticesAfter(draft, home);
  const status = job.status && { ...endStatus(draft, job.status), notices: memory };
  const change = { runs: changedRuns(draft), slots: [], forget: [], status };
  return { change: { ...change, ...(notices.length > 0 && { notices }) }, events: draft.events };
}

type EndFacts = 'job' | 'runs' | 'now' | 'clock' | 'traitsOf' | 'host' | 'notices';

/** Decides about a job that is being deleted: running runs may end, and no run starts. */
export function decideTerminating(evaluation: Omit<Evaluation, 'schedule'>): Decision {
  const stepped = afterStep(evaluation.job, evaluation);
  const draft = newDraft({ ...evaluation, stepped });
  applyObservations(draft, evaluation.observations, evaluation.closed);
  for (const run of activeRuns(draft)) if (run.phase === 'Created') requestStop(draft, run, 'JobRemoved');
  requestDueStops(draft);
  sendStops(draft);
  wakeForTimeouts(draft);
  numberEnds(draft);
  const { history, followers, job: recorded } = evaluation;
  const due = noticesAfter(draft, evaluation.notices);
  const status = statusAfter(draft, {
    nextScheduleAt: undefined,
    hasIntervals: false,
    expectations: undefined,
    lastHandledTrigger: recorded.status?.lastHandledTrigger,
    history,
    notices: due.memory,
    followed: recorded.status?.after,
  });
  const owed = owedNotices(evaluation, due);
  return decision(draft, { recorded, status, waitsForCapacity: false, history, followers, ...owed });
}

/** Decides about a removed job: stops its active runs and records their ends. Finished runs stay recorded. */
export function decideRemoved(
  runs: readonly Run[],
  observations: readonly RunObservation[],
  now: number,
): Decision {
  const observed = new Map(observations.map((observation) => [observation.name, observation]));
  const changed = runs
    .filter(isActive)
    .map((run) => endedByRemoval(run, observed.get(run.name), now))
    .filter((run) => run !== undefined);
  const after = new Map([...runs, ...changed].map((run) => [run.name, run]));
  const actions: Action[] = [...after.values()]
    .filter(isActive)
    .map((run) => ({ kind: 'Stop', run, cause: run.stopCause ?? 'JobRemoved', graceMs: REMOVED_GRACE_MS }));
  for (const observation of observations) {
    const { name } = observation;
    const run = after.get(name);
    if (!isOngoing(observation) && (run === undefined || !isActive(run)))
      actions.push({ kind: 'Release', name });
  }
  return {
    actions,
    change: { runs: changed, slots: [], forget: [] },
    events: [],
    wakeAt: Infinity,
    waitsForCapacity: false,
  };
}

/** Stands in for terminationGracePeriodSeconds, which is gone with the spec. */
const REMOVED_GRACE_MS = 10_000;

/** Returns the next state of an active run of a removed job; undefined while its stop is under way. */
function endedByRemoval(run: Run, observed: RunObservation | undefined, now: number): Run | undefined {
  if (run.phase === 'Created') return cancelled(run, 'JobRemoved', now);
  if (observed?.state === 'Ended') return ended(run, observed);
  if (observed === undefined || !isOngoing(observed)) return lost({ ...run, stopCause: 'JobRemoved' }, now);
  return run.stopCause === undefined ? { ...run, stopCause: 'JobRemoved' } : undefined;
}

function wakeForSlotsAndTimeouts(draft: Draft, nextScheduleAt: number | undefined): void {
  const { job, now } = draft;
  if (isSuspended(job.spec, now)) wakeBy(draft, resumesAt(job.spec));
  else if (nextScheduleAt !== undefined) wakeBy(draft, nextScheduleAt);
  wakeForTimeouts(draft);
}

function wakeForTimeouts(draft: Draft): void {
  for (const run of draft.runs.values()) {
    if (run.phase !== 'Running' || run.stopCause !== undefined) continue;
    wakeBy(draft, timeoutAt(draft, run) ?? Infinity);
  }
}

/** What the ledger records of notices: nothing for most evaluations. */
function owedNotices(
  { notices: { delivered = [] } = { rules: [] } }: Pick<Evaluation, 'notices'>,
  { notices }: NoticeAnswer,
): Pick<LedgerChange, 'notices' | 'delivered'> {
  return { ...(notices.length > 0 && { notices }), ...(delivered.length > 0 && { delivered }) };
}

interface Outcome extends Waiting, Pick<LedgerChange, 'notices' | 'delivered'> {
  /** The job before the evaluation. */
  recorded: Job;
  status: JobStatus;
  history: HistoryProgress | undefined;
  followers: Followers | undefined;
}

function decision(
  draft: Draft,
  { recorded, status, waitsForCapacity, waitsForGroup, history, followers, ...notices }: Outcome,
): Decision {
  const runs = [...draft.runs.values()];
  const isUnsynced = (run: Run) =>
    (history !== undefined && isMissing(history, draft, run)) || isAwaited(run, followers);
  const { now } = draft;
  const forget = runsBeyondLimits(draft.job.spec, runs, { now, isUnsynced }).map(({ name }) => name);
  removeLeftovers(draft, forget);
  return {
    actions: draft.actions,
    change: {
      runs: changedRuns(draft),
      slots: draft.slots,
      ...(draft.corrections.length > 0 && { corrections: draft.corrections }),
      forget,
      status: sameStatus(recorded.status, status) ? undefined : status,
      ...notices,
    },
    events: draft.events,
    wakeAt: draft.wakeAt,
    waitsForCapacity,
    ...(waitsForGroup !== undefined && { waitsForGroup }),
  };
}

/**
 * Removes the Kubernetes Jobs and logs of runs beyond the history limits, even if the team’s history lacks the run:
 * it needs the record alone, and Jobs that wait for an outage to end would fill quotas. A Job is removed again at each
 * evaluation, because the process that was to delete it may have crashed; a log is removed once.
 */
function removeLeftovers(
  { job: { spec }, now, runs, changed, actions, traitsOf }: Draft,
  forget: readonly string[],
): void {
  const unchanged = [...runs.values()].filter(({ name }) => !changed.has(name));
  const beyondBefore = new Set(runsBeyondLimits(spec, unchanged, { now }));
  for (const run of runsBeyondLimits(spec, [...runs.values()], { now })) {
    const { name, executor } = run;
    if (traitsOf(executor).leavesObject || !beyondBefore.has(run) || forget.includes(name))
      actions.push({ kind: 'Remove', name, executor });
  }
}
