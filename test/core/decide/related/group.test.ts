// A run in the line of its concurrency group: the decision about one job, beside what the other jobs hold.
import { describe, expect, test } from 'vitest';
import type { GroupStanding } from '../../../../src/core/decide/related/group.ts';
import type { JobSpecInput } from '../../../../src/core/spec/job-spec.ts';
import { at } from '../../../support/builders.ts';
import { World } from '../../../support/core/world.ts';

const EACH_HOUR = { schedule: '0 * * * *', concurrencyGroup: { name: 'deploy' } } satisfies JobSpecInput;
const ONE = '2026-01-01T01:00:00Z';

function aMember(spec: JobSpecInput = {}, group: Partial<GroupStanding> = {}): World {
  const world = new World({ ...EACH_HOUR, ...spec });
  world.group = { name: 'deploy', max: 1, held: [], waiting: [], ...group };
  return world;
}

describe('a run of a concurrency group', () => {
  test('starts while the group has a free place', () => {
    const world = aMember({}, { max: 2, held: ['other-1'] });
    expect(world.evaluate(ONE).waitsForGroup).toEqual([]);
    expect(world.runResults()).toEqual(['01:00:00 Running']);
  });

  test('waits while other jobs hold all places, and says so once', () => {
    const world = aMember({}, { held: ['other-1'] });
    const decision = world.evaluate(ONE);
    expect(decision.waitsForGroup).toEqual([{ run: expect.any(String), slot: at(ONE), priority: 5 }]);
    expect(decision.waitsForCapacity).toBe(false);
    expect(world.active()[0]).toMatchObject({
      phase: 'Created',
      message: 'The run waits for concurrency group deploy.',
    });
    expect(world.notes.at(-1)).toContain('Active: other-1.');
    expect(world.evaluate('2026-01-01T01:00:10Z').change.runs).toEqual([]);
    expect(world.events.filter((reason) => reason === 'RunWaiting')).toHaveLength(1);
  });

  test('starts without the message of its wait when a place is free', () => {
    const world = aMember({}, { held: ['other-1'] });
    world.evaluate(ONE);
    world.group = { ...world.group!, held: [] };
    world.evaluate('2026-01-01T01:10:00Z');
    expect(world.running()).toHaveLength(1);
    expect(world.running()[0]?.message).toBeUndefined();
  });

  test.each([
    ['an older slot', { slot: at(ONE) - 1000, priority: 0 }, 'waits'],
    ['the same slot and a higher priority', { slot: at(ONE), priority: 6 }, 'waits'],
    ['the same slot and a lower priority', { slot: at(ONE), priority: 4 }, 'starts'],
    ['a newer slot and a higher priority', { slot: at(ONE) + 1000, priority: 10 }, 'starts'],
  ])('beside a waiting run with %s it %s', (_, turn, expected) => {
    const world = aMember({}, { waiting: [{ run: 'other-1', ...turn }] });
    world.evaluate(ONE);
    expect(world.running().length === 1 ? 'starts' : 'waits').toBe(expected);
  });

  test('under Allow, runs of one job take no more places than the group has', () => {
    const world = aMember({ concurrencyPolicy: 'Allow' }, { max: 3, held: ['other-1'] });
    for (const hour of ['01', '02', '03']) world.evaluate(`2026-01-01T${hour}:00:00Z`);
    expect(world.running()).toHaveLength(2);
    expect(world.decide().waitsForGroup).toHaveLength(1);
  });

  test('under Allow, a slot is forbidden once twenty runs wait', () => {
    const world = aMember({ schedule: '* * * * *', concurrencyPolicy: 'Allow' }, { held: ['other-1'] });
    for (let minute = 1; minute <= 21; minute++) world.evaluate(at('2026-01-01T00:00:00Z') + minute * 60_000);
    expect(world.active()).toHaveLength(20);
    expect(world.slots.at(-1)).toMatchObject({ outcome: 'Forbidden', cause: 'QueueFull' });
  });

  test('only the first run of a job is in the line if its policy lets no runs overlap', () => {
    const world = aMember({ concurrencyPolicy: 'Queue' }, { held: ['other-1'] });
    world.evaluate(ONE);
    expect(world.evaluate('2026-01-01T02:00:00Z').waitsForGroup).toHaveLength(1);
    expect(world.active()).toHaveLength(2);
  });

  test('keeps later slots from their runs under Forbid, and is replaced under Replace', () => {
    const forbid = aMember({}, { held: ['other-1'] });
    const replace = aMember({ concurrencyPolicy: 'Replace' }, { held: ['other-1'] });
    for (const world of [forbid, replace]) {
      world.evaluate(ONE);
      world.evaluate('2026-01-01T02:00:00Z');
    }
    expect(forbid.outcomes()).toEqual(['01:00:00 Ran', '02:00:00 Forbidden']);
    expect(replace.runResults()).toEqual(['01:00:00 Killed Replaced', '02:00:00 Created']);
  });

  test('ends when it has waited longer than startingDeadlineSeconds, at that moment', () => {
    const world = aMember({ startingDeadlineSeconds: 60 }, { held: ['other-1'] });
    const { wakeAt } = world.evaluate(ONE);
    expect(wakeAt).toBe(at(ONE) + 60_001);
    world.evaluate(wakeAt);
    expect(world.runResults()).toEqual(['01:00:00 Killed DeadlineExceeded']);
    expect(world.started).toEqual([]);
    expect(world.decide().waitsForGroup).toEqual([]);
  });

  test('leaves the line while its job is suspended, and comes back', () => {
    const world = aMember({}, { held: ['other-1'] });
    world.evaluate(ONE);
    world.edit({ ...EACH_HOUR, suspend: true });
    world.group = { ...world.group!, held: [] };
    expect(world.evaluate('2026-01-01T01:10:00Z').waitsForGroup).toEqual([]);
    expect(world.running()).toEqual([]);
    world.edit(EACH_HOUR);
    world.evaluate('2026-01-01T01:20:00Z');
    expect(world.running()).toHaveLength(1);
  });

  test('a user can stop a run that waits', () => {
    const world = aMember({}, { held: ['other-1'] });
    world.evaluate(ONE);
    world.job = { ...world.job, stop: [world.active()[0]!.name] };
    world.evaluate('2026-01-01T01:10:00Z');
    expect(world.runResults()).toEqual(['01:00:00 Killed StoppedByUser']);
  });

  test('a retry waits in the line as well', () => {
    const world = aMember({ retry: { limit: 1, initialSeconds: 10, jitter: 0 } });
    world.evaluate(ONE);
    world.end({ exitCode: 1 });
    world.group = { ...world.group!, held: ['other-1'] };
    world.evaluate('2026-01-01T01:00:05Z');
    expect(world.evaluate('2026-01-01T01:00:20Z').waitsForGroup).toMatchObject([{ slot: at(ONE) }]);
  });

  test('a run that waits for capacity is not in the line', () => {
    const world = aMember();
    world.capacity = 0;
    expect(world.evaluate(ONE)).toMatchObject({ waitsForCapacity: true, waitsForGroup: [] });
  });
});
