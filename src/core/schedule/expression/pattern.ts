// A cron expression as bit sets of matching days and times of day. Knows no zones.
import { monthLength, weekday } from '../calendar.ts';

/** Values of the six fields, as numbers in each field's own range. */
export interface FieldValues {
  second: readonly number[];
  minute: readonly number[];
  hour: readonly number[];
  /** A step above 1 gives the hour field more than one hour. */
  steppedHour: boolean;
  day: readonly number[];
  dayRules: readonly DayRule[];
  month: readonly number[];
  /** 0 = Sunday. */
  weekday: readonly number[];
  nthWeekday: readonly NthWeekday[];
  /** Both day fields are restricted, and either may match, as in cron. Otherwise both must match. */
  eitherDay: boolean;
}

/** A day of the month that depends on the month: `L`, `L-3`, `15W`, `LW`. */
export interface DayRule {
  /** Counted from the month's last day (0) instead of from 1. */
  fromEnd: boolean;
  day: number;
  /** The nearest Monday to Friday of the same month. */
  nearestWeekday: boolean;
}

/** `2#3` is weekday 2, nth 3; `5L` is weekday 5, nth 0. */
export interface NthWeekday {
  weekday: number;
  nth: number;
}

export interface Pattern {
  /** Bits 0-29: seconds 0-29. Two small integers cost less memory than one large one. */
  readonly secondsLow: number;
  /** Bits 0-29: seconds 30-59. */
  readonly secondsHigh: number;
  readonly minutesLow: number;
  readonly minutesHigh: number;
  readonly hours: number;
  /** Bit d-1 = day d. */
  readonly days: number;
  readonly dayRules: readonly DayRule[];
  /** Bit m = month m. */
  readonly months: number;
  readonly weekdays: number;
  readonly nthWeekdays: readonly NthWeekday[];
  readonly eitherDay: boolean;
  /** The hours follow real time across clock changes: all 24, or several by a step. */
  readonly realTime: boolean;
}

const NO_DAY_RULES: readonly DayRule[] = [];
const NO_NTH: readonly NthWeekday[] = [];
const ALL_HOURS = 0xff_ff_ff;
const SATURDAY = 6;
const SUNDAY = 0;

/** Turns field values into bit sets. */
export function compilePattern(values: FieldValues): Pattern {
  const hours = bits(values.hour);
  return {
    secondsLow: bits(values.second.filter((value) => value < 30)),
    secondsHigh: bits(values.second.filter((value) => value >= 30).map((value) => value - 30)),
    minutesLow: bits(values.minute.filter((value) => value < 30)),
    minutesHigh: bits(values.minute.filter((value) => value >= 30).map((value) => value - 30)),
    hours,
    days: bits(values.day.map((day) => day - 1)),
    dayRules: values.dayRules.length > 0 ? values.dayRules : NO_DAY_RULES,
    months: bits(values.month),
    weekdays: bits(values.weekday),
    nthWeekdays: values.nthWeekday.length > 0 ? values.nthWeekday : NO_NTH,
    eitherDay: values.eitherDay,
    realTime: values.steppedHour || hours === ALL_HOURS,
  };
}

/** Whether the pattern matches times in all 24 hours. */
export function isEveryHour({ hours }: Pattern): boolean {
  return hours === ALL_HOURS;
}

function bits(values: readonly number[]): number {
  return values.reduce((mask, value) => mask | (1 << value), 0);
}

/**
 * The matching days of a month, bit d-1 = day d.
 * `first` is the day number of the month's first day.
 */
export function matchingDays(pattern: Pattern, year: number, month: number, first: number): number {
  if (((pattern.months >> month) & 1) === 0) return 0;
  const length = monthLength(year, month);
  const all = 0x7f_ff_ff_ff >>> (31 - length);
  const firstWeekday = weekday(first);
  const byDate = pattern.days | ruleDates(pattern.dayRules, length, firstWeekday);
  const byWeekday = weekdayDates(pattern, length, firstWeekday);
  return (pattern.eitherDay ? byDate | byWeekday : byDate & byWeekday) & all;
}

function ruleDates(rules: readonly DayRule[], length: number, firstWeekday: number): number {
  let dates = 0;
  for (let index = 0; index < rules.length; index++) {
    const { fromEnd, day: distance, nearestWeekday } = rules[index]!;
    const day = fromEnd ? length - distance : distance;
    if (day < 1 || day > length) continue;
    dates |= 1 << ((nearestWeekday ? nearestWorkday(day, length, firstWeekday) : day) - 1);
  }
  return dates;
}

/** The nearest Monday to Friday that does not leave the month: the 1st on a Saturday moves to Monday the 3rd. */
function nearestWorkday(day: number, length: number, firstWeekday: number): number {
  const weekday = (firstWeekday + day - 1) % 7;
  if (weekday === SATURDAY) return day === 1 ? 3 : day - 1;
  if (weekday === SUNDAY) return day === length ? day - 2 : day + 1;
  return day;
}

function weekdayDates(pattern: Pattern, length: number, firstWeekday: number): number {
  const week = ((pattern.weekdays | (pattern.weekdays << 7)) >> firstWeekday) & 0x7f;
  let dates = week | (week << 7) | (week << 14) | (week << 21) | (week << 28);
  for (const { weekday, nth } of pattern.nthWeekdays) {
    const earliest = 1 + ((weekday - firstWeekday + 7) % 7);
    const date = nth === 0 ? earliest + 7 * Math.floor((length - earliest) / 7) : earliest + 7 * (nth - 1);
    if (date <= length) dates |= 1 << (date - 1);
  }
  return dates;
}
