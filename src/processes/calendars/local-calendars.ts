// The calendars of this user's daemon, for the command line: it writes the files, and the daemon reads them.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALENDAR_MAX_BYTES, CalendarFiles, calendarDays } from '../../calendars/calendar-files.ts';
import { LshError } from '../../core/errors.ts';
import { CALENDAR_NAME } from '../../core/spec/blocks.ts';
import type { CalendarDays } from '../../core/schedule/days/day-rules.ts';
import { calendarDirectory, pathsFromConfig } from '../local-jobs.ts';

/** A calendar as it was added or read. */
export interface NamedCalendar {
  name: string;
  content: CalendarDays | LshError;
}

/** Stores a calendar, in place of one of the same name. Throws CALENDAR_INVALID. `now`: milliseconds. */
export async function addCalendar(
  name: string,
  text: string,
  now: number,
): Promise<{ result: 'created' | 'configured' | 'unchanged'; content: CalendarDays }> {
  requireName(name);
  const isICalendar = /^\s*BEGIN:VCALENDAR/i.test(text.replace(/^\uFEFF/, ''));
  const content = await parsed(name, text, { isICalendar, now });
  const directory = calendarDirectory(pathsFromConfig());
  const [path, other] = ['.ics', '.txt'].map((ending) => join(directory, name + ending)) as [string, string];
  const [kept, replaced] = isICalendar ? [path, other] : [other, path];
  const before = textOf(kept);
  const wasOther = textOf(replaced) !== undefined;
  if (before === text && !wasOther) return { result: 'unchanged', content };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Renamed into place: the daemon never reads half a file.
  const draft = join(directory, `.${name}.${process.pid}`);
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, kept);
  rmSync(replaced, { force: true });
  return { result: before === undefined && !wasOther ? 'created' : 'configured', content };
}

async function parsed(
  name: string,
  text: string,
  { isICalendar, now }: { isICalendar: boolean; now: number },
): Promise<CalendarDays> {
  try {
    if (Buffer.byteLength(text) > CALENDAR_MAX_BYTES) throw new Error('it has more than 1 MiB');
    const content = await calendarDays(text, isICalendar, now);
    if (content.numbers.length + content.spans.length === 0) throw new Error('it names no day');
    return content;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LshError('CALENDAR_INVALID', { name, detail }, { cause: error });
  }
}

/** Every calendar, in order of names. */
export async function listCalendars(now: number): Promise<NamedCalendar[]> {
  const files = calendarFiles(now);
  const names = files.names();
  await files.refresh(names);
  return names.map((name) => {
    try {
      return { name, content: files.content(name) };
    } catch (error) {
      if (error instanceof LshError) return { name, content: error };
      throw error;
    }
  });
}

/** Throws CALENDAR_UNKNOWN, CALENDAR_INVALID. */
export async function readCalendar(name: string, now: number): Promise<CalendarDays> {
  requireName(name);
  const files = calendarFiles(now);
  await files.refresh([name]);
  return files.content(name);
}

/** Throws CALENDAR_UNKNOWN. */
export function removeCalendar(name: string): void {
  requireName(name);
  const directory = calendarDirectory(pathsFromConfig());
  const paths = ['.ics', '.txt'].map((ending) => join(directory, name + ending));
  if (paths.every((path) => textOf(path) === undefined)) throw new LshError('CALENDAR_UNKNOWN', { name });
  for (const path of paths) rmSync(path, { force: true });
}

function calendarFiles(now: number): CalendarFiles {
  return new CalendarFiles(calendarDirectory(pathsFromConfig()), () => now);
}

function requireName(name: string): void {
  if (CALENDAR_NAME.test(name)) return;
  throw new LshError('USAGE', {
    detail: `A calendar is named by lower-case letters, digits and hyphens, not "${name}".`,
  });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
