// One step of the backfill of a job: takes in a request, and adds the runs of its next slots. The slots that are due come
// first: a backfill adds a run only where no other run of the job has to wait for it.
import { newRun } from '../admit.ts';
import { activeRuns, put, requestStop, wakeBy, type Draft } from '../draft.ts';
import { scheduleFingerprint } from '../due.ts';
import { LshError } from '../../errors.ts';
import { slotRunName } from '../../naming.ts';
import { isUnderWay, type Run } from '../../run.ts';
import type { Schedule } from '../../schedule/schedule.ts';
import { isSuspended } from '../../schedule/suspension.ts';
import {
  isRunning,
  withRange,
  type Backfill,
  type BackfillRequest,
  type PendingSlots,
  type SlotRange,
} from '../../backfill/backfill.ts';
import { pastSchedule, planBackfill, slotsOfRange, type PastSlots } from '../../backfill/plan.ts';

interface Known {
  schedule: Schedule;
  past?: PastSlots | undefined;
}

interface Records {
  schedule: Schedule;
  past: PastSlots;
}

/** Call it once the slots that are due have their runs. */
export function followBackfill(draft: Draft, known: Known): void {
  const { job } = draft;
  if (job.backfill === undefined && draft.backfill === undefined) return;
  const schedule = pastSchedule(known.schedule, job);
  takeStarted(draft, schedule);
  if (isRunning(draft.backfill)) {
    if (job.backfill?.id !== draft.backfill.id) cancel(draft, 'A user cancelled it.');
    else if (hasOtherSchedule(draft)) cancel(draft, 'The schedule of the job changed.');
  }
  const isNew = job.backfill !== undefined && job.backfill.id !== draft.backfill?.id;
  if (isNew && known.past !== undefined) accept(draft, job.backfill!, { schedule, past: known.past });
  else addRuns(draft, schedule);
  completeOnceDone(draft);
}

/** A changed schedule has other slots, which no one has asked for. */
function hasOtherSchedule({ job }: Draft): boolean {
  return job.status !== undefined && job.status.observedSchedule !== scheduleFingerprint(job.spec);
}

/** Runs that are under way end; those that wait do not start. */
function cancel(draft: Draft, message: string): void {
  const { id } = draft.backfill!;
  for (const run of ownRuns(draft, id)) if (!isUnderWay(run)) requestStop(draft, run, 'StoppedByUser');
  end(draft, { ...draft.backfill!, phase: 'Cancelled', message });
}

/** Remembers the range up to where the backfill came: the ledger forgets the runs of its slots. */
function end(draft: Draft, ended: Backfill): void {
  const { from, to, failedOnly, pending } = ended;
  const reached = Math.min(to, (pending[0]?.from ?? Infinity) - 1);
  if (!failedOnly && reached >= from)
    draft.backfilled = withRange(draft.backfilled ?? [], { from, to: reached });
  draft.backfill = { ...ended, finishedAt: draft.now };
  draft.events.push({ kind: 'BackfillEnded', backfill: draft.backfill });
}

function ownRuns(draft: Draft, id: string): Run[] {
  return activeRuns(draft).filter((run) => run.trigger === 'Backfill' && run.triggerId === id);
}

/**
 * The next evaluation adds the first run: a process that crashes after a start leaves a record of the backfill that the
 * run belongs to, even if the user withdraws the request meanwhile.
 */
function accept(draft: Draft, request: BackfillRequest, known: Records): void {
  draft.backfill = accepted(draft, request, known);
  if (isRunning(draft.backfill)) {
    draft.events.push({ kind: 'BackfillStarted', backfill: draft.backfill });
    wakeBy(draft, draft.now);
  } else draft.events.push({ kind: 'BackfillEnded', backfill: draft.backfill });
}

function accepted(
  draft: Draft,
  { problem, ...request }: BackfillRequest,
  { schedule, past }: Records,
): Backfill {
  const { job, now, accountedUntil } = draft;
  // A later slot that the schedule leaves without a run is none of this backfill.
  const to = Math.min(request.to, accountedUntil);
  const base = { ...request, to, slots: 0, completed: 0, failed: 0, pending: [], startedAt: now };
  try {
    const slots = slotsOfRange(job.name, schedule, { ...request, ...(problem !== undefined && { problem }) });
    const { backfilled = [] } = draft;
    const planned = { name: job.name, createdAt: job.createdAt, accountedUntil, backfilled };
    const plan = planBackfill(planned, slots, {
      failedOnly: request.failedOnly,
      past: withDraft(past, draft),
    });
    return { ...base, phase: 'Running', slots: plan.slots.length, pending: plan.pending };
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    return { ...base, phase: 'Refused', message: String(error.fields.detail), finishedAt: now };
  }
}

/** With what this evaluation found: the slots that were due, and the ends of runs. */
function withDraft({ closed, runs, ...past }: PastSlots, draft: Draft): PastSlots {
  return {
    ...past,
    closed: [...closed, ...draft.slots.filter(({ outcome }) => outcome !== 'Ran')],
    runs: [...runs, ...draft.runs.values()],
  };
}

/** Takes slots off the list whose runs exist: a process started them and crashed before its record. */
function takeStarted(draft: Draft, schedule: Schedule): void {
  for (let { backfill } = draft; backfill?.pending[0] !== undefined; { backfill } = draft) {
    if (!hasStarted(draft, backfill.pending[0])) return;
    draft.backfill = { ...backfill, pending: withoutHead(backfill.pending, schedule) };
  }
}

function hasStarted(draft: Draft, { from: slot, attempt = 1 }: PendingSlots): boolean {
  if (attempt === 1 && isBackfilled(draft, slot)) return true;
  return draft.runs.has(slotRunName(draft.job.name, slot, attempt));
}

function withoutHead([head, ...rest]: readonly PendingSlots[], schedule: Schedule): PendingSlots[] {
  if (head === undefined || head.count === 1) return rest;
  const next = schedule.next(head.from);
  return next === undefined || next > head.to
    ? rest
    : [{ from: next, to: head.to, count: head.count - 1 }, ...rest];
}

function addRuns(draft: Draft, schedule: Schedule): void {
  for (let free = freePlaces(draft); free > 0 && isRunning(draft.backfill); free--) {
    const { backfill } = draft;
    const [head] = backfill.pending;
    if (head === undefined) return;
    put(draft, runOf(draft, head, backfill));
    draft.backfill = { ...backfill, pending: withoutHead(backfill.pending, schedule) };
    takeStarted(draft, schedule);
  }
}

/** How many runs the backfill may add now. Only Allow lets runs overlap. */
function freePlaces(draft: Draft): number {
  const { job, now, backfill } = draft;
  if (!isRunning(backfill) || isSuspended(job.spec, now)) return 0;
  const active = activeRuns(draft);
  if (job.spec.concurrencyPolicy !== 'Allow') return active.length === 0 ? 1 : 0;
  return backfill.parallel - active.filter(({ trigger }) => trigger === 'Backfill').length;
}

function runOf(draft: Draft, { from: slot, attempt }: PendingSlots, { id, requestedBy }: Backfill): Run {
  const run = newRun(draft, {
    name: slotRunName(draft.job.name, slot, attempt ?? 1),
    trigger: 'Backfill',
    slot,
    startAfter: draft.now,
    triggerId: id,
    ...(requestedBy !== undefined && { requestedBy }),
  });
  return attempt === undefined ? run : { ...run, attempt, firstAttempt: attempt };
}

function completeOnceDone(draft: Draft): void {
  const { backfill } = draft;
  if (!isRunning(backfill) || backfill.pending.length > 0 || ownRuns(draft, backfill.id).length > 0) return;
  end(draft, { ...backfill, phase: 'Completed' });
}

/**
 * Whether an observed run of a backfill is not recorded: a process started it and crashed before its record, or its start was
 * delayed until another backfill had taken the place of its own.
 */
export function isOwedBackfill(draft: Draft, { triggerId, slot, attempt }: Run): boolean {
  const { backfill } = draft;
  if (attempt === 1 && isBackfilled(draft, slot)) return false;
  if (backfill?.id !== triggerId) return attempt === 1 && !covers(backfill, slot);
  return backfill!.pending.some(
    (pending) => pending.from <= slot && slot <= pending.to && attempt === (pending.attempt ?? 1),
  );
}

/** Every recorded run of an earlier backfill lies in a range that has had its backfill. */
function isBackfilled({ backfilled = [] }: Draft, slot: number): boolean {
  return backfilled.some((range) => covers(range, slot));
}

function covers(range: SlotRange | undefined, slot: number): boolean {
  return range !== undefined && range.from <= slot && slot <= range.to;
}

/** Remembers the slot of an adopted run: its backfill may have ended before it came to the slot. */
export function noteAdopted(draft: Draft, { trigger, slot, attempt }: Run): void {
  if (trigger !== 'Backfill' || attempt > 1) return;
  draft.backfilled = withRange(draft.backfilled ?? [], { from: slot, to: slot });
}
