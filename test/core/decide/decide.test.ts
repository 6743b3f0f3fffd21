import { describe, expect, test } from 'vitest';
import { decideInvalid, decideRemoved } from '../../../src/core/decide/decide.ts';
import { LshError } from '../../../src/core/errors.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { aJob, aRun, at } from '../../support/builders.ts';
import { traitsOf, UNSET_CLOCK, World } from '../../support/core/world.ts';

const EVERY_MINUTE = { schedule: '* * * * *' };

describe('slots', () => {
  test('no run starts before the first slot, and the job wakes at it', () => {
    const world = new World(EVERY_MINUTE, '2026-01-01T00:00:10Z');
    const decision = world.evaluate('2026-01-01T00:00:59.999Z');
    expect(world.started).toEqual([]);
    expect(decision.wakeAt).toBe(at('2026-01-01T00:01:00Z'));
  });

  test('repeated evaluations of a slot start one run', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:01:00Z');
    world.evaluate('2026-01-01T00:01:00.001Z');
    world.evaluate('2026-01-01T00:01:30Z');
    expect(world.started).toHaveLength(1);
    expect(world.outcomes()).toEqual(['00:01:00 Ran']);
  });

  test('a slot at the instant of creation is not due', () => {
    const world = new World(EVERY_MINUTE, '2026-01-01T00:01:00Z');
    world.evaluate('2026-01-01T00:01:00.500Z');
    expect(world.outcomes()).toEqual([]);
  });

  test('an edited schedule owes no slot from before the edit', () => {
    const world = new World({ schedule: '0 12 * * *' });
    world.evaluate('2026-01-01T00:00:01Z');
    world.now = at('2026-01-01T10:30:00Z');
    world.edit({ schedule: '0 * * * *' });
    world.evaluate();
    world.evaluate('2026-01-01T11:00:00Z');
    expect(world.outcomes()).toEqual(['11:00:00 Ran']);
  });

  test('an edit of another field keeps every slot', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:00:30Z');
    world.now = at('2026-01-01T00:01:10Z');
    world.edit({ ...EVERY_MINUTE, description: 'changed' });
    world.evaluate();
    expect(world.outcomes()).toEqual(['00:01:00 Ran']);
  });

  test('slots outside notBefore and notAfter do not exist', () => {
    const world = new World({
      ...EVERY_MINUTE,
      concurrencyPolicy: 'Allow',
      notBefore: '2026-01-01T00:02:00Z',
      notAfter: '2026-01-01T00:03:00Z',
    });
    for (const minute of [1, 2, 3, 4]) world.evaluate(`2026-01-01T00:0${minute}:00Z`);
    expect(world.outcomes()).toEqual(['00:02:00 Ran', '00:03:00 Ran']);
    expect(world.job.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Scheduled', status: 'False', reason: 'NoFurtherSlot' }),
    );
    expect(world.job.status?.phase).toBe('Running');
    for (const { name } of world.running()) world.end({}, name);
    world.evaluate('2026-01-01T00:04:01Z');
    expect(world.job.status?.phase).toBe('Ended');
    world.edit(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:04:02Z');
    expect(world.job.status?.phase).toBe('Scheduled');
  });

  test('a schedule that has not begun says when it begins', () => {
    const world = new World({ ...EVERY_MINUTE, notBefore: '2026-01-01T00:02:00Z' });
    world.evaluate('2026-01-01T00:01:00Z');
    expect(world.job.status?.conditions).toContainEqual(
      expect.objectContaining({
        reason: 'NotBefore',
        message: 'The schedule begins at 2026-01-01T00:02:00Z.',
      }),
    );
    world.evaluate('2026-01-01T00:02:00Z');
    expect(world.job.status?.conditions).toContainEqual(expect.objectContaining({ reason: 'NextSlotKnown' }));
  });

  test('a job of @reboot has no end before its notAfter', () => {
    const world = new World({ schedule: '@reboot', notAfter: '2026-01-02T00:00:00Z' });
    world.evaluate('2026-01-01T00:00:10Z');
    expect(world.job.status).toMatchObject({ phase: 'Scheduled' });
    expect(world.job.status?.conditions).toContainEqual(
      expect.objectContaining({ reason: 'DueAtStart', message: 'The job is due at the next boot.' }),
    );
    world.evaluate('2026-01-02T00:00:10Z');
    expect(world.job.status).toMatchObject({ phase: 'Ended' });
  });

  test('a clock that is an hour behind the record repeats no slot, unless it was set', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T05:00:00Z');
    world.end();
    world.evaluate('2026-01-01T04:00:00Z');
    world.evaluate('2026-01-01T04:30:00Z');
    expect(world.outcomes().filter((line) => line.endsWith('Ran'))).toHaveLength(1);
  });

  test('a job runs again after a clock that was years ahead is corrected', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2031-01-01T00:01:00Z');
    world.end();
    world.evaluate('2026-01-01T00:10:30Z');
    world.evaluate('2026-01-01T00:11:00Z');
    expect(world.outcomes().at(-1)).toBe('00:11:00 Ran');
  });

  test('a clock set back to before the start of the process makes no future slot due', () => {
    const world = new World(EVERY_MINUTE, '2026-01-01T12:00:00Z');
    world.evaluate();
    world.evaluate('2026-01-01T06:00:10Z');
    world.evaluate('2026-01-01T06:01:00Z');
    expect(world.runResults()).toEqual(['06:01:00 Running']);
    expect(world.outcomes()).toEqual(['06:01:00 Ran']);
  });

  test('jitter delays the start, not the slot, by the same time at every evaluation', () => {
    const world = new World({ ...EVERY_MINUTE, jitterSeconds: 30 });
    const first = world.evaluate('2026-01-01T00:01:00Z');
    const second = world.evaluate('2026-01-01T00:01:00.010Z');
    expect(world.runResults()).toEqual(['00:01:00 Created']);
    expect(second.wakeAt).toBe(first.wakeAt);
    expect(first.wakeAt - at('2026-01-01T00:01:00Z')).toBeLessThan(30_000);
    world.evaluate(first.wakeAt);
    expect(world.runResults()).toEqual(['00:01:00 Running']);
  });
});

test('a run that a user stopped before its start is cancelled without a start', () => {
  const world = new World(EVERY_MINUTE);
  world.evaluate('2026-01-01T00:01:00Z');
  const [run] = world.running();
  world.children.set(run!.name, { name: run!.name, state: 'NeverStarted' });
  world.job = { ...world.job, stop: [run!.name] };
  world.evaluate('2026-01-01T00:01:05Z');
  expect(world.runResults()).toEqual(['00:01:00 Killed StoppedByUser']);
  expect(world.started).toHaveLength(1);
});

test('a waiting retry starts although the clock is set back by hours', () => {
  const world = new World({ ...EVERY_MINUTE, retry: { limit: 1 } });
  world.evaluate('2026-01-02T00:01:00Z');
  world.end({ exitCode: 1 });
  world.evaluate('2026-01-02T00:01:01Z');
  world.evaluate('2026-01-01T00:01:30Z');
  world.evaluate('2026-01-01T00:01:45Z');
  expect(world.running().map(({ attempt }) => attempt)).toEqual([2]);
});

test('a running run of a job that became invalid still stops at its timeout', () => {
  const world = new World({ ...EVERY_MINUTE, timeoutSeconds: 30 });
  world.evaluate('2026-01-01T00:01:00Z');
  const known = {
    job: world.job,
    runs: world.running(),
    observations: [...world.children.values()],
    now: at('2026-01-01T00:01:10Z'),
    clock: UNSET_CLOCK,
    evaluatingSince: 0,
    traitsOf,
    capacity: 1,
  };
  const problem = new LshError('SCHEDULE_INVALID', { expression: 'x', detail: 'x' });
  expect(decideInvalid(known, problem).wakeAt).toBe(at('2026-01-01T00:01:30Z'));
});

describe('a job that was removed and added again', () => {
  function addedAgain(spec: JobSpecInput): World {
    const world = new World(spec);
    world.evaluate('2026-01-01T00:01:00Z');
    world.now = at('2026-01-01T00:01:05Z');
    world.job = aJob(spec, { createdAt: world.now, uid: 'another' });
    return world;
  }

  test('stops the run of the removed job, without a retry and without counting it', () => {
    const world = addedAgain({ ...EVERY_MINUTE, retry: { limit: 3 } });
    const { actions } = world.evaluate();
    expect(actions).toEqual([expect.objectContaining({ kind: 'Stop', cause: 'JobRemoved' })]);
    world.end({ exitCode: 143, signal: 'SIGTERM' });
    world.evaluate('2026-01-01T00:01:07Z');
    expect(world.runResults()).toEqual(['00:01:00 Killed JobRemoved']);
    expect(world.job.status?.totals).toEqual({ completed: 0, failed: 0, killed: 0, missed: 0 });
    world.evaluate('2026-01-01T00:02:00Z');
    expect(world.runResults().at(-1)).toBe('00:02:00 Running');
  });

  test('ends a claimed run of the removed job that never started', () => {
    const world = addedAgain({ ...EVERY_MINUTE, retry: { limit: 3 } });
    world.children.clear();
    world.evaluate();
    expect(world.runResults()).toEqual(['00:01:00 Killed JobRemoved']);
    expect(world.started).toHaveLength(1);
  });

  test('cancels a retry of the removed job', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 3 } });
    world.evaluate('2026-01-01T00:01:00Z');
    world.end({ exitCode: 1 });
    world.evaluate('2026-01-01T00:01:01Z');
    world.job = aJob({ ...EVERY_MINUTE, retry: { limit: 3 } }, { createdAt: world.now, uid: 'another' });
    world.evaluate();
    expect(world.active()).toEqual([]);
    expect(world.job.status?.totals.killed).toBe(0);
  });
});

describe('missed slots', () => {
  /** The process evaluates at 00:01, stops, and starts again at 00:05:30. */
  function afterDowntime(spec: object): World {
    const world = new World({ ...EVERY_MINUTE, ...spec });
    world.evaluate('2026-01-01T00:01:00Z');
    world.end();
    world.evaluate('2026-01-01T00:01:10Z');
    world.evaluatingSince = at('2026-01-01T00:05:30Z');
    world.evaluate('2026-01-01T00:05:30Z');
    return world;
  }

  test('Latest runs the newest slot and records the others as missed', () => {
    const world = afterDowntime({ missedRunPolicy: 'Latest' });
    expect(world.outcomes()).toEqual(['00:01:00 Ran', '00:02:00-00:04:00 x3 Missed', '00:05:00 Ran']);
    expect([...world.runs.values()].at(-1)?.trigger).toBe('CatchUp');
  });

  test('Skip runs no slot and records all as missed', () => {
    expect(afterDowntime({ missedRunPolicy: 'Skip' }).outcomes()).toEqual([
      '00:01:00 Ran',
      '00:02:00-00:05:00 x4 Missed',
    ]);
  });

  test('All runs the newest maxMissedRuns one after another', () => {
    const world = afterDowntime({ missedRunPolicy: 'All', maxMissedRuns: 3 });
    expect(world.outcomes().slice(1)).toEqual([
      '00:02:00 Missed',
      '00:03:00 Ran',
      '00:04:00 Ran',
      '00:05:00 Ran',
    ]);
    expect(world.running()).toHaveLength(1);
    world.end();
    world.evaluate();
    world.end();
    world.evaluate();
    world.end();
    world.evaluate();
    expect(world.started).toHaveLength(4);
    expect(world.active()).toEqual([]);
  });

  test('a slot older than the starting deadline is DeadlineExceeded, not run', () => {
    const world = afterDowntime({ missedRunPolicy: 'All', startingDeadlineSeconds: 100 });
    expect(world.outcomes().slice(1)).toEqual([
      '00:02:00-00:03:00 x2 DeadlineExceeded',
      '00:04:00 Ran',
      '00:05:00 Ran',
    ]);
  });

  test('Latest runs no missed slot when a slot is on time', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluatingSince = at('2026-01-01T00:04:30Z');
    world.evaluate('2026-01-01T00:05:00Z');
    expect(world.outcomes()).toEqual(['00:01:00-00:04:00 x4 Missed', '00:05:00 Ran']);
  });

  test('a week of missed slots of an every-second schedule is one record', () => {
    const world = new World({ schedule: '* * * * * *', missedRunPolicy: 'Skip' });
    world.evaluatingSince = at('2026-01-08T00:00:00.500Z');
    world.evaluate('2026-01-08T00:00:00.500Z');
    expect(world.slots).toEqual([expect.objectContaining({ count: 7 * 86_400, outcome: 'Missed' })]);
    expect(world.job.status?.totals.missed).toBe(7 * 86_400);
  });

  test('slots found later than an evaluation interval are missed, as after a laptop’s sleep', () => {
    const world = new World({ ...EVERY_MINUTE, missedRunPolicy: 'Skip' });
    world.evaluate('2026-01-01T03:00:30Z');
    expect(world.outcomes()).toEqual(['00:01:00-02:59:00 x179 Missed', '03:00:00 Ran']);
  });

  test('@reboot runs once when the process starts, not when the job is added', () => {
    const world = new World({ schedule: '@reboot' });
    world.evaluate('2026-01-01T00:00:10Z');
    expect(world.started).toEqual([]);
    world.evaluatingSince = at('2026-01-02T08:00:00Z');
    world.evaluate('2026-01-02T08:00:00.200Z');
    world.evaluate('2026-01-02T09:00:00Z');
    expect(world.outcomes()).toEqual(['08:00:00 Ran']);
  });
});

describe('runs that were started but not recorded', () => {
  /** A process starts the run of 00:02 and crashes before its record; the next process finds the run at 00:05:30. */
  function foundUnrecorded(spec: object): World {
    const world = new World({ ...EVERY_MINUTE, ...spec });
    world.claim = 'name';
    world.evaluate('2026-01-01T00:01:30Z');
    world.end();
    world.evaluate('2026-01-01T00:01:31Z');
    world.now = at('2026-01-01T00:02:00Z');
    for (const action of world.decide().actions) if (action.kind === 'Start') world.start(action.run);
    world.evaluatingSince = at('2026-01-01T00:05:30Z');
    world.evaluate('2026-01-01T00:05:30Z');
    return world;
  }

  test('are adopted although the policy would skip their slot now', () => {
    const world = foundUnrecorded({ missedRunPolicy: 'Skip' });
    expect(world.outcomes()).toEqual(['00:01:00 Ran', '00:03:00-00:05:00 x3 Missed', '00:02:00 Ran']);
    expect(world.running().map(({ slot }) => slot)).toEqual([at('2026-01-01T00:02:00Z')]);
  });

  test('keep an ended retry until the end of its first attempt is recorded', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 1, initialSeconds: 0 } });
    world.claim = 'name';
    world.evaluate('2026-01-01T00:01:00Z');
    const [first] = world.running();
    const retry = { ...first!, name: `${first!.name}-2`, attempt: 2 };
    world.start(retry);
    world.end({}, retry.name);
    const names = (kinds: readonly string[]) =>
      world.decide().actions.filter(({ kind }) => kinds.includes(kind));
    expect(names(['Release', 'Remove'])).toEqual([]);
    world.end({ exitCode: 1 }, first!.name);
    world.evaluate('2026-01-01T00:01:01Z');
    world.evaluate('2026-01-01T00:01:02Z');
    expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode', '00:01:00 Completed']);
  });

  describe('whose record is Created', () => {
    /** A process starts a retry and crashes before its record. */
    function startedUnrecorded(spec: JobSpecInput = {}): { world: World; retry: string } {
      const world = new World({
        ...EVERY_MINUTE,
        retry: { limit: 1, initialSeconds: 10, jitter: 0 },
        ...spec,
      });
      world.claim = 'name';
      world.evaluate('2026-01-01T00:01:00Z');
      world.end({ exitCode: 1 });
      world.evaluate('2026-01-01T00:01:01Z');
      world.now = at('2026-01-01T00:01:11Z');
      for (const action of world.decide().actions) if (action.kind === 'Start') world.start(action.run);
      return { world, retry: world.started.at(-1)! };
    }

    test('are stopped on request', () => {
      const { world, retry } = startedUnrecorded();
      world.job = { ...world.job, stop: [retry] };
      const { actions } = world.evaluate();
      expect(actions.find(({ kind }) => kind === 'Stop')).toMatchObject({
        run: { name: retry },
        cause: 'StoppedByUser',
      });
      world.end({ exitCode: 143 });
      world.evaluate('2026-01-01T00:01:12Z');
      expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode', '00:01:00 Killed StoppedByUser']);
    });

    test('keep the next run waiting although the end of the earlier attempt is unrecorded too', () => {
      const world = new World({
        ...EVERY_MINUTE,
        concurrencyPolicy: 'Queue',
        retry: { limit: 1, initialSeconds: 10, jitter: 0 },
      });
      world.claim = 'name';
      world.evaluate('2026-01-01T00:01:00Z');
      const [first] = world.running();
      world.end({ exitCode: 1 });
      world.now = at('2026-01-01T00:01:11Z');
      for (const action of world.decide().actions) if (action.kind === 'Start') world.start(action.run);
      world.children.delete(first!.name);
      world.evaluate('2026-01-01T00:02:00Z');
      expect(world.running().map(({ attempt }) => attempt)).toEqual([2]);
    });

    test('are kept while the job is invalid, and recorded when it is valid again', () => {
      const world = new World({ ...EVERY_MINUTE, retry: { limit: 1, initialSeconds: 10, jitter: 0 } });
      world.claim = 'name';
      const startUnrecorded = (instant: string): void => {
        world.now = at(instant);
        for (const action of world.decide().actions) if (action.kind === 'Start') world.start(action.run);
      };
      startUnrecorded('2026-01-01T00:01:00Z');
      const [first] = world.started;
      world.end({ exitCode: 1 }, first);
      startUnrecorded('2026-01-01T00:01:11Z');
      world.end({}, world.started.at(-1));
      world.problem = new LshError('COMMAND_REFUSED', { command: 'rm', detail: 'no' });
      expect(world.evaluate().actions).toEqual([]);
      world.problem = undefined;
      // In this evaluation: no later change might wake the job.
      world.evaluate();
      expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode', '00:01:00 Completed']);
      expect(world.started).toHaveLength(2);
    });

    test('are replaced like recorded runs', () => {
      const { world, retry } = startedUnrecorded({ concurrencyPolicy: 'Replace' });
      const { actions } = world.evaluate('2026-01-01T00:02:00Z');
      expect(actions.find(({ kind }) => kind === 'Stop')).toMatchObject({
        run: { name: retry },
        cause: 'Replaced',
      });
    });

    test('may have ended', () => {
      const { world, retry } = startedUnrecorded();
      world.end({}, retry);
      world.evaluate();
      expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode', '00:01:00 Completed']);
    });

    test('do not include a run of the same name of a removed job', () => {
      const { world, retry } = startedUnrecorded();
      const child = world.children.get(retry)!;
      world.children.set(retry, { ...child, run: { ...child.run!, jobUid: 'another' } });
      world.job = { ...world.job, stop: [retry] };
      world.evaluate();
      expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode', '00:01:00 Killed StoppedByUser']);
    });
  });

  test('are stopped if the ledger already holds their end', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 1, initialSeconds: 10, jitter: 0 } });
    world.claim = 'name';
    world.evaluate('2026-01-01T00:01:00Z');
    world.end({ exitCode: 1 });
    world.evaluate('2026-01-01T00:01:01Z');
    const [retry] = world.active();
    world.job = { ...world.job, stop: [retry!.name] };
    world.evaluate();
    // A process had decided this start before, and its request was delayed.
    world.startLate(retry!);
    const { actions } = world.evaluate('2026-01-01T00:01:12Z');
    expect(actions.filter(({ kind }) => kind === 'Stop')).toMatchObject([{ run: { name: retry!.name } }]);
    world.end({ exitCode: 143 }, retry!.name);
    expect(world.evaluate('2026-01-01T00:01:13Z').actions).toContainEqual({
      kind: 'Release',
      name: retry!.name,
    });
    expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode', '00:01:00 Killed StoppedByUser']);
  });

  test('do not replace the run of the newest missed slot', () => {
    const world = foundUnrecorded({ concurrencyPolicy: 'Allow' });
    expect(new Set(world.started).size).toBe(world.started.length);
    expect(world.outcomes()).toEqual([
      '00:01:00 Ran',
      '00:03:00-00:04:00 x2 Missed',
      '00:02:00 Ran',
      '00:05:00 Ran',
    ]);
  });
});

describe('suspension', () => {
  test('slots pass without a run and are recorded when the job resumes', () => {
    const world = new World({ ...EVERY_MINUTE, suspend: true });
    world.evaluate('2026-01-01T00:00:10Z');
    const decision = world.evaluate('2026-01-01T00:03:00Z');
    expect(decision.wakeAt).toBe(Infinity);
    world.now = at('2026-01-01T00:05:30Z');
    world.edit(EVERY_MINUTE);
    world.evaluate();
    world.evaluate('2026-01-01T00:06:00Z');
    expect(world.outcomes()).toEqual(['00:01:00-00:05:00 x5 Suspended', '00:06:00 Ran']);
    expect(world.job.status?.totals.missed).toBe(0);
  });

  test('a suspended job still runs on a manual trigger', () => {
    const world = new World({ ...EVERY_MINUTE, suspend: true });
    world.trigger('now-please');
    world.evaluate('2026-01-01T00:00:10Z');
    expect(world.running()).toHaveLength(1);
    expect(world.job.status?.phase).toBe('Suspended');
  });
});

describe('concurrency', () => {
  function twoSlots(policy: 'Forbid' | 'Allow' | 'Replace' | 'Queue'): World {
    const world = new World({ ...EVERY_MINUTE, concurrencyPolicy: policy });
    world.evaluate('2026-01-01T00:01:00Z');
    world.evaluate('2026-01-01T00:02:00Z');
    return world;
  }

  test('Forbid drops the slot with an event', () => {
    const world = twoSlots('Forbid');
    expect(world.outcomes()).toEqual(['00:01:00 Ran', '00:02:00 Forbidden']);
    expect(world.events).toContain('SlotForbidden');
  });

  test('Allow runs both at once', () => {
    expect(twoSlots('Allow').running()).toHaveLength(2);
  });

  test('Replace stops the first run, and starts the second after its end', () => {
    const world = twoSlots('Replace');
    expect(world.runResults()).toEqual(['00:01:00 Running', '00:02:00 Created']);
    world.end({ exitCode: 143 });
    world.evaluate('2026-01-01T00:02:01Z');
    expect(world.runResults()).toEqual(['00:01:00 Killed Replaced', '00:02:00 Running']);
  });

  test('Queue starts the second run after the end of the first', () => {
    const world = twoSlots('Queue');
    expect(world.runResults()).toEqual(['00:01:00 Running', '00:02:00 Created']);
    world.end();
    world.evaluate('2026-01-01T00:02:30Z');
    expect(world.runResults()).toEqual(['00:01:00 Completed', '00:02:00 Running']);
  });

  test('a full queue drops the slot and records it', () => {
    const world = new World({ schedule: '* * * * * *', concurrencyPolicy: 'Queue' });
    for (let second = 1; second <= 25; second++) world.evaluate(world.now + 1000);
    expect(world.active()).toHaveLength(21);
    expect(world.slots.filter(({ outcome }) => outcome === 'Forbidden')).toHaveLength(4);
    expect(world.slots.at(-1)?.cause).toBe('QueueFull');
  });

  test('a run that ends in the same evaluation does not forbid the next', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:01:00Z');
    world.end();
    world.evaluate('2026-01-01T00:02:00Z');
    expect(world.runResults()).toEqual(['00:01:00 Completed', '00:02:00 Running']);
  });

  test('a pending retry counts as active', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 1, initialSeconds: 300 } });
    world.evaluate('2026-01-01T00:01:00Z');
    world.end({ exitCode: 1 });
    world.evaluate('2026-01-01T00:02:00Z');
    expect(world.outcomes()).toEqual(['00:01:00 Ran', '00:02:00 Forbidden']);
  });

  test('without capacity no run starts, and the decision says that the job waits', () => {
    const world = new World(EVERY_MINUTE);
    world.capacity = 0;
    expect(world.evaluate('2026-01-01T00:01:00Z').waitsForCapacity).toBe(true);
    expect(world.runResults()).toEqual(['00:01:00 Created']);
    world.capacity = 1;
    expect(world.evaluate('2026-01-01T00:01:01Z').waitsForCapacity).toBe(false);
    expect(world.runResults()).toEqual(['00:01:00 Running']);
  });
});

describe('manual runs', () => {
  test('a trigger is handled once', () => {
    const world = new World({ schedule: '0 0 1 1 *' });
    world.trigger('a');
    world.evaluate('2026-01-01T00:00:10Z');
    world.end();
    world.evaluate('2026-01-01T00:00:20Z');
    world.evaluate('2026-01-01T00:00:30Z');
    expect(world.started).toHaveLength(1);
    expect(world.job.status?.lastHandledTrigger).toBe('a');
    expect([...world.runs.values()][0]).toMatchObject({ trigger: 'Manual', triggerId: 'a' });
  });

  test('under Forbid an active run refuses a trigger', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:01:00Z');
    world.trigger('b');
    world.evaluate('2026-01-01T00:01:05Z');
    expect(world.started).toHaveLength(1);
    expect(world.events).toContain('TriggerForbidden');
    expect(world.job.status?.lastHandledTrigger).toBe('b');
  });
});

describe('ends', () => {
  test('a failed run sets Failing, and the next slot runs', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:01:00Z');
    world.end({ exitCode: 3 });
    world.evaluate('2026-01-01T00:01:01Z');
    expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode']);
    expect(world.job.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Failing', status: 'True', reason: 'ExitCode' }),
    );
    expect(world.job.status?.phase).toBe('Failing');
    world.evaluate('2026-01-01T00:02:00Z');
    expect(world.running()).toHaveLength(1);
    expect(world.job.status?.phase).toBe('Running');
    world.end({ exitCode: 0 });
    world.evaluate('2026-01-01T00:02:01Z');
    expect(world.job.status?.phase).toBe('Scheduled');
  });

  test('retry.limit 3 makes four attempts with growing delays', () => {
    const world = new World({ schedule: '0 1 * * *', retry: { limit: 3, initialSeconds: 10, jitter: 0 } });
    world.evaluate('2026-01-01T01:00:00Z');
    const delays: number[] = [];
    for (;;) {
      world.end({ exitCode: 1 });
      const failedAt = world.now;
      const { wakeAt } = world.evaluate(failedAt);
      if (world.active().length === 0) break;
      delays.push((wakeAt - failedAt) / 1000);
      world.evaluate(wakeAt);
    }
    expect(world.started).toHaveLength(4);
    expect(delays).toEqual([10, 20, 40]);
    expect(world.outcomes()).toEqual(['01:00:00 Ran']);
  });

  test('a vanished run is Lost and is retried like a failed one', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 1 } });
    world.evaluate('2026-01-01T00:01:00Z');
    world.children.clear();
    world.evaluate('2026-01-01T00:01:05Z');
    expect(world.runResults()).toEqual(['00:01:00 Failed Lost', '00:01:00 Created']);
  });

  test('a recorded run that never started is started, not lost', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:01:00Z');
    const name = world.started[0]!;
    world.children.set(name, { name, state: 'NeverStarted' });
    world.evaluate('2026-01-01T00:01:05Z');
    expect(world.started).toEqual([name, name]);
    expect(world.runResults()).toEqual(['00:01:00 Running']);
  });

  test('a timeout stops the run and its end is Killed, TimedOut', () => {
    const world = new World({ schedule: '0 1 * * *', timeoutSeconds: 30, terminationGracePeriodSeconds: 5 });
    expect(world.evaluate('2026-01-01T01:00:00Z').wakeAt).toBe(at('2026-01-01T01:00:30Z'));
    const stop = { kind: 'Stop', run: expect.anything(), cause: 'TimedOut', graceMs: 5000 };
    expect(world.evaluate('2026-01-01T01:00:30Z').actions).toEqual([stop]);
    // The stop is repeated: the process that recorded it may have crashed before it sent the stop.
    const again = world.evaluate('2026-01-01T01:00:31Z');
    expect(again.actions).toEqual([stop]);
    expect(again.change.runs).toEqual([]);
    world.end({ exitCode: 143, signal: 'SIGTERM' });
    world.evaluate('2026-01-01T01:00:32Z');
    expect(world.runResults()).toEqual(['01:00:00 Killed TimedOut']);
  });

  test('a stop by a user wins over the exit code that follows, and is not retried', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 5 } });
    world.evaluate('2026-01-01T00:01:00Z');
    world.job = { ...world.job, stop: world.started };
    world.evaluate('2026-01-01T00:01:01Z');
    world.end({ exitCode: 0 });
    world.evaluate('2026-01-01T00:01:02Z');
    expect(world.runResults()).toEqual(['00:01:00 Killed StoppedByUser']);
  });

  test('a command that ended before its stop keeps its result, and a user’s stop still forbids a retry', () => {
    const world = new World({ ...EVERY_MINUTE, timeoutSeconds: 30, retry: { limit: 3, initialSeconds: 0 } });
    world.evaluate('2026-01-01T00:01:00Z');
    world.evaluate('2026-01-01T00:01:30Z');
    world.end({ exitCode: 0, byItself: true, message: 'Background processes outlived the command.' });
    world.evaluate('2026-01-01T00:01:31Z');
    expect(world.runResults()).toEqual(['00:01:00 Completed']);
    expect([...world.runs.values()][0]?.message).toBe('Background processes outlived the command.');
    world.evaluate('2026-01-01T00:02:00Z');
    world.job = { ...world.job, stop: [world.running()[0]!.name] };
    world.evaluate('2026-01-01T00:02:01Z');
    world.end({ exitCode: 1, byItself: true });
    world.evaluate('2026-01-01T00:02:02Z');
    expect(world.runResults().slice(1)).toEqual(['00:02:00 Failed ExitCode']);
  });

  test('a process ends now at the latest, whatever its runner says: the ledger takes no time of the far future', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:01:00Z');
    world.end({ startedAt: 8.64e15, finishedAt: 8.64e15 });
    world.evaluate('2026-01-01T00:01:10Z');
    const now = at('2026-01-01T00:01:10Z');
    expect([...world.runs.values()][0]).toMatchObject({ startedAt: now, finishedAt: now });
  });

  test('only the chosen exit codes are retried', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 1, onExitCodes: [75] } });
    world.evaluate('2026-01-01T00:01:00Z');
    world.end({ exitCode: 1 });
    world.evaluate('2026-01-01T00:01:01Z');
    expect(world.active()).toEqual([]);
    world.evaluate('2026-01-01T00:02:00Z');
    world.end({ exitCode: 75 });
    world.evaluate('2026-01-01T00:02:01Z');
    expect(world.active()).toHaveLength(1);
  });

  test('history limits drop the oldest completed and the oldest failed runs', () => {
    const world = new World({ ...EVERY_MINUTE, successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 1 });
    for (let minute = 1; minute <= 4; minute++) {
      world.evaluate(`2026-01-01T00:0${minute}:00Z`);
      world.end({ exitCode: minute % 2 });
    }
    world.evaluate('2026-01-01T00:04:30Z');
    expect(world.forgotten).toHaveLength(2);
    expect(world.job.status?.totals).toEqual({ completed: 2, failed: 2, killed: 0, missed: 0 });
  });

  test('an evaluation that changes nothing writes nothing', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:00:10Z');
    const { change, events, actions } = world.evaluate('2026-01-01T00:00:20Z');
    expect({ change, events, actions }).toEqual({
      change: { runs: [], slots: [], forget: [], status: undefined },
      events: [],
      actions: [],
    });
  });
});

describe('invalid and removed jobs', () => {
  test('an invalid job reports its problem once and waits for an edit', () => {
    const job = aJob(EVERY_MINUTE);
    const problem = new LshError('TIMEZONE_INVALID', { timeZone: 'Mars/Base' });
    const known = {
      job,
      runs: [],
      observations: [],
      now: job.createdAt,
      clock: UNSET_CLOCK,
      evaluatingSince: 0,
      traitsOf,
      capacity: 1,
    };
    const first = decideInvalid(known, problem);
    expect(first.change.status).toMatchObject({
      phase: 'Invalid',
      conditions: [{ type: 'Ready', status: 'False' }],
    });
    expect(first.events).toHaveLength(1);
    const again = decideInvalid({ ...known, job: { ...job, status: first.change.status } }, problem);
    expect(again.events).toEqual([]);
    expect(again.change.status).toBeUndefined();
    expect(again.wakeAt).toBe(Infinity);
  });

  test('running runs of a removed job are stopped, waiting runs cancelled, and their ends recorded', () => {
    const now = at('2026-01-01T00:02:00Z');
    const running = aRun({ name: 'r', phase: 'Running', startedAt: now });
    const waiting = aRun({ name: 'w' });
    const decision = decideRemoved(
      [running, waiting],
      [{ name: 'r', state: 'Running', startedAt: now }],
      now,
    );
    expect(decision.actions).toEqual([expect.objectContaining({ kind: 'Stop', cause: 'JobRemoved' })]);
    expect(decision.change.runs).toEqual([
      expect.objectContaining({ name: 'r', stopCause: 'JobRemoved' }),
      expect.objectContaining({ name: 'w', phase: 'Killed', reason: 'JobRemoved' }),
    ]);
    const again = decideRemoved(decision.change.runs, [{ name: 'r', state: 'Running', startedAt: now }], now);
    expect(again.actions).toEqual(decision.actions);
    expect(again.change.runs).toEqual([]);
    const end = { name: 'r', state: 'Ended', finishedAt: now, exitCode: 143 } as const;
    const last = decideRemoved(decision.change.runs, [end], now);
    expect(last.change.runs).toEqual([expect.objectContaining({ phase: 'Killed', reason: 'JobRemoved' })]);
    expect(last.actions).toEqual([{ kind: 'Release', name: 'r' }]);
  });
});

describe('a job that is being deleted', () => {
  const conditionOf = (world: World) => world.job.status?.conditions.find(({ type }) => type === 'Scheduled');

  test('starts no run of a slot or a trigger, and says why', () => {
    const world = new World(EVERY_MINUTE);
    world.evaluate('2026-01-01T00:00:30Z');
    world.job = { ...world.job, terminating: true };
    world.trigger('one');
    const decision = world.evaluate('2026-01-01T00:05:00Z');
    expect(world.started).toEqual([]);
    expect(world.runs.size).toBe(0);
    expect(decision.wakeAt).toBe(Infinity);
    expect(world.job.status).toMatchObject({ phase: 'Ended', nextScheduleAt: undefined });
    expect(conditionOf(world)).toMatchObject({ status: 'False', reason: 'Terminating' });
  });

  test('lets its active run end, and does not retry it', () => {
    const world = new World({ ...EVERY_MINUTE, retry: { limit: 3, initialSeconds: 0 } });
    world.evaluate('2026-01-01T00:01:00Z');
    world.job = { ...world.job, terminating: true };
    world.evaluate('2026-01-01T00:01:10Z');
    expect(world.running()).toHaveLength(1);
    expect(world.job.status?.phase).toBe('Running');
    world.end({ exitCode: 1 });
    world.evaluate('2026-01-01T00:01:20Z');
    expect(world.runResults()).toEqual(['00:01:00 Failed ExitCode']);
    world.evaluate('2026-01-01T00:09:00Z');
    expect(world.started).toHaveLength(1);
  });

  test('cancels the runs that wait', () => {
    const world = new World({ ...EVERY_MINUTE, concurrencyPolicy: 'Queue' });
    world.evaluate('2026-01-01T00:01:00Z');
    world.evaluate('2026-01-01T00:02:00Z');
    world.job = { ...world.job, terminating: true };
    world.evaluate('2026-01-01T00:02:10Z');
    expect(world.runResults()).toEqual(['00:01:00 Running', '00:02:00 Killed JobRemoved']);
  });
});
