// The one instant of a job that runs once.
import { describe, expect, test } from 'vitest';
import { instantOfAt } from '../../../src/core/schedule/one-shot.ts';
import { compileSchedule } from '../../../src/core/schedule/schedule.ts';

const instant = (text: string, zone: string): string | undefined => {
  const ms = instantOfAt(text, zone);
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe('the instant', () => {
  test.each([
    ['2026-12-24T10:00:00', 'Europe/Berlin', '2026-12-24T09:00:00.000Z'],
    ['2026-07-24T10:00', 'Europe/Berlin', '2026-07-24T08:00:00.000Z'],
    ['2026-12-24T10:00:00Z', 'Europe/Berlin', '2026-12-24T10:00:00.000Z'],
    ['2026-12-24T10:00:00-03:30', 'UTC', '2026-12-24T13:30:00.000Z'],
    ['2026-03-29T02:30:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'], // skipped: the first instant after it
    ['2026-10-25T02:30:00', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'], // twice: the first time
    ['2011-12-30T12:00:00', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'], // a day that the clock skipped
    ['2026-02-30T10:00:00', 'UTC', undefined],
    ['2026-02-03T24:00:00', 'UTC', undefined],
    ['2026-02-03', 'UTC', undefined],
    ['2026-02-03T10:00:00+25:00', 'UTC', undefined],
  ])('%s in %s is %s', (text, zone, expected) => {
    expect(instant(text, zone)).toBe(expected);
  });

  // A second implementation: the slot of the fixed time of that day.
  test.each([
    'America/New_York',
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'America/Havana',
    'Africa/Cairo',
    'UTC',
  ])('is the slot of a schedule of that day and time in %s, at every clock change of a year', (timeZone) => {
    for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2027, 0, 1); day += 86_400_000) {
      const date = new Date(day);
      for (const [hour, minute] of [
        [0, 0],
        [0, 30],
        [1, 30],
        [2, 0],
        [2, 30],
        [3, 0],
      ] as const) {
        const expression = `${minute} ${hour} ${date.getUTCDate()} ${date.getUTCMonth() + 1} *`;
        const schedule = compileSchedule({ expressions: [expression], timeZone, seed: 'x', anchor: 0 });
        const two = (value: number) => String(value).padStart(2, '0');
        const text = `${date.toISOString().slice(0, 10)}T${two(hour)}:${two(minute)}:00`;
        expect(instant(text, timeZone), text).toBe(
          new Date(schedule.next(day - 2 * 86_400_000)!).toISOString(),
        );
      }
    }
  });
});
