// Which runs are slow, and that each is told once.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../../src/core/spec/job-spec.ts';
import { at } from '../../../support/builders.ts';
import { World } from '../../../support/core/world.ts';

const HOURLY = { schedule: '0 * * * *' };
const MINUTE = 60_000;

const slowOf = ({ job }: World) => job.status?.conditions.find(({ type }) => type === 'Slow');
const slowEvents = ({ events }: World) => events.filter((event) => event === 'RunSlow').length;

/** Runs the slot of the hour and ends its run after some minutes. */
function runFor(world: World, hour: number, minutes: number, end: { exitCode?: number } = {}): void {
  const slot = at(`2026-01-01T${String(hour).padStart(2, '0')}:00:00Z`);
  world.evaluate(slot);
  world.now = slot + minutes * MINUTE;
  world.end(end);
  world.evaluate();
}

describe('a limit in time', () => {
  test('makes a run slow while it goes on, at that instant, once', () => {
    const world = new World({ ...HOURLY, slowAfter: '10m' });
    expect(world.evaluate('2026-01-01T01:00:00Z').wakeAt).toBe(at('2026-01-01T01:10:00Z'));
    expect(slowOf(world)).toMatchObject({ status: 'False', reason: 'InTime' });
    world.evaluate('2026-01-01T01:10:00Z');
    world.evaluate('2026-01-01T01:20:00Z');
    const [name] = world.started;
    expect(slowOf(world)).toMatchObject({
      status: 'True',
      reason: 'RunSlow',
      message: `Run ${name} takes longer than 10m.`,
    });
    world.end();
    world.evaluate('2026-01-01T01:21:00Z');
    expect(slowOf(world)?.status).toBe('True');
    expect(slowEvents(world)).toBe(1);
  });

  test('sees a run that an evaluation finds ended', () => {
    const world = new World({ ...HOURLY, slowAfter: '10m' });
    runFor(world, 1, 11, { exitCode: 1 });
    expect(slowEvents(world)).toBe(1);
  });

  test('tells each slow run, and ends with a run in time', () => {
    const world = new World({ ...HOURLY, slowAfter: '10m' });
    runFor(world, 1, 11);
    runFor(world, 2, 12);
    expect(slowEvents(world)).toBe(2);
    runFor(world, 3, 1);
    expect(slowOf(world)?.status).toBe('False');
    world.evaluate('2026-01-01T03:30:00Z');
    expect(slowOf(world)?.status).toBe('False');
  });
});

describe('a multiple of the usual duration', () => {
  const TWICE: JobSpecInput = { ...HOURLY, slowAfter: '2x' };

  test('is known after three completed runs; failed ones do not count', () => {
    const world = new World(TWICE);
    runFor(world, 1, 50);
    runFor(world, 2, 1, { exitCode: 1 });
    runFor(world, 3, 2);
    expect(slowOf(world)).toMatchObject({ status: 'Unknown', reason: 'TooFewRuns' });
    runFor(world, 4, 2);
    expect(world.evaluate('2026-01-01T05:00:00Z').wakeAt).toBe(at('2026-01-01T05:04:00Z'));
    world.evaluate('2026-01-01T05:04:00Z');
    expect(slowOf(world)?.message).toMatch(/ takes longer than 4m \(2x of its usual duration\)\.$/);
  });

  test('is measured against the last twenty completed runs', () => {
    const world = new World(TWICE, '2025-12-31T23:30:00Z');
    const durations = Array.from({ length: 23 }, (_, hour) => (hour < 3 ? 50 : 2));
    durations.forEach((minutes, hour) => runFor(world, hour, minutes));
    expect(world.job.status?.durationsMs).toEqual(Array(20).fill(2 * MINUTE));
  });
});

test('without slowAfter a job has no condition Slow, and keeps its durations all the same', () => {
  const world = new World(HOURLY);
  runFor(world, 1, 3);
  expect(slowOf(world)).toBeUndefined();
  expect(world.job.status?.durationsMs).toEqual([3 * MINUTE]);
});
