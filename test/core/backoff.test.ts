// Delays between retries: exponential, limited, and spread if the caller asks.
import { describe, expect, test } from 'vitest';
import { Backoff, exponentialDelay } from '../../src/core/backoff.ts';

test('exponential delays grow by the factor up to the limit, for any number of failures', () => {
  const delays = (factor?: number) =>
    [0, 1, 2, 3, 5_000].map((failures) => exponentialDelay(failures, { initial: 5, factor, max: 100 }));
  expect(delays()).toEqual([5, 10, 20, 40, 100]);
  expect(delays(10)).toEqual([5, 50, 100, 100, 100]);
  expect(delays(1)).toEqual([5, 5, 5, 5, 5]);
});

describe('the backoff', () => {
  test('doubles up to its limit, spreads by half, and starts over after a success', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 400, random: () => 0 });
    expect([1, 2, 3, 4].map(() => backoff.next())).toEqual([50, 100, 200, 200]);
    expect(backoff.next(1_000)).toBe(1_000);
    expect(backoff.failures).toBe(5);
    backoff.reset();
    expect(backoff.failures).toBe(0);
    expect(backoff.next()).toBe(50);
    expect(new Backoff({ initialMs: 100, maxMs: 400, random: () => 0.999 }).next()).toBeCloseTo(100, 0);
  });

  test('gives whole milliseconds, also spread', () => {
    const backoff = new Backoff({ initialMs: 1000, maxMs: 60_000, random: () => 0.123_456_789 });
    expect(backoff.next()).toBe(562);
    expect(backoff.next(2000.5)).toBe(2001);
  });

  test('gives exact delays without a source of randomness', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 250 });
    expect([1, 2, 3, 4].map(() => backoff.next())).toEqual([100, 200, 250, 250]);
  });
});
