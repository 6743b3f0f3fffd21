// Rules for schedule, schedules and timeZone: each expression must compile and suit the platform.
import { formatDuration } from '../duration.ts';
import { LshError, type Problem } from '../errors.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { dayOfDate } from '../schedule/days/dates.ts';
import { DayRules } from '../schedule/days/day-rules.ts';
import { startMacro } from '../schedule/expression/start-macros.ts';
import { instantOfAt } from '../schedule/one-shot.ts';
import { checkExpression } from '../schedule/schedule.ts';
import { checkTimeZone } from '../schedule/zone/zone-name.ts';
import { zoneNamed } from '../schedule/zone/zone.ts';
import type { Candidate, Rule } from './candidate.ts';
import { show } from './wording.ts';

export const scheduleRules: Rule[] = [expressions, timeZone, atExists, exceptDates];

function expressions({ spec, platform, sound }: Candidate): Problem[] {
  const written: [string, string][] = [];
  if (spec.schedule !== undefined) written.push(['spec.schedule', spec.schedule]);
  if (Array.isArray(spec.schedules)) {
    written.push(
      ...spec.schedules.map((text, index): [string, string] => [`spec.schedules[${index}]`, text]),
    );
  }
  return written
    .filter(([path]) => sound(path))
    .flatMap(([path, expression]) => {
      const macro = platform === 'cluster' ? startMacro(expression) : undefined;
      if (macro !== undefined) {
        return [{ path, message: `must not be ${macro}: it needs a local daemon, and a cluster has none` }];
      }
      return problemOf(path, 'is not a schedule', () => checkExpression(expression));
    });
}

function timeZone({ spec, sound }: Candidate): Problem[] {
  const zone = spec.timeZone;
  if (zone === undefined || !sound('spec.timeZone')) return [];
  return problemOf('spec.timeZone', `must be a time zone, not ${show(zone)}`, () => checkTimeZone(zone));
}

function atExists({ spec, sound }: Candidate): Problem[] {
  if (spec.at === undefined || !sound('spec.at') || instantOfAt(spec.at, 'UTC') !== undefined) return [];
  return [{ path: 'spec.at', message: `must be a time that exists, not ${show(spec.at)}` }];
}

/**
 * Throws JOB_INVALID for a job whose one instant has passed, unless it had it before, or is on a day that the job itself
 * leaves out. Calendars can change until then. `now`: milliseconds.
 */
export function requireComing(spec: JobSpec, before: Pick<JobSpec, 'at'> | undefined, now: number): void {
  const { at, timeZone } = spec;
  const instant = at === undefined ? undefined : instantOfAt(at, timeZone);
  if (instant === undefined) return;
  if (instant > now) return requireFreeDay(spec, instant);
  if (at === before?.at) return;
  const message = `must be in the future: ${at} was ${formatDuration(now - instant)} ago`;
  throw new LshError(
    'JOB_INVALID',
    { detail: `spec.at ${message}.` },
    {
      problems: [{ path: 'spec.at', message }],
      hint: 'Give a later time, or start a job now with `lsh cron trigger NAME`.',
    },
  );
}

function requireFreeDay({ at, timeZone, exceptDates: dates = [] }: JobSpec, instant: number): void {
  const days = new DayRules({ exceptDates: dates, calendars: [] }, zoneNamed(timeZone));
  if (days.takenBy(instant / 1000) === undefined) return;
  const message = `must not name the day of spec.at, ${at} in ${timeZone}: the job would never run`;
  throw new LshError(
    'JOB_INVALID',
    { detail: `spec.exceptDates ${message}.` },
    {
      problems: [{ path: 'spec.exceptDates', message }],
      hint: 'Give another time, or take the day out of exceptDates.',
    },
  );
}

function exceptDates({ spec, sound }: Candidate): Problem[] {
  if (spec.exceptDates === undefined || !sound('spec.exceptDates')) return [];
  return spec.exceptDates.flatMap((date, index) =>
    dayOfDate(date) === undefined
      ? [{ path: `spec.exceptDates[${index}]`, message: `must be a day that exists, not ${show(date)}` }]
      : [],
  );
}

function problemOf(path: string, complaint: string, check: () => void): Problem[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    const { detail } = error.fields;
    return [{ path, message: `${complaint}${detail === undefined ? '' : `: ${detail}`}. ${error.hint}` }];
  }
}
