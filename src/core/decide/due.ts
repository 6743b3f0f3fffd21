// What is owed at `now`: computed from recorded facts and the clock, never from a timer having fired.
import type { Job, JobSpec } from '../job.ts';
import type { SlotCause, SlotOutcome } from '../run.ts';
import type { Schedule } from '../schedule/schedule.ts';

/**
 * A slot that is found later than this was not evaluated in time and falls under missedRunPolicy; up to it, it
 * is merely late. One evaluation interval: the loop promises to look that often.
 */
export const LATE_AFTER_MS = 60_000;

/** A recorded instant that is further ahead than this (milliseconds) means that the clock was corrected, not that the hour is repeated (as in cron). */
export const CLOCK_CORRECTION_MS = 3 * 3_600_000;

/** Slots that share a fate, without the job and the time of recording. */
export interface Stretch {
  from: number;
  to: number;
  count: number;
  outcome: Exclude<SlotOutcome, 'Ran' | 'Forbidden'>;
  cause: SlotCause;
}

export interface Owed {
  /** Missed slots that the policy runs all the same, oldest first. */
  catchUp: number[];
  /** Slots found in time, oldest first. */
  onTime: number[];
  /** Slots that end without a run. */
  dropped: Stretch[];
  /** The cursor after all of these have their outcome. */
  accountedUntil: number;
}

/** A fingerprint of everything that decides the slots; a cursor belongs to one of these. */
export function scheduleFingerprint(spec: JobSpec): string {
  const expressions = spec.schedules ?? [spec.schedule];
  return [spec.timeZone, spec.notBefore ?? '', spec.notAfter ?? '', ...expressions].join('|');
}

/** Where the account stands before this evaluation, after edits and clock corrections. */
export function cursor(job: Job, now: number): number {
  const { status } = job;
  if (status === undefined) return job.createdAt;
  // A new schedule owes nothing for the time before it was written.
  if (status.observedSchedule !== scheduleFingerprint(job.spec)) {
    return Math.max(status.accountedUntil, job.specChangedAt ?? now);
  }
  return status.accountedUntil > now + CLOCK_CORRECTION_MS ? now : status.accountedUntil;
}

export interface Moment {
  now: number;
  /** Since when this process evaluates: slots before it fell while nobody did. */
  evaluatingSince: number;
  /** Slots whose run exists although no record of it does: they ran, whatever the policy would say now. */
  started: readonly number[];
}

/** Everything between the cursor and now, sorted into what runs and what is recorded as not run. */
export function owed(job: Job, schedule: Schedule, moment: Moment): Owed {
  const from: Owed = { catchUp: [], onTime: [], dropped: [], accountedUntil: cursor(job, moment.now) };
  if (job.spec.suspend) return onlyStarted(schedule, from, moment);
  const resumed = afterSuspension(job, schedule, from, moment);
  const newest = schedule.previous(moment.now, resumed.accountedUntil);
  if (newest === undefined) return resumed;
  return { ...sortSlots(job.spec, schedule, resumed, moment), accountedUntil: newest };
}

/** A suspended job owes nothing, but what was started before the record of it failed is still accounted for. */
function onlyStarted(schedule: Schedule, owed: Owed, { started }: Moment): Owed {
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

/** Slots that passed while the job was suspended are written down when it resumes. */
function afterSuspension(job: Job, schedule: Schedule, owed: Owed, { now, started }: Moment): Owed {
  if (job.status?.phase !== 'Suspended') return owed;
  const resumedAt = Math.min(job.specChangedAt ?? now, now, (started[0] ?? Infinity) - 1);
  if (resumedAt <= owed.accountedUntil) return owed;
  return {
    ...owed,
    dropped: stretches(schedule, { after: owed.accountedUntil, until: resumedAt }, [], SUSPENDED),
    accountedUntil: resumedAt,
  };
}

/** The slots after one instant up to and including another. */
interface Span {
  after: number;
  until: number;
}

type Fate = Pick<Stretch, 'outcome' | 'cause'>;
const SUSPENDED: Fate = { outcome: 'Suspended', cause: 'Suspended' };
const EXPIRED: Fate = { outcome: 'DeadlineExceeded', cause: 'StartingDeadline' };
const MISSED: Fate = { outcome: 'Missed', cause: 'NotEvaluated' };

function sortSlots(spec: JobSpec, schedule: Schedule, owed: Owed, moment: Moment): Owed {
  const { now, started } = moment;
  const after = owed.accountedUntil;
  const deadlineMs =
    spec.startingDeadlineSeconds === undefined ? Infinity : spec.startingDeadlineSeconds * 1000;
  // A start in the future is one before the clock was set back: this process has looked all along.
  const lookedFrom = moment.evaluatingSince > now ? -Infinity : moment.evaluatingSince;
  const onTimeFrom = Math.max(lookedFrom, now - LATE_AFTER_MS);
  // Spans end just before the first instant that belongs to the next one.
  const expired = Math.max(after, Math.ceil(now - deadlineMs) - 1);
  const late = Math.max(expired, Math.ceil(onTimeFrom) - 1);
  const onTime = slotsBetween(schedule, late, now);
  const policy = caughtUp(schedule, { after: expired, until: late }, catchUpLimit(spec, onTime.length > 0));
  const catchUp = [...new Set([...policy, ...started.filter((slot) => slot <= late)])].sort((a, b) => a - b);
  return {
    ...owed,
    onTime,
    catchUp,
    dropped: [
      ...owed.dropped,
      ...stretches(schedule, { after, until: expired }, catchUp, EXPIRED),
      ...stretches(schedule, { after: expired, until: late }, catchUp, MISSED),
    ],
  };
}

/** Which of the missed slots of the span run: the newest ones, as many as the policy says. */
function caughtUp(schedule: Schedule, { after, until }: Span, wanted: number): number[] {
  const slots: number[] = [];
  let before = until;
  while (slots.length < wanted) {
    const slot = schedule.previous(before, after);
    if (slot === undefined) break;
    slots.push(slot);
    before = slot - 1;
  }
  return slots.toReversed();
}

function catchUpLimit(spec: JobSpec, hasNewer: boolean): number {
  return { Skip: 0, Latest: hasNewer ? 0 : 1, All: spec.maxMissedRuns }[spec.missedRunPolicy];
}

function slotsBetween(schedule: Schedule, after: number, until: number): number[] {
  const slots: number[] = [];
  for (let slot = schedule.next(after); slot !== undefined && slot <= until; slot = schedule.next(slot)) {
    slots.push(slot);
  }
  return slots;
}

/** The slots of the span as stretches of one fate, interrupted where a slot runs. */
function stretches(schedule: Schedule, span: Span, running: readonly number[], fate: Fate): Stretch[] {
  const inside = running.filter((slot) => slot > span.after && slot <= span.until);
  const starts = [span.after, ...inside];
  const ends = [...inside.map((slot) => slot - 1), span.until];
  return starts.flatMap((after, i) => stretch(schedule, { after, until: ends[i] ?? after }, fate));
}

function stretch(schedule: Schedule, { after, until }: Span, fate: Fate): Stretch[] {
  if (until <= after) return [];
  const to = schedule.previous(until, after);
  const from = schedule.next(after);
  if (to === undefined || from === undefined) return [];
  return [{ from, to, count: schedule.count(after, until), ...fate }];
}
