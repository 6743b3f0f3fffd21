// Instants and durations in words. Callers pass `now` and the zone; nothing here reads the clock.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS: readonly [ms: number, singular: string, plural: string][] = [
  [DAY, 'day', 'days'],
  [HOUR, 'hour', 'hours'],
  [MINUTE, 'min', 'min'],
  [SECOND, 'second', 'seconds'],
];

/** A distance in its largest unit: `3 hours`, `2 min`, `1 day`. */
function roughly(ms: number): string {
  for (const [unit, singular, plural] of UNITS) {
    // 59.6 minutes are `1 hour`, not `60 min`: a distance that rounds up to the next unit takes that unit.
    if (ms >= unit - (unit === SECOND ? 0 : unit / 120)) {
      const count = Math.max(1, Math.round(ms / unit));
      return `${count} ${count === 1 ? singular : plural}`;
    }
  }
  return '';
}

/** `in 3 hours`, `2 min ago`, `now`. */
export function relative(at: number, now: number): string {
  const distance = roughly(Math.abs(at - now));
  if (distance === '') return 'now';
  return at > now ? `in ${distance}` : `${distance} ago`;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

interface WallTime {
  weekday: string;
  date: string;
  /** `02:00`, with seconds only where they are not zero. */
  time: string;
}

// A formatter costs far more to create than to use, and a table needs the same zone for each row.
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  const cached = formatters.get(timeZone);
  if (cached) return cached;
  const formatter = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  formatters.set(timeZone, formatter);
  return formatter;
}

/** `02:00`, or `02:00:05`. */
function clockText(hour: string, minute: string, second: string): string {
  return second === '00' ? `${hour}:${minute}` : `${hour}:${minute}:${second}`;
}

function wallTime(at: number, timeZone: string): WallTime {
  const parts = new Map(
    formatterFor(timeZone)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );
  const get = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
  return {
    weekday: get('weekday'),
    date: `${get('year')}-${get('month')}-${get('day')}`,
    time: clockText(get('hour'), get('minute'), get('second')),
  };
}

/** The wall time of this machine. Uses Date, because Intl takes 15 ms to load its zones. */
function hostWallTime(at: number): WallTime {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return {
    weekday: WEEKDAYS[date.getDay()] ?? '',
    date: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    time: clockText(two(date.getHours()), two(date.getMinutes()), two(date.getSeconds())),
  };
}

const wallTimeIn = (at: number, timeZone?: string): WallTime =>
  timeZone === undefined ? hostWallTime(at) : wallTime(at, timeZone);

/** `Sun 2026-11-29 02:00` in the zone; default: the zone of this machine. */
export function calendar(at: number, timeZone?: string): string {
  const { weekday, date, time } = wallTimeIn(at, timeZone);
  return `${weekday} ${date} ${time}`;
}

/** `Sun 2026-11-29 02:00` of RFC 3339 with an offset, in that offset: loads no zones. */
export function wallText(instant: string): string {
  const [date = '', time = ''] = instant.split('T');
  const weekday = WEEKDAYS[new Date(date).getUTCDay()] ?? '';
  return `${weekday} ${date} ${time.slice(0, 8).replace(/:00$/, '')}`;
}

/**
 * A past or future instant in short: within an hour as a distance, within a week by weekday, else by date:
 * `in 12 min`, `today 17:00 (in 3 hours)`, `Sun 02:00 (in 5 days)`, `2027-01-01 00:00 (in 40 days)`.
 */
export function soon(at: number, now: number, timeZone?: string): string {
  const distance = Math.abs(at - now);
  const words = relative(at, now);
  if (distance < HOUR) return words;
  const then = wallTimeIn(at, timeZone);
  if (then.date === wallTimeIn(now, timeZone).date) return `today ${then.time} (${words})`;
  const day = distance < 6 * DAY ? then.weekday : then.date;
  return `${day} ${then.time} (${words})`;
}
