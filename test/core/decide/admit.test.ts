// The delay of jitterSeconds: stable per job and slot, and even.
import { describe, expect, test } from 'vitest';
import { jitterMs } from '../../../src/core/decide/admit.ts';

const NOON = Date.parse('2026-05-01T12:00:00Z');

describe('jitter', () => {
  test('is the same for the same job and slot, and within its bounds', () => {
    for (let index = 0; index < 1000; index++) {
      const delay = jitterMs('local/x', NOON + index * 1000, 30);
      expect(delay).toBe(jitterMs('local/x', NOON + index * 1000, 30));
      expect(Number.isInteger(delay) && delay >= 0 && delay < 30_000).toBe(true);
    }
    expect(jitterMs('local/x', NOON, 0)).toBe(0);
  });

  test('spreads the jobs of one slot and the slots of one job evenly', () => {
    const byJob = Array.from({ length: 1000 }, (_, index) => jitterMs(`local/job-${index}`, NOON, 10));
    const bySlot = Array.from({ length: 1000 }, (_, index) => jitterMs('local/x', NOON + index * 60_000, 10));
    for (const delays of [byJob, bySlot]) {
      const counts = Array.from(
        { length: 10 },
        (_, tenth) => delays.filter((delay) => Math.floor(delay / 1000) === tenth).length,
      );
      const chiSquare = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
      expect(chiSquare).toBeLessThan(9 + 5 * Math.sqrt(18));
    }
  });
});
