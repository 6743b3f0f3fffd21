// Which slots of a range a backfill runs. A slot runs only if it certainly had no run: it is recorded as not run, older than
// the job, or without a record where none is missing. With failedOnly, only if the last attempt of its run did not complete. Pure; a dry run calls it as well.
import { LshError } from '../errors.ts';
import type { Job } from '../job.ts';
import { slotRunName } from '../naming.ts';
import { isActive, isOfSlot, type ClosedStretch, type Run } from '../run.ts';
import { NO_EFFECT } from '../schedule/clock-effect.ts';
import type { Schedule } from '../schedule/schedule.ts';
import {
  BACKFILL_MAX_PARALLEL,
  BACKFILL_MAX_SLOTS,
  type BackfillRequest,
  type PendingSlots,
  type SlotRange,
} from './backfill.ts';

/** What is recorded of past slots. */
export interface PastSlots {
  /** Slots that are recorded as not run. */
  closed: readonly ClosedStretch[];
  runs: readonly Run[];
  /** Since this instant `runs` has a run of each slot that had one, milliseconds; undefined if it may lack some. */
  completeFrom?: number;
}

/** Why a backfill leaves a slot out. */
export const LEFT_REASONS = [
  'Ran',
  'Active', // its run has not ended
  'NoFailure', // failedOnly, and the slot had no run that failed
  'NotDue', // the schedule has still to account for it
  'NoRecord', // the ledger no longer knows whether it ran
] as const;
export type LeftReason = (typeof LEFT_REASONS)[number];

export interface PlannedSlot {
  slot: number;
  attempt: number;
  /** Name of its run. */
  run: string;
}

export interface BackfillPlan {
  /** Oldest first. */
  slots: PlannedSlot[];
  /** How many slots are left out, by reason. */
  left: Partial<Record<LeftReason, number>>;
  pending: PendingSlots[];
}

/** The slots of the past: a step of the clock takes none of them away. */
export function pastSchedule(schedule: Schedule, { status }: Pick<Job, 'status'>): Schedule {
  const effect = status?.clockEffect;
  return effect === undefined ? schedule : schedule.under({ ...NO_EFFECT, shiftMs: effect.shiftMs });
}

/** The slots of the range, oldest first. Throws BACKFILL_INVALID for a range that no backfill may have. */
export function slotsOfRange(
  name: string,
  schedule: Pick<Schedule, 'next'>,
  { from, to, parallel, problem }: Pick<BackfillRequest, 'from' | 'to' | 'parallel' | 'problem'>,
): number[] {
  const refuse = (detail: string) => new LshError('BACKFILL_INVALID', { name, detail });
  if (problem !== undefined) throw refuse(problem);
  if (from > to) throw refuse('its range ends before it begins');
  if (!(parallel >= 1 && parallel <= BACKFILL_MAX_PARALLEL))
    throw refuse(`parallel must be a number from 1 to ${BACKFILL_MAX_PARALLEL}`);
  const slots: number[] = [];
  for (let slot = schedule.next(from - 1); slot !== undefined && slot <= to; slot = schedule.next(slot)) {
    // To count the others costs as much as the range is long, and a range can end in the year 9999.
    if (slots.length === BACKFILL_MAX_SLOTS)
      throw refuse(`its range has more than ${BACKFILL_MAX_SLOTS} slots, the most of one backfill`);
    slots.push(slot);
  }
  return slots;
}

/** What the plan asks of the job: its cursor is the one after the slots that are due now. */
export type PlannedJob = Pick<Job, 'name' | 'createdAt'> & {
  accountedUntil: number;
  backfilled: readonly SlotRange[];
};

/** The plan of a request before it is recorded. Throws BACKFILL_INVALID. */
export function planOf(
  job: Pick<Job, 'name' | 'createdAt' | 'status'>,
  schedule: Schedule,
  { request, past }: { request: BackfillRequest; past: PastSlots },
): BackfillPlan {
  const { name, createdAt, status } = job;
  const { accountedUntil = createdAt, backfilled = [] } = status ?? {};
  const slots = slotsOfRange(name, pastSchedule(schedule, job), request);
  const { failedOnly } = request;
  return planBackfill({ name, createdAt, accountedUntil, backfilled }, slots, { failedOnly, past });
}

export function planBackfill(
  job: PlannedJob,
  slots: readonly number[],
  { failedOnly, past }: { failedOnly?: boolean | undefined; past: PastSlots },
): BackfillPlan {
  const lastRun = lastRuns(past.runs);
  const plan: BackfillPlan = { slots: [], left: {}, pending: [] };
  let wasPlanned = false;
  for (const slot of slots) {
    const verdict = judge(job, slot, { failedOnly, run: lastRun.get(slot), past });
    if (typeof verdict === 'string') plan.left[verdict] = (plan.left[verdict] ?? 0) + 1;
    else addTo(plan, { slot, attempt: verdict, run: slotRunName(job.name, slot, verdict) }, wasPlanned);
    wasPlanned = typeof verdict === 'number';
  }
  return plan;
}

/** The newest attempt of each slot, in the first pass of the clock over it. */
function lastRuns(runs: readonly Run[]): Map<number, Run> {
  const last = new Map<number, Run>();
  for (const run of runs) {
    if (run.pass !== undefined || !(isOfSlot(run) || run.trigger === 'Backfill')) continue;
    if (run.attempt >= (last.get(run.slot)?.attempt ?? 0)) last.set(run.slot, run);
  }
  return last;
}

interface Known {
  failedOnly: boolean | undefined;
  /** The last attempt of the slot. */
  run: Run | undefined;
  past: PastSlots;
}

/** The number of the attempt that the slot gets, or why it gets none. */
function judge(job: PlannedJob, slot: number, { failedOnly, run, past }: Known): number | LeftReason {
  if (slot > job.accountedUntil) return 'NotDue';
  if (run !== undefined) return judgeRun(run, failedOnly);
  if (failedOnly) return 'NoFailure';
  if (job.backfilled.some(({ from, to }) => from <= slot && slot <= to)) return 'Ran';
  return slot <= job.createdAt || isKnownNotRun(past, slot) ? 1 : 'NoRecord';
}

function judgeRun(run: Run, failedOnly: boolean | undefined): number | LeftReason {
  if (isActive(run)) return 'Active';
  if (!failedOnly) return 'Ran';
  return run.phase === 'Completed' ? 'NoFailure' : run.attempt + 1;
}

function isKnownNotRun(past: PastSlots, slot: number): boolean {
  return slot >= (past.completeFrom ?? Infinity) || isClosed(past, slot);
}

function isClosed({ closed }: PastSlots, slot: number): boolean {
  return closed.some(({ from, to, pass }) => pass === undefined && from <= slot && slot <= to);
}

function addTo(plan: BackfillPlan, planned: PlannedSlot, isNext: boolean): void {
  const { slot, attempt } = planned;
  plan.slots.push(planned);
  const last = plan.pending.at(-1);
  if (attempt > 1) plan.pending.push({ from: slot, to: slot, count: 1, attempt });
  else if (isNext && last !== undefined && last.attempt === undefined) {
    last.to = slot;
    last.count++;
  } else plan.pending.push({ from: slot, to: slot, count: 1 });
}
