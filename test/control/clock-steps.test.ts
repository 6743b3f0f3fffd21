import { expect, test } from 'vitest';
import { ClockSteps } from '../../src/control/clock-steps.ts';
import type { ClockStep } from '../../src/core/decide/clock-step.ts';
import { ManualClock } from '../support/manual-clock.ts';

const START = Date.parse('2026-01-01T12:00:00Z');
const HOUR_MS = 3_600_000;

function aWatch() {
  const clock = new ManualClock(START);
  const steps = new ClockSteps(clock, 'this boot');
  const heard: ClockStep[] = [];
  steps.onStep((step) => heard.push(step));
  const passAndLook = (ms: number) => {
    clock.advanceTo(clock.now() + ms);
    return steps.look();
  };
  return { clock, steps, heard, passAndLook };
}

test('a look tells of a step once, with the time of the look before', () => {
  const { clock, steps, heard, passAndLook } = aWatch();
  passAndLook(5000);
  clock.stepBy(HOUR_MS);
  passAndLook(2000);
  passAndLook(2000);
  expect(heard).toEqual([{ at: START + 5000, byMs: HOUR_MS }]);
  clock.stepBy(-2 * HOUR_MS);
  expect(steps.look().steps).toEqual([
    { at: START + 5000, byMs: HOUR_MS },
    { at: START + HOUR_MS + 9000, byMs: -2 * HOUR_MS },
  ]);
  expect(steps.movedMs).toBe(-HOUR_MS);
});

test('sleep is no step', () => {
  const { clock, heard, passAndLook } = aWatch();
  clock.sleepFor(8 * HOUR_MS);
  passAndLook(1000);
  expect(heard).toEqual([]);
});

test('a step during a sleep comes at its end, when the machine has woken', () => {
  const { clock, heard, passAndLook } = aWatch();
  clock.sleepFor(8 * HOUR_MS);
  clock.stepBy(HOUR_MS);
  passAndLook(0);
  expect(heard).toEqual([{ at: START + 8 * HOUR_MS, byMs: HOUR_MS }]);
});

test('small steps count once their sum exceeds a second', () => {
  const { clock, heard, passAndLook } = aWatch();
  for (let i = 0; i < 5; i++) {
    clock.stepBy(-300);
    passAndLook(1000);
  }
  expect(heard).toEqual([{ at: START + 3000 - 900, byMs: -1000 }]);
});

test('a process that goes on from an earlier one notices the step between the two', () => {
  const { clock, steps } = aWatch();
  const { reference } = steps.look();
  clock.advanceTo(START + 60_000);
  clock.stepBy(-HOUR_MS);
  const next = new ClockSteps(clock, 'this boot');
  next.resumeFrom({ reference, at: START });
  expect(next.look().steps).toEqual([{ at: START, byMs: -HOUR_MS, whileAway: true }]);
  expect(next.look().reference.offsetMs).toBe(reference.offsetMs - HOUR_MS);
  expect(next.movedMs).toBe(0);
});

test('a process that goes on from an earlier one after a reboot compares nothing', () => {
  const { clock, steps } = aWatch();
  const { reference } = steps.look();
  clock.stepBy(HOUR_MS);
  const next = new ClockSteps(clock, 'the next boot');
  next.resumeFrom({ reference, at: START });
  expect(next.look().steps).toEqual([]);
});
