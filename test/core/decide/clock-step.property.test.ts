// A clock that is set at random, on a daemon that restarts at random: real time passes evenly meanwhile.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seeded } from '../../support/seed.ts';
import { World } from '../../support/core/world.ts';

const HOURS_OF_TEST = 5;
const EVALUATION_S = 60;

/** After so many seconds the clock is set, or the daemon restarts, or both. */
const event = fc.record({
  afterSeconds: fc.integer({ min: 1, max: 3000 }),
  bySeconds: fc.oneof(
    fc.constant(0),
    fc.integer({ min: -90, max: 90 }),
    fc.integer({ min: -4000, max: 4000 }),
    fc.integer({ min: -20_000, max: 20_000 }),
  ),
  restarts: fc.boolean(),
});
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** Plays the events; `each` hears of every evaluation, with the real seconds that have passed. */
function play(world: World, events: readonly Event[], each: (real: number, event?: Event) => void): void {
  let real = 0;
  let wakeAt = world.evaluate().wakeAt;
  const runUntil = (until: number) => {
    while (real < until) {
      const waitS = Math.min(EVALUATION_S, until - real, Math.max(1, Math.ceil((wakeAt - world.now) / 1000)));
      real += waitS;
      wakeAt = world.evaluate(world.now + waitS * 1000).wakeAt;
      each(real);
    }
  };
  for (const happening of events) {
    runUntil(real + happening.afterSeconds);
    if (happening.bySeconds !== 0) world.setClockBy(happening.bySeconds);
    if (happening.restarts) world.evaluatingSince = world.now;
    wakeAt = world.evaluate().wakeAt;
    each(real, happening);
  }
  runUntil(Math.max(real + 7200, HOURS_OF_TEST * 3600));
}

test('no name comes twice, and a wildcard or interval schedule is never silent for longer than its interval', () => {
  const schedule = fc.constantFrom(
    { schedule: '* * * * *', seconds: 60 },
    { schedule: '*/20 * * * *', seconds: 1200 },
    { schedule: '0 */1 * * *', seconds: 3600 },
    { schedule: '@every 7m', seconds: 420 },
  );
  fc.assert(
    fc.property(schedule, fc.array(event, { maxLength: 8 }), ({ schedule, seconds }, events) => {
      const world = new World({ schedule, concurrencyPolicy: 'Allow', missedRunPolicy: 'Skip' });
      let started = 0;
      let heardAt = 0;
      play(world, events, (real, happening) => {
        for (const { name } of world.running()) world.end({}, name);
        const runs = world.started.length;
        // A pattern waits for its time on the new clock, an interval does not.
        if (runs > started || (happening !== undefined && !schedule.startsWith('@'))) heardAt = real;
        started = runs;
        expect(real - heardAt).toBeLessThanOrEqual(seconds + EVALUATION_S);
      });
      expect(new Set(world.started).size).toBe(world.started.length);
      const keys = world.slots.map(({ from, pass }) => `${from} ${pass}`);
      expect(new Set(keys).size).toBe(keys.length);
    }),
    seeded({ numRuns: 60 }),
  );
});

test('a fixed time runs once while corrections sum up to less than three hours', () => {
  const small = fc.record({
    afterSeconds: fc.integer({ min: 60, max: 3000 }),
    bySeconds: fc.integer({ min: -1800, max: 1800 }),
    restarts: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(small, { maxLength: 5 }), (events) => {
      const world = new World({ schedules: ['0 1 * * *', '30 2 * * *'], concurrencyPolicy: 'Allow' });
      play(world, events, () => {
        for (const { name } of world.running()) world.end({}, name);
      });
      const slots = [...world.runs.values()].map(({ slot }) => slot);
      expect(new Set(slots).size).toBe(slots.length);
    }),
    seeded({ numRuns: 100 }),
  );
});

test('a run times out after its seconds of real time', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), (events) => {
      const world = new World({ schedule: '@every 20m', timeoutSeconds: 600 });
      const startedAt = new Map<string, number>();
      play(world, events, (real) => {
        for (const run of world.running()) {
          if (!startedAt.has(run.name)) startedAt.set(run.name, real);
          const tookS = real - startedAt.get(run.name)!;
          if (run.stopCause !== undefined) {
            expect(Math.abs(tookS - 600)).toBeLessThanOrEqual(1);
            world.end({}, run.name);
            world.evaluate();
          } else expect(tookS).toBeLessThan(601);
        }
      });
      for (const run of world.runs.values())
        if (run.finishedAt) expect(Math.abs(run.finishedAt - run.startedAt! - 600_000)).toBeLessThan(2000);
    }),
    seeded({ numRuns: 60 }),
  );
});
