import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';

test.for<[string, number | undefined]>([
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['1w', 604_800_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['1m30s', 90_000],
  ['90', 90_000],
  ['0.5', 500],
  [' 5m ', 300_000],
  ['0s', 0],
  ['', undefined],
  ['soon', undefined],
  ['5 m', 300_000],
  ['2 hours', 7_200_000],
  ['1 day, 4 hrs', 100_800_000],
  ['90 seconds', 90_000],
  ['5 minutes ago', undefined],
  ['5 fortnights', undefined],
  ['5m!', undefined],
  ['-5m', undefined],
  ['5x', undefined],
  ['m', undefined],
])('"%s" is %s milliseconds', ([text, ms]) => {
  expect(parseDuration(text)).toBe(ms);
});

test.for<[number, string]>([
  [0, '0ms'],
  [350, '350ms'],
  [999.6, '1s'],
  [1000, '1s'],
  [2400, '2.4s'],
  [9949, '9.9s'],
  [9950, '10s'],
  [45_000, '45s'],
  [59_600, '1m'],
  [90_000, '1m 30s'],
  [3_599_900, '1h'],
  [5_400_000, '1h 30m'],
  [86_399_000, '1d'],
  [187_200_000, '2d 4h'],
  [-1500, '-1.5s'],
])('%s ms reads "%s"', ([ms, text]) => {
  expect(formatDuration(ms)).toBe(text);
});
