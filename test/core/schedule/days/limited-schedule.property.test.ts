// Schedules that leave out days against a second implementation: every slot of the expressions alone, one by one, with
// the date that Intl gives it. Shares neither the days of the zone nor the search with the engine.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DayInput } from '../../../../src/core/schedule/days/day-rules.ts';
import { dayOfDate } from '../../../../src/core/schedule/days/dates.ts';
import { compileSchedule } from '../../../../src/core/schedule/schedule.ts';
import { transitionDays, wallClock } from '../../../support/core/schedule-oracle.ts';
import { testSeed } from '../../../support/seed.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const seed = testSeed('days that are left out');

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Tokyo',
  'Africa/Cairo', // changes its clock at midnight
  'America/Santiago', // as well
  'America/Havana', // shows the hour before one o’clock twice
  'America/St_Johns', // went back over midnight until 2011: the day before came back
  'Pacific/Apia', // skipped a whole day in 2011
  'Asia/Kathmandu',
];
const EXPRESSIONS = [
  '0 2 * * *',
  '30 * * * *',
  '@every 7h',
  '*/15 * * * *',
  '0 0 * * *',
  '59 23 * * 1-5',
  '1 0 * * *',
];

function dateOf(wall: number): string {
  return new Date(wall).toISOString().slice(0, 10);
}

const scene = fc
  .record({
    zone: fc.constantFrom(...ZONES),
    year: fc.integer({ min: 2005, max: 2030 }),
    change: fc.nat(),
    startHour: fc.integer({ min: 0, max: 47 }),
    lengthHours: fc.integer({ min: 1, max: 400 }),
    expressions: fc.uniqueArray(fc.constantFrom(...EXPRESSIONS), { minLength: 1, maxLength: 3 }),
    exceptDays: fc.uniqueArray(fc.integer({ min: -1, max: 12 }), { maxLength: 4 }),
    calendars: fc.array(
      fc.record({
        days: fc.constantFrom('Exclude' as const, 'Only' as const),
        numbers: fc.uniqueArray(fc.integer({ min: -1, max: 14 }), { maxLength: 6 }),
        spans: fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 60 })), {
          maxLength: 2,
        }),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ zone, year, change, ...rest }) => {
    const changes = [...transitionDays(zone, year), Date.UTC(year, 11, 23)];
    return { zone, base: changes[change % changes.length]!, ...rest };
  });

test('next, previous, count and the taken stretches are those of a walk over every slot', () => {
  fc.assert(
    fc.property(scene, ({ zone, base, startHour, lengthHours, expressions, exceptDays, calendars }) => {
      const dateAfter = (days: number) => dateOf(base + days * DAY_MS);
      const input = { expressions, timeZone: zone, seed: 'local/test', anchor: base - 5 * DAY_MS };
      const days: DayInput = {
        exceptDates: exceptDays.map(dateAfter),
        calendars: calendars.map((calendar, index) => ({
          name: `calendar-${index}`,
          days: calendar.days,
          content: {
            numbers: calendar.numbers.map((day) => dayOfDate(dateAfter(day))!),
            spans: calendar.spans.map(([from, length]) => {
              const start = base / 1000 + from * 3600;
              return [start, start + length * 3600 + 1] as const;
            }),
          },
        })),
      };
      const limited = compileSchedule({ ...input, days });
      const all = compileSchedule(input);

      /** The second implementation. */
      const spanDates = calendars.map(({ spans }) =>
        spans.flatMap(([from, length]) => {
          const dates: string[] = [];
          for (let minute = 0; minute <= length * 60; minute++)
            dates.push(dateOf(wallClock(zone, base + from * HOUR_MS + minute * 60_000)));
          return dates;
        }),
      );
      const datesOf = calendars.map(
        ({ numbers }, index) => new Set([...numbers.map(dateAfter), ...spanDates[index]!]),
      );
      const only = calendars.flatMap((calendar, index) => (calendar.days === 'Only' ? [index] : []));
      const taker = (slot: number): string | undefined => {
        const date = dateOf(wallClock(zone, slot));
        if (days.exceptDates.includes(date)) return 'exceptDates';
        const excluding = calendars.findIndex(
          (one, index) => one.days === 'Exclude' && datesOf[index]!.has(date),
        );
        if (excluding >= 0) return `calendar-${excluding}`;
        return only.length > 0 && !only.some((index) => datesOf[index]!.has(date))
          ? `calendar-${only[0]}`
          : undefined;
      };
      const after = base + startHour * HOUR_MS;
      const until = after + lengthHours * HOUR_MS;
      const slots: { slot: number; by: string | undefined }[] = [];
      for (let slot = all.next(after); slot !== undefined && slot <= until; slot = all.next(slot))
        slots.push({ slot, by: taker(slot) });
      const free = slots.filter(({ by }) => by === undefined).map(({ slot }) => slot);

      expect(limited.count(after, until)).toBe(free.length);
      expect(limited.previous(until, after)).toBe(free.at(-1));
      const next = limited.next(after);
      expect(next !== undefined && next <= until ? next : undefined).toBe(free[0]);
      for (const { slot, by } of slots) expect(limited.limits!.takenBy(slot)).toBe(by);
      const taken = limited.limits!.taken(after, until);
      const inStretches = taken.flatMap(({ after: from, until: to, by }) =>
        slots.filter(({ slot }) => slot > from && slot <= to).map(({ slot }) => ({ slot, by })),
      );
      expect(inStretches).toEqual(slots.filter(({ by }) => by !== undefined));
    }),
    { seed, numRuns: 400 },
  );
});

test('a schedule whose only days are over has no further slot, and finds that out at once', () => {
  const schedule = compileSchedule({
    expressions: ['* * * * * *'],
    timeZone: 'Europe/Berlin',
    seed: 'local/test',
    anchor: 0,
    days: {
      exceptDates: [],
      calendars: [
        { name: 'once', days: 'Only', content: { numbers: [dayOfDate('2026-12-24')!], spans: [] } },
      ],
    },
  });
  expect(schedule.next(Date.UTC(2026, 0, 1))).toBe(Date.UTC(2026, 11, 23, 23));
  const before = performance.now();
  expect(schedule.next(Date.UTC(2026, 11, 25))).toBeUndefined();
  expect(schedule.count(0, Date.UTC(2030, 0, 1))).toBe(86_400);
  expect(performance.now() - before).toBeLessThan(1000);
});
