// Computes the slots that are owed at `now` from recorded facts and the clock. A late or lost timer loses no slot.
import type { Job } from '../job.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { SlotCause } from '../run.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { isSuspended, resumesAt } from '../schedule/suspension.ts';
import { waitsForDay, withExcluded } from './slots/excluded.ts';
import { LATE_AFTER_MS, stretches, type Moment, type Owed, type Span, type Verdict } from './slots/owed.ts';

/** Returns a fingerprint of every field that determines the slots. Each cursor belongs to one fingerprint. */
export function scheduleFingerprint(spec: JobSpec): string {
  const expressions = spec.schedules ?? [spec.schedule ?? spec.at];
  const { exceptDates, calendars } = spec;
  const days = exceptDates || calendars ? [JSON.stringify([exceptDates, calendars])] : [];
  return [spec.timeZone, spec.notBefore ?? '', spec.notAfter ?? '', ...expressions, ...days].join('|');
}

/** Returns the cursor at the start of an evaluation, adjusted for edits of the schedule. */
export function cursor(job: Job, now: number): number {
  const { status } = job;
  if (status === undefined) return job.createdAt;
  // A new schedule owes no slot from before its edit.
  if (status.observedSchedule !== scheduleFingerprint(job.spec)) {
    return Math.max(status.accountedUntil, job.specChangedAt ?? now);
  }
  return status.accountedUntil;
}

/** Sorts every slot between the cursor and now: it runs, or it is recorded as not run. */
export function owed(job: Job, schedule: Schedule, moment: Moment): Owed {
  const from: Owed = { catchUp: [], dropped: [], accountedUntil: cursor(job, moment.now) };
  const { limits } = schedule;
  if (limits === undefined) return owedSlots(job, schedule, from, moment);
  const found = owedSlots(job, schedule, from, moment);
  const isWaiting =
    isSuspended(job.spec, moment.now) || schedule.previous(moment.now, found.accountedUntil) !== undefined;
  return withExcluded(found, limits, { cursor: from.accountedUntil, now: moment.now, isWaiting });
}

function owedSlots(job: Job, schedule: Schedule, from: Owed, moment: Moment): Owed {
  if (isSuspended(job.spec, moment.now)) return owedWhileSuspended(schedule, from, moment);
  const resumed = dropSuspended(job, schedule, from, moment);
  const newest = schedule.previous(moment.now, resumed.accountedUntil);
  if (newest === undefined) return resumed;
  const found = classifySlots(job.spec, schedule, resumed, { ...moment, newest });
  if (found.onTime === undefined && waitsForDay(schedule, moment)) return resumed;
  return { ...found, accountedUntil: newest };
}

/** A suspended job owes no run. A run that started before its record failed still gets its slot accounted for. */
function owedWhileSuspended(schedule: Schedule, owed: Owed, { started }: Moment): Owed {
  const newest = started.at(-1);
  if (newest === undefined) return owed;
  const span = { after: owed.accountedUntil, until: newest };
  return {
    ...owed,
    catchUp: [...started],
    dropped: stretches(schedule, span, started, SUSPENDED),
    accountedUntil: newest,
  };
}

/** Records the slots that passed during a suspension, once the job has resumed. */
function dropSuspended(job: Job, schedule: Schedule, owed: Owed, { now, started }: Moment): Owed {
  if (job.status?.phase !== 'Suspended') return owed;
  const resumedAt = Math.min(resumeOf(job, now), (started[0] ?? Infinity) - 1);
  if (resumedAt <= owed.accountedUntil) return owed;
  return {
    ...owed,
    dropped: stretches(schedule, { after: owed.accountedUntil, until: resumedAt }, [], SUSPENDED),
    accountedUntil: resumedAt,
  };
}

/** The last instant of the suspension: a slot at resumeAt itself runs. */
function resumeOf({ spec, specChangedAt = Infinity }: Job, now: number): number {
  return spec.suspend ? Math.min(resumesAt(spec) - 1, now) : Math.min(specChangedAt, now);
}

/** The verdicts of this file name one of SLOT_CAUSES. */
type KnownVerdict = Verdict & { cause: SlotCause };
const SUSPENDED: KnownVerdict = { outcome: 'Suspended', cause: 'Suspended' };
const EXPIRED: KnownVerdict = { outcome: 'DeadlineExceeded', cause: 'StartingDeadline' };
const NOT_EVALUATED: KnownVerdict = { outcome: 'Missed', cause: 'NotEvaluated' };
const EVALUATED_LATE: KnownVerdict = { outcome: 'Missed', cause: 'EvaluatedLate' };
const LEDGER_FAILED: KnownVerdict = { outcome: 'Missed', cause: 'LedgerFailed' };

function classifySlots(
  spec: JobSpec,
  schedule: Schedule,
  owed: Owed,
  moment: Moment & { newest: number },
): Owed {
  const { now, newest, started, jumpedOver } = moment;
  const after = owed.accountedUntil;
  const deadlineMs =
    spec.startingDeadlineSeconds === undefined ? Infinity : spec.startingDeadlineSeconds * 1000;
  // A start after `now` means that the clock was set back since: this process has evaluated all along.
  const evaluatingFrom =
    moment.evaluatingSince > now ? -Infinity : moment.evaluatingSince - lengthOf(jumpedOver);
  const onTimeFrom = Math.max(evaluatingFrom, now - Math.min(LATE_AFTER_MS, deadlineMs));
  const isOnTime = newest >= onTimeFrom && newest > (jumpedOver?.until ?? -Infinity);
  // Each span ends one millisecond before the next span begins.
  const late = isOnTime ? newest - 1 : newest;
  const expired = clamp(Math.ceil(now - deadlineMs) - 1, after, late);
  const away = clamp(Math.ceil(evaluatingFrom) - 1, expired, late);
  const held = moment.ledgerFailed ? LEDGER_FAILED : EVALUATED_LATE;
  const policySlots = newestSlots(schedule, { after: expired, until: late }, catchUpLimit(spec, isOnTime));
  const catchUp = [...new Set([...policySlots, ...started.filter((slot) => slot <= late)])].sort(
    (a, b) => a - b,
  );
  return {
    ...owed,
    ...(isOnTime && { onTime: newest }),
    catchUp,
    dropped: [
      ...owed.dropped,
      ...[
        ...aroundJump(jumpedOver, { after, until: expired }, EXPIRED),
        ...aroundJump(jumpedOver, { after: expired, until: away }, NOT_EVALUATED),
        ...aroundJump(jumpedOver, { after: away, until: late }, held),
      ].flatMap(({ span, verdict }) => stretches(schedule, span, catchUp, verdict)),
    ],
  };
}

/** The start of the process moved with the clock; the slots before the jump are of the clock before. */
function lengthOf(jump: Span | undefined): number {
  return jump === undefined ? 0 : jump.until - jump.after;
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(value, max));
}

/** Splits the span at the instants that the clock jumped over: their slots have that cause, whatever their outcome. */
function aroundJump(
  jump: Span | undefined,
  span: Span,
  verdict: Verdict,
): { span: Span; verdict: Verdict }[] {
  if (jump === undefined) return [{ span, verdict }];
  const from = clamp(jump.after, span.after, span.until);
  const to = clamp(jump.until, span.after, span.until);
  return [
    { span: { after: span.after, until: from }, verdict },
    { span: { after: from, until: to }, verdict: { ...verdict, cause: 'ClockSetAhead' } },
    { span: { after: to, until: span.until }, verdict },
  ];
}

/** The newest slots of the span, at most `limit`, oldest first. */
function newestSlots(schedule: Schedule, { after, until }: Span, limit: number): number[] {
  const slots: number[] = [];
  let before = until;
  while (slots.length < limit) {
    const slot = schedule.previous(before, after);
    if (slot === undefined) break;
    slots.push(slot);
    before = slot - 1;
  }
  return slots.toReversed();
}

/** How many late slots the policy runs. `Latest` runs none if a slot is on time: that slot is the latest. */
function catchUpLimit(spec: JobSpec, hasOnTime: boolean): number {
  return { Skip: 0, Latest: hasOnTime ? 0 : 1, All: spec.maxMissedRuns }[spec.missedRunPolicy];
}
