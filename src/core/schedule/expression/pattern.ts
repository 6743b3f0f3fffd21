// A cron expression as bit sets of matching days and times of day. Knows no zones.
import { monthLength, weekday } from '../calendar.ts';

/** Values of the six fields, as numbers in each field's own range. */
export interface FieldValues {
  second: readonly number[];
  minute: readonly number[];
  hour: readonly number[];
  day: readonly number[];
  /** `L` in the day-of-month field. */
  lastDay: boolean;
  month: readonly number[];
  /** 0 = Sunday. */
  weekday: readonly number[];
  /** `2#3` as weekday 2, nth 3; `5L` as weekday 5, nth 0. */
  nthWeekday: readonly NthWeekday[];
}

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
  readonly lastDay: boolean;
  /** Bit m = month m. */
  readonly months: number;
  readonly weekdays: number;
  readonly nthWeekdays: readonly NthWeekday[];
  /** Both day fields restricted: either may match, as in cron. Otherwise both must. */
  readonly eitherDay: boolean;
  /** Hour field `*`, a step, or all 24 hours: follows real time across clock changes. */
  readonly realTime: boolean;
}

const NO_NTH: readonly NthWeekday[] = [];
const ALL_HOURS = 0xff_ff_ff;

/** Turns field values into bit sets. */
export function compilePattern(
  values: FieldValues,
  rule: { eitherDay: boolean; steppedHour: boolean },
): Pattern {
  const hours = bits(values.hour);
  return {
    secondsLow: bits(values.second.filter((value) => value < 30)),
    secondsHigh: bits(values.second.filter((value) => value >= 30).map((value) => value - 30)),
    minutesLow: bits(values.minute.filter((value) => value < 30)),
    minutesHigh: bits(values.minute.filter((value) => value >= 30).map((value) => value - 30)),
    hours,
    days: bits(values.day.map((day) => day - 1)),
    lastDay: values.lastDay,
    months: bits(values.month),
    weekdays: bits(values.weekday),
    nthWeekdays: values.nthWeekday.length > 0 ? values.nthWeekday : NO_NTH,
    eitherDay: rule.eitherDay,
    realTime: rule.steppedHour || hours === ALL_HOURS,
  };
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
  const byDate = pattern.lastDay ? pattern.days | (1 << (length - 1)) : pattern.days;
  const byWeekday = weekdayDates(pattern, length, weekday(first));
  return (pattern.eitherDay ? byDate | byWeekday : byDate & byWeekday) & all;
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
