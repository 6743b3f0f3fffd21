// The decision stops a run whose Pod does not start, and a run whose time limit Kubernetes fails to enforce.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/job.ts';
import type { RunObservation } from '../../../src/core/run.ts';
import { at } from '../../support/builders.ts';
import { World } from '../../support/core/world.ts';

const MESSAGE = 'The image "nowhere/x" cannot be pulled.';
const DAILY = { schedule: '0 1 * * *', executor: 'Job' } as const;
const SLOT = '2026-01-01T01:00:00Z';
const SECOND = 1000;
const MINUTE = 60 * SECOND;

type Running = Extract<RunObservation, { state: 'Running' }>;

/** A world whose daily run has started, observed as given. */
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

const stuckFor = (forMs: number) => ({ stuck: { message: MESSAGE, forMs } });
const statesOf = (world: World) => world.running().map(({ message, stopCause }) => [message, stopCause]);

describe('a run whose Pod does not start', () => {
  test('reports it, wakes the job at its time limit, and is then stopped', () => {
    const world = started({ job: { pendingTimeoutSeconds: 60 } }, stuckFor(SECOND));
    const decision = world.evaluate('2026-01-01T01:00:03Z');
    expect(statesOf(world)).toEqual([[MESSAGE, undefined]]);
    expect(decision.wakeAt).toBe(at('2026-01-01T01:01:02Z'));
    show(world, stuckFor(MINUTE));
    const { actions } = world.evaluate('2026-01-01T01:01:02Z');
    expect(actions).toMatchObject([{ kind: 'Stop', cause: 'Stuck' }]);
    expect(world.events.filter((reason) => reason === 'RunStuck')).toHaveLength(1);
  });

  test('fails with the message of its Pod, and is retried', () => {
    const world = started({ job: { pendingTimeoutSeconds: 60 }, retry: { limit: 1 } }, stuckFor(MINUTE));
    world.evaluate('2026-01-01T01:02:00Z');
    // Kubernetes deletes the Pod before the Job.
    show(world, {});
    world.evaluate('2026-01-01T01:02:01Z');
    world.end({ exitCode: undefined, reason: 'Lost', message: 'Its Job was deleted.' });
    world.evaluate('2026-01-01T01:02:02Z');
    expect(world.runResults()).toEqual(['01:00:00 Failed Stuck', '01:00:00 Created']);
    expect([...world.runs.values()][0]?.message).toBe(MESSAGE);
    expect(world.job.status?.totals).toMatchObject({ failed: 1, killed: 0 });
  });

  test('has fifteen minutes by default', () => {
    const world = started({}, stuckFor(15 * MINUTE - 1));
    expect(world.evaluate('2026-01-01T01:15:00Z').actions).toEqual([]);
    show(world, stuckFor(15 * MINUTE));
    expect(world.evaluate('2026-01-01T01:15:01Z').actions).toMatchObject([{ kind: 'Stop', cause: 'Stuck' }]);
  });

  test('is never stopped if pendingTimeoutSeconds is 0', () => {
    const world = started({ job: { pendingTimeoutSeconds: 0 } }, stuckFor(8 * 24 * 60 * MINUTE));
    const { actions, wakeAt } = world.evaluate('2026-01-02T00:30:00Z');
    expect(actions).toEqual([]);
    expect(wakeAt).toBe(at('2026-01-02T01:00:00Z'));
  });

  test('continues if it starts in time', () => {
    const world = started({ job: { pendingTimeoutSeconds: 60 } }, stuckFor(30 * SECOND));
    world.evaluate('2026-01-01T01:00:30Z');
    show(world, {});
    world.evaluate('2026-01-01T01:05:00Z');
    expect(statesOf(world)).toEqual([[undefined, undefined]]);
  });
});

describe('a time limit that Kubernetes enforces', () => {
  const limit = (forMs: number) => ({ limit: { ms: 30 * SECOND, forMs } });

  test('is enforced by the decision fifteen seconds after it has passed', () => {
    const world = started({ timeoutSeconds: 30 }, limit(8 * SECOND));
    world.evaluate('2026-01-01T01:00:10Z');
    expect(world.evaluate('2026-01-01T01:00:46Z').wakeAt).toBe(at('2026-01-01T01:01:23Z'));
    show(world, limit(45 * SECOND - 1));
    expect(world.evaluate('2026-01-01T01:00:47Z').actions).toEqual([]);
    show(world, limit(45 * SECOND));
    const { actions } = world.evaluate('2026-01-01T01:00:48Z');
    expect(actions).toMatchObject([{ kind: 'Stop', cause: 'TimedOut' }]);
    world.end({ exitCode: undefined, reason: 'Lost' });
    world.evaluate('2026-01-01T01:00:50Z');
    expect(world.runResults()).toEqual(['01:00:00 Killed TimedOut']);
  });

  test('wakes the job although the runner reports no change after the start', () => {
    const world = new World({ ...DAILY, timeoutSeconds: 30 });
    expect(world.evaluate(SLOT).wakeAt).toBe(at('2026-01-01T01:00:45Z'));
  });

  test('wakes the job again if the time has not begun to count', () => {
    const world = started({ timeoutSeconds: 30 }, limit(0));
    const { actions, wakeAt } = world.evaluate('2026-01-01T23:00:00Z');
    expect(actions).toEqual([]);
    expect(wakeAt).toBe(at('2026-01-01T23:00:45Z'));
  });

  test('stays that of the start of the run after an edit of the job', () => {
    const world = started({ timeoutSeconds: 30 }, limit(20 * SECOND));
    world.edit({ ...DAILY, timeoutSeconds: 5 });
    expect(world.evaluate('2026-01-01T01:00:20Z').actions).toEqual([]);
  });
});
