// A model of faults: time passes unevenly, processes crash between two writes, children end, vanish or never start,
// users edit and trigger. Every slot gets one outcome, and no run starts twice.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { LshError } from '../../../src/core/errors.ts';
import { compileSchedule, type Schedule } from '../../../src/core/schedule/schedule.ts';
import { seeded } from '../../support/seed.ts';
import type { Run } from '../../../src/core/run.ts';
import { at } from '../../support/builders.ts';
import { World } from '../../support/core/world.ts';

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 0, max: 90 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('dark' as const), seconds: fc.integer({ min: 1, max: 2000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('end' as const), exitCode: fc.integer({ min: 0, max: 2 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      seconds: fc.integer({ min: 0, max: 90 }),
      after: fc.constantFrom('nothing', 'first write', 'a delayed write'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('arrive' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('break' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('mend' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vanish' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('trigger' as const),
      id: fc.string({ minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('room' as const), capacity: fc.constantFrom(0, 1, 5) }),
  },
);

const spec: fc.Arbitrary<JobSpecInput> = fc.record({
  schedule: fc.constantFrom('* * * * *', '*/20 * * * * *', '*/7 * * * *', '@every 45s'),
  concurrencyPolicy: fc.constantFrom('Forbid', 'Allow', 'Replace', 'Queue'),
  missedRunPolicy: fc.constantFrom('Latest', 'Skip', 'All'),
  maxMissedRuns: fc.integer({ min: 1, max: 4 }),
  startingDeadlineSeconds: fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined }),
  timeoutSeconds: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
  jitterSeconds: fc.constantFrom(0, 0, 20),
  retry: fc.record({ limit: fc.integer({ min: 0, max: 2 }) }),
  // The worlds begin twenty minutes before midnight.
  exceptDates: fc.constantFrom(undefined, undefined, ['2026-01-01'], ['2026-01-02'], ['2026-01-03']),
});

const CREATED = '2026-01-01T23:40:00Z';
/** No later day is left out. */
const ALL_DAYS_OVER = at('2026-01-04T00:00:00Z');

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A world, and the delayed starts of former leaders that have not reached it yet. */
interface Play {
  world: World;
  delayed: Run[];
}

function play({ world, delayed }: Play, happening: Step): void {
  switch (happening.kind) {
    case 'pass':
      world.evaluate(world.now + happening.seconds * 1000);
      return;
    case 'dark':
      world.evaluatingSince = world.now + happening.seconds * 1000;
      world.evaluate(world.evaluatingSince);
      return;
    case 'end': {
      // Also a child that the ledger has not recorded.
      const child = [...world.children.values()].findLast(({ state }) => state === 'Running');
      if (child) world.end({ exitCode: happening.exitCode }, child.name);
      return;
    }
    case 'vanish':
      world.children.delete(world.running()[0]?.name ?? '');
      return;
    case 'trigger':
      world.trigger(happening.id);
      return;
    case 'room':
      world.capacity = happening.capacity;
      return;
    case 'break':
      world.problem = new LshError('COMMAND_REFUSED', { command: 'rm', detail: 'no' });
      return;
    case 'mend':
      world.problem = undefined;
      return;
    case 'arrive':
      for (const run of delayed.splice(0)) world.startLate(run);
      return;
    case 'crash':
      world.now += happening.seconds * 1000;
      crash({ world, delayed }, happening.after);
  }
}

/** The process crashes before its first write, or between its two writes: the record and the start. */
function crash({ world, delayed }: Play, after: string): void {
  const decision = world.decide();
  const starts = decision.actions.filter((action) => action.kind === 'Start').map(({ run }) => run);
  if (after === 'first write' && world.claim === 'name') for (const run of starts) world.start(run);
  if (after === 'a delayed write' && world.claim === 'name') delayed.push(...starts);
  if (after === 'first write' && world.claim === 'ledger') {
    world.record(decision);
    for (const { name } of starts) world.children.set(name, { name, state: 'NeverStarted' });
  }
  world.evaluatingSince = world.now;
}

test.each(['ledger', 'name'] as const)(
  'every slot has one outcome and no run starts twice (claim by %s)',
  (claim) => {
    fc.assert(
      fc.property(spec, fc.array(step, { maxLength: 60 }), (input, steps) => {
        const world = new World(input, CREATED);
        world.claim = claim;
        const createdAt = world.now;
        const delayed: Run[] = [];
        for (const happening of steps) {
          const claimed = new Set(
            [...world.runs.values()].flatMap(({ name, startedAt }) => (startedAt ? [name] : [])),
          );
          play({ world, delayed }, happening);
          const regular = world.running().filter(({ name }) => !world.lateStarts.has(name));
          if (input.concurrencyPolicy !== 'Allow') expect(regular.length).toBeLessThanOrEqual(1);
          expectNoLateStart(world, claimed);
        }
        for (const kind of ['arrive', 'mend'] as const) play({ world, delayed }, { kind });
        // The slots of a day are recorded once it is over.
        world.evaluate(input.exceptDates === undefined ? world.now : Math.max(world.now, ALL_DAYS_OVER));
        expectEverySlotAccounted(world, createdAt);
        expect(new Set(world.started).size).toBe(world.started.length);
      }),
      seeded({ numRuns: 1500 }),
    );
  },
);

/**
 * On a day that is left out, no run begins by itself whose slot is more than a minute old. A run that a crash kept from
 * its start after its claim is not one of them: it has begun.
 */
function expectNoLateStart({ job, runs, now, lateStarts }: World, claimed: ReadonlySet<string>): void {
  if (!job.spec.exceptDates?.includes(dateOf(now))) return;
  const begun = [...runs.values()].filter(
    ({ name, startedAt, attempt, trigger }) =>
      startedAt === now &&
      attempt === 1 &&
      trigger !== 'Manual' &&
      ![...lateStarts, ...claimed].includes(name),
  );
  for (const { slot } of begun) expect(now - slot).toBeLessThanOrEqual(60_000);
}

function dateOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

function expectEverySlotAccounted(world: World, createdAt: number): void {
  const schedule = compileSchedule({
    expressions: [world.job.spec.schedule ?? ''],
    timeZone: 'UTC',
    seed: world.job.key,
    anchor: createdAt,
  });
  const { exceptDates = [] } = world.job.spec;
  const slots = [...world.slots].sort((a, b) => a.from - b.from);
  const accounted: number[] = [];
  for (const { from, to, count, outcome } of slots) {
    const own = slotsIn(schedule, from - 1, to).filter(
      (slot) => exceptDates.includes(dateOf(slot)) === (outcome === 'Excluded'),
    );
    expect(own).toHaveLength(count);
    accounted.push(...own);
  }
  expect(accounted.sort((a, b) => a - b)).toEqual(slotsIn(schedule, createdAt, world.now));
  const ran = slots.filter(({ outcome }) => outcome === 'Ran');
  for (const { run } of ran) expect(world.runs.has(run ?? '')).toBe(true);
  // Conversely, each run of a slot belongs to a slot recorded as Ran.
  const firsts = [...world.runs.values()].filter((run) => run.attempt === 1 && run.trigger !== 'Manual');
  expect(new Set(firsts.map((run) => run.slot))).toEqual(new Set(ran.map(({ from }) => from)));
  expect(firsts).toHaveLength(ran.length);
  // Manual runs are exempt: a new trigger replaces the pending one, and its run may be unknown then.
  const slotRuns = world.started.filter((name) => !name.startsWith(`${world.job.name}-m`));
  for (const name of slotRuns) expect(world.runs.has(name)).toBe(true);
}

function slotsIn(schedule: Schedule, after: number, until: number): number[] {
  const slots: number[] = [];
  for (let slot = schedule.next(after); slot !== undefined && slot <= until; slot = schedule.next(slot))
    slots.push(slot);
  return slots;
}
