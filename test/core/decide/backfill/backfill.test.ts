// The backfill of one job: which slots it runs, how many at a time, and what it leaves to the schedule.
import { describe, expect, test } from 'vitest';
import { withRange, type BackfillRequest } from '../../../../src/core/backfill/backfill.ts';
import { decideEnd } from '../../../../src/core/decide/decide.ts';
import { planOf } from '../../../../src/core/backfill/plan.ts';
import { jobSchedule } from '../../../../src/core/schedule/job-schedule.ts';
import type { JobSpecInput } from '../../../../src/core/spec/job-spec.ts';
import { at } from '../../../support/builders.ts';
import { traitsOf, UNSET_CLOCK, World } from '../../../support/core/world.ts';

const HOURLY = { schedule: '0 * * * *' } satisfies JobSpecInput;
const CREATED = '2026-01-01T12:00:00Z';
const HALF_PAST = '2026-01-01T12:30:00Z';
/** Three slots before the job was created. */
const BEFORE = { from: at('2026-01-01T09:00:00Z'), to: at('2026-01-01T11:00:00Z') };

/** Evaluates until nothing is due now: the request is taken in before its first run is added. */
function settle(world: World): void {
  while (world.evaluate().wakeAt <= world.now);
}

function aWorld(spec: JobSpecInput = {}): World {
  const world = new World({ ...HOURLY, ...spec }, CREATED);
  world.evaluate(CREATED);
  world.now = at(HALF_PAST);
  return world;
}

/** Ends every run with the exit code and evaluates, until no run is left. */
function finishAll(world: World, exitCode = 0): void {
  for (let rounds = 0; world.active().length > 0; rounds++) {
    if (rounds > 100) throw new Error('the runs never end');
    for (const { name } of world.running()) world.end({ exitCode }, name);
    world.evaluate(Math.max(world.now, ...world.active().map(({ startAfter }) => startAfter)));
  }
}

const progress = ({ job: { status } }: World) => {
  const { phase, slots, completed, failed, pending } = status!.backfill!;
  return { phase, slots, completed, failed, pending: pending.reduce((sum, { count }) => sum + count, 0) };
};

describe('a backfill', () => {
  test('runs the slots before the job was created, oldest first and one at a time', () => {
    const world = aWorld();
    world.backfill({ ...BEFORE, requestedBy: 'ada' });
    settle(world);
    expect(world.runResults()).toEqual(['09:00:00 Running']);
    expect([...world.runs.values()][0]).toMatchObject({
      name: `backup-${(BEFORE.from / 1000).toString(36)}`,
      trigger: 'Backfill',
      triggerId: 'backfill-1',
      requestedBy: 'ada',
      attempt: 1,
    });
    expect(progress(world)).toEqual({ phase: 'Running', slots: 3, completed: 0, failed: 0, pending: 2 });
    finishAll(world);
    expect(world.runResults()).toEqual(['09:00:00 Completed', '10:00:00 Completed', '11:00:00 Completed']);
    expect(progress(world)).toEqual({ phase: 'Completed', slots: 3, completed: 3, failed: 0, pending: 0 });
    expect(world.job.status?.backfilled).toEqual([BEFORE]);
    expect(world.events).toContain('BackfillStarted');
    expect(world.notes.at(-1)).toBe('A backfill of 3 slots has ended: 3 completed, 0 failed');
  });

  test('runs slots that are recorded as missed, and none that ran', () => {
    const world = aWorld({ missedRunPolicy: 'Skip' });
    world.evaluate('2026-01-01T13:00:00Z');
    finishAll(world);
    world.evaluatingSince = at('2026-01-01T15:30:00Z');
    world.evaluate('2026-01-01T15:30:00Z');
    world.backfill({ from: at(CREATED), to: at('2026-01-01T15:00:00Z') });
    settle(world);
    finishAll(world);
    expect(world.runResults()).toEqual([
      '13:00:00 Completed',
      '12:00:00 Completed',
      '14:00:00 Completed',
      '15:00:00 Completed',
    ]);
    expect(world.started).toHaveLength(4);
  });

  test.each([
    ['where no record is missing', { completeFrom: at(CREATED) }, 1],
    ['but not where a record may be missing', {}, 0],
  ])('runs a slot that an earlier schedule did not have, %s', (_, complete, expected) => {
    const world = aWorld();
    world.evaluate('2026-01-01T13:00:00Z');
    finishAll(world);
    world.edit({ schedule: '30 * * * *' });
    world.evaluate('2026-01-01T13:40:00Z');
    const slot = at('2026-01-01T12:30:00Z');
    const plan = planOf(world.job, jobSchedule(world.job), {
      request: { id: 'a', parallel: 1, from: slot, to: slot },
      past: { closed: [], runs: [...world.runs.values()], ...complete },
    });
    expect(plan.slots).toHaveLength(expected);
  });

  test('runs no slot of an earlier backfill again', () => {
    const world = aWorld();
    world.claim = 'name';
    world.backfill(BEFORE);
    settle(world);
    finishAll(world);
    world.forgotten.push(...world.runs.keys());
    world.backfill({ ...BEFORE, id: 'backfill-2' });
    settle(world);
    expect(progress(world)).toMatchObject({ phase: 'Completed', slots: 0 });
    expect(world.started).toHaveLength(3);
  });

  test('runs as many slots at a time as it asks for, if the policy lets runs overlap', () => {
    const world = aWorld({ concurrencyPolicy: 'Allow' });
    world.backfill({ ...BEFORE, parallel: 2 });
    settle(world);
    expect(world.running()).toHaveLength(2);
    world.end();
    world.evaluate();
    expect(world.runResults()).toEqual(['09:00:00 Running', '10:00:00 Completed', '11:00:00 Running']);
  });

  test.each(['Forbid', 'Replace', 'Queue'] as const)(
    'under %s the next slot of the schedule waits for its run, and comes before its next one',
    (concurrencyPolicy) => {
      const world = aWorld({ concurrencyPolicy });
      world.backfill(BEFORE);
      settle(world);
      world.evaluate('2026-01-01T13:00:00Z');
      expect(world.runResults()).toEqual(['09:00:00 Running', '13:00:00 Created']);
      world.end();
      world.evaluate();
      expect(world.runResults()).toEqual(['09:00:00 Completed', '13:00:00 Running']);
      world.end();
      world.evaluate();
      expect(world.running()).toMatchObject([{ slot: at('2026-01-01T10:00:00Z') }]);
    },
  );

  test('starts after the slots that are due, when the runner has few places', () => {
    const world = aWorld({ concurrencyPolicy: 'Allow' });
    world.capacity = 0;
    world.backfill({ ...BEFORE, parallel: 3 });
    settle(world);
    world.capacity = 1;
    world.evaluate('2026-01-01T13:00:00Z');
    expect(world.running()).toMatchObject([{ trigger: 'Schedule' }]);
  });

  test('lets a manual run wait for its run, and comes after it', () => {
    const world = aWorld();
    world.backfill(BEFORE);
    settle(world);
    world.trigger('now');
    world.evaluate();
    expect(world.runResults()).toEqual(['09:00:00 Running', '12:30:00 Created']);
    world.end();
    world.evaluate();
    expect(world.running()).toMatchObject([{ trigger: 'Manual' }]);
  });

  test('stands in the line of a concurrency group as of now, not as of its old slot', () => {
    const world = aWorld({ concurrencyGroup: { name: 'deploy', max: 1 } });
    const other = { run: 'other-1', slot: world.now - 1000, priority: 5 };
    world.group = { name: 'deploy', max: 1, held: ['other-0'], waiting: [other] };
    world.backfill(BEFORE);
    settle(world);
    world.group = { ...world.group, held: [] };
    world.evaluate();
    expect(world.runResults()).toEqual(['09:00:00 Created']);
    world.group = { ...world.group, waiting: [] };
    world.evaluate();
    expect(world.runResults()).toEqual(['09:00:00 Running']);
  });

  test('waits on a day that is left out', () => {
    const world = aWorld({ exceptDates: ['2026-01-01'] });
    world.backfill({ from: at('2025-12-31T22:00:00Z'), to: at('2025-12-31T23:00:00Z') });
    settle(world);
    expect(world.running()).toEqual([]);
    world.evaluate('2026-01-02T00:00:00Z');
    expect(world.running()).toMatchObject([{ trigger: 'Schedule' }]);
    finishAll(world);
    expect(progress(world)).toMatchObject({ phase: 'Completed', completed: 2 });
  });

  test('waits while the job is suspended', () => {
    const world = aWorld({ suspend: true });
    world.backfill(BEFORE);
    settle(world);
    expect(world.runs.size).toBe(0);
    expect(progress(world)).toMatchObject({ phase: 'Running', pending: 3 });
    world.edit(HOURLY);
    world.evaluate();
    expect(world.running()).toHaveLength(1);
  });

  test('retries by the policy of the job and counts a slot once', () => {
    const world = aWorld({ retry: { limit: 1 } });
    world.backfill({ from: BEFORE.from, to: BEFORE.from });
    settle(world);
    finishAll(world, 1);
    expect([...world.runs.values()].map(({ attempt, trigger }) => `${trigger} ${attempt}`)).toEqual([
      'Backfill 1',
      'Backfill 2',
    ]);
    expect(progress(world)).toEqual({ phase: 'Completed', slots: 1, completed: 0, failed: 1, pending: 0 });
  });

  test('with failedOnly runs a failed slot as its next attempt, with all retries', () => {
    const world = aWorld({ retry: { limit: 1 } });
    world.evaluate('2026-01-01T13:00:00Z');
    finishAll(world, 1);
    world.evaluate('2026-01-01T14:00:00Z');
    finishAll(world);
    world.backfill({ from: BEFORE.from, to: world.now, failedOnly: true });
    settle(world);
    finishAll(world, 1);
    const name = `backup-${(at('2026-01-01T13:00:00Z') / 1000).toString(36)}`;
    expect([...world.runs.keys()].slice(3)).toEqual([`${name}-3`, `${name}-4`]);
    expect(world.runs.get(`${name}-4`)).toMatchObject({ trigger: 'Backfill', firstAttempt: 3 });
    expect(progress(world)).toMatchObject({ phase: 'Completed', slots: 1, failed: 1 });
    expect(world.job.status?.backfilled).toBeUndefined();
  });

  test('with failedOnly runs no slot again whose retry completed, although the ledger keeps no completed run', () => {
    const world = aWorld({ retry: { limit: 1 }, successfulRunsHistoryLimit: 0 });
    world.claim = 'name';
    world.evaluate('2026-01-01T13:00:00Z');
    world.end({ exitCode: 1 });
    world.evaluate();
    world.evaluate('2026-01-01T13:01:00Z');
    world.end();
    world.evaluate();
    expect(world.runResults()).toEqual(['13:00:00 Failed ExitCode', '13:00:00 Completed']);
    world.evaluate();
    world.backfill({ from: BEFORE.from, to: world.now, failedOnly: true });
    settle(world);
    expect(progress(world)).toMatchObject({ phase: 'Completed', slots: 0 });
  });

  test('ends when its request is gone: the active run ends, and no further slot runs', () => {
    const world = aWorld();
    world.backfill(BEFORE);
    settle(world);
    world.cancelBackfill();
    world.evaluate();
    expect(progress(world)).toMatchObject({ phase: 'Cancelled', pending: 2 });
    finishAll(world);
    expect(world.runResults()).toEqual(['09:00:00 Completed']);
    expect(progress(world)).toMatchObject({ phase: 'Cancelled', completed: 1 });
    world.backfill({ ...BEFORE, id: 'backfill-2' });
    settle(world);
    finishAll(world);
    expect(world.started).toHaveLength(3);
  });

  test('cancelled, starts no run that waits for its retry', () => {
    const world = aWorld({ retry: { limit: 3 } });
    world.backfill(BEFORE);
    settle(world);
    world.end({ exitCode: 1 });
    world.evaluate();
    world.cancelBackfill();
    world.evaluate();
    expect(world.runResults()).toEqual(['09:00:00 Failed ExitCode', '09:00:00 Killed StoppedByUser']);
    expect(progress(world)).toMatchObject({ phase: 'Cancelled', failed: 1 });
  });

  test('ends when the schedule changes: the new one has slots that no one asked for', () => {
    const world = aWorld();
    world.backfill(BEFORE);
    settle(world);
    world.job = { ...world.job, spec: { ...world.job.spec, schedule: '* * * * *' } };
    world.evaluate();
    expect(world.job.status?.backfill).toMatchObject({
      phase: 'Cancelled',
      message: 'The schedule of the job changed.',
    });
  });

  test.each<[string, Partial<BackfillRequest>, string]>([
    [
      'too many slots',
      { from: at('2025-01-01T00:00:00Z') },
      'more than 1000 slots, the most of one backfill',
    ],
    ['a range that ends before it begins', { to: BEFORE.from - 1 }, 'ends before it begins'],
    ['too many runs at a time', { parallel: 51 }, 'parallel must be a number from 1 to 50'],
    ['a request that cannot be read', { problem: 'it has no from' }, 'it has no from'],
  ])('is refused with a reason for %s', (_, request, reason) => {
    const world = aWorld();
    world.backfill({ ...BEFORE, ...request });
    settle(world);
    expect(world.job.status?.backfill).toMatchObject({ phase: 'Refused' });
    expect(world.job.status?.backfill?.message).toContain(reason);
    expect(world.events).toContain('BackfillRefused');
    expect(world.evaluate().change.status).toBeUndefined();
  });

  test('adopts a run whose start was delayed until another backfill had replaced its own, and runs its slot no more', () => {
    const world = aWorld();
    world.claim = 'name';
    world.backfill(BEFORE);
    world.evaluate();
    const [start] = world.decide().actions;
    const delayed = start?.kind === 'Start' ? start.run : undefined;
    world.backfill({ id: 'backfill-2', from: at('2026-01-01T11:00:00Z'), to: BEFORE.to });
    settle(world);
    finishAll(world);
    world.startLate(delayed!);
    world.evaluate();
    finishAll(world);
    expect(world.runs.get(delayed!.name)).toMatchObject({ phase: 'Completed' });
    world.forgotten.push(...world.runs.keys());
    world.children.clear();
    world.backfill({ ...BEFORE, id: 'backfill-3' });
    settle(world);
    finishAll(world);
    expect(world.started.map((name) => world.runs.get(name)!.slot).sort((a, b) => a - b)).toEqual(
      ['09', '10', '11'].map((hour) => at(`2026-01-01T${hour}:00:00Z`)),
    );
  });

  test('counts the end of a run that another process than the leader records', () => {
    const world = aWorld();
    world.claim = 'name';
    world.backfill(BEFORE);
    settle(world);
    const [run] = world.running();
    const known = { job: world.job, runs: [run!], now: world.now, clock: UNSET_CLOCK, traitsOf };
    const { status } = decideEnd(known, {
      name: run!.name,
      state: 'Ended',
      finishedAt: world.now,
      exitCode: 0,
    }).change;
    expect(status?.backfill).toMatchObject({ completed: 1, phase: 'Running' });
  });
});

test('ranges that touch become one, and beyond twenty the closest two do', () => {
  const second = (n: number) => n * 1000;
  expect(withRange([{ from: 0, to: second(5) }], { from: second(6), to: second(9) })).toEqual([
    { from: 0, to: second(9) },
  ]);
  const apart = Array.from({ length: 20 }, (_, i) => ({ from: second(i * 100), to: second(i * 100 + 1) }));
  const ranges = withRange(apart, { from: second(1910), to: second(1911) });
  expect(ranges).toHaveLength(20);
  expect(ranges.at(-1)).toEqual({ from: second(1900), to: second(1911) });
});
