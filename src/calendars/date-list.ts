// The days of a list of dates: one a line, a range with a slash, and comments after #.
import type { CalendarDays } from '../core/schedule/days/day-rules.ts';
import { dayOfDate, daysOfRanges } from '../core/schedule/days/dates.ts';

/** Throws an Error that names the first line that is no date. */
export function dateListDays(text: string): CalendarDays {
  const dates = text.split(/\r?\n/).map((line) => line.replace(/#.*/, '').trim());
  dates.forEach((line, index) => {
    if (line !== '' && !isRange(line))
      throw new Error(
        `line ${index + 1} is "${line.slice(0, 60)}", not a date such as 2026-12-25, or 2026-12-24/2026-12-31`,
      );
  });
  const numbers = daysOfRanges(dates);
  return { numbers: [...new Set(numbers)].sort((a, b) => a - b), spans: [] };
}

function isRange(line: string): boolean {
  const parts = line.split('/');
  return (
    parts.length <= 2 &&
    parts.every((part) => dayOfDate(part) !== undefined) &&
    daysOfRanges([line]).length > 0
  );
}
