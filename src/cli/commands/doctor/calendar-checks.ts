// The check of the calendars: a job has no slot while one of its calendars is gone or broken.
import type { JobDocument } from '../../../core/document.ts';
import { LshError } from '../../../core/errors.ts';
import { listCalendars, type NamedCalendar } from '../../../processes/calendars/local-calendars.ts';
import type { Check } from './check.ts';

const NAME = 'calendars';

/** Nothing where no calendar is, and none is asked for. `now`: milliseconds. */
export async function calendarChecks(jobs: readonly JobDocument[], now: number): Promise<Check[]> {
  const found = await listCalendars(now);
  const users = usersOf(jobs);
  const faults = [...found.flatMap(broken), ...missing(found, users)];
  if (faults.length > 0) return faults.map((fault) => failed(fault, users));
  if (found.length === 0) return [];
  return [{ name: NAME, result: 'ok', detail: found.map(({ name }) => name).join(', ') }];
}

interface Fault {
  calendar: string;
  error: LshError;
}

function broken({ name, content }: NamedCalendar): Fault[] {
  return content instanceof LshError ? [{ calendar: name, error: content }] : [];
}

function missing(found: readonly NamedCalendar[], users: ReadonlyMap<string, readonly string[]>): Fault[] {
  const names = new Set(found.map(({ name }) => name));
  return [...users.keys()]
    .filter((name) => !names.has(name))
    .map((name) => ({ calendar: name, error: new LshError('CALENDAR_UNKNOWN', { name }) }));
}

/** The names of the jobs of each calendar. */
function usersOf(jobs: readonly JobDocument[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const { metadata, spec } of jobs)
    for (const { name } of spec.calendars ?? []) users.set(name, [...(users.get(name) ?? []), metadata.name]);
  return users;
}

/** A broken calendar that no job names is only a warning. */
function failed({ calendar, error }: Fault, users: ReadonlyMap<string, readonly string[]>): Check {
  const { message, hint } = error;
  const jobs = users.get(calendar) ?? [];
  if (jobs.length === 0) return { name: NAME, result: 'warn', detail: message, hint };
  return { name: NAME, result: 'fail', detail: `${message} Jobs without slots: ${jobs.join(', ')}`, hint };
}
