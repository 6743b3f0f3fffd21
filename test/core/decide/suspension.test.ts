// A pause with an end: the job resumes by itself, and every slot of the pause has its outcome.
import { describe, expect, test } from 'vitest';
import { at } from '../../support/builders.ts';
import { World } from '../../support/core/world.ts';

const PAUSED = { schedule: '0 * * * *', suspend: true, resumeAt: '2026-01-01T03:00:00Z' };
const scheduledOf = ({ job }: World) => job.status?.conditions.find(({ type }) => type === 'Scheduled');

describe('a job that is suspended until an instant', () => {
  test('wakes then, runs the slot of that instant, and records those before it', () => {
    const world = new World(PAUSED);
    world.evaluate('2026-01-01T01:00:00Z');
    expect(world.evaluate('2026-01-01T02:00:00Z').wakeAt).toBe(at('2026-01-01T03:00:00Z'));
    expect(world.job.status).toMatchObject({ phase: 'Suspended', nextScheduleAt: undefined });
    expect(scheduledOf(world)?.message).toBe('The job is suspended until 2026-01-01T03:00:00Z.');
    world.evaluate('2026-01-01T03:00:00Z');
    expect(world.outcomes()).toEqual(['01:00:00-02:00:00 x2 Suspended', '03:00:00 Ran']);
    expect(world.job.status?.phase).toBe('Running');
    world.end();
    world.evaluate('2026-01-01T03:00:01Z');
    expect(world.job.status).toMatchObject({
      phase: 'Scheduled',
      nextScheduleAt: at('2026-01-01T04:00:00Z'),
    });
  });

  test('owes the slots after that instant to the missed policy, if lsh was away then', () => {
    const world = new World({ ...PAUSED, missedRunPolicy: 'All' });
    world.evaluate('2026-01-01T01:00:00Z');
    world.evaluatingSince = at('2026-01-01T05:30:00Z');
    world.evaluate('2026-01-01T05:30:00Z');
    expect(world.outcomes()).toEqual([
      '01:00:00-02:00:00 x2 Suspended',
      '03:00:00 Ran',
      '04:00:00 Ran',
      '05:00:00 Ran',
    ]);
  });

  test('resumes before it when a person says so', () => {
    const world = new World(PAUSED);
    world.evaluate('2026-01-01T01:00:00Z');
    world.now = at('2026-01-01T01:30:00Z');
    world.edit({ schedule: '0 * * * *' });
    world.evaluate();
    world.evaluate('2026-01-01T02:00:00Z');
    expect(world.outcomes()).toEqual(['01:00:00 Suspended', '02:00:00 Ran']);
  });
});
