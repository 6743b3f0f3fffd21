// A model of what can go wrong: time passes unevenly, processes die between any two writes, children end, vanish
// or were never started, people edit, suspend and trigger. Whatever happens, every slot has one outcome.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/job.ts';
import { LshError } from '../../../src/core/errors.ts';
import { compileSchedule } from '../../../src/core/schedule/schedule.ts';
import { seeded } from '../../support/seed.ts';
import type { Run } from '../../../src/core/run.ts';
import { World } from '../../support/world.ts';

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
      after: fc.constantFrom('nothing', 'first write', 'a write that is held up'),
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
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A world, and starts of processes that lead no longer, still on their way to it. */
interface Play {
  world: World;
  heldUp: Run[];
}

function play({ world, heldUp }: Play, happening: Step): void {
  switch (happening.kind) {
    case 'pass':
      world.evaluate(world.now + happening.seconds * 1000);
      return;
    case 'dark':
      world.evaluatingSince = world.now + happening.seconds * 1000;
      world.evaluate(world.evaluatingSince);
      return;
    case 'end': {
      // Also one that nobody has recorded.
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
      for (const run of heldUp.splice(0)) world.startLate(run);
      return;
    case 'crash':
      world.now += happening.seconds * 1000;
      crash({ world, heldUp }, happening.after);
  }
}

/** The process dies before it did anything, or between its two writes: the record and the start. */
function crash({ world, heldUp }: Play, after: string): void {
  const decision = world.decide();
  const starts = decision.actions.filter((action) => action.kind === 'Start').map(({ run }) => run);
  if (after === 'first write' && world.claim === 'name') for (const run of starts) world.start(run);
  if (after === 'a write that is held up' && world.claim === 'name') heldUp.push(...starts);
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
        const world = new World(input);
        world.claim = claim;
        const createdAt = world.now;
        const heldUp: Run[] = [];
        for (const happening of steps) {
          play({ world, heldUp }, happening);
          const regular = world.running().filter(({ name }) => !world.strays.has(name));
          if (input.concurrencyPolicy !== 'Allow') expect(regular.length).toBeLessThanOrEqual(1);
        }
        for (const kind of ['arrive', 'mend'] as const) play({ world, heldUp }, { kind });
        world.evaluate(world.now);
        expectEverySlotAccounted(world, createdAt);
        expect(new Set(world.started).size).toBe(world.started.length);
      }),
      seeded({ numRuns: 1500 }),
    );
  },
);

function expectEverySlotAccounted(world: World, createdAt: number): void {
  const schedule = compileSchedule({
    expressions: [world.job.spec.schedule ?? ''],
    timeZone: 'UTC',
    seed: world.job.key,
    anchor: createdAt,
  });
  const slots = [...world.slots].sort((a, b) => a.from - b.from);
  let cursor = createdAt;
  for (const { from, to, count } of slots) {
    expect(schedule.next(cursor)).toBe(from);
    expect(schedule.count(from - 1, to)).toBe(count);
    cursor = to;
  }
  expect(schedule.count(cursor, world.now)).toBe(0);
  const ran = slots.filter(({ outcome }) => outcome === 'Ran');
  for (const { run } of ran) expect(world.runs.has(run ?? '')).toBe(true);
  // The other way round: what was started for a slot is the run of that slot.
  const firsts = [...world.runs.values()].filter((run) => run.attempt === 1 && run.trigger !== 'Manual');
  expect(new Set(firsts.map((run) => run.slot))).toEqual(new Set(ran.map(({ from }) => from)));
  expect(firsts).toHaveLength(ran.length);
  // A manual run is known by the trigger as long as that stands, and the steps replace it.
  const slotRuns = world.started.filter((name) => !name.startsWith(`${world.job.name}-m`));
  for (const name of slotRuns) expect(world.runs.has(name)).toBe(true);
}
