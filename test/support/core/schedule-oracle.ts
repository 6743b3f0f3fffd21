// The slow oracle of slots: walks every minute or second of a window, asks Intl for the wall clock, and matches the
// text of the fields. Shares neither code nor a library with the engine.

/** The wall clock at consecutive instants, all in milliseconds. */
export interface Walk {
  stepMs: number;
  instants: number[];
  walls: number[];
  /** The window starts here; earlier instants only show how far the wall clock has been. */
  from: number;
}

/** Since 1970 no zone has set its clock back by more. */
const LOOK_BACK_MS = 4 * 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** The wall clock as a millisecond number in which each local day has 24 hours. */
export function wallClock(zone: string, instant: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    const two = '2-digit';
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    });
    formats.set(zone, format);
  }
  const [day, month, year, hour, minute, second] = format.format(instant).split(/\D+/).map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second);
}

export function walk(zone: string, from: number, to: number, stepMs: number): Walk {
  const instants: number[] = [];
  for (let at = from - LOOK_BACK_MS; at < from; at += 60_000) instants.push(at);
  for (let at = from; at <= to; at += stepMs) instants.push(at);
  return { stepMs, instants, walls: instants.map((at) => wallClock(zone, at)), from };
}

/** The slots of a six-field expression in the window, by the documented rule. */
export function oracleSlots(expression: string, { instants, walls, stepMs, from }: Walk): number[] {
  const fields = expression.toUpperCase().split(/\s+/);
  const matches = wallMatcher(fields);
  const realTime = !valuesOf(fields[2]!, 23).includes(false) || fields[2]!.split(',').some(hasHourStep);
  const slots: number[] = [];
  let highest = -Infinity;
  instants.forEach((instant, index) => {
    const wall = walls[index]!;
    if (instant >= from) {
      const jumps = wall - walls[index - 1]! > instant - instants[index - 1]!;
      const skipped = jumps && !realTime && matchesBetween(matches, [highest + stepMs, wall], stepMs);
      if (skipped || (matches(wall) && (realTime || wall > highest))) slots.push(instant);
    }
    highest = Math.max(highest, wall);
  });
  return slots;
}

/** A step above 1 that leaves more than one hour. */
function hasHourStep(item: string): boolean {
  const step = Number(item.split('/')[1] ?? 1);
  return step > 1 && valuesOf(item, 23).filter(Boolean).length > 1;
}

type Matcher = (wall: number) => boolean;

function wallMatcher(fields: readonly string[]): Matcher {
  const [second, minute, hour, day, month, weekday] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const seconds = valuesOf(second, 59);
  const minutes = valuesOf(minute, 59);
  const hours = valuesOf(hour, 23);
  const months = valuesOf(month, 12);
  return (wall) => {
    const date = new Date(wall);
    return (
      seconds[date.getUTCSeconds()]! &&
      minutes[date.getUTCMinutes()]! &&
      hours[date.getUTCHours()]! &&
      months[date.getUTCMonth() + 1]! &&
      matchesDay(day, weekday, date)
    );
  };
}

function matchesBetween(matches: Matcher, [from, to]: [number, number], stepMs: number): boolean {
  for (let wall = from; wall < to; wall += stepMs) if (matches(wall)) return true;
  return false;
}

/** For each value 0 to max, whether the field matches it. */
function valuesOf(text: string, max: number): boolean[] {
  return Array.from({ length: max + 1 }, (_, value) => matchesField(text, value, max));
}

/** Instants of a year after which the offset changes within three days. */
export function transitionDays(zone: string, year: number): number[] {
  const days: number[] = [];
  const offset = (at: number): number => wallClock(zone, at) - at;
  const step = 3 * 86_400_000;
  let before = offset(Date.UTC(year, 0, 1));
  for (let at = Date.UTC(year, 0, 1) + step; at < Date.UTC(year + 1, 0, 1) + step; at += step) {
    const now = offset(at);
    if (now !== before) days.push(at - step);
    before = now;
  }
  return days;
}

/** The last minute that still has the offset of `day`. */
export function transitionMinute(zone: string, day: number): number {
  const offset = (at: number): number => wallClock(zone, at) - at;
  let at = day;
  while (offset(at + 3_600_000) === offset(day)) at += 3_600_000;
  while (offset(at + 60_000) === offset(day)) at += 60_000;
  return at;
}

const DAY_MS = 86_400_000;

function matchesDay(day: string, weekday: string, date: Date): boolean {
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const weekdays = weekday.replace('+', '');
  const dayMatches = day.split(',').some((item) => matchesDayItem(item, date, last));
  const weekdayMatches = weekdays.split(',').some((item) => matchesWeekday(item, date, last));
  const bothNeeded = [day, weekday].some((text) => ['*', '?'].includes(text[0]!)) || weekday !== weekdays;
  return bothNeeded ? dayMatches && weekdayMatches : dayMatches || weekdayMatches;
}

function matchesDayItem(item: string, date: Date, last: number): boolean {
  const special = /^(?:L(?:-(\d+))?|(\d+)(?=W))(W?)$/.exec(item);
  if (special === null) return matchesField(item, date.getUTCDate(), 31);
  const target = special[2] === undefined ? last - Number(special[1] ?? 0) : Number(special[2]);
  if (target < 1 || target > last) return false;
  if (special[3] === '') return date.getUTCDate() === target;
  // Looks around the target for its nearest working day within the month; Saturday looks back first, Sunday ahead.
  const noon = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), target, 12);
  const nearest = [0, -1, 1, -2, 2].find((days) => {
    const other = new Date(noon + days * DAY_MS);
    return other.getUTCMonth() === date.getUTCMonth() && other.getUTCDay() % 6 !== 0;
  });
  return date.getUTCDate() === target + nearest!;
}

const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function matchesWeekday(item: string, date: Date, lastDay: number): boolean {
  const weekday = date.getUTCDay();
  const text = WEEKDAYS.reduce((name, each, index) => name.replaceAll(each, String(index)), item);
  const nth = /^0*(\d)(?:#(?:0*(\d)|L)|L)$/.exec(text);
  if (nth === null) return matchesWeekdayRange(text, weekday);
  if (Number(nth[1]) % 7 !== weekday) return false;
  if (nth[2] === undefined) return date.getUTCDate() > lastDay - 7;
  return Math.ceil(date.getUTCDate() / 7) === Number(nth[2]);
}

/** Walks the days of a range in order, from the first until the last or a Sunday that ends it. */
function matchesWeekdayRange(text: string, weekday: number): boolean {
  const range = /^0*(\d)-0*(\d)(?:\/(\d+))?$/.exec(text);
  if (range === null) return matchesField(text, weekday, 6) || (weekday === 0 && /^0*7(\/|$)/.test(text));
  const [first, last, step] = [Number(range[1]), Number(range[2]), Number(range[3] ?? 1)];
  if (last === 0 && first % 7 === 0) return weekday === 0;
  const end = last === 0 ? 7 : last;
  for (let day = first; day <= end; day += step) if (day % 7 === weekday) return true;
  return false;
}

function matchesField(text: string, value: number, max: number): boolean {
  return text.split(',').some((item) => {
    const [span, step] = item.split('/');
    if (span === '*' || span === '?')
      return (value - (max === 31 || max === 12 ? 1 : 0)) % Number(step ?? 1) === 0;
    const [first, last] = span!.split('-').map(Number) as [number, number | undefined];
    const end = last ?? (step === undefined ? first : max);
    return value >= first && value <= end && (value - first) % Number(step ?? 1) === 0;
  });
}
