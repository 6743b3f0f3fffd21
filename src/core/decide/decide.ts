// The whole decision about one job, pure: what is known and what time it is go in; what to start, stop, record
// and when to look again come out. Both homes use it as it is.
import { admitSlots, admitTrigger } from './admit.ts';
import { changedRuns, newDraft, timeoutAt, wakeBy, type Action, type Draft } from './draft.ts';
import { owed } from './due.ts';
import type { JobEvent } from './events.ts';
import type { LshError } from '../errors.ts';
import type { Executor, RunnerTraits } from '../executor.ts';
import { isMissing, type HistoryProgress } from './history-sync.ts';
import type { Job, JobStatus } from '../job.ts';
import { adoptStarted, limitedUntilAt, observe, sendStops, requestDueStops } from './observe.ts';
import { beyondHistory } from './retention.ts';
import { cancelled, ended, lost } from './run-state.ts';
import {
  isActive,
  type ClosedStretch,
  type Correction,
  type Run,
  type RunObservation,
  type SlotRecord,
} from '../run.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { startWaitingRuns } from './start.ts';
import { invalidStatus, sameStatus, statusAfter } from './status.ts';
import { adoptLateStarts } from './late-start.ts';

export interface Evaluation {
  job: Job;
  schedule: Schedule;
  /** The ledger’s runs of the job: all active ones, and the finished ones it still shows. */
  runs: readonly Run[];
  observations: readonly RunObservation[];
  /** Slots that the ledger shows as not run, where a name can be started that it does not know. */
  closed?: readonly ClosedStretch[];
  now: number;
  /** Since when this process evaluates, milliseconds: slots before it fell while nobody did. */
  evaluatingSince: number;
  /** How many more runs the runner takes now. */
  capacity: number;
  /** What each executor is like; of one without a runner nothing is expected. */
  traitsOf: (executor: Executor) => RunnerTraits;
  /** Where processes started now will live; undefined where there is only one place. */
  host?: string;
  /** Undefined where no history is kept beside the ledger. */
  history?: HistoryProgress;
}

/** What one evaluation changed, to be made durable at once or not at all. */
export interface LedgerChange {
  /** Runs that are new or changed, whole. */
  runs: Run[];
  slots: SlotRecord[];
  /** Slots of earlier records that ran after all; only where `closed` was given. */
  corrections?: Correction[];
  /** Names of finished runs beyond the history limits: shown no longer, kept by the store all the same. */
  forget: string[];
  /** The new status, when it changed. */
  status?: JobStatus;
}

export interface Decision {
  actions: Action[];
  change: LedgerChange;
  events: JobEvent[];
  /** When to look again although nothing changed before; Infinity for never. */
  wakeAt: number;
  /** Something would start if the runner had room. */
  waitsForCapacity: boolean;
}

/** The order is the meaning: ends before dues, so that a run that just ended does not forbid the next. */
export function decide(evaluation: Evaluation): Decision {
  const { job, schedule, now } = evaluation;
  const draft = newDraft(evaluation);
  const started = adoptStarted(draft, evaluation.observations);
  adoptLateStarts(draft, evaluation.observations, { schedule, closed: evaluation.closed ?? [] });
  observe(draft, evaluation.observations);
  requestDueStops(draft);
  admitSlots(draft, owed(job, schedule, { now, evaluatingSince: evaluation.evaluatingSince, started }));
  const lastHandledTrigger = admitTrigger(draft);
  // What was asked for and called off before anybody looked is not started.
  requestDueStops(draft);
  sendStops(draft);
  const waitsForCapacity = startWaitingRuns(draft, evaluation);
  const nextScheduleAt = schedule.next(Math.max(now, draft.accountedUntil));
  wakeForWhatComes(draft, nextScheduleAt);
  const { history } = evaluation;
  const status = statusAfter(draft, { nextScheduleAt, lastHandledTrigger, history });
  return decision(draft, { status, waitsForCapacity, history });
}

/** A job that cannot be evaluated: what runs may end, nothing new starts, and an edit is waited for. */
export function decideInvalid(evaluation: Omit<Evaluation, 'schedule'>, problem: LshError): Decision {
  const draft = newDraft(evaluation);
  observe(draft, evaluation.observations, evaluation.closed);
  requestDueStops(draft);
  sendStops(draft);
  wakeForTimeouts(draft);
  const told =
    evaluation.job.status?.phase === 'Invalid' &&
    evaluation.job.status.observedGeneration === evaluation.job.generation;
  if (!told) draft.events.push({ kind: 'InvalidSpec', problem });
  const { history } = evaluation;
  const status = invalidStatus(draft, problem, history);
  return decision(draft, { status, waitsForCapacity: false, history });
}

/** A job that was removed: its runs are ended and their ends recorded; its history stays. */
export function decideRemoved(
  runs: readonly Run[],
  observations: readonly RunObservation[],
  now: number,
): Decision {
  const seen = new Map(observations.map((observation) => [observation.name, observation]));
  const changed = runs
    .filter(isActive)
    .map((run) => withoutJob(run, seen.get(run.name), now))
    .filter((run) => run !== undefined);
  const after = new Map([...runs, ...changed].map((run) => [run.name, run]));
  const actions: Action[] = [...after.values()]
    .filter(isActive)
    .map((run) => ({ kind: 'Stop', run, cause: run.stopCause ?? 'JobRemoved', graceMs: REMOVED_GRACE_MS }));
  for (const { name, state } of observations) {
    const run = after.get(name);
    if (state !== 'Running' && (run === undefined || !isActive(run))) actions.push({ kind: 'Release', name });
  }
  return {
    actions,
    change: { runs: changed, slots: [], forget: [] },
    events: [],
    wakeAt: Infinity,
    waitsForCapacity: false,
  };
}

/** The spec and its grace period are gone with the job. */
const REMOVED_GRACE_MS = 10_000;

/** The next state of an active run whose job is gone; undefined while it is being ended. */
function withoutJob(run: Run, seen: RunObservation | undefined, now: number): Run | undefined {
  if (run.phase === 'Created') return cancelled(run, 'JobRemoved', now);
  if (seen?.state === 'Ended') return ended(run, seen);
  if (seen?.state !== 'Running') return lost({ ...run, stopCause: 'JobRemoved' }, now);
  return run.stopCause === undefined ? { ...run, stopCause: 'JobRemoved' } : undefined;
}

function wakeForWhatComes(draft: Draft, nextScheduleAt: number | undefined): void {
  if (nextScheduleAt !== undefined && !draft.job.spec.suspend) wakeBy(draft, nextScheduleAt);
  wakeForTimeouts(draft);
}

function wakeForTimeouts(draft: Draft): void {
  for (const run of draft.runs.values()) {
    if (run.phase !== 'Running' || run.stopCause !== undefined) continue;
    wakeBy(draft, timeoutAt(draft, run) ?? Infinity);
    const limitedUntil = limitedUntilAt(draft, run) ?? 0;
    if (limitedUntil > draft.now) wakeBy(draft, limitedUntil);
  }
}

interface Outcome extends Pick<Decision, 'waitsForCapacity'> {
  status: JobStatus;
  history: HistoryProgress | undefined;
}

function decision(draft: Draft, { status, waitsForCapacity, history }: Outcome): Decision {
  const runs = [...draft.runs.values()];
  const isNeeded = (run: Run) => history !== undefined && isMissing(history, draft, run);
  const forget = beyondHistory(draft.job.spec, runs, isNeeded).map(({ name }) => name);
  removeRemains(draft, forget);
  return {
    actions: draft.actions,
    change: {
      runs: changedRuns(draft),
      slots: draft.slots,
      ...(draft.corrections.length > 0 && { corrections: draft.corrections }),
      forget,
      status: sameStatus(draft.job.status, status) ? undefined : status,
    },
    events: draft.events,
    wakeAt: draft.wakeAt,
    waitsForCapacity,
  };
}

/**
 * The record is all that the history needs: Jobs that waited for it would fill quotas and the server, logs the disk.
 * A Job is named at each evaluation, because the process that was to delete it may have ended before; a log once.
 */
function removeRemains(
  { job: { spec }, runs, changed, actions, traitsOf }: Draft,
  forget: readonly string[],
): void {
  const known = [...runs.values()].filter(({ name }) => !changed.has(name));
  const beyondBefore = new Set(beyondHistory(spec, known));
  for (const run of beyondHistory(spec, [...runs.values()])) {
    const { name, executor } = run;
    if (traitsOf(executor).leavesObject || !beyondBefore.has(run) || forget.includes(name))
      actions.push({ kind: 'Remove', name, executor });
  }
}
