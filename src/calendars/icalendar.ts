// The days of an iCalendar file (RFC 5545): of whole-day events the days, of other events the stretches of time, with
// every repetition in a window of years. The only file that knows the library, and loaded only for such a file.
import ICAL from 'ical.js';
import type { CalendarDays } from '../core/schedule/days/day-rules.ts';
import { zoneOf, instantOf, type WallZone } from './wall-zone.ts';

/** Repetitions of all events of a file that are looked at: one of each second must not stop the daemon for long. */
const REPETITIONS_MAX = 10_000;
const DAY_SECONDS = 86_400;

/** The first and the last year whose days count. */
export interface Years {
  from: number;
  to: number;
}

/** Throws an Error that says what is wrong with the text. */
export function icalendarDays(text: string, years: Years): CalendarDays {
  const found = { numbers: new Set<number>(), spans: [] as [number, number][] };
  const budget = { left: REPETITIONS_MAX };
  for (const calendar of calendarsIn(text)) {
    for (const event of eventsIn(calendar)) {
      for (const occurrence of occurrences(event, years, budget)) add(found, occurrence);
    }
  }
  return { numbers: [...found.numbers].sort((a, b) => a - b), spans: found.spans };
}

function calendarsIn(text: string): ICAL.Component[] {
  const parsed: unknown[] = ICAL.parse(text);
  const documents = (Array.isArray(parsed[0]) ? parsed : [parsed]) as ConstructorParameters<
    typeof ICAL.Component
  >[0][];
  const calendars = documents.map((document) => new ICAL.Component(document));
  if (calendars.some(({ name }) => name !== 'vcalendar')) throw new Error('it holds no VCALENDAR');
  return calendars;
}

/** The events, with the repetitions that were changed one by one. */
function eventsIn(calendar: ICAL.Component): ICAL.Event[] {
  const all = calendar.getAllSubcomponents('vevent').map((component) => new ICAL.Event(component));
  const masters = new Map(
    all.filter((event) => !event.isRecurrenceException()).map((event) => [event.uid, event]),
  );
  for (const event of all) {
    if (event.isRecurrenceException()) masters.get(event.uid)?.relateException(event);
  }
  return all.filter((event) => !event.isRecurrenceException() || !masters.has(event.uid));
}

interface Occurrence {
  start: ICAL.Time;
  end: ICAL.Time;
  zone: WallZone;
}

function* occurrences(event: ICAL.Event, years: Years, budget: { left: number }): Generator<Occurrence> {
  if (event.startDate === null) throw new Error(`the event "${event.summary}" has no start`);
  if (!event.isRecurring()) {
    yield* unlessCancelled(event, event.startDate, event.endDate);
    return;
  }
  const repetitions = event.iterator();
  for (let next = repetitions.next(); next && next.year <= years.to; next = repetitions.next()) {
    if (--budget.left < 0) throw new Error(`its events repeat more than ${REPETITIONS_MAX} times`);
    if (next.year < years.from - 1) continue;
    const { item, startDate, endDate } = event.getOccurrenceDetails(next);
    yield* unlessCancelled(item, startDate, endDate);
  }
}

function* unlessCancelled(event: ICAL.Event, start: ICAL.Time, end: ICAL.Time): Generator<Occurrence> {
  if (event.component.getFirstPropertyValue('status') === 'CANCELLED') return;
  const tzid = event.component.getFirstProperty('dtstart')?.getFirstParameter('tzid');
  yield { start, end, zone: zoneOf(start, tzid) };
}

/** An event of more days is a mistake, and would fill the memory. */
const EVENT_MAX_DAYS = 3660;

function add(
  { numbers, spans }: { numbers: Set<number>; spans: [number, number][] },
  { start, end, zone }: Occurrence,
): void {
  const from = wallSeconds(start);
  const to = Math.max(wallSeconds(end), from + 1);
  if (to - from > EVENT_MAX_DAYS * DAY_SECONDS)
    throw new Error(`an event lasts more than ${EVENT_MAX_DAYS} days`);
  if (zone === 'floating') {
    for (let day = Math.floor(from / DAY_SECONDS); day <= Math.floor((to - 1) / DAY_SECONDS); day++)
      numbers.add(day);
  } else {
    const since = instantOf(start, zone);
    spans.push([since, Math.max(instantOf(end, zone), since + 1)]);
  }
}

/** The time on the clock as seconds since 1970, as if the zone were UTC. */
function wallSeconds({ year, month, day, hour, minute, second }: ICAL.Time): number {
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
}
