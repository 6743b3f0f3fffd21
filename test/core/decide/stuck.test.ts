// The decision stops a run whose Pod does not start, and a run whose time limit Kubernetes fails to enforce.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { RunObservation } from '../../../src/core/run.ts';
import { at } from '../../support/builders.ts';
import { World } from '../../support/core/world.ts';

const MESSAGE = 'The image "nowhere/x" cannot be pulled.';
const DAILY = { schedule: '0 1 * * *', executor: 'Job' } as const;
const SLOT = '2026-01-01T01:00:00Z';
const SECOND = 1000;
const MINUTE = 60 * SECOND;

type Shown<State> = Omit<Extract<RunObservation, { state: State }>, 'name'>;
type Seen<State> = Partial<Extract<RunObservation, { state: State }>>;

/** A world whose daily run has started, and whose command has not begun. */
function pending(spec: JobSpecInput, shows: Seen<'Pending'> = {}): World {
  const world = new World({ ...DAILY, ...spec });
  world.evaluate(SLOT);
  show(world, { state: 'Pending', ...shows });
  return world;
}

/** A world whose daily run has begun its command. */
function running(spec: JobSpecInput, shows: Seen<'Running'> = {}): World {
  const world = new World({ ...DAILY, ...spec });
  world.evaluate(SLOT);
  begin(world, shows);
  return world;
}

function show(world: World, shows: Shown<'Pending'> | Shown<'Running'>): void {
  const name = [...world.children.keys()].at(-1)!;
  world.children.set(name, { ...shows, name });
}

const begin = (world: World, shows: Seen<'Running'> = {}) =>
  show(world, { state: 'Running', startedAt: at(SLOT), ...shows });

const stuckFor = (forMs: number) => ({ stuck: { message: MESSAGE, forMs } });
const statesOf = (world: World) =>
  world.active().map(({ phase, message, stopCause }) => [phase, message, stopCause]);
const conditionOf = (world: World, type: string) =>
  world.job.status?.conditions.find((condition) => condition.type === type)?.status;

describe('a run whose command has not begun', () => {
  test('is Pending without a start, and so is its job, until its Pod runs', () => {
    const world = pending({});
    expect(statesOf(world)).toEqual([['Pending', undefined, undefined]]);
    expect(world.active()[0]).not.toHaveProperty('startedAt');
    expect(world.job.status?.phase).toBe('Pending');
    begin(world, { startedAt: at('2026-01-01T01:00:09Z') });
    world.evaluate('2026-01-01T01:00:10Z');
    expect(world.active()[0]).toMatchObject({ phase: 'Running', startedAt: at('2026-01-01T01:00:09Z') });
    expect(world.job.status?.phase).toBe('Running');
  });

  test('stays Running while its end is not known in full', () => {
    const world = running({});
    world.evaluate('2026-01-01T01:00:10Z');
    show(world, { state: 'Pending', ...stuckFor(MINUTE), outdated: true });
    expect(world.evaluate('2026-01-01T01:01:00Z').change.runs).toEqual([]);
  });

  test('completes although it was never seen to run', () => {
    const world = pending({});
    world.end({ startedAt: at('2026-01-01T01:00:01Z') }, world.active()[0]!.name);
    world.evaluate('2026-01-01T01:00:02Z');
    expect(world.runResults()).toEqual(['01:00:00 Completed']);
    expect([...world.runs.values()][0]?.startedAt).toBe(at('2026-01-01T01:00:01Z'));
  });

  test('forbids the next slot, and waits for its own end under Replace', () => {
    const forbid = pending({});
    forbid.evaluate('2026-01-02T01:00:00Z');
    expect(forbid.outcomes()).toEqual(['01:00:00 Ran', '01:00:00 Forbidden']);
    const replace = pending({ concurrencyPolicy: 'Replace' });
    expect(replace.evaluate('2026-01-02T01:00:00Z').actions).toMatchObject([
      { kind: 'Stop', cause: 'Replaced' },
    ]);
    expect(replace.runResults()).toEqual(['01:00:00 Pending', '01:00:00 Created']);
  });
});

describe('a run whose Pod does not start', () => {
  test('reports it, wakes the job at its time limit, and is then stopped', () => {
    const world = pending({ job: { pendingTimeoutSeconds: 60 } }, stuckFor(SECOND));
    const decision = world.evaluate('2026-01-01T01:00:03Z');
    expect(statesOf(world)).toEqual([['Pending', MESSAGE, undefined]]);
    expect(decision.wakeAt).toBe(at('2026-01-01T01:01:02Z'));
    show(world, { state: 'Pending', ...stuckFor(MINUTE) });
    const { actions } = world.evaluate('2026-01-01T01:01:02Z');
    expect(actions).toMatchObject([{ kind: 'Stop', cause: 'Stuck' }]);
    expect(world.events.filter((reason) => reason === 'RunStuck')).toHaveLength(1);
  });

  test('counts its time before the cause is known', () => {
    const world = pending({ job: { pendingTimeoutSeconds: 60 } }, { stuck: { forMs: SECOND } });
    expect(world.evaluate('2026-01-01T01:00:03Z').wakeAt).toBe(at('2026-01-01T01:01:02Z'));
    expect(world.events).not.toContain('RunStuck');
    show(world, { state: 'Pending', stuck: { forMs: MINUTE } });
    expect(world.evaluate('2026-01-01T01:01:02Z').actions).toMatchObject([{ kind: 'Stop', cause: 'Stuck' }]);
  });

  test('fails with the message of its Pod, and is retried; the job is failing', () => {
    const world = pending({ job: { pendingTimeoutSeconds: 60 }, retry: { limit: 1 } }, stuckFor(MINUTE));
    world.evaluate('2026-01-01T01:02:00Z');
    // Kubernetes deletes the Pod before the Job.
    show(world, { state: 'Pending' });
    world.evaluate('2026-01-01T01:02:01Z');
    const { name } = world.active()[0]!;
    world.end({ exitCode: undefined, reason: 'Lost', message: 'Its Job was deleted.' }, name);
    world.evaluate('2026-01-01T01:02:02Z');
    expect(world.runResults()).toEqual(['01:00:00 Failed Stuck', '01:00:00 Created']);
    const [first] = world.runs.values();
    expect(first?.message).toBe(MESSAGE);
    expect(first?.startedAt).toBeUndefined();
    expect(world.job.status?.totals).toMatchObject({ failed: 1, killed: 0 });
    expect(conditionOf(world, 'Failing')).toBe('True');
  });

  test('has fifteen minutes by default', () => {
    const world = pending({}, stuckFor(15 * MINUTE - 1));
    expect(world.evaluate('2026-01-01T01:15:00Z').actions).toEqual([]);
    show(world, { state: 'Pending', ...stuckFor(15 * MINUTE) });
    expect(world.evaluate('2026-01-01T01:15:01Z').actions).toMatchObject([{ kind: 'Stop', cause: 'Stuck' }]);
  });

  test('is never stopped if pendingTimeoutSeconds is 0', () => {
    const world = pending({ job: { pendingTimeoutSeconds: 0 } }, stuckFor(8 * 24 * 60 * MINUTE));
    const { actions, wakeAt } = world.evaluate('2026-01-02T00:30:00Z');
    expect(actions).toEqual([]);
    expect(wakeAt).toBe(at('2026-01-02T01:00:00Z'));
  });

  test('continues if it starts in time', () => {
    const world = pending({ job: { pendingTimeoutSeconds: 60 } }, stuckFor(30 * SECOND));
    world.evaluate('2026-01-01T01:00:30Z');
    begin(world);
    world.evaluate('2026-01-01T01:05:00Z');
    expect(statesOf(world)).toEqual([['Running', undefined, undefined]]);
  });

  test('is followed at once by an attempt with the changed spec, whatever the retry limit says', () => {
    const world = pending({}, stuckFor(MINUTE));
    world.evaluate('2026-01-01T01:01:00Z');
    show(world, { state: 'Pending', ...stuckFor(MINUTE), outdated: true });
    expect(world.evaluate('2026-01-01T01:02:00Z').actions).toMatchObject([
      { kind: 'Stop', cause: 'SpecChanged' },
    ]);
    world.end({ exitCode: undefined, reason: 'Lost' }, world.active()[0]!.name);
    world.evaluate('2026-01-01T01:02:01Z');
    expect(world.runResults()).toEqual(['01:00:00 Killed SpecChanged', '01:00:00 Pending']);
    const [first, second] = world.runs.values();
    expect(first?.message).toBe(MESSAGE);
    expect(second).toMatchObject({ attempt: 2, startAfter: first?.finishedAt });
    // The first attempt says nothing about the job.
    expect(conditionOf(world, 'Failing')).toBe('False');
  });
});

describe('a time limit that Kubernetes enforces', () => {
  const limit = (forMs: number) => ({ limit: { ms: 30 * SECOND, forMs } });

  test('is enforced by the decision fifteen seconds after the grace period that follows it', () => {
    const world = running({ timeoutSeconds: 30 }, limit(8 * SECOND));
    world.evaluate('2026-01-01T01:00:10Z');
    expect(world.evaluate('2026-01-01T01:00:46Z').wakeAt).toBe(at('2026-01-01T01:01:33Z'));
    begin(world, limit(55 * SECOND - 1));
    expect(world.evaluate('2026-01-01T01:00:47Z').actions).toEqual([]);
    begin(world, limit(55 * SECOND));
    const { actions } = world.evaluate('2026-01-01T01:00:48Z');
    expect(actions).toMatchObject([{ kind: 'Stop', cause: 'TimedOut' }]);
    world.end({ exitCode: undefined, reason: 'Lost' });
    world.evaluate('2026-01-01T01:00:50Z');
    expect(world.runResults()).toEqual(['01:00:00 Killed TimedOut']);
  });

  test('wakes the job again if the time has not begun to count', () => {
    const world = running({ timeoutSeconds: 30 }, limit(0));
    const { actions, wakeAt } = world.evaluate('2026-01-01T23:00:00Z');
    expect(actions).toEqual([]);
    expect(wakeAt).toBe(at('2026-01-01T23:00:55Z'));
  });

  test('stays that of the start of the run after an edit of the job', () => {
    const world = running({ timeoutSeconds: 30 }, limit(20 * SECOND));
    world.edit({ ...DAILY, timeoutSeconds: 5 });
    expect(world.evaluate('2026-01-01T01:00:20Z').actions).toEqual([]);
  });
});
