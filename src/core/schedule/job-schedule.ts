// From a job to its slots: the parts of the spec that decide them.
import type { Job } from '../job.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { CalendarLookup, DayInput } from './days/day-rules.ts';
import { nextStarts, startMacro } from './expression/start-macros.ts';
import { instantOfAt } from './one-shot.ts';
import { compileSchedule, type Schedule, type ScheduleInput, type Starts } from './schedule.ts';
import { checkTimeZone } from './zone/zone-name.ts';

/** What decides the slots of a job beside its spec. */
export interface Surroundings {
  starts?: Starts;
  /** Default: no calendar is known. What it throws, jobSchedule() throws. */
  calendars?: CalendarLookup;
}

type ScheduledJob = Pick<Job, 'key' | 'spec' | 'createdAt'>;

/**
 * The schedule of a job; without `starts` its start macros have no slot. Throws SCHEDULE_INVALID or TIMEZONE_INVALID.
 */
export function jobSchedule(job: ScheduledJob, { starts, calendars }: Surroundings = {}): Schedule {
  return compileSchedule({ ...scheduleInput(job, calendars), starts });
}

/** The parts of the job that decide its slots. */
export function scheduleInput(
  { key, spec, createdAt }: ScheduledJob,
  calendars?: CalendarLookup,
): ScheduleInput {
  return {
    expressions: expressionsOf(spec),
    timeZone: spec.timeZone,
    seed: key,
    anchor: createdAt,
    notBefore: spec.notBefore === undefined ? undefined : Date.parse(spec.notBefore),
    notAfter: spec.notAfter === undefined ? undefined : Date.parse(spec.notAfter),
    at: spec.at === undefined ? undefined : instantOf(spec.at, spec.timeZone),
    days: daysOf(spec, calendars),
  };
}

/** Throws TIMEZONE_INVALID. */
function instantOf(at: string, timeZone: string): number | undefined {
  checkTimeZone(timeZone);
  return instantOfAt(at, timeZone);
}

/** Undefined for a job with slots on all days. */
function daysOf(
  { exceptDates = [], calendars = [] }: JobSpec,
  lookup: CalendarLookup | undefined,
): DayInput | undefined {
  const known = calendars.flatMap((calendar) => {
    const content = lookup?.(calendar.name);
    return content === undefined ? [] : [{ ...calendar, content }];
  });
  return exceptDates.length + known.length === 0 ? undefined : { exceptDates, calendars: known };
}

function expressionsOf({ schedule, schedules }: Pick<JobSpec, 'schedule' | 'schedules'>): readonly string[] {
  return schedules ?? (schedule === undefined ? [] : [schedule]);
}

/** `after backup (Completed) or cleanup (Failed)`; empty for a job that follows none. */
export function afterText({ after = [] }: Pick<JobSpec, 'after'>): string {
  return after.length === 0 ? '' : `after ${after.map(({ job, when }) => `${job} (${when})`).join(' or ')}`;
}

/** The starts at which the job is due next, such as `the next boot`; none once notAfter has passed. */
export function pendingStarts(
  spec: Pick<JobSpec, 'schedule' | 'schedules' | 'notAfter'>,
  now: number,
): string[] {
  if (spec.notAfter !== undefined && Date.parse(spec.notAfter) < now) return [];
  return nextStarts(expressionsOf(spec));
}

/**
 * The instant (milliseconds) from which a process that evaluates since `evaluatingSince` is on time for a job.
 * The slot of a start macro is the whole second in which the process started, so it is on time although it lies
 * before that instant; any other slot of that second fell before the process evaluated schedules.
 */
export function evaluatedSince(spec: JobSpec, evaluatingSince: number): number {
  const runsAtStart = expressionsOf(spec).some((expression) => startMacro(expression) !== undefined);
  return runsAtStart ? Math.floor(evaluatingSince / 1000) * 1000 : evaluatingSince;
}
