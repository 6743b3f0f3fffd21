// From the text of the six cron fields to their values. cron-parser reads every list item that has a letter or `#`.
// This file corrects the items that cron-parser would misread: duplicates, the bounds of H, Sunday as 7 or as the
// end of a range.
import { CronExpressionParser } from 'cron-parser';
import type { FieldValues, NthWeekday } from './pattern.ts';
import { plainValues } from './plain-item.ts';

const FIELDS = [
  { name: 'second', first: 0, last: 59, range: '0-59' },
  { name: 'minute', first: 0, last: 59, range: '0-59' },
  { name: 'hour', first: 0, last: 23, range: '0-23' },
  { name: 'day of month', first: 1, last: 31, range: '1-31 or L' },
  { name: 'month', first: 1, last: 12, range: '1-12 or JAN-DEC' },
  { name: 'day of week', first: 0, last: 7, range: '0-7 or SUN-SAT (0 and 7 are Sunday), 5L, 1#2' },
] as const;
const DAY_OF_MONTH = 3;
const DAY_OF_WEEK = 5;

/** `*`, `?`, `H`, `H(0-29)`, `5`, `MON`, `1-5`, each with an optional step; `L`, `5L`, `1#2`. */
const ITEM =
  /^(?:(?:[*?]|H(?:\(\d+-\d+\))?|(?:\d+|[A-Z]{3})(?:-(?:\d+|[A-Z]{3}))?)(?:\/\d+)?|(?:\d|[A-Z]{3})?L|(?:\d|[A-Z]{3})#\d)$/;

/** The fault of one field, as a sentence without its full stop. */
export class FieldError extends Error {}

/** The values of one list item. `5L` and `1#2` have an nth, all other items have values. */
interface ItemValues {
  values: readonly number[];
  last: boolean;
  nth: readonly NthWeekday[];
}

/** The items read so far: they recur (`MON-FRI`), so most schedules compile without a call to cron-parser. */
const items = new Map<string, ItemValues>();
const MAX_ITEMS = 2000;

/** The values of six fields, seconds first; `seed` decides where H falls. Throws FieldError. */
export function fieldValues(texts: readonly string[], seed: string): FieldValues {
  const values = (field: number): ItemValues => merge(fieldItems(texts[field]!, field), field, seed);
  const day = values(DAY_OF_MONTH);
  const weekday = values(DAY_OF_WEEK);
  return {
    second: values(0).values,
    minute: values(1).values,
    hour: values(2).values,
    day: day.values,
    lastDay: day.last,
    month: values(4).values,
    weekday: weekday.values,
    nthWeekday: weekday.nth,
  };
}

function fieldItems(text: string, field: number): string[] {
  const list = text.toUpperCase().split(',');
  for (const item of list) checkShape(item, field);
  return [...new Set(list)].map((item) => adapt(item, field));
}

function checkShape(item: string, field: number): void {
  if (ITEM.test(item)) return;
  const { name } = FIELDS[field]!;
  if (item === '') throw new FieldError(`the ${name} field has an empty list item`);
  if (/^(L?W|\d+W)$/.test(item))
    throw new FieldError(`W (nearest weekday) is not supported in the ${name} field`);
  throw new FieldError(notAValue(item, field));
}

/** Keeps H on days that every month has and on seven weekdays, and lets a range of weekdays end on Sunday. */
function adapt(item: string, field: number): string {
  if (field === DAY_OF_MONTH) return item.replace(/^H(?!\()/, 'H(1-28)');
  if (field !== DAY_OF_WEEK) return item;
  return item
    .replace(/^H(?!\()/, 'H(0-6)')
    .replace(/-SUN\b/, '-7')
    .replace(/^(SUN|MON|TUE|WED|THU|FRI|SAT|[0-6])\/(\d+)$/, '$1-6/$2');
}

function itemValues(item: string, field: number, seed: string): ItemValues {
  // H differs from job to job, so it is not cached.
  if (item.startsWith('H')) return parseItem(item, field, seed);
  const key = `${field} ${item}`;
  const known = items.get(key);
  if (known !== undefined) return known;
  const values = plainItem(item, field) ?? parseItem(item, field, seed);
  if (items.size >= MAX_ITEMS) items.clear();
  items.set(key, values);
  return values;
}

function plainItem(item: string, field: number): ItemValues | undefined {
  const values = plainValues(item, FIELDS[field]!);
  if (values === undefined) return undefined;
  return { values: field === DAY_OF_WEEK ? values.map((day) => day % 7) : values, last: false, nth: [] };
}

/** Parses one item alone: cron-parser refuses lists with duplicates. */
function parseItem(item: string, field: number, seed: string): ItemValues {
  const texts = ['*', '*', '*', '*', '*', '*'];
  texts[field] = item;
  try {
    // strict: an H range outside its field is refused. currentDate: the result must not depend on the clock.
    // hashSeed: the prefix keeps an empty seed from being replaced by a random one.
    const options = { strict: true, hashSeed: `H ${seed}`, currentDate: 0, tz: 'UTC' };
    const { fields } = CronExpressionParser.parse(texts.join(' '), options);
    const { second, minute, hour, dayOfMonth, month, dayOfWeek } = fields;
    if (field === DAY_OF_WEEK) return weekdayValues(dayOfWeek.values, dayOfWeek.nthDay);
    const { values } = [second, minute, hour, dayOfMonth, month][field]!;
    return { values: values.filter((value) => typeof value === 'number'), last: item === 'L', nth: [] };
  } catch (error) {
    throw new FieldError(fieldFault(item, field), { cause: error });
  }
}

/** Values are weekdays, 0 to 7, or texts such as `5L`; with an nth above 0, each is the nth weekday of the month. */
function weekdayValues(values: readonly (number | string)[], nth: number): ItemValues {
  const weekdays = values.filter((value) => typeof value === 'number').map((value) => value % 7);
  if (nth > 0) return { values: [], last: false, nth: weekdays.map((weekday) => ({ weekday, nth })) };
  const lasts = values.filter((value) => typeof value === 'string');
  return {
    values: weekdays,
    last: false,
    nth: lasts.map((text) => ({ weekday: Number.parseInt(text, 10) % 7, nth: 0 })),
  };
}

function fieldFault(item: string, field: number): string {
  const { name } = FIELDS[field]!;
  const [, from, to] = /^(\d+)-(\d+)/.exec(item) ?? [];
  if (from !== undefined && Number(from) > Number(to)) {
    return `the range ${from}-${to} in the ${name} field runs backwards; write it as two ranges, as in 22-23,0-2 for hours`;
  }
  return notAValue(item, field);
}

function notAValue(item: string, field: number): string {
  const { name, range } = FIELDS[field]!;
  return `"${item}" is not ${name === 'hour' ? 'an' : 'a'} ${name} (${range})`;
}

function merge(list: readonly string[], field: number, seed: string): ItemValues {
  const parts = list.map((item) => itemValues(item, field, seed));
  if (parts.length === 1) return parts[0]!;
  return {
    values: parts.flatMap((part) => part.values),
    last: parts.some((part) => part.last),
    nth: parts.flatMap((part) => part.nth),
  };
}
