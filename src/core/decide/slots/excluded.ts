// The slots of days that the schedule leaves out: recorded as Excluded, a day at a time. A day is recorded once its
// last slot is over, so a job of each second has one record for it.
import type { Schedule } from '../../schedule/schedule.ts';
import type { LimitedSchedule } from '../../schedule/days/limited-schedule.ts';
import type { Run } from '../../run.ts';
import { LATE_AFTER_MS, stretches, type Moment, type Owed } from './owed.ts';

/** Adds the Excluded slots after `cursor` to what is owed, and moves its cursor past the days that are over. */
export function withExcluded(
  owed: Owed,
  limits: LimitedSchedule,
  { cursor, now, isWaiting }: { cursor: number; now: number; isWaiting: boolean },
): Owed {
  const until = isWaiting ? owed.accountedUntil : recordedUntil(limits, owed.accountedUntil, now);
  const excluded = limits
    .taken(cursor, until)
    .flatMap(({ by, ...span }) =>
      stretches(limits.all, span, owed.catchUp, { outcome: 'Excluded', cause: by }),
    );
  if (excluded.length === 0) return owed;
  return {
    ...owed,
    dropped: [...owed.dropped, ...excluded].sort((a, b) => a.from - b.from),
    accountedUntil: until,
  };
}

/** The newest slot up to now, unless slots of its left-out day are still to come: then the newest before that day. */
function recordedUntil({ all, rules }: LimitedSchedule, accountedUntil: number, now: number): number {
  const newest = all.previous(now, accountedUntil);
  if (newest === undefined) return accountedUntil;
  const later = all.next(newest);
  const isOver = later === undefined || later >= rules.dayEnd(newest / 1000) * 1000;
  if (isOver) return newest;
  return all.previous(rules.dayStart(newest / 1000) * 1000 - 1, accountedUntil) ?? accountedUntil;
}

/**
 * Whether late slots wait until a left-out day is over: on such a day lsh makes up for no slot of the days before.
 * A run that exists already is accounted for at once.
 */
export function waitsForDay(schedule: Schedule, { now, started }: Pick<Moment, 'now' | 'started'>): boolean {
  return started.length === 0 && schedule.limits?.takenBy(now) !== undefined;
}

/**
 * When a waiting run of a slot may start, if today is left out: once the day is over. Its jitter, its queue or its group
 * may have kept it past midnight. A run on time starts; so do manual runs and retries. Undefined for no wait.
 */
export function heldUntil(
  { limits }: Pick<Schedule, 'limits'>,
  { slot, trigger, attempt, firstAttempt = 1 }: Pick<Run, 'slot' | 'trigger' | 'attempt' | 'firstAttempt'>,
  now: number,
): number | undefined {
  if (limits === undefined || trigger === 'Manual' || attempt > firstAttempt || now - slot <= LATE_AFTER_MS)
    return undefined;
  if (limits.takenBy(now) === undefined) return undefined;
  return limits.rules.dayEnd(Math.floor(now / 1000)) * 1000;
}

/** When the left-out days need an evaluation: at the last slot of the next one, and where late slots wait for its end. */
export function wakeForDays(schedule: Schedule, accountedUntil: number, now: number): number {
  const { limits } = schedule;
  if (limits === undefined) return Infinity;
  const { all, rules } = limits;
  const late = waitsForDay(schedule, { now, started: [] }) && schedule.previous(now, accountedUntil);
  const free = late ? rules.dayEnd(Math.floor(now / 1000)) * 1000 : Infinity;
  const next = all.next(now);
  if (next === undefined || limits.takenBy(next) === undefined) return free;
  return Math.min(free, all.previous(rules.dayEnd(next / 1000) * 1000 - 1, next - 1) ?? Infinity);
}
