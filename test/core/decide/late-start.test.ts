// A run of a slot that is recorded as not run corrects the record.
import { describe, expect, test } from 'vitest';
import { slotRunName } from '../../../src/core/naming.ts';
import type { Run } from '../../../src/core/run.ts';
import { aRun, at } from '../../support/builders.ts';
import { World } from '../../support/core/world.ts';

/** The slots from 00:01 to 00:05 are missed, one per minute; the slot of 00:06 has run. */
function afterMisses(): World {
  const world = new World({ schedule: '* * * * *' });
  world.claim = 'name';
  world.evaluatingSince = at('2026-01-01T00:05:30Z');
  world.evaluate('2026-01-01T00:06:00Z');
  world.end();
  world.evaluate('2026-01-01T00:06:01Z');
  expect(world.outcomes()).toEqual(['00:01:00-00:05:00 x5 Missed', '00:06:00 Ran']);
  return world;
}

function lateRunOf(minute: number, run: Partial<Run> = {}): Run {
  const slot = at(`2026-01-01T00:0${minute}:00Z`);
  return aRun({ name: slotRunName('backup', slot, 1), slot, ...run });
}

/** The delayed starts reach the runner; the next evaluation sees them. */
function arrive(world: World, ...runs: Run[]): string[] {
  for (const run of runs) world.startLate(run);
  world.evaluate('2026-01-01T00:06:10Z');
  return world.outcomes().toSorted();
}

describe('a run of a slot that is recorded as missed', () => {
  test.each([
    [1, ['00:01:00 Ran', '00:02:00-00:05:00 x4 Missed', '00:06:00 Ran']],
    [3, ['00:01:00-00:02:00 x2 Missed', '00:03:00 Ran', '00:04:00-00:05:00 x2 Missed', '00:06:00 Ran']],
    [5, ['00:01:00-00:04:00 x4 Missed', '00:05:00 Ran', '00:06:00 Ran']],
  ])('is recorded and removed from its stretch (minute %i)', (minute, outcomes) => {
    const world = afterMisses();
    expect(arrive(world, lateRunOf(minute))).toEqual(outcomes);
    expect(world.running().map(({ slot }) => slot)).toEqual([lateRunOf(minute).slot]);
    expect(world.job.status?.totals.missed).toBe(4);
    expect(world.events.at(-1)).toBe('SlotRanLate');
  });

  test('is recorded together with another run of the same stretch', () => {
    const world = afterMisses();
    expect(arrive(world, lateRunOf(2), lateRunOf(4))).toEqual([
      '00:01:00 Missed',
      '00:02:00 Ran',
      '00:03:00 Missed',
      '00:04:00 Ran',
      '00:05:00 Missed',
      '00:06:00 Ran',
    ]);
    expect(world.job.status?.totals.missed).toBe(3);
  });

  test('of an earlier schedule keeps the count of the other slots', () => {
    const world = afterMisses();
    world.edit({ schedule: '0 * * * *' });
    expect(arrive(world, lateRunOf(3))).toEqual([
      '00:01:00-00:05:00 x4 Missed',
      '00:03:00 Ran',
      '00:06:00 Ran',
    ]);
    expect(world.job.status?.totals.missed).toBe(4);
  });

  test('does not move lastScheduleAt back', () => {
    const world = afterMisses();
    arrive(world, lateRunOf(2));
    expect(world.job.status?.lastScheduleAt).toBe(at('2026-01-01T00:06:00Z'));
  });

  test('is adopted once, and its end is counted', () => {
    const world = afterMisses();
    arrive(world, lateRunOf(2));
    world.end({ exitCode: 1 });
    world.evaluate('2026-01-01T00:06:20Z');
    world.evaluate('2026-01-01T00:06:30Z');
    expect(world.job.status?.totals).toMatchObject({ completed: 1, failed: 1, missed: 4 });
  });

  test.each([
    ['a retry', { attempt: 2 }],
    ['a manual run', { trigger: 'Manual' }],
    ['a run of a job that is gone', { jobUid: 'another' }],
  ] as const)('is not %s', (_, run) => {
    const world = afterMisses();
    expect(arrive(world, lateRunOf(2, run))).toEqual(['00:01:00-00:05:00 x5 Missed', '00:06:00 Ran']);
  });
});
