// Slots that a running process finds late: it was frozen, busy or without a disk. Several are due in one evaluation.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { at } from '../../support/builders.ts';
import { World } from '../../support/core/world.ts';

/** A job of every two seconds in a process that is frozen from its start for 40 s. */
function frozen(spec: JobSpecInput): World {
  const world = new World({ schedule: '*/2 * * * * *', ...spec });
  world.evaluate('2026-01-01T00:00:40.300Z');
  return world;
}

describe('after a freeze', () => {
  test.each(['Forbid', 'Allow', 'Replace', 'Queue'] as const)(
    'Latest runs the newest slot alone, on time, under %s',
    (concurrencyPolicy) => {
      const world = frozen({ concurrencyPolicy });
      expect(world.runResults()).toEqual(['00:00:40 Running']);
      expect(world.outcomes()).toEqual(['00:00:02-00:00:38 x19 Missed', '00:00:40 Ran']);
      expect(world.slots[0]?.cause).toBe('EvaluatedLate');
      expect(world.running()[0]?.trigger).toBe('Schedule');
    },
  );

  test('Skip runs the newest slot too, because it is on time', () => {
    expect(frozen({ missedRunPolicy: 'Skip' }).outcomes()).toEqual([
      '00:00:02-00:00:38 x19 Missed',
      '00:00:40 Ran',
    ]);
  });

  test.each(['Forbid', 'Replace', 'Queue'] as const)(
    'All runs the newest late slots and the slot on time one after another under %s',
    (concurrencyPolicy) => {
      const world = frozen({ concurrencyPolicy, missedRunPolicy: 'All', maxMissedRuns: 2 });
      expect(world.outcomes()).toEqual([
        '00:00:02-00:00:34 x17 Missed',
        '00:00:36 Ran',
        '00:00:38 Ran',
        '00:00:40 Ran',
      ]);
      expect(world.runResults()).toEqual(['00:00:36 Running', '00:00:38 Created', '00:00:40 Created']);
    },
  );

  test('a slot beyond the starting deadline is DeadlineExceeded, the newest one too', () => {
    const world = frozen({ missedRunPolicy: 'All', startingDeadlineSeconds: 5 });
    expect(world.outcomes()).toEqual([
      '00:00:02-00:00:34 x17 DeadlineExceeded',
      '00:00:36 Ran',
      '00:00:38 Ran',
      '00:00:40 Ran',
    ]);
    const minutely = new World({ schedule: '* * * * *', startingDeadlineSeconds: 5 });
    minutely.evaluate('2026-01-01T00:01:05.001Z');
    expect(minutely.outcomes()).toEqual(['00:01:00 DeadlineExceeded']);
  });

  test('the only due slot is on time for one evaluation interval, late after it', () => {
    const world = new World({ schedule: '*/5 * * * *', missedRunPolicy: 'Skip' });
    world.evaluate('2026-01-01T00:06:00Z');
    world.evaluate('2026-01-01T00:11:00.001Z');
    expect(world.outcomes()).toEqual(['00:05:00 Ran', '00:10:00 Missed']);
  });

  test('slots from before the start of the process were not evaluated, later ones were evaluated late', () => {
    const world = new World({ schedule: '*/2 * * * * *' });
    world.evaluatingSince = at('2026-01-01T00:00:30.500Z');
    world.evaluate('2026-01-01T00:00:40Z');
    expect(world.slots.map(({ count, cause }) => [count, cause])).toEqual([
      [15, 'NotEvaluated'],
      [4, 'EvaluatedLate'],
      [1, undefined],
    ]);
  });

  test('an event says how late the slots were', () => {
    expect(frozen({}).notes[0]).toBe('19 slots were not run: EvaluatedLate, up to 38s late');
  });
});

test('slots that the ledger took too late name the ledger as their cause', () => {
  const world = new World({ schedule: '*/2 * * * * *' });
  world.ledgerFailed = true;
  world.evaluate('2026-01-01T00:00:06Z');
  expect(world.slots.map(({ count, cause }) => [count, cause])).toEqual([
    [2, 'LedgerFailed'],
    [1, undefined],
  ]);
});

test('a leader change of ten seconds misses the slots between, and runs the newest one', () => {
  const world = new World({ schedule: '*/2 * * * * *' });
  world.evaluate('2026-01-01T00:00:02Z');
  world.end();
  world.evaluatingSince = at('2026-01-01T00:00:13Z');
  world.evaluate('2026-01-01T00:00:13.800Z');
  expect(world.outcomes()).toEqual(['00:00:02 Ran', '00:00:04-00:00:10 x4 Missed', '00:00:12 Ran']);
  expect(world.running()[0]?.trigger).toBe('CatchUp');
});
