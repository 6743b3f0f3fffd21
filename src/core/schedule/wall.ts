// Searches on the wall clock: seconds since 1970 of a clock whose days all have 86,400 seconds. Knows no zones.
import { civilDate, DAY_SECONDS, monthLength } from './calendar.ts';
import { matchingDays, type Pattern } from './expression/pattern.ts';

/** First matching wall second at or after `wall`. The pattern must match some day. */
export function nextWall(pattern: Pattern, wall: number): number {
  const today = Math.floor(wall / DAY_SECONDS);
  let { year, month, day } = civilDate(today);
  let first = today - day + 1;
  let days = matchingDays(pattern, year, month, first);
  if (((days >> (day - 1)) & 1) === 1) {
    const time = timeAtOrAfter(pattern, wall - today * DAY_SECONDS);
    if (time >= 0) return today * DAY_SECONDS + time;
  }
  days &= -1 << day;
  while (days === 0) {
    first += monthLength(year, month);
    if (++month > 12) {
      month = 1;
      year++;
    }
    days = matchingDays(pattern, year, month, first);
  }
  return (first + lowestBit(days)) * DAY_SECONDS + timeAtOrAfter(pattern, 0);
}

/** Last matching wall second at or before `wall`. The pattern must match some day. */
export function previousWall(pattern: Pattern, wall: number): number {
  const today = Math.floor(wall / DAY_SECONDS);
  let { year, month, day } = civilDate(today);
  let first = today - day + 1;
  let days = matchingDays(pattern, year, month, first);
  if (((days >> (day - 1)) & 1) === 1) {
    const time = timeAtOrBefore(pattern, wall - today * DAY_SECONDS);
    if (time >= 0) return today * DAY_SECONDS + time;
  }
  days &= ~(-1 << (day - 1));
  while (days === 0) {
    if (--month < 1) {
      month = 12;
      year--;
    }
    first -= monthLength(year, month);
    days = matchingDays(pattern, year, month, first);
  }
  return (first + highestBit(days)) * DAY_SECONDS + timeAtOrBefore(pattern, DAY_SECONDS - 1);
}

/** First matching second of the day at or after `time`, or -1. */
function timeAtOrAfter(pattern: Pattern, time: number): number {
  const { minutesLow, minutesHigh, secondsLow, secondsHigh } = pattern;
  const hour = Math.floor(time / 3600);
  const minute = Math.floor((time % 3600) / 60);
  if (((pattern.hours >> hour) & 1) === 1) {
    if (has60(minutesLow, minutesHigh, minute)) {
      const second = next60(secondsLow, secondsHigh, time % 60);
      if (second < 60) return hour * 3600 + minute * 60 + second;
    }
    const later = next60(minutesLow, minutesHigh, minute + 1);
    if (later < 60) return hour * 3600 + later * 60 + next60(secondsLow, secondsHigh, 0);
  }
  const hours = pattern.hours & (-1 << (hour + 1));
  if (hours === 0) return -1;
  return (
    lowestBit(hours) * 3600 + next60(minutesLow, minutesHigh, 0) * 60 + next60(secondsLow, secondsHigh, 0)
  );
}

/** Last matching second of the day at or before `time`, or -1. */
function timeAtOrBefore(pattern: Pattern, time: number): number {
  const { minutesLow, minutesHigh, secondsLow, secondsHigh } = pattern;
  const hour = Math.floor(time / 3600);
  const minute = Math.floor((time % 3600) / 60);
  if (((pattern.hours >> hour) & 1) === 1) {
    if (has60(minutesLow, minutesHigh, minute)) {
      const second = previous60(secondsLow, secondsHigh, time % 60);
      if (second >= 0) return hour * 3600 + minute * 60 + second;
    }
    const earlier = previous60(minutesLow, minutesHigh, minute - 1);
    if (earlier >= 0) return hour * 3600 + earlier * 60 + previous60(secondsLow, secondsHigh, 59);
  }
  const hours = pattern.hours & ~(-1 << hour);
  if (hours === 0) return -1;
  return (
    highestBit(hours) * 3600 +
    previous60(minutesLow, minutesHigh, 59) * 60 +
    previous60(secondsLow, secondsHigh, 59)
  );
}

function has60(low: number, high: number, value: number): boolean {
  return ((value < 30 ? low >> value : high >> (value - 30)) & 1) === 1;
}

/** Smallest member at or after `from` (0-60), or 60. */
function next60(low: number, high: number, from: number): number {
  if (from < 30) {
    const rest = low & (-1 << from);
    if (rest !== 0) return lowestBit(rest);
    return high === 0 ? 60 : 30 + lowestBit(high);
  }
  const rest = high & (-1 << (from - 30));
  return rest === 0 ? 60 : 30 + lowestBit(rest);
}

/** Largest member at or before `to` (-1 to 59), or -1. */
function previous60(low: number, high: number, to: number): number {
  if (to >= 30) {
    const rest = high & ~(-2 << (to - 30));
    if (rest !== 0) return 30 + highestBit(rest);
    return low === 0 ? -1 : highestBit(low);
  }
  const rest = low & ~(-2 << to);
  return to < 0 || rest === 0 ? -1 : highestBit(rest);
}

function lowestBit(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

function highestBit(mask: number): number {
  return 31 - Math.clz32(mask);
}
