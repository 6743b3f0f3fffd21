import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/control/clock.ts';

const START = Date.parse('2026-01-01T12:00:00Z');
const HOUR_MS = 3_600_000;
let calledAt: number[];

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  calledAt = [];
});
afterEach(() => {
  vi.useRealTimers();
});

const wait = (ms: number) => systemClock.at(START + ms, () => calledAt.push(Date.now() - START));

test('a timer longer than a slice fires once, at its instant', () => {
  wait(60_000);
  vi.advanceTimersByTime(59_999);
  expect(calledAt).toEqual([]);
  vi.advanceTimersByTime(120_000);
  expect(calledAt).toEqual([60_000]);
});

test('a timer whose instant the wall clock skips fires within one slice', () => {
  wait(HOUR_MS);
  vi.setSystemTime(START + 2 * HOUR_MS);
  vi.advanceTimersByTime(10_000);
  expect(calledAt).toEqual([2 * HOUR_MS + 10_000]);
});

test('a timer waits no longer than its delay if the wall clock is set back', () => {
  wait(60_000);
  vi.advanceTimersByTime(30_000);
  vi.setSystemTime(START - 24 * HOUR_MS);
  vi.advanceTimersByTime(40_000);
  expect(calledAt).toHaveLength(1);
});

test('a cancelled timer never fires', () => {
  wait(25_000)();
  vi.advanceTimersByTime(60_000);
  expect(calledAt).toEqual([]);
});
