// The six cron fields: their names and bounds, and the normal form of their list items.

export const MINUTE = 1;
export const HOUR = 2;
export const DAY_OF_MONTH = 3;
export const MONTH = 4;
export const DAY_OF_WEEK = 5;

export const FIELDS = [
  {
    name: 'second',
    first: 0,
    last: 59,
    help: 'A second is 0-59, or * for each; 0,30 is a list, 0-10 a range, */15 a step.',
  },
  {
    name: 'minute',
    first: 0,
    last: 59,
    help: 'A minute is 0-59, or * for each; 0,30 is a list, 0-10 a range, */15 a step.',
  },
  {
    name: 'hour',
    first: 0,
    last: 23,
    help: 'An hour is 0-23, or * for each; 8,20 is a list, 9-17 a range, */2 a step.',
  },
  {
    name: 'day of month',
    first: 1,
    last: 31,
    help: 'A day of month is 1-31, or * for each; L is the last day, L-1 to L-30 count back from it, 15W is the weekday nearest to the 15th.',
  },
  {
    name: 'month',
    first: 1,
    last: 12,
    help: 'A month is 1-12 or JAN-DEC, or * for each; 1,7 is a list, 6-9 a range, */3 a step.',
  },
  {
    name: 'day of week',
    first: 0,
    last: 7,
    help: 'A day of week is 0-7 or SUN-SAT (0 and 7 are Sunday), or * for each; behind a day, #1 to #5 or #L pick one of the month.',
  },
] as const;

export const NAMES: Readonly<Record<number, readonly string[]>> = {
  [MONTH]: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  [DAY_OF_WEEK]: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};

/** The number of a value or a name; undefined unless the field has it. */
export function numberOf(text: string, field: number): number | undefined {
  const { first, last } = FIELDS[field]!;
  const index = NAMES[field]?.indexOf(text) ?? -1;
  const value = index >= 0 ? index + first : /^\d+$/.test(text) ? Number(text) : -1;
  return value >= first && value <= last ? value : undefined;
}

/** First and last value of the field, written as names where `like` is one. */
export function boundsLike(like: string, field: number): [string, string] {
  const names = NAMES[field];
  if (names !== undefined && !/^\d/.test(like)) return [names[0]!, names.at(-1)!];
  return [String(FIELDS[field]!.first), String(field === DAY_OF_WEEK ? 6 : FIELDS[field]!.last)];
}

/**
 * The list item in the form that is read: capitals, no leading zeros, `~` of cronie as H, and the items that
 * cron-parser would misread.
 */
export function normalItem(text: string, field: number): string {
  const item = hashedItem(text.toUpperCase().replaceAll(/(?<!\d)0+(?=\d)/g, ''), field);
  // Each month has 28 days, so that H never skips one.
  if (field === DAY_OF_MONTH) return item.replace(/^H(?!\()/, 'H(1-28)');
  return field === DAY_OF_WEEK ? weekdayItem(item) : item;
}

/** cronie and OpenBSD draw a value of `a~b` when they load the crontab; H(a-b) is as random and stays. */
function hashedItem(item: string, field: number): string {
  const [, from, to, step = ''] = /^(\w*)~(\w*)(\/\d+)?$/.exec(item) ?? [];
  if (from === undefined || to === undefined) return item;
  if (from === '' && to === '') return `H${step}`;
  const { first, last } = FIELDS[field]!;
  const [low, high] = [from === '' ? first : numberOf(from, field), to === '' ? last : numberOf(to, field)];
  return low === undefined || high === undefined || low > high ? item : `H(${low}-${high})${step}`;
}

function isSunday(text: string): boolean {
  return ['SUN', '0', '7'].includes(text);
}

/** Sunday is 0 and 7: it may end a range, a step ends on Saturday, and `SUN-SUN` is one day. */
function weekdayItem(item: string): string {
  const [, from, step = ''] = /^([A-Z]{3}|\d)-(?:SUN|0)(\/\d+)?$/.exec(item) ?? [];
  if (from !== undefined) return isSunday(from) ? `0-0${step}` : `${from}-7${step}`;
  return item
    .replace(/^H(?!\()/, 'H(0-6)')
    .replace(/^([A-Z]{3}|[0-6])\/(\d+)$/, '$1-6/$2')
    .replace(/#L$/, 'L');
}
