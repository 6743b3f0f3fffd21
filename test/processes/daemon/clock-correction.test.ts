// The loop over a real store whose records lie in the future, because the clock was set back.
import { expect, onTestFinished, test } from 'vitest';
import { ClockSteps } from '../../../src/control/clock-steps.ts';
import { Controller } from '../../../src/control/controller.ts';
import type { Runner } from '../../../src/control/ports.ts';
import { Reconciler } from '../../../src/control/reconciler.ts';
import type { JobKey } from '../../../src/core/job.ts';
import type { RunObservation } from '../../../src/core/run.ts';
import { StoreJobSource } from '../../../src/local/jobs/job-source.ts';
import { aJob, at } from '../../support/builders.ts';
import { TRAITS } from '../../support/core/world.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { openTemporaryStore } from '../../support/stores/sqlite-store.ts';

const KEY = 'local/backup';
const MINUTE_MS = 60_000;

/** A runner whose commands end at once. */
class InstantRunner implements Runner {
  readonly traits = TRAITS.Shell;
  readonly started: string[] = [];
  readonly #ends = new Map<string, RunObservation>();
  readonly #now: () => number;
  #changed: (key: JobKey) => void = () => {};

  constructor(now: () => number) {
    this.#now = now;
  }

  capacity = (): number => Infinity;
  onChange = (listener: (key: JobKey) => void): void => void (this.#changed = listener);
  observe = (): RunObservation[] => [...this.#ends.values()];
  release = (name: string): void => void this.#ends.delete(name);
  stop = (): void => {};

  async start(_: unknown, { name, job }: { name: string; job: JobKey }): Promise<void> {
    this.started.push(name);
    this.#ends.set(name, { name, state: 'Ended', finishedAt: this.#now(), exitCode: 0 });
    this.#changed(job);
  }
}

test('after a clock is set back by hours the new time counts, and no name comes twice', async () => {
  const { store, close } = await openTemporaryStore();
  onTestFinished(close);
  const clock = new ManualClock(at('2026-01-01T12:00:00Z'));
  const source = new StoreJobSource(store, store, clock);
  await source.load();
  const runner = new InstantRunner(clock.now);
  const clockSteps = new ClockSteps(clock, 'this boot');
  const reconciler = new Reconciler({
    source,
    ledger: source,
    runners: { Shell: runner },
    onRecorded: [],
    clockSteps,
    evaluatingSince: clock.now(),
  });
  const refused: object[] = [];
  const logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (each: object) => refused.push(each),
  };
  const controller = new Controller({
    source,
    runners: [runner],
    reconciler,
    clock,
    clockSteps,
    logger,
    workers: 4,
    evaluationIntervalMs: MINUTE_MS,
  });
  controller.start();
  await source.put({ namespace: 'local', name: 'backup', spec: aJob({ schedule: '* * * * *' }).spec });

  const slots = () => store.slots({ job: KEY, from: 0, to: Number.MAX_SAFE_INTEGER });
  /** Advances to the instant, then by milliseconds until its slot is recorded. */
  async function until(instant: string, isRecorded = (upTo: number) => upTo === at(instant)): Promise<void> {
    clock.advanceTo(at(instant));
    for (let turn = 0; turn < 20_000; turn++) {
      const upTo = source.get(KEY)?.status?.accountedUntil;
      if (upTo !== undefined && isRecorded(upTo) && runner.observe().length === 0) return;
      await new Promise((resolve) => setImmediate(resolve));
      clock.advanceTo(clock.now() + 1);
    }
    throw new Error(`no record of ${instant}`);
  }
  for (let minute = 1; minute <= 6; minute++) await until(`2026-01-01T12:0${minute}:00Z`);
  clock.stepBy(5 * 60 * MINUTE_MS);
  await until('2026-01-01T17:07:00Z');
  const before = runner.started.length;

  clock.stepBy(at('2026-01-01T12:00:30Z') - clock.now());
  for (let minute = 1; minute <= 8; minute++) await until(`2026-01-01T12:0${minute}:00Z`);
  expect(new Set(runner.started).size).toBe(runner.started.length);
  expect(runner.started).toHaveLength(before + 8);
  const known = (await slots()).filter(({ from }) => from <= at('2026-01-01T12:08:00Z')).toReversed();
  expect(known.map(({ outcome, cause, pass }) => [outcome, cause, pass].filter(Boolean).join(' '))).toEqual([
    ...Array.from({ length: 6 }, () => ['Ran', 'Ran 2']).flat(),
    'Missed ClockSetAhead',
    'Ran 2',
    'Ran 2',
  ]);
  expect(refused).toEqual([]);
  await controller.stop();
});
