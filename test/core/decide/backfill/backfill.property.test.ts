// Random histories, with crashes between two writes, before and during a backfill: each slot of the range ends with exactly
// one run, and no run starts twice.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JobSpecInput } from '../../../../src/core/spec/job-spec.ts';
import { isActive, type Run } from '../../../../src/core/run.ts';
import { compileSchedule } from '../../../../src/core/schedule/schedule.ts';
import { at } from '../../../support/builders.ts';
import { World } from '../../../support/core/world.ts';
import { seeded } from '../../../support/seed.ts';

const seconds = fc.integer({ min: 0, max: 200 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('dark' as const), seconds }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('end' as const), exitCode: fc.integer({ min: 0, max: 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      after: fc.constantFrom('nothing', 'a write', 'a delayed write'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('arrive' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vanish' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('backfill' as const),
      after: fc.integer({ min: 0, max: 600 }),
      length: fc.integer({ min: 0, max: 1200 }),
      parallel: fc.integer({ min: 1, max: 4 }),
      failedOnly: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('room' as const), capacity: fc.constantFrom(0, 1, 5) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const spec: fc.Arbitrary<JobSpecInput> = fc.record({
  schedule: fc.constantFrom('* * * * *', '*/30 * * * * *', '*/7 * * * *'),
  concurrencyPolicy: fc.constantFrom('Forbid', 'Allow', 'Replace', 'Queue'),
  missedRunPolicy: fc.constantFrom('Latest', 'Skip', 'All'),
  startingDeadlineSeconds: fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined }),
  retry: fc.record({ limit: fc.integer({ min: 0, max: 2 }) }),
});

const CREATED = at('2026-01-01T12:00:00Z');
/** Ten minutes before the job was created. */
const FIRST = CREATED - 600_000;

class Play {
  readonly world: World;
  #requests = 0;
  /** Starts of former leaders that have not reached the cluster yet. */
  readonly #delayed: Run[] = [];

  constructor(input: JobSpecInput, claim: World['claim']) {
    this.world = new World(input, '2026-01-01T12:00:00Z');
    this.world.claim = claim;
  }

  request(range: { from: number; to: number; parallel?: number; failedOnly?: boolean }): void {
    this.world.backfill({ id: `backfill-${++this.#requests}`, ...range });
  }

  do(happening: Step): void {
    const { world } = this;
    switch (happening.kind) {
      case 'pass':
        return void world.evaluate(world.now + happening.seconds * 1000);
      case 'dark':
        world.evaluatingSince = world.now + happening.seconds * 1000;
        return void world.evaluate(world.evaluatingSince);
      case 'end': {
        const child = [...world.children.values()].findLast(({ state }) => state === 'Running');
        if (child) world.end({ exitCode: happening.exitCode }, child.name);
        return;
      }
      case 'vanish':
        return void world.children.delete(world.running()[0]?.name ?? '');
      case 'cancel':
        return world.cancelBackfill();
      case 'backfill': {
        const from = FIRST + happening.after * 1000;
        const { parallel, failedOnly } = happening;
        return this.request({ from, to: from + happening.length * 1000, parallel, failedOnly });
      }
      case 'room':
        world.capacity = happening.capacity;
        return;
      case 'crash':
        return this.#crash(happening.after);
      case 'arrive':
        for (const run of this.#delayed.splice(0)) world.startLate(run);
    }
  }

  /** The process is killed before its first write, or between its two writes: the record and the start. */
  #crash(after: string): void {
    const { world } = this;
    const decision = world.decide();
    const starts = decision.actions.filter((action) => action.kind === 'Start').map(({ run }) => run);
    if (after === 'a delayed write' && world.claim === 'name') this.#delayed.push(...starts);
    if (after === 'a write' && world.claim === 'name') for (const run of starts) world.start(run);
    if (after === 'a write' && world.claim === 'ledger') {
      world.record(decision);
      for (const { name } of starts) world.children.set(name, { name, state: 'NeverStarted' });
    }
    world.evaluatingSince = world.now;
  }

  /** Lets all runs end, and the backfill with them. */
  settle(): void {
    const { world } = this;
    this.do({ kind: 'arrive' });
    world.capacity = 5;
    world.evaluate();
    for (
      let rounds = 0;
      world.active().length > 0 || world.job.status?.backfill?.phase === 'Running';
      rounds++
    ) {
      if (rounds > 2000) throw new Error('the backfill never ends');
      for (const { name } of world.running()) world.end({ exitCode: 0 }, name);
      const due = world.active().map(({ startAfter }) => startAfter);
      world.evaluate(Math.max(world.now, ...(due.length > 0 ? [Math.min(...due)] : [])));
    }
  }
}

function slotsBetween(world: World, from: number, to: number): number[] {
  const { spec: input, key } = world.job;
  const schedule = compileSchedule({
    expressions: [input.schedule ?? ''],
    timeZone: 'UTC',
    seed: key,
    anchor: CREATED,
  });
  const slots: number[] = [];
  for (let slot = schedule.next(from - 1); slot !== undefined && slot <= to; slot = schedule.next(slot))
    slots.push(slot);
  return slots;
}

test.each(['ledger', 'name'] as const)(
  'each slot of a range has exactly one run after its backfill (claim by %s)',
  (claim) => {
    fc.assert(
      fc.property(spec, fc.array(step, { maxLength: 50 }), (input, steps) => {
        const play = new Play(input, claim);
        const { world } = play;
        for (const happening of steps) {
          play.do(happening);
          const regular = world.running().filter(({ name }) => !world.lateStarts.has(name));
          if (input.concurrencyPolicy !== 'Allow') expect(regular.length).toBeLessThanOrEqual(1);
        }
        play.settle();
        const until = world.job.status!.accountedUntil;
        play.request({ from: FIRST, to: until, parallel: 3 });
        play.settle();
        expect(world.job.status?.backfill).toMatchObject({ phase: 'Completed' });
        const firsts = [...world.runs.values()].filter(({ attempt }) => attempt === 1);
        const ran = firsts.map(({ slot }) => slot).filter((slot) => slot <= until);
        expect(ran.sort((a, b) => a - b)).toEqual(slotsBetween(world, FIRST, until));
        expect(new Set(world.started).size).toBe(world.started.length);
        expect([...world.runs.values()].filter(isActive)).toEqual([]);
        for (const name of world.started) expect(world.runs.has(name)).toBe(true);
      }),
      seeded({ numRuns: 1000 }),
    );
  },
);

test('failedOnly runs each slot again whose last attempt failed, and no other', () => {
  fc.assert(
    fc.property(spec, fc.array(step, { maxLength: 50 }), (input, steps) => {
      const play = new Play(input, 'ledger');
      const { world } = play;
      for (const happening of steps) play.do(happening);
      play.settle();
      const last = new Map([...world.runs.values()].map((run) => [run.slot, run]));
      const failed = [...last.values()].filter(({ phase }) => phase !== 'Completed');
      const before = new Set(world.runs.keys());
      const until = world.job.status!.accountedUntil;
      play.request({ from: FIRST, to: until, failedOnly: true });
      play.settle();
      const again = [...world.runs.values()].filter(({ name, slot }) => !before.has(name) && slot <= until);
      expect(again.map(({ slot, attempt }) => `${slot} ${attempt}`).sort()).toEqual(
        failed.map(({ slot, attempt }) => `${slot} ${attempt + 1}`).sort(),
      );
      expect(new Set(world.started).size).toBe(world.started.length);
    }),
    seeded({ numRuns: 500 }),
  );
});
