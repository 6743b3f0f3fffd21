// The parser of instants: the ways in which people type them, clock changes, and any date in any zone.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readInstant } from '../../src/cli/input/instant.ts';
import { seeded } from '../support/seed.ts';

const NOON = Date.parse('2026-11-25T12:00:00Z');
const BERLIN = 'Europe/Berlin';

const read = (text: string, towards: 'past' | 'future' = 'past', timeZone = BERLIN) =>
  new Date(readInstant(text, { flag: '--at', now: NOON, timeZone, towards }))
    .toISOString()
    .replace('.000', '');

test.each([
  ['now', '2026-11-25T12:00:00Z'],
  ['today', '2026-11-24T23:00:00Z'],
  ['Yesterday', '2026-11-23T23:00:00Z'],
  ['yesterday 20:08:30', '2026-11-24T19:08:30Z'],
  ['tomorrow 9:05', '2026-11-26T08:05:00Z'],
  ['2h', '2026-11-25T10:00:00Z'],
  ['2h ago', '2026-11-25T10:00:00Z'],
  ['2 hours ago', '2026-11-25T10:00:00Z'],
  ['1 day 30 min ago', '2026-11-24T11:30:00Z'],
  ['in 90s', '2026-11-25T12:01:30Z'],
  ['3600', '2026-11-25T11:00:00Z'],
  ['1800', '2026-11-25T11:30:00Z'],
  ['2027s', '2026-11-25T11:26:13Z'],
  ['12:30', '2026-11-25T11:30:00Z'],
  ['20:08:30', '2026-11-24T19:08:30Z'],
  ['2027-01-01', '2026-12-31T23:00:00Z'],
  ['2027-07-01 14:00', '2027-07-01T12:00:00Z'],
  ['2027-07-01T14:00:05', '2027-07-01T12:00:05Z'],
  ['2027-01-01T12:00:00Z', '2027-01-01T12:00:00Z'],
  ['2027-01-01t12:00:00.5+01:00', '2027-01-01T11:00:00.500Z'],
  ['2027-01-01 12:00:00 +0100', '2027-01-01T11:00:00Z'],
  ['@1764072000', '2025-11-25T12:00:00Z'],
  ['1764072000', '2025-11-25T12:00:00Z'],
])('reads %s', (text, expected) => {
  expect(read(text)).toBe(expected);
});

test('a span and a time without a day point to the future where the flag does', () => {
  expect(read('2h', 'future')).toBe('2026-11-25T14:00:00Z');
  expect(read('20:08', 'future')).toBe('2026-11-25T19:08:00Z');
  expect(read('9:00', 'future')).toBe('2026-11-26T08:00:00Z');
});

test.each([
  '',
  'soon',
  'yesterday at noon',
  '24:00',
  '12:60',
  '2027-02-30',
  '2027-02-30T12:00:00Z',
  '2027-13-01',
  '20:08 yesterday',
  '2027-1-1',
  'in 2h ago',
  'ago',
  '-2h',
  '@',
  '2027-01-01 12:00 UTC',
  '99999999999999',
])('refuses %j with examples', (text) => {
  expect(() => read(text)).toThrow(`--at needs a time, not "${text}".`);
});

test.each(['1999', '2027', ' 2199 '])('refuses %j: it may be a year or a span', (text) => {
  expect(() => read(text)).toThrow(`"${text}" may be a year or a span in seconds.`);
});

describe('a clock change', () => {
  test.each([
    ['the first second after the skipped times', '2027-03-28 02:30', '2027-03-28T01:00:00Z'],
    ['the first pass of the repeated times', '2026-10-25 02:30', '2026-10-25T00:30:00Z'],
    ['the second after the repeated times', '2026-10-25 03:00', '2026-10-25T02:00:00Z'],
  ])('reads %s', (_case, text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test('a day without midnight begins with its first second', () => {
    expect(read('2026-09-06', 'past', 'America/Santiago')).toBe('2026-09-06T04:00:00Z');
  });
});

describe('any wall time', () => {
  const zones = fc.constantFrom(
    BERLIN,
    'UTC',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Pacific/Apia',
  );
  const seconds = fc.integer({ min: Date.UTC(2015, 0) / 1000, max: Date.UTC(2035, 0) / 1000 });
  const wall = (at: number, timeZone: string) =>
    new Date(at).toLocaleString('sv-SE', { timeZone, hourCycle: 'h23' });

  test('reads the time that a clock in the zone shows, at its first such instant', () => {
    fc.assert(
      fc.property(zones, seconds, (zone, second) => {
        const shown = wall(second * 1000, zone);
        const at = Date.parse(read(shown, 'past', zone));
        expect(wall(at, zone)).toBe(shown);
        expect(at).toBeLessThanOrEqual(second * 1000);
      }),
      seeded({ numRuns: 300 }),
    );
  });

  test('a later text is never an earlier instant, and a skipped one is the first instant after it', () => {
    fc.assert(
      fc.property(zones, seconds, fc.integer({ min: 1, max: 90_000 }), (zone, second, more) => {
        const text = (value: number) => new Date(value * 1000).toISOString().slice(0, 19);
        const first = Date.parse(read(text(second), 'past', zone));
        expect(Date.parse(read(text(second + more), 'past', zone))).toBeGreaterThanOrEqual(first);
        expect(wall(first, zone) >= text(second).replace('T', ' ')).toBe(true);
        expect(wall(first - 1000, zone) < text(second).replace('T', ' ')).toBe(true);
      }),
      seeded({ numRuns: 300 }),
    );
  });
});
