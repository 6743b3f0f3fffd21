// Which days a schedule leaves out: those of exceptDates, those of calendars that exclude days, and those that no
// calendar of only days has. The days come as data; who reads the files of the calendars is not known here.
import type { ShownCalendar } from '../../job.ts';
import type { CalendarUse } from '../../spec/blocks.ts';
import { DAY_SECONDS } from '../calendar.ts';
import type { Zone } from '../zone/zone.ts';
import { dayAt, dayEnd, dayStart } from './civil-day.ts';
import { dateRanges, dayOfDate, daysOfRanges } from './dates.ts';

/** What a calendar holds. It is the same object until its file changes. */
export interface CalendarDays {
  /** Whole days, as day numbers. */
  readonly numbers: readonly number[];
  /** Stretches [from, to) of real time, seconds since the epoch: each takes every civil day that it touches. */
  readonly spans: readonly (readonly [number, number])[];
}

/** The content of a calendar by its name; undefined for one that is not known, whose days are then not left out. */
export type CalendarLookup = (name: string) => CalendarDays | undefined;

/** The calendars that a status shows: what the command line knows of those of a daemon or of a cluster. */
export function shownCalendars(shown: readonly ShownCalendar[] = []): CalendarLookup {
  return (name) => {
    const dates = shown.find((calendar) => calendar.name === name)?.dates;
    return dates && { numbers: daysOfRanges(dates), spans: [] };
  };
}

/** The fields of a spec that leave out days, with the contents of its calendars. */
export interface DayInput {
  exceptDates: readonly string[];
  calendars: readonly (CalendarUse & { content: CalendarDays })[];
}

/** The cause of Excluded for a date of the job itself. The names of calendars have no capital letters. */
export const EXCEPT_DATES = 'exceptDates';

/** What leaves out a day, as a clause. */
export function takenText(by: string): string {
  return by === EXCEPT_DATES
    ? 'exceptDates of the job names its day'
    : `the calendar ${by} leaves its day out`;
}

interface NamedDays {
  name: string;
  days: ReadonlySet<number>;
}

/** Instants are seconds since the epoch. */
export class DayRules {
  readonly #zone: Zone;
  readonly #excluded: readonly NamedDays[];
  readonly #only: readonly NamedDays[];
  /** No later day is one of the only days; Infinity without such calendars. */
  readonly #lastOnly: number;

  constructor({ exceptDates, calendars }: DayInput, zone: Zone) {
    const used = (days: CalendarUse['days']): NamedDays[] =>
      calendars
        .filter((calendar) => calendar.days === days)
        .map(({ name, content }) => ({ name, days: civilDays(content, zone) }));
    const dates = new Set(exceptDates.map(dayOfDate).filter((day) => day !== undefined));
    this.#zone = zone;
    this.#excluded = [...(dates.size > 0 ? [{ name: EXCEPT_DATES, days: dates }] : []), ...used('Exclude')];
    this.#only = used('Only');
    this.#lastOnly = this.#only.length === 0 ? Infinity : lastDay(this.#only);
  }

  /** What leaves out the civil day of the instant: `exceptDates` or the name of a calendar; undefined for nothing. */
  takenBy(instant: number): string | undefined {
    return this.#takerOf(dayAt(this.#zone, instant));
  }

  dayStart(instant: number): number {
    return dayStart(this.#zone, instant);
  }

  dayEnd(instant: number): number {
    return dayEnd(this.#zone, instant);
  }

  /** The first instant after `instant` whose day is not left out; Infinity for none. */
  freeAfter(instant: number): number {
    let at = dayEnd(this.#zone, instant);
    for (let day = dayAt(this.#zone, at); this.#takerOf(day) !== undefined; day = dayAt(this.#zone, at)) {
      if (day > this.#lastOnly) return Infinity;
      at = dayEnd(this.#zone, at);
    }
    return at;
  }

  /** The last instant before the day of `instant` whose own day is not left out, or an instant before `since`. */
  freeBefore(instant: number, since: number): number {
    let at = dayStart(this.#zone, instant) - 1;
    while (at >= since && this.takenBy(at) !== undefined) at = dayStart(this.#zone, at) - 1;
    return at;
  }

  /** [from, to] as stretches of days in a row with the same taker. */
  stretches(from: number, to: number): { from: number; to: number; by: string | undefined }[] {
    const found: { from: number; to: number; by: string | undefined }[] = [];
    for (let at = from; at <= to;) {
      const by = this.takenBy(at);
      const end = Math.min(dayEnd(this.#zone, at) - 1, to);
      const last = found.at(-1);
      if (last !== undefined && last.by === by) last.to = end;
      else found.push({ from: at, to: end, by });
      at = end + 1;
    }
    return found;
  }

  /** The days of the calendars in the year of the instant and the next one. */
  shown(instant: number): ShownCalendar[] {
    const [from, to] = [yearStart(instant, 0), yearStart(instant, 2)];
    return [...this.#excluded, ...this.#only]
      .filter(({ name }) => name !== EXCEPT_DATES)
      .map(({ name, days }) => ({
        name,
        dates: dateRanges([...days].filter((day) => day >= from && day < to)),
      }));
  }

  #takerOf(day: number): string | undefined {
    for (const { name, days } of this.#excluded) if (days.has(day)) return name;
    const [first] = this.#only;
    return first === undefined || this.#only.some(({ days }) => days.has(day)) ? undefined : first.name;
  }
}

function lastDay(calendars: readonly NamedDays[]): number {
  let last = -Infinity;
  for (const { days } of calendars) for (const day of days) last = Math.max(last, day);
  return last;
}

/** Day number of January 1 of the year of the instant, or of a later year. */
function yearStart(instant: number, yearsLater: number): number {
  const year = new Date(instant * 1000).getUTCFullYear() + yearsLater;
  return Date.UTC(year, 0, 1) / (DAY_SECONDS * 1000);
}

/** A thousand jobs with one calendar share its days. */
const known = new WeakMap<CalendarDays, Map<string, ReadonlySet<number>>>();

/** The days of a calendar in a zone. */
export function civilDays(content: CalendarDays, zone: Zone): ReadonlySet<number> {
  const ofZones = known.get(content) ?? new Map<string, ReadonlySet<number>>();
  known.set(content, ofZones);
  const days = ofZones.get(zone.name) ?? daysIn(content, zone);
  ofZones.set(zone.name, days);
  return days;
}

function daysIn({ numbers, spans }: CalendarDays, zone: Zone): ReadonlySet<number> {
  const days = new Set(numbers);
  for (const [from, to] of spans) {
    const last = dayAt(zone, Math.max(from, to - 1));
    for (let day = dayAt(zone, from); day <= last; day++) days.add(day);
  }
  return days;
}
