// Counts on the wall clock: how many seconds match at least one of several patterns.
import { civilDate, DAY_SECONDS, monthLength } from './calendar.ts';
import { matchingDays, type Pattern } from './expression/pattern.ts';

/** How many wall seconds in [from, to] match any of the patterns; costs O(days). */
export function countWall(patterns: readonly Pattern[], from: number, to: number): number {
  if (to < from || patterns.length === 0) return 0;
  const firstDay = Math.floor(from / DAY_SECONDS);
  const lastDay = Math.floor(to / DAY_SECONDS);
  // Whole days on which the same patterns match have the same count.
  const perDay = new Map<string, number>();
  let total = 0;
  forEachDay(patterns, firstDay, lastDay, (day, active) => {
    const start = day === firstDay ? from - day * DAY_SECONDS : 0;
    const end = day === lastDay ? to - day * DAY_SECONDS : DAY_SECONDS - 1;
    const key = end - start === DAY_SECONDS - 1 ? active.map((p) => patterns.indexOf(p)).join() : undefined;
    const known = key === undefined ? undefined : perDay.get(key);
    const count = known ?? countTimes(active, start, end);
    if (key !== undefined) perDay.set(key, count);
    total += count;
  });
  return total;
}

function forEachDay(
  patterns: readonly Pattern[],
  firstDay: number,
  lastDay: number,
  visit: (day: number, active: readonly Pattern[]) => void,
): void {
  const start = civilDate(firstDay);
  let { year, month } = start;
  let first = firstDay - start.day + 1;
  while (first <= lastDay) {
    const length = monthLength(year, month);
    const days = patterns.map((pattern) => matchingDays(pattern, year, month, first));
    for (let day = Math.max(first, firstDay); day <= Math.min(first + length - 1, lastDay); day++) {
      const active = patterns.filter((_, index) => ((days[index]! >> (day - first)) & 1) === 1);
      if (active.length > 0) visit(day, active);
    }
    first += length;
    if (++month > 12) {
      month = 1;
      year++;
    }
  }
}

/** How many seconds of a day in [from, to] match any of the patterns' times. */
function countTimes(patterns: readonly Pattern[], from: number, to: number): number {
  const lastMinute = Math.floor(to / 60);
  let total = 0;
  for (let minute = Math.floor(from / 60); minute <= lastMinute; minute++) {
    let low = 0;
    let high = 0;
    for (const pattern of patterns) {
      if (!hasMinute(pattern, minute)) continue;
      low |= pattern.secondsLow;
      high |= pattern.secondsHigh;
    }
    if ((low | high) === 0) continue;
    const firstSecond = Math.max(from - minute * 60, 0);
    const lastSecond = Math.min(to - minute * 60, 59);
    total += countBits(low & range30(firstSecond, lastSecond));
    total += countBits(high & range30(firstSecond - 30, lastSecond - 30));
  }
  return total;
}

function hasMinute(pattern: Pattern, minuteOfDay: number): boolean {
  if (((pattern.hours >> Math.floor(minuteOfDay / 60)) & 1) === 0) return false;
  const minute = minuteOfDay % 60;
  return ((minute < 30 ? pattern.minutesLow >> minute : pattern.minutesHigh >> (minute - 30)) & 1) === 1;
}

/** Bits from..to of 30, where either may lie outside. */
function range30(from: number, to: number): number {
  if (to < 0 || from > 29) return 0;
  return (-1 << Math.max(from, 0)) & ~(-2 << Math.min(to, 29));
}

function countBits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
