// The grammar: accepted expressions with their slots, refused ones with their message.
import { describe, expect, test } from 'vitest';
import { checkExpression, compileSchedule, type Schedule } from '../../../../src/core/schedule/schedule.ts';
import { LshError } from '../../../../src/core/errors.ts';

const NEW_YEAR = Date.parse('2026-01-01T00:00:00Z'); // a Thursday

function inUtc(expressions: string[], seed = 'local/x'): Schedule {
  return compileSchedule({ expressions, timeZone: 'UTC', seed, anchor: NEW_YEAR });
}

function firstSlots(schedule: Schedule, n: number): string[] {
  const found: string[] = [];
  let slot = schedule.next(NEW_YEAR - 1);
  while (slot !== undefined && found.length < n) {
    found.push(new Date(slot).toISOString().slice(0, 19).replace('T', ' '));
    slot = schedule.next(slot);
  }
  return found;
}

function refusal(expression: string): LshError {
  try {
    checkExpression(expression);
  } catch (error) {
    if (error instanceof LshError) return error;
    throw error;
  }
  throw new Error(`"${expression}" was accepted`);
}

describe('the first slots of 2026 in UTC', () => {
  test.for<[string, string[]]>([
    ['0 2 * * 0', ['2026-01-04 02:00:00', '2026-01-11 02:00:00']],
    ['0 2 * * 7', ['2026-01-04 02:00:00', '2026-01-11 02:00:00']],
    ['0 2 * * SUN', ['2026-01-04 02:00:00', '2026-01-11 02:00:00']],
    ['0 0 * jan,Jul mon', ['2026-01-05 00:00:00', '2026-01-12 00:00:00']],
    [
      '0 0 * * FRI-SUN',
      ['2026-01-02 00:00:00', '2026-01-03 00:00:00', '2026-01-04 00:00:00', '2026-01-09 00:00:00'],
    ],
    [
      '5/15 * * * *',
      ['2026-01-01 00:05:00', '2026-01-01 00:20:00', '2026-01-01 00:35:00', '2026-01-01 00:50:00'],
    ],
    [
      '1-10/4 0 * * *',
      ['2026-01-01 00:01:00', '2026-01-01 00:05:00', '2026-01-01 00:09:00', '2026-01-02 00:01:00'],
    ],
    ['0-1,30 0 * * *', ['2026-01-01 00:00:00', '2026-01-01 00:01:00', '2026-01-01 00:30:00']],
    ['0 0 */2 * *', ['2026-01-01 00:00:00', '2026-01-03 00:00:00']],
    ['0 0 1 */3 *', ['2026-01-01 00:00:00', '2026-04-01 00:00:00']],
    ['1,1 0 * * *', ['2026-01-01 00:01:00', '2026-01-02 00:01:00']],
    ['0 *,5 * * *', ['2026-01-01 00:00:00', '2026-01-01 01:00:00']],
    ['0 0 L * *', ['2026-01-31 00:00:00', '2026-02-28 00:00:00']],
    ['0 0 * * 5L', ['2026-01-30 00:00:00', '2026-02-27 00:00:00']],
    ['0 0 * * 6L', ['2026-01-31 00:00:00', '2026-02-28 00:00:00']],
    ['0 0 * * FRIL', ['2026-01-30 00:00:00', '2026-02-27 00:00:00']],
    ['0 0 * * 1#2', ['2026-01-12 00:00:00', '2026-02-09 00:00:00']],
    ['0 0 * * MON#1,FRI#3', ['2026-01-05 00:00:00', '2026-01-16 00:00:00', '2026-02-02 00:00:00']],
    ['0 0 ? * ?', ['2026-01-01 00:00:00', '2026-01-02 00:00:00']],
    ['0 0 29 2 *', ['2028-02-29 00:00:00', '2032-02-29 00:00:00']],
    ['0 0 29 2 MON#5', ['2028-02-29 00:00:00', '2032-02-29 00:00:00']],
    ['0 0 * 2 5#5', ['2036-02-29 00:00:00', '2064-02-29 00:00:00', '2092-02-29 00:00:00']],
    [
      '*/20 * * * * *',
      ['2026-01-01 00:00:00', '2026-01-01 00:00:20', '2026-01-01 00:00:40', '2026-01-01 00:01:00'],
    ],
    ['  0   2  *  *  *  ', ['2026-01-01 02:00:00', '2026-01-02 02:00:00']],
    ['@hourly', ['2026-01-01 00:00:00', '2026-01-01 01:00:00']],
    ['@daily', ['2026-01-01 00:00:00', '2026-01-02 00:00:00']],
    ['@midnight', ['2026-01-01 00:00:00', '2026-01-02 00:00:00']],
    ['@weekly', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['@monthly', ['2026-01-01 00:00:00', '2026-02-01 00:00:00']],
    ['@yearly', ['2026-01-01 00:00:00', '2027-01-01 00:00:00']],
    ['@annually', ['2026-01-01 00:00:00', '2027-01-01 00:00:00']],
    ['@every 90s', ['2026-01-01 00:01:30', '2026-01-01 00:03:00']],
    ['@every 1h30m', ['2026-01-01 01:30:00', '2026-01-01 03:00:00']],
  ])('"%s"', ([expression, slots]) => {
    expect(firstSlots(inUtc([expression]), slots.length)).toEqual(slots);
  });
});

describe('day of month and day of week', () => {
  test('both restricted: either is enough, as in cron', () => {
    const slots = firstSlots(inUtc(['0 0 13 * FRI']), 4);
    expect(slots.map((slot) => slot.slice(0, 10))).toEqual([
      '2026-01-02',
      '2026-01-09',
      '2026-01-13',
      '2026-01-16',
    ]);
  });

  test('a field that starts with * is unrestricted even with a step: both must match', () => {
    const slots = firstSlots(inUtc(['0 0 */2 * MON']), 3);
    expect(slots.map((slot) => slot.slice(0, 10))).toEqual(['2026-01-05', '2026-01-19', '2026-02-09']);
  });
});

describe('refused, with the fault and a hint', () => {
  test.for<[string, RegExp]>([
    ['', /empty/],
    ['   ', /empty/],
    ['* * * *', /4 fields/],
    ['* * * * * * *', /7 fields/],
    ['hello', /1 field\b/],
    ['@fortnightly', /no macro @fortnightly/],
    ['@daily 5', /no macro/],
    ['0 0 15W * *', /W \(nearest weekday\) is not supported in the day of month field/],
    ['0 0 LW * *', /W \(nearest weekday\) is not supported/],
    ['CRON_TZ=Europe/London 0 2 * * *', /time zone does not belong/],
    ['TZ=UTC 0 2 * * *', /time zone does not belong/],
    ['0 0 31 2 *', /would never run/],
    ['0 0 30 2 *', /would never run/],
    ['0 0 31 2,4,6,9,11 *', /would never run/],
    ['0 0 */30 * 1#3', /would never run/],
    ['60 * * * *', /"60" is not a minute \(0-59\)/],
    ['* 24 * * *', /"24" is not an hour \(0-23\)/],
    ['* * 0 * *', /"0" is not a day of month/],
    ['* * * 13 *', /"13" is not a month/],
    ['* * * * 8', /"8" is not a day of week/],
    ['* * * * MOON', /"MOON" is not a day of week/],
    ['* * * * L', /"L" is not a day of week/],
    ['* * * * 1#6', /"1#6" is not a day of week/],
    ['0 22-2 * * *', /runs backwards/],
    ['*/0 * * * *', /"\*\/0" is not a minute/],
    ['/5 * * * *', /"\/5" is not a minute/],
    ['1, * * * *', /empty list item/],
    ['H(0-99) * * * *', /"H\(0-99\)" is not a minute/],
    ['0 0 L-3 * *', /"L-3" is not a day of month/],
    ['-5 * * * *', /"-5" is not a minute/],
    ['1.5 * * * *', /"1.5" is not a minute/],
    ['@every', /needs a length/],
    ['@every soon', /needs a length/],
    ['@every 0s', /out of bounds/],
    ['@every 500ms', /whole seconds/],
    ['@every 400d', /out of bounds/],
    [`${'1,'.repeat(400)}1 * * * *`, /longer than 512 characters/],
  ])('"%s"', ([expression, words]) => {
    const error = refusal(expression);
    expect(error.code).toBe('SCHEDULE_INVALID');
    expect(error.message).toMatch(words);
    expect(error.hint.length).toBeGreaterThan(20);
  });

  test('the refusal of a zone in the expression names timeZone', () => {
    expect(refusal('CRON_TZ=Europe/London 0 2 * * *').hint).toContain('timeZone (--tz) to Europe/London');
  });
});

describe('H', () => {
  test('falls on the same time each day for the same job', () => {
    const slots = firstSlots(inUtc(['H H * * *'], 'local/backup'), 3);
    expect(firstSlots(inUtc(['H H * * *'], 'local/backup'), 3)).toEqual(slots);
    expect(new Set(slots.map((slot) => slot.slice(11))).size).toBe(1);
  });

  test.for<[string, string, string]>([
    ['H H * * *', 'local/backup', '2026-01-01 03:41:00'],
    ['H H * * H', 'prod/rotate-secrets', '2026-01-04 20:53:00'],
    ['H/15 * * * *', '', '2026-01-01 00:01:00'],
  ])('"%s" of "%s" keeps its slot from version to version', ([expression, seed, slot]) => {
    expect(firstSlots(inUtc([expression], seed), 1)).toEqual([slot]);
  });

  test('may stand in both day fields, where either is enough', () => {
    const slots = inUtc(['0 0 H * H']).count(NEW_YEAR - 1, Date.parse('2026-12-31T23:59:59Z'));
    expect(slots).toBeGreaterThanOrEqual(52);
    expect(slots).toBeLessThanOrEqual(64);
  });

  test('stays within its range and keeps its step', () => {
    for (let job = 0; job < 200; job++) {
      const slots = firstSlots(inUtc(['H(10-19)/5 * * * *'], `local/job-${job}`), 2).map((slot) =>
        Number(slot.slice(14, 16)),
      );
      expect(slots[0]).toBeGreaterThanOrEqual(10);
      expect(slots[1]).toBeLessThanOrEqual(19);
      expect(slots[1]! - slots[0]!).toBe(5);
    }
  });

  test('two ranges of H in one list may fall on the same value', () => {
    for (let job = 0; job < 200; job++) {
      const found = inUtc(['H(0-2),H(1-3) 0 * * *'], `local/job-${job}`).count(
        NEW_YEAR - 1,
        NEW_YEAR + 3_600_000,
      );
      expect([1, 2]).toContain(found);
    }
  });

  test('in the day of month falls on a day that every month has', () => {
    for (let job = 0; job < 100; job++) {
      const schedule = inUtc(['0 0 H * *'], `local/job-${job}`);
      expect(schedule.count(NEW_YEAR - 1, Date.parse('2026-12-31T23:59:59Z'))).toBe(12);
    }
  });

  test.for<[string, number, (slot: Date) => number]>([
    ['H * * * *', 60, (slot) => slot.getUTCMinutes()],
    ['0 H * * *', 24, (slot) => slot.getUTCHours()],
    ['0 0 * * H', 7, (slot) => slot.getUTCDay()],
    ['0 0 H * *', 28, (slot) => slot.getUTCDate() - 1],
  ])('"%s" spreads jobs evenly over %d values', ([expression, values, valueOf]) => {
    const jobs = values * 100;
    const counts = Array.from({ length: values }, () => 0);
    for (let job = 0; job < jobs; job++) {
      const slot = inUtc([expression], `team-${job % 7}/job-${job}`).next(NEW_YEAR - 1);
      counts[valueOf(new Date(slot!))]!++;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    // Mean values-1, standard deviation sqrt(2 (values-1)): five of them is far out.
    expect(chiSquare).toBeLessThan(values - 1 + 5 * Math.sqrt(2 * (values - 1)));
  });
});
