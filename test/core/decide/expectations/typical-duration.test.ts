import { expect, test } from 'vitest';
import { typicalDuration } from '../../../../src/core/decide/expectations/typical-duration.ts';

test.each([
  [[7], { p50Ms: 7, p95Ms: 7 }],
  [[1, 2, 3, 4], { p50Ms: 2, p95Ms: 4 }],
  [Array.from({ length: 20 }, (_, index) => index + 1), { p50Ms: 10, p95Ms: 19, trend: 'longer' }],
  [[10, 10, 10, 10, 10, 10], { p50Ms: 10, p95Ms: 10, trend: 'steady' }],
  [[20, 20, 20, 10, 10, 10], { p50Ms: 10, p95Ms: 20, trend: 'shorter' }],
  [[10, 10, 10, 900, 12, 12], { p50Ms: 10, p95Ms: 900, trend: 'steady' }],
])('of %j', (durations, expected) => {
  expect(typicalDuration(durations)).toEqual(expected);
});

test('no durations have none', () => {
  expect(typicalDuration([])).toBeUndefined();
});
