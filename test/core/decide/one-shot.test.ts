// Jobs that run once, under the usual policies.
import { describe, expect, test } from 'vitest';
import { isOver } from '../../../src/core/schedule/one-shot.ts';
import { at } from '../../support/builders.ts';
import { World } from '../../support/core/world.ts';

const AT = '2026-01-02T10:00:00';

function world(spec: object = {}): World {
  return new World({ schedule: undefined, at: AT, ...spec }, '2026-01-01T00:00:00Z');
}

describe('a job with an instant', () => {
  test('waits for it, runs once, and is over with its run', () => {
    const job = world();
    expect(job.evaluate().wakeAt).toBe(at(`${AT}Z`));
    expect(job.job.status).toMatchObject({ phase: 'Scheduled', nextScheduleAt: at(`${AT}Z`) });
    job.evaluate(`${AT}Z`);
    expect(job.outcomes()).toEqual(['10:00:00 Ran']);
    expect(isOver(job.job)).toBe(false);
    job.end();
    job.evaluate('2026-01-02T10:00:05Z');
    expect(job.job.status?.phase).toBe('Ended');
    expect(isOver(job.job)).toBe(true);
    job.evaluate('2026-02-02T10:00:05Z');
    expect(job.started).toHaveLength(1);
  });

  test('is over only after its retries', () => {
    const job = world({ retry: { limit: 1, initialSeconds: 10, jitter: 0 } });
    job.evaluate(`${AT}Z`);
    job.end({ exitCode: 1 });
    const { wakeAt } = job.evaluate('2026-01-02T10:00:05Z');
    expect(isOver(job.job)).toBe(false);
    job.evaluate(wakeAt);
    expect(isOver(job.job)).toBe(false);
    job.end({ exitCode: 1 });
    job.evaluate();
    expect(job.runResults()).toEqual(['10:00:00 Failed ExitCode', '10:00:00 Failed ExitCode']);
    expect(isOver(job.job)).toBe(true);
  });

  test.each([
    ['Latest', '10:00:00 Ran', false],
    ['All', '10:00:00 Ran', false],
    ['Skip', '10:00:00 Missed', true],
  ] as const)(
    'that passed while lsh was down follows missedRunPolicy %s',
    (missedRunPolicy, outcome, over) => {
      const job = world({ missedRunPolicy });
      job.evaluate();
      job.evaluatingSince = at('2026-01-03T00:00:00Z');
      job.evaluate('2026-01-03T00:00:00Z');
      expect(job.outcomes()).toEqual([outcome]);
      expect(isOver(job.job)).toBe(over);
    },
  );

  test('that is later than the starting deadline does not run', () => {
    const job = world({ startingDeadlineSeconds: 60 });
    job.evaluate();
    job.evaluate('2026-01-03T00:00:00Z');
    expect(job.outcomes()).toEqual(['10:00:00 DeadlineExceeded']);
    expect(isOver(job.job)).toBe(true);
  });

  test('that has passed before the job was created owes nothing', () => {
    const job = world({ at: '2025-12-24T10:00:00' });
    job.evaluate();
    expect(job.outcomes()).toEqual([]);
    expect(isOver(job.job)).toBe(true);
  });

  test('on a day that is left out is Excluded, and over only then', () => {
    const job = world({ exceptDates: ['2026-01-02'] });
    expect(job.evaluate().wakeAt).toBe(at(`${AT}Z`));
    expect(isOver(job.job)).toBe(false);
    job.evaluate(`${AT}Z`);
    expect(job.outcomes()).toEqual(['10:00:00 Excluded']);
    expect(isOver(job.job)).toBe(true);
  });

  test('does not run again when the clock is set back after it', () => {
    const job = world();
    job.evaluate(`${AT}Z`);
    job.end();
    job.evaluate('2026-01-02T10:00:05Z');
    job.setClockBy(-3600);
    job.evaluate();
    job.evaluate(`${AT}Z`);
    expect(job.started).toHaveLength(1);
  });

  test('in another zone is that zone’s time', () => {
    const job = world({ timeZone: 'Asia/Tokyo' });
    expect(job.evaluate().wakeAt).toBe(at('2026-01-02T01:00:00Z'));
  });

  test('with another instant runs again', () => {
    const job = world();
    job.evaluate(`${AT}Z`);
    job.end();
    job.evaluate('2026-01-02T10:00:05Z');
    job.edit({ schedule: undefined, at: '2026-01-02T12:00:00' });
    expect(job.evaluate().wakeAt).toBe(at('2026-01-02T12:00:00Z'));
    expect(isOver(job.job)).toBe(false);
  });
});
