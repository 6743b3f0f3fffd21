// Rules for schedule, schedules and timeZone: each expression must compile and suit the platform.
import { LshError, type Problem } from '../errors.ts';
import { dayOfDate } from '../schedule/days/dates.ts';
import { startMacro } from '../schedule/expression/start-macros.ts';
import { checkExpression } from '../schedule/schedule.ts';
import { checkTimeZone } from '../schedule/zone/zone-name.ts';
import type { Candidate, Rule } from './candidate.ts';
import { show } from './wording.ts';

export const scheduleRules: Rule[] = [expressions, timeZone, exceptDates];

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
