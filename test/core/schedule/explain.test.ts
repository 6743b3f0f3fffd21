// The sentences of `lsh cron next --explain`.
import { expect, test } from 'vitest';
import { explainSlots, type Explanation } from '../../../src/core/schedule/explain.ts';
import { nextSlots } from '../../../src/core/schedule/next-slots.ts';
import { aJob, at } from '../../support/builders.ts';

function explain(expressions: string[], timeZone: string, after: string, n = 1): Explanation {
  return explainSlots({ expressions, timeZone, seed: 'local/x', anchor: 0 }, Date.parse(after), n);
}

test('each slot comes with its local time and its offset', () => {
  const { slots } = explain(['0 2 * * 0'], 'America/New_York', '2026-02-28T00:00Z', 3);
  expect(slots).toEqual([
    { slot: Date.parse('2026-03-01T07:00Z'), wall: '2026-03-01 02:00:00', utcOffset: '-05:00' },
    {
      slot: Date.parse('2026-03-08T07:00Z'),
      wall: '2026-03-08 03:00:00',
      utcOffset: '-04:00',
      note: '02:00 does not exist on this day; runs at 03:00',
    },
    { slot: Date.parse('2026-03-15T06:00Z'), wall: '2026-03-15 02:00:00', utcOffset: '-04:00' },
  ]);
});

// An interval asks no zone for its slots, so the offset is the first question about the zone.
test('the slots of an interval have the offset of a zone that no other schedule has used', () => {
  const { slots } = explain(['@every 1h'], 'Pacific/Chatham', '2026-06-01T00:00Z');
  expect(slots).toMatchObject([{ wall: '2026-06-01 13:45:00', utcOffset: '+12:45' }]);
  const job = aJob(
    { schedule: '@every 1h', timeZone: 'Asia/Kathmandu' },
    { createdAt: at('2026-06-01T00:00:00Z') },
  );
  expect(nextSlots(job, at('2026-06-01T00:00:00Z'))[0]).toBe('2026-06-01T06:45:00+05:45');
});

test.for<[string, string, string, string, string]>([
  [
    'a skipped slot',
    '30 2 * * *',
    'America/New_York',
    '2026-03-08T05:00Z',
    '02:30 does not exist on this day; runs at 03:00',
  ],
  [
    'several skipped slots',
    '*/15 2 * * *',
    'America/New_York',
    '2026-03-08T05:00Z',
    '02:00 to 02:45 do not exist on this day; runs once at 03:00',
  ],
  [
    'a repeated slot',
    '30 1 * * *',
    'America/New_York',
    '2026-11-01T04:00Z',
    '01:30 happens twice on this day; runs the first time',
  ],
  [
    'the first pass in real time',
    '30 * * * *',
    'America/New_York',
    '2026-11-01T05:00Z',
    '01:30 happens twice on this day; follows real time: both passes run',
  ],
  [
    'the second pass in real time',
    '30 * * * *',
    'America/New_York',
    '2026-11-01T06:00Z',
    '01:30 happens twice on this day; follows real time: both passes run',
  ],
  [
    'a skipped day',
    '0 12 * * *',
    'Pacific/Apia',
    '2011-12-30T00:00Z',
    '12:00 does not exist on 2011-12-30; runs at 2011-12-31 00:00',
  ],
  [
    'a half hour repeated',
    '45 1 * * *',
    'Australia/Lord_Howe',
    '2026-04-04T12:00Z',
    '01:45 happens twice on this day; runs the first time',
  ],
  [
    'skipped seconds',
    '30 30 2 * * *',
    'America/New_York',
    '2026-03-08T05:00Z',
    '02:30:30 does not exist on this day; runs at 03:00',
  ],
])('%s has its note', ([, expression, zone, after, note]) => {
  expect(explain([expression], zone, after).slots[0]?.note).toBe(note);
});

test.for<[string, string, string]>([
  ['an untouched time', '30 4 * * *', 'America/New_York'],
  ['a zone without changes', '30 2 * * *', 'Asia/Tokyo'],
  ['an interval', '@every 1h', 'America/New_York'],
])('%s has neither notes nor warnings', ([, expression, zone]) => {
  const { slots, warnings } = explain([expression], zone, '2026-03-07T00:00Z', 10);
  expect(slots).toHaveLength(10);
  expect(slots.filter((slot) => slot.note !== undefined)).toEqual([]);
  expect(warnings).toEqual([]);
});

test('the warnings name the clock changes of the coming year that touch the schedule', () => {
  const { warnings } = explain(['30 1,2 * * *', '0 * * * *'], 'America/New_York', '2026-01-01T00:00Z');
  expect(warnings).toEqual([
    '2026-03-08: 02:30 does not exist; runs at 03:00',
    '2026-03-08: 02:00 does not exist; follows real time: no run for it',
    '2026-11-01: 01:30 happens twice; runs the first time',
    '2026-11-01: 01:00 happens twice; follows real time: both passes run',
  ]);
});

test('a schedule that ends has the slots before its end', () => {
  const { slots } = explainSlots(
    {
      expressions: ['@daily'],
      timeZone: 'UTC',
      seed: 'local/x',
      anchor: 0,
      notAfter: Date.parse('2026-01-02T00:00Z'),
    },
    Date.parse('2026-01-01T00:00Z'),
    5,
  );
  expect(slots.map(({ wall }) => wall)).toEqual(['2026-01-02 00:00:00']);
});
