// Instants and spans as people type them: the one parser of every flag that takes an instant. Throws USAGE, which names
// the flag. Loaded only where such a flag is given.
import { parseDuration } from '../../core/duration.ts';
import { checkTimeZone } from '../../core/schedule/zone/zone-name.ts';
import { zoneNamed, zoneOffset } from '../../core/schedule/zone/zone.ts';
import { usage } from '../failure.ts';

export interface Reading {
  flag: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** IANA zone of dates and times; default: the zone of this machine. */
  timeZone?: string | undefined;
  /** Where a span (`2h`) and a time without a day (`20:08`) point from now. */
  towards: 'past' | 'future';
}

const DAY = 86_400;
/** No instant takes more characters, and the patterns below are for short texts. */
const LONGEST = 100;
const DAYS = new Map([
  ['yesterday', -1],
  ['today', 0],
  ['tomorrow', 1],
]);
const TIME = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
/** RFC 3339 with its offset. */
const ABSOLUTE = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d:?\d\d)$/;
/** Seconds since 1970; fewer digits are a span in seconds. */
const UNIX = /^(?:@(\d{1,12})|(\d{9,12}))$/;

/** A year, as people see it: a date without its month and day, not a span in seconds. */
const YEAR = /^(?:19|20|21)\d\d$/;

const UNIT_WORDS: readonly [RegExp, string][] = [
  [/(?<=[\d\s])\s*(?:weeks?)\b/g, 'w'],
  [/(?<=[\d\s])\s*(?:days?)\b/g, 'd'],
  [/(?<=[\d\s])\s*(?:hours?|hrs?)\b/g, 'h'],
  [/(?<=[\d\s])\s*(?:minutes?|mins?)\b/g, 'm'],
  [/(?<=[\d\s])\s*(?:seconds?|secs?)\b/g, 's'],
];

/** Milliseconds of the instant that the text means. */
export function readInstant(text: string, reading: Reading): number {
  const words = text.length > LONGEST ? '' : text.trim().toLowerCase();
  if (YEAR.test(words)) {
    throw usage(
      `${reading.flag} needs a time, and "${text}" may be a year or a span in seconds.`,
      `Give a whole date such as ${words}-01-31, or the unit of a span such as ${words}s.`,
    );
  }
  const offsetAt = offsets(reading.timeZone);
  const at = absolute(words) ?? span(words, reading) ?? wallInstant(words, reading, offsetAt);
  if (at === undefined || !Number.isFinite(at) || Math.abs(at) > 8.64e15) {
    throw usage(
      `${reading.flag} needs a time, not "${text}".`,
      'Give an instant such as yesterday, "2h ago", 20:08, 2026-01-31, "2026-01-31 12:00" or 2026-01-31T12:00:00Z.',
    );
  }
  return at;
}

function absolute(words: string): number | undefined {
  const [, at, seconds] = UNIX.exec(words) ?? [];
  if (at !== undefined || seconds !== undefined) return Number(at ?? seconds) * 1000;
  if (!ABSOLUTE.test(words) || !isDay(words.slice(0, 10))) return undefined;
  return Date.parse(
    words
      .toUpperCase()
      .replace(/^(\S{10}) /, '$1T')
      .replace(' ', ''),
  );
}

/** `2h`, `2h ago`, `in 2h`, `2 hours ago`, `now`. */
function span(words: string, { now, towards }: Reading): number | undefined {
  if (words === 'now') return now;
  // Milliseconds since 1970, most likely: no span of this length is meant.
  if (/^\d{13,}$/.test(words)) return undefined;
  const [, future, length = '', past] = /^(in\s+)?(.+?)(\s+ago)?$/.exec(words) ?? [];
  if (future !== undefined && past !== undefined) return undefined;
  const short = UNIT_WORDS.reduce((text, [word, unit]) => text.replace(word, unit), length);
  const ms = parseDuration(short.replaceAll(/(?<=[a-z])\s+(?=\d)/g, ''));
  if (ms === undefined) return undefined;
  const isPast = past !== undefined || (future === undefined && towards === 'past');
  return isPast ? Math.max(0, now - ms) : now + ms;
}

/** `today`, `yesterday 14:00`, `20:08:30`, `2027-01-01`, `2027-01-01 14:00`. */
function wallInstant(words: string, { now, towards }: Reading, offsetAt: OffsetAt): number | undefined {
  const [first = '', second, ...rest] = words.split(/\s+|(?<=^\d{4}-\d\d-\d\d)t/);
  if (rest.length > 0) return undefined;
  const nowSeconds = Math.floor(now / 1000);
  const wallNow = nowSeconds + offsetAt(nowSeconds);
  const midnight = Math.floor(wallNow / DAY) * DAY;
  const instant = (wall: number) => firstInstant(wall, offsetAt) * 1000;
  const time = timeOf(first);
  if (time !== undefined) {
    if (second !== undefined) return undefined;
    const today = instant(midnight + time);
    if (towards === 'past') return today > now ? instant(midnight - DAY + time) : today;
    return today < now ? instant(midnight + DAY + time) : today;
  }
  const days = DAYS.get(first);
  const day = days === undefined ? dayOf(first) : midnight + days * DAY;
  const within = second === undefined ? 0 : timeOf(second);
  return day === undefined || within === undefined ? undefined : instant(day + within);
}

/** Seconds since midnight. */
function timeOf(word: string): number | undefined {
  const [, hours, minutes, seconds = '0'] = TIME.exec(word) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59)
    return undefined;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

function isDay(word: string): boolean {
  return dayOf(word) !== undefined;
}

/** The midnight of the date as a wall time: seconds since the epoch, as if the zone were UTC. */
function dayOf(word: string): number | undefined {
  const [, year, month, day] = DATE.exec(word) ?? [];
  if (year === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // The calendar has no such day if it became another one.
  return date.toISOString().slice(0, 10) === word ? date.getTime() / 1000 : undefined;
}

/** Seconds east of UTC at an instant in seconds. */
type OffsetAt = (seconds: number) => number;

/** The offsets of the zone. This machine's own come from Date: Intl takes 15 ms to load its zones. */
function offsets(timeZone: string | undefined): OffsetAt {
  if (timeZone === undefined) return (seconds) => -60 * new Date(seconds * 1000).getTimezoneOffset();
  checkTimeZone(timeZone);
  const zone = zoneNamed(timeZone);
  return (seconds) => zoneOffset(zone, seconds);
}

/**
 * The first instant at which the clock shows the wall time, or a later one: where a clock change skips or repeats the
 * time, this is when a slot of that time runs.
 */
function firstInstant(wall: number, offsetAt: OffsetAt): number {
  const before = offsetAt(wall - DAY);
  const after = offsetAt(wall + DAY);
  const early = wall - Math.max(before, after);
  const late = wall - Math.min(before, after);
  for (const instant of [early, late]) if (instant + offsetAt(instant) === wall) return instant;
  // In a gap: the clock jumps over the time between the two.
  let [low, high] = [early, late];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle + offsetAt(middle) < wall) low = middle;
    else high = middle;
  }
  return high;
}
