// A run that does not get going, and one whose time limit nobody else has noticed, are ended all the same.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../src/core/job.ts';
import type { RunObservation } from '../../src/core/run.ts';
import { at } from '../support/builders.ts';
import { World } from '../support/world.ts';

const MESSAGE = 'The image "nowhere/x" cannot be pulled.';
const DAILY = { schedule: '0 1 * * *', executor: 'Job' } as const;
const SLOT = '2026-01-01T01:00:00Z';
const POD_MADE = '2026-01-01T01:00:02Z';

type Running = Extract<RunObservation, { state: 'Running' }>;

/** A world whose daily run has been started; its Job shows what is given. */
function started(spec: JobSpecInput, shows: Partial<Running>): World {
  const world = new World({ ...DAILY, ...spec });
  world.evaluate(SLOT);
  show(world, shows);
  return world;
}

function show(world: World, shows: Partial<Running>): void {
  const [name] = world.children.keys();
  world.children.set(name!, { name: name!, state: 'Running', startedAt: at(SLOT), ...shows });
}

const stuck = { message: MESSAGE, since: at(POD_MADE) };

describe('a run whose Pod does not get going', () => {
  test('says so, is looked at again when its time is over, and is then told to end', () => {
    const world = started({ job: { pendingTimeoutSeconds: 60 } }, { stuck });
    const decision = world.evaluate('2026-01-01T01:00:03Z');
    expect(world.running().map(({ message, stopCause }) => [message, stopCause])).toEqual([
      [MESSAGE, undefined],
    ]);
    expect(decision.wakeAt).toBe(at('2026-01-01T01:01:02Z'));
    const { actions } = world.evaluate('2026-01-01T01:01:02Z');
    expect(actions).toMatchObject([{ kind: 'Stop', cause: 'Stuck' }]);
    expect(world.events.filter((reason) => reason === 'RunStuck')).toHaveLength(1);
  });

  test('has failed with what kept it, and is tried again', () => {
    const world = started({ job: { pendingTimeoutSeconds: 60 }, retry: { limit: 1 } }, { stuck });
    world.evaluate('2026-01-01T01:02:00Z');
    // Its Pod goes before its Job.
    show(world, {});
    world.evaluate('2026-01-01T01:02:01Z');
    world.end({ exitCode: undefined, reason: 'Lost', message: 'Its Job was deleted.' });
    world.evaluate('2026-01-01T01:02:02Z');
    expect(world.history()).toEqual(['01:00:00 Failed Stuck', '01:00:00 Created']);
    expect([...world.runs.values()][0]?.message).toBe(MESSAGE);
    expect(world.job.status?.totals).toMatchObject({ failed: 1, killed: 0 });
  });

  test('has a quarter of an hour by default', () => {
    const world = started({}, { stuck });
    expect(world.evaluate('2026-01-01T01:15:01Z').actions).toEqual([]);
    expect(world.evaluate('2026-01-01T01:15:02Z').actions).toMatchObject([{ kind: 'Stop', cause: 'Stuck' }]);
  });

  test('is waited for without end where that was asked for', () => {
    const world = started({ job: { pendingTimeoutSeconds: 0 } }, { stuck });
    expect(world.evaluate('2026-01-09T00:30:00Z').actions).toEqual([]);
  });

  test('goes on when it gets going in time', () => {
    const world = started({ job: { pendingTimeoutSeconds: 60 } }, { stuck });
    world.evaluate('2026-01-01T01:00:30Z');
    show(world, {});
    world.evaluate('2026-01-01T01:05:00Z');
    expect(world.running().map(({ message, stopCause }) => [message, stopCause])).toEqual([
      [undefined, undefined],
    ]);
  });
});

describe('a time limit that somebody else counts', () => {
  test('is theirs for fifteen seconds more, and then ours', () => {
    const world = started({ timeoutSeconds: 30 }, { limitedSince: at(POD_MADE) });
    expect(world.evaluate('2026-01-01T01:00:10Z').wakeAt).toBe(at('2026-01-01T01:00:47Z'));
    expect(world.evaluate('2026-01-01T01:00:46.999Z').actions).toEqual([]);
    const { actions } = world.evaluate('2026-01-01T01:00:47Z');
    expect(actions).toMatchObject([{ kind: 'Stop', cause: 'TimedOut' }]);
    world.end({ exitCode: undefined, reason: 'Lost' });
    world.evaluate('2026-01-01T01:00:50Z');
    expect(world.history()).toEqual(['01:00:00 Killed TimedOut']);
  });

  test('does not begin while they hold the run back', () => {
    const world = started({ timeoutSeconds: 30 }, { limitedSince: undefined });
    expect(world.evaluate('2026-01-01T23:00:00Z').actions).toEqual([]);
  });
});
