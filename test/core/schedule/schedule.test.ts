// Compiled schedules: bounds, intervals, start-up, unions, the speed of counting, zone names.
import { describe, expect, test } from 'vitest';
import { LshError } from '../../../src/core/errors.ts';
import { compileSchedule, type ScheduleInput } from '../../../src/core/schedule/schedule.ts';
import { checkTimeZone } from '../../../src/core/schedule/zone/zone-name.ts';

const NOON = Date.parse('2026-05-01T12:00:00Z');
const DAY_MS = 86_400_000;
const TEN_YEARS_S = 3650 * 86_400;

const startsAt = (at: number) => ({ '@reboot': at, '@daemon-start': at });

function aSchedule(
  expressions: string[],
  rest: Partial<ScheduleInput> = {},
): ReturnType<typeof compileSchedule> {
  return compileSchedule({ expressions, timeZone: 'UTC', seed: 'local/x', anchor: NOON, ...rest });
}

describe('instants', () => {
  test('next is strictly after, previous at or before and strictly after its bound', () => {
    const schedule = aSchedule(['0 12 * * *']);
    expect(schedule.next(NOON - 1)).toBe(NOON);
    expect(schedule.next(NOON)).toBe(NOON + DAY_MS);
    expect(schedule.previous(NOON, NOON - 1)).toBe(NOON);
    expect(schedule.previous(NOON + 999, NOON)).toBeUndefined();
    expect(schedule.previous(NOON - 1, NOON - DAY_MS)).toBeUndefined();
    expect(schedule.count(NOON - 1, NOON)).toBe(1);
    expect(schedule.count(NOON, NOON)).toBe(0);
  });

  test('milliseconds between two seconds belong to the earlier one', () => {
    const schedule = aSchedule(['* * * * * *']);
    expect(schedule.next(NOON + 1)).toBe(NOON + 1000);
    expect(schedule.previous(NOON + 1999, 0)).toBe(NOON + 1000);
    expect(schedule.count(NOON + 1, NOON + 1999)).toBe(1);
  });

  test('there is nothing before 1970 and nothing after 2199', () => {
    const schedule = aSchedule(['0 0 1 1 *']);
    expect(schedule.next(-1e15)).toBe(0);
    expect(schedule.previous(-1, -1e15)).toBeUndefined();
    expect(schedule.next(Date.parse('2199-01-01T00:00:00Z'))).toBeUndefined();
    expect(schedule.previous(Infinity, 0)).toBe(Date.parse('2199-01-01T00:00:00Z'));
  });
});

describe('notBefore and notAfter', () => {
  const bounds = { notBefore: NOON, notAfter: NOON + DAY_MS };

  test('are slots themselves, and no slot lies outside', () => {
    const schedule = aSchedule(['0 12 * * *'], bounds);
    expect(schedule.next(0)).toBe(NOON);
    expect(schedule.next(NOON)).toBe(NOON + DAY_MS);
    expect(schedule.next(NOON + DAY_MS)).toBeUndefined();
    expect(schedule.previous(NOON + 9 * DAY_MS, 0)).toBe(NOON + DAY_MS);
    expect(schedule.previous(NOON - 1, 0)).toBeUndefined();
    expect(schedule.count(0, NOON + 9 * DAY_MS)).toBe(2);
  });

  test('between two seconds leave out the second they cut', () => {
    const schedule = aSchedule(['* * * * * *'], { notBefore: NOON + 1, notAfter: NOON + 2999 });
    expect(schedule.next(0)).toBe(NOON + 1000);
    expect(schedule.count(0, NOON + DAY_MS)).toBe(2);
  });
});

describe('@every', () => {
  test('counts from the anchor, whose own second is no slot', () => {
    const schedule = aSchedule(['@every 90s'], { anchor: NOON + 700 });
    expect(schedule.next(0)).toBe(NOON + 90_000);
    expect(schedule.next(NOON + 90_000)).toBe(NOON + 180_000);
    expect(schedule.previous(NOON + 89_999, 0)).toBeUndefined();
    expect(schedule.count(0, NOON + 3_600_000)).toBe(40);
  });

  test('ignores clock changes', () => {
    const anchor = Date.parse('2026-03-08T06:00:00Z');
    const schedule = aSchedule(['@every 1h'], { anchor, timeZone: 'America/New_York' });
    expect(schedule.count(anchor, anchor + DAY_MS)).toBe(24);
  });
});

describe.each(['@reboot', '@daemon-start'] as const)('%s', (macro) => {
  test('has one slot, the second of its start', () => {
    const schedule = aSchedule([macro], {
      starts: { '@reboot': 1, '@daemon-start': 1, [macro]: NOON + 250 },
    });
    expect(schedule.next(0)).toBe(NOON);
    expect(schedule.next(NOON)).toBeUndefined();
    expect(schedule.previous(NOON + DAY_MS, 0)).toBe(NOON);
    expect(schedule.count(0, NOON + DAY_MS)).toBe(1);
  });

  test('has no slot without a local daemon', () => {
    const schedule = aSchedule([macro]);
    expect(schedule.next(0)).toBeUndefined();
    expect(schedule.count(0, NOON)).toBe(0);
  });
});

describe('several expressions', () => {
  test('are the union of their slots', () => {
    const schedule = aSchedule(['0 12 * * *', '0 12,18 * * *', '@every 6h'], { starts: startsAt(NOON) });
    const slots: number[] = [];
    for (let slot = schedule.next(NOON); slot !== undefined && slots.length < 5; slot = schedule.next(slot)) {
      slots.push((slot - NOON) / 3_600_000);
    }
    expect(slots).toEqual([6, 12, 18, 24, 30]);
    expect(schedule.count(NOON, NOON + 30 * 3_600_000)).toBe(5);
  });
});

describe('a long downtime', () => {
  test('130 years of seconds are counted exactly, without visiting the four thousand million slots', () => {
    const schedule = aSchedule(['* * * * * *'], { timeZone: 'America/New_York' });
    const until = Date.parse('2100-01-01T00:00:00Z');
    expect(schedule.count(-1, until - 1)).toBe(until / 1000);
    expect(schedule.previous(until, -1)).toBe(until);
  });

  test.for<[string[], number]>([
    [['@every 1s', '0 0 * * *'], TEN_YEARS_S],
    [['@every 2s', '* * * * * *'], TEN_YEARS_S],
    [['@every 2s', '*/2 * * * * *'], TEN_YEARS_S / 2],
    [['@every 3s', '@every 5s', '@every 15s'], (TEN_YEARS_S * 7) / 15],
    [['@every 7s', '*/7 * * * * *', '@every 1h'], 0],
    [['@every 1s', '@every 2s', '30 2 * * *', '@reboot'], TEN_YEARS_S],
  ])(
    'ten years of %j beside each other are counted in less time than a heartbeat',
    ([expressions, slots]) => {
      const schedule = aSchedule(expressions, { timeZone: 'America/New_York', starts: startsAt(NOON + 500) });
      const started = performance.now();
      const count = schedule.count(NOON, NOON + TEN_YEARS_S * 1000);
      const tookMs = performance.now() - started;
      if (slots > 0) expect(count).toBe(slots);
      // The ratio to visiting them, measured in the same run: one day stands for 3,650.
      const visitStarted = performance.now();
      for (let slot = schedule.next(NOON)!; slot <= NOON + DAY_MS; slot = schedule.next(slot)!);
      const visitMs = (performance.now() - visitStarted) * 3650;
      expect(tookMs).toBeLessThan(Math.max(50, visitMs / 20));
    },
  );

  test('seconds counted in two overlapping expressions count once', () => {
    const schedule = aSchedule(['*/2 * * * * *', '*/3 * * * * *'], { timeZone: 'Europe/London' });
    expect(schedule.count(NOON - 1, NOON + 7 * DAY_MS - 1)).toBe((7 * 86_400 * 2) / 3);
  });
});

describe('time zones', () => {
  test.for([
    'UTC',
    'Europe/London',
    'US/Eastern',
    'Asia/Kolkata',
    'Asia/Calcutta',
    'Etc/GMT+5',
    'America/Argentina/Buenos_Aires',
  ])('%s is known', (name) => {
    expect(() => {
      checkTimeZone(name);
    }).not.toThrow();
  });

  test.for<[string, string]>([
    ['europe/london', 'Did you mean Europe/London?'],
    ['Europe/Lodon', 'Did you mean Europe/London?'],
    ['New_York', 'Did you mean America/New_York?'],
    ['new york', 'Did you mean America/New_York?'],
    ['utc', 'Did you mean UTC?'],
    ['+01:00', 'Give an IANA name'],
    ['Nowhere/Land', 'Give an IANA name'],
    ['us/eastern', 'Give an IANA name'],
    ['', 'Give an IANA name'],
  ])('"%s" is refused: %s', ([name, hint]) => {
    let refused: unknown;
    try {
      checkTimeZone(name);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(LshError);
    expect((refused as LshError).code).toBe('TIMEZONE_INVALID');
    expect((refused as LshError).hint).toContain(hint);
  });

  test('an unknown zone does not compile', () => {
    expect(() => aSchedule(['@daily'], { timeZone: 'Mars/Olympus' })).toThrow(
      'no time zone named "Mars/Olympus"',
    );
  });
});
