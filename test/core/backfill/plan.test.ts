// Which slots of a range a backfill runs.
import { expect, test } from 'vitest';
import { BACKFILL_MAX_SLOTS } from '../../../src/core/backfill/backfill.ts';
import { slotsOfRange } from '../../../src/core/backfill/plan.ts';
import { jobSchedule } from '../../../src/core/schedule/job-schedule.ts';
import { aJob, at } from '../../support/builders.ts';

test('a range of thousands of years is refused at its first slot beyond the limit', () => {
  const schedule = jobSchedule(aJob({ schedule: '* * * * *' }));
  let asked = 0;
  const counted = {
    next: (after: number) => {
      asked++;
      return schedule.next(after);
    },
  };
  const range = { from: at('0001-01-01T00:00:00Z'), to: at('9999-12-31T23:59:59Z'), parallel: 1 };
  expect(() => slotsOfRange('backup', counted, range)).toThrow(
    expect.objectContaining({ code: 'BACKFILL_INVALID' }),
  );
  expect(asked).toBe(BACKFILL_MAX_SLOTS + 1);
});

test('a range with as many slots as the limit is allowed', () => {
  const schedule = jobSchedule(aJob({ schedule: '* * * * *' }));
  const from = at('2026-01-01T00:00:00Z');
  const range = { from, to: from + (BACKFILL_MAX_SLOTS - 1) * 60_000, parallel: 1 };
  expect(slotsOfRange('backup', schedule, range)).toHaveLength(BACKFILL_MAX_SLOTS);
});
