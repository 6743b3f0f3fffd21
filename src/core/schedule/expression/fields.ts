// From the text of the six cron fields to their values. cron-parser reads every list item with a name, H or the nth
// weekday of a month; normalItem corrects what it would misread before.
import { CronExpressionParser } from 'cron-parser';
import { DAY_OF_MONTH, DAY_OF_WEEK, FIELDS, normalItem } from './field.ts';
import { fieldFault } from './field-fault.ts';
import type { DayRule, FieldValues, NthWeekday } from './pattern.ts';
import { plainValues } from './plain-item.ts';

/** The values of one list item. */
export interface ItemValues {
  values: readonly number[];
  /** Several values by a step above 1. */
  stepped: boolean;
  dayRules: readonly DayRule[];
  nth: readonly NthWeekday[];
}

/** `*`, `H`, `H(0-29)`, `5`, `MON`, `1-5`, each with an optional step. */
const ANY_FIELD = /^(?:\*|H(?:\(\d+-\d+\))?|(?:\d+|[A-Z]{3})(?:-(?:\d+|[A-Z]{3}))?)(?:\/\d+)?$/;
const EITHER_DAY_FIELD = /^\?(?:\/\d+)?$/;
/** `15W`, `L`, `L-3`, `LW`, `L-3W`. */
const DAY_RULE = /^(?:(\d+)W|L(?:-(\d+))?(W)?)$/;
/** `5L`, `MONL`, `1#2`. */
const NTH_WEEKDAY = /^(?:\d|[A-Z]{3})(?:L|#\d)$/;

/** The items read so far: they recur (`MON-FRI`), so most schedules compile without a call to cron-parser. */
const items = new Map<string, ItemValues>();
const MAX_ITEMS = 2000;
const NONE: readonly never[] = [];

/** The values of six fields, seconds first; `seed` decides where H falls. Throws FieldError. */
export function fieldValues(texts: readonly string[], seed: string): FieldValues {
  const [second, minute, hour, day, month, weekday] = texts.map((_, field) =>
    merge(listItems(texts, field).map((item) => readItem(item, field, seed))),
  ) as [ItemValues, ItemValues, ItemValues, ItemValues, ItemValues, ItemValues];
  return {
    second: second.values,
    minute: minute.values,
    hour: hour.values,
    steppedHour: hour.stepped,
    day: day.values,
    dayRules: day.dayRules,
    month: month.values,
    weekday: weekday.values,
    nthWeekday: weekday.nth,
    // A day field restricts unless it starts with a star or ?; a + before the day of week asks for both.
    eitherDay:
      [DAY_OF_MONTH, DAY_OF_WEEK].every((field) => !/^[*?]/.test(texts[field]!)) &&
      !texts[DAY_OF_WEEK]!.startsWith('+'),
  };
}

/** The different list items of a field. */
export function listItems(texts: readonly string[], field: number): string[] {
  const text = field === DAY_OF_WEEK ? texts[field]!.replace(/^\+/, '') : texts[field]!;
  return text.includes(',') ? [...new Set(text.split(','))] : [text];
}

/** The values of one list item. Throws FieldError. */
export function readItem(text: string, field: number, seed: string): ItemValues {
  const key = `${field} ${text}`;
  const known = items.get(key);
  if (known !== undefined) return known;
  const item = normalItem(text, field);
  if (!hasShape(item, field)) throw fieldFault(text.toUpperCase(), field);
  const values = dayRule(item, field) ?? plainItem(item, field) ?? parseItem(item, field, { seed, text });
  // H differs from job to job.
  if (item.startsWith('H')) return values;
  if (items.size >= MAX_ITEMS) items.clear();
  items.set(key, values);
  return values;
}

function hasShape(item: string, field: number): boolean {
  if (ANY_FIELD.test(item)) return true;
  if (field === DAY_OF_MONTH) return EITHER_DAY_FIELD.test(item) || DAY_RULE.test(item);
  return field === DAY_OF_WEEK && (EITHER_DAY_FIELD.test(item) || NTH_WEEKDAY.test(item));
}

function dayRule(item: string, field: number): ItemValues | undefined {
  const match = field === DAY_OF_MONTH ? DAY_RULE.exec(item) : null;
  if (match === null) return undefined;
  const [, date, back = '0', weekdayOfLast] = match;
  const rule = {
    fromEnd: date === undefined,
    day: Number(date ?? back),
    nearestWeekday: (date ?? weekdayOfLast) !== undefined,
  };
  if (rule.day > (rule.fromEnd ? 30 : 31) || (!rule.fromEnd && rule.day < 1)) throw fieldFault(item, field);
  return { values: NONE, stepped: false, dayRules: [rule], nth: NONE };
}

function plainItem(item: string, field: number): ItemValues | undefined {
  const values = plainValues(item, FIELDS[field]!);
  return values && valuesOf(field === DAY_OF_WEEK ? values.map((day) => day % 7) : values, item);
}

function valuesOf(values: readonly number[], item: string): ItemValues {
  const step = Number(/\/(\d+)$/.exec(item)?.[1] ?? 1);
  return { values, stepped: step > 1 && values.length > 1, dayRules: NONE, nth: NONE };
}

/** Parses one item alone: cron-parser refuses lists with duplicates. */
function parseItem(item: string, field: number, { seed, text }: { seed: string; text: string }): ItemValues {
  const texts = ['*', '*', '*', '*', '*', '*'];
  texts[field] = item;
  try {
    // strict: an H range outside its field is refused. currentDate: the result must not depend on the clock.
    // hashSeed: the prefix keeps an empty seed from being replaced by a random one.
    const options = { strict: true, hashSeed: `H ${seed}`, currentDate: 0, tz: 'UTC' };
    const { fields } = CronExpressionParser.parse(texts.join(' '), options);
    const { second, minute, hour, dayOfMonth, month, dayOfWeek } = fields;
    if (field === DAY_OF_WEEK) return weekdayValues(dayOfWeek.values, dayOfWeek.nthDay, item);
    const { values } = [second, minute, hour, dayOfMonth, month][field]!;
    return valuesOf(
      values.filter((value) => typeof value === 'number'),
      item,
    );
  } catch (error) {
    throw fieldFault(text.toUpperCase(), field, error);
  }
}

/** Values are weekdays, 0 to 7, or texts such as `5L`; with an nth above 0, each is the nth weekday of the month. */
function weekdayValues(values: readonly (number | string)[], nth: number, item: string): ItemValues {
  const weekdays = values.filter((value) => typeof value === 'number').map((value) => value % 7);
  const empty = { values: NONE, stepped: false, dayRules: NONE };
  if (nth > 0) return { ...empty, nth: weekdays.map((weekday) => ({ weekday, nth })) };
  const lasts = values.filter((value) => typeof value === 'string');
  if (lasts.length === 0) return valuesOf(weekdays, item);
  return { ...empty, nth: lasts.map((text) => ({ weekday: Number.parseInt(text, 10) % 7, nth: 0 })) };
}

function merge(parts: readonly ItemValues[]): ItemValues {
  if (parts.length === 1) return parts[0]!;
  return {
    values: parts.flatMap((part) => part.values),
    stepped: parts.some((part) => part.stepped),
    dayRules: parts.flatMap((part) => part.dayRules),
    nth: parts.flatMap((part) => part.nth),
  };
}
