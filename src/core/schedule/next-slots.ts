// The next slots as `add` and `apply` show them, in both homes.
import type { CalendarLookup } from './days/day-rules.ts';
import { jobSchedule, scheduleInput } from './job-schedule.ts';
import { scheduleNotes } from './notes.ts';
import type { ClockEffect, Job } from '../job.ts';
import { takenInstant } from './one-shot.ts';
import { zonedInstant } from './zone/zoned-instant.ts';
import { isSuspended } from './suspension.ts';

const SLOTS_SHOWN = 3;

/** The future of a job as its author sees it after a change. */
export interface Outlook {
  next: string[];
  notes: string[];
}

export interface OutlookOptions {
  /** What steps of the clock did to the schedule. */
  effect?: ClockEffect | undefined;
  calendars?: CalendarLookup | undefined;
}

/** Next slots and notes of a job. Throws SCHEDULE_INVALID or TIMEZONE_INVALID. */
export function outlook(
  job: Pick<Job, 'key' | 'spec' | 'createdAt'>,
  now: number,
  { effect, calendars }: OutlookOptions = {},
): Outlook {
  const taken = takenInstant(job.spec, jobSchedule(job, { calendars }).limits, now);
  return {
    next: nextSlots(job, now, { effect, calendars }),
    notes: [...(taken === undefined ? [] : [taken]), ...scheduleNotes(scheduleInput(job), now)],
  };
}

/** At most three slots after `now` (milliseconds), RFC 3339 with the offset of the job’s zone; none while suspended. */
export function nextSlots(
  job: Pick<Job, 'key' | 'spec' | 'createdAt'>,
  now: number,
  { effect, calendars }: OutlookOptions = {},
): string[] {
  if (isSuspended(job.spec, now)) return [];
  const schedule = jobSchedule(job, { calendars }).under(effect);
  const slots: string[] = [];
  let slot = schedule.next(now);
  while (slot !== undefined && slots.length < SLOTS_SHOWN) {
    slots.push(zonedInstant(slot, job.spec.timeZone));
    slot = schedule.next(slot);
  }
  return slots;
}
