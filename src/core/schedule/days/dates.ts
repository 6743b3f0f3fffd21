// Dates as text, and lists of days as ranges of dates: how specs, calendars and the status write days.
import { civilDate, dayNumber, monthLength } from '../calendar.ts';

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/** Day number of `2026-12-25`; undefined for other texts and for dates that do not exist. */
export function dayOfDate(text: string): number | undefined {
  const [year, month, day] = (DATE.exec(text) ?? []).slice(1).map(Number);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  if (month < 1 || month > 12 || day < 1 || day > monthLength(year, month)) return undefined;
  return dayNumber({ year, month, day });
}

/** `2026-12-25` for a day number. */
export function dateOfDay(number: number): string {
  const { year, month, day } = civilDate(number);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** The days in order as texts: `2026-12-25`, or `2026-12-24/2026-12-31` for days in a row. */
export function dateRanges(days: Iterable<number>): string[] {
  const ranges: [number, number][] = [];
  for (const day of [...new Set(days)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === day - 1) last[1] = day;
    else ranges.push([day, day]);
  }
  return ranges.map(([from, to]) => (from === to ? dateOfDay(from) : `${dateOfDay(from)}/${dateOfDay(to)}`));
}
/** The longest range that is read, in days: a hand-edited status must not fill the memory. */
const RANGE_MAX_DAYS = 3660;

/** The days of such texts; other texts give none. */
export function daysOfRanges(ranges: readonly string[]): number[] {
  return ranges.flatMap((range) => {
    const [from, to = from] = range.split('/').map(dayOfDate);
    if (from === undefined || to === undefined || to < from || to - from > RANGE_MAX_DAYS) return [];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
