// Counts on the wall clock: how many seconds match at least one of several patterns or intervals.
import { civilDate, DAY_SECONDS, monthLength } from './calendar.ts';
import { matchingDays, type Pattern } from './expression/pattern.ts';

/** base + k * seconds, k >= 1; in whole seconds. */
export interface Interval {
  readonly base: number;
  readonly seconds: number;
}

/** First slot of the interval at or after `from`. */
export function nextSlotOf({ base, seconds }: Interval, from: number): number {
  return base + Math.max(1, Math.ceil((from - base) / seconds)) * seconds;
}

/** Patterns that match on the same days, by the positions of the patterns. */
interface DayClass {
  patterns: readonly Pattern[];
  /** For each second of the day, 1 where a pattern matches it. */
  marked?: Uint8Array;
  /** Counts of whole days, by the first slot of each interval. */
  counts: Map<string, number>;
}

/**
 * Makes a counter of the wall seconds in [from, to] that match any of the patterns or intervals. It costs O(days):
 * whole days on which the same patterns match, and each interval begins at the same time, have the same count.
 */
export function wallCounter(
  patterns: readonly Pattern[],
): (from: number, to: number, intervals: readonly Interval[]) => number {
  const classes = new Map<string, DayClass>();
  return (from, to, intervals) => {
    if (to < from) return 0;
    let total = 0;
    forEachDay(patterns, [Math.floor(from / DAY_SECONDS), Math.floor(to / DAY_SECONDS)], (day, active) => {
      if (active.length + intervals.length === 0) return;
      const name = active.map((pattern) => patterns.indexOf(pattern)).join();
      const dayClass = classes.get(name) ?? { patterns: active, counts: new Map<string, number>() };
      classes.set(name, dayClass);
      const start = Math.max(from - day * DAY_SECONDS, 0);
      const end = Math.min(to - day * DAY_SECONDS, DAY_SECONDS - 1);
      total += countDay(
        dayClass,
        intervals.map((interval) => timesOnDay(interval, day)),
        [start, end],
      );
    });
    return total;
  };
}

/** The slots of an interval on a day as seconds of the day: base, base + seconds, …; base is the day's end where there is none. */
function timesOnDay(interval: Interval, day: number): Interval {
  const first = nextSlotOf(interval, day * DAY_SECONDS) - day * DAY_SECONDS;
  return { base: Math.min(first, DAY_SECONDS), seconds: interval.seconds };
}

function countDay(
  dayClass: DayClass,
  times: readonly Interval[],
  [from, to]: readonly [number, number],
): number {
  const isWhole = to - from === DAY_SECONDS - 1;
  const key = times.map(({ base }) => base).join();
  const known = isWhole ? dayClass.counts.get(key) : undefined;
  if (known !== undefined) return known;
  const { patterns } = dayClass;
  const count =
    countTimes(patterns, from, to) +
    (times.length === 0
      ? 0
      : markTimes((dayClass.marked ??= markedTimes(patterns)).slice(), times, [from, to]));
  if (isWhole) dayClass.counts.set(key, count);
  return count;
}

/** Marks the seconds of the intervals in [from, to]; answers with how many were not marked before. */
function markTimes(
  marked: Uint8Array,
  times: readonly Interval[],
  [from, to]: readonly [number, number],
): number {
  let added = 0;
  for (const { base, seconds } of times) {
    const first = base < from ? base + Math.ceil((from - base) / seconds) * seconds : base;
    for (let time = first; time <= to; time += seconds) {
      added += 1 - marked[time]!;
      marked[time] = 1;
    }
  }
  return added;
}

/** For each second of a day, 1 where it matches any of the patterns. */
function markedTimes(patterns: readonly Pattern[]): Uint8Array {
  const marked = new Uint8Array(DAY_SECONDS);
  for (let time = 0; time < DAY_SECONDS; time++) {
    if (patterns.some((pattern) => hasTime(pattern, time))) marked[time] = 1;
  }
  return marked;
}

function hasTime(pattern: Pattern, time: number): boolean {
  const second = time % 60;
  const seconds = second < 30 ? pattern.secondsLow >> second : pattern.secondsHigh >> (second - 30);
  return (seconds & 1) === 1 && hasMinute(pattern, Math.floor(time / 60));
}

function forEachDay(
  patterns: readonly Pattern[],
  [firstDay, lastDay]: readonly [number, number],
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
      visit(day, active);
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
