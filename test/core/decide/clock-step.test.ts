// A clock that is set: what runs, what does not, and what becomes of delays and timeouts.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { World } from '../../support/core/world.ts';

const NOON = '2026-01-01T12:00:00Z';
const HOUR = 3600;

/** A job that runs instantly, evaluated each ten seconds. */
class Days extends World {
  constructor(spec: JobSpecInput, since = NOON) {
    super({ concurrencyPolicy: 'Allow', ...spec }, since);
    this.evaluate();
  }

  /** Lets real time pass; each evaluation ends the runs before it. */
  pass(seconds: number, stepSeconds = 10): void {
    for (let passed = 0; passed < seconds; passed += stepSeconds) {
      for (const { name } of this.running()) this.end({}, name);
      this.evaluate(this.now + Math.min(stepSeconds, seconds - passed) * 1000);
    }
  }

  /** Removes the job and adds it again under its name; its runs stay in the history. */
  addAgain(): void {
    const { status: _, ...job } = this.job;
    this.job = { ...job, uid: `${job.uid}-again`, createdAt: this.now };
    this.evaluate();
  }

  /** Sets the clock; the process looks at once, and evaluates. */
  set(seconds: number): void {
    this.setClockBy(seconds);
    this.evaluate();
  }

  /** The slots of the runs started since the last call, as "12:05" or "12:05 p2". */
  #shown = 0;
  newRuns(): string[] {
    const names = this.started.slice(this.#shown);
    this.#shown = this.started.length;
    return names.map((name) => {
      const { slot, pass } = this.runs.get(name)!;
      return `${new Date(slot).toISOString().slice(11, 16)}${pass === undefined ? '' : ` p${pass}`}`;
    });
  }
}

describe('a clock set back ten minutes', () => {
  test('lets a job that is removed and added again run at once, under names of its own', () => {
    const days = new Days({ schedule: '*/5 * * * *' });
    days.pass(17 * 60);
    days.set(-600);
    days.addAgain();
    days.pass(15 * 60);
    expect(days.newRuns()).toEqual(['12:05', '12:10', '12:15', '12:10 p2', '12:15 p2', '12:20']);
    expect(new Set(days.started).size).toBe(6);
    days.set(-600);
    days.pass(600);
    expect(days.newRuns()).toEqual(['12:15 p3', '12:20 p3']);
  });

  test('lets a wildcard schedule follow the new time, under names of their own', () => {
    const days = new Days({ schedule: '*/5 * * * *' });
    days.pass(17 * 60);
    expect(days.newRuns()).toEqual(['12:05', '12:10', '12:15']);
    days.set(-600);
    expect(new Date(days.job.status!.nextScheduleAt!).toISOString()).toBe('2026-01-01T12:10:00.000Z');
    days.pass(15 * 60);
    expect(days.newRuns()).toEqual(['12:10 p2', '12:15 p2', '12:20']);
    expect(new Set(days.started).size).toBe(6);
  });

  test('and again ten minutes makes a third pass', () => {
    const days = new Days({ schedule: '*/5 * * * *' });
    days.pass(11 * 60);
    days.set(-600);
    days.pass(11 * 60);
    days.set(-600);
    days.pass(11 * 60);
    expect(days.newRuns()).toEqual(['12:05', '12:10', '12:05 p2', '12:10 p2', '12:05 p3', '12:10 p3']);
  });

  test('does not repeat a fixed time that ran', () => {
    const days = new Days({ schedule: '5 12 * * *' });
    days.pass(10 * 60);
    expect(days.newRuns()).toEqual(['12:05']);
    days.set(-600);
    expect(new Date(days.job.status!.nextScheduleAt!).toISOString()).toBe('2026-01-02T12:05:00.000Z');
    days.pass(HOUR);
    expect(days.newRuns()).toEqual([]);
  });

  test('runs a fixed time that the first pass has not run', () => {
    const days = new Days({ schedule: '5 12 * * *', suspend: true });
    days.pass(10 * 60);
    days.edit({ schedule: '5 12 * * *', concurrencyPolicy: 'Allow' });
    days.evaluate();
    days.set(-600);
    days.pass(10 * 60);
    expect(days.newRuns()).toEqual(['12:05 p2']);
  });

  test('keeps the interval of @every', () => {
    const days = new Days({ schedule: '@every 30m' });
    days.pass(40 * 60);
    days.set(-600);
    days.pass(30 * 60);
    // 12:30, and half an hour of real time later: 13:00 less ten minutes.
    expect(days.newRuns()).toEqual(['12:30', '12:50']);
  });

  test('leaves a schedule alone that has not come that far', () => {
    const days = new Days({ schedule: '0 2 * * *' });
    days.set(-600);
    days.pass(HOUR);
    expect(days.newRuns()).toEqual([]);
  });

  test('gives the slots of an edited schedule their runs', () => {
    const days = new Days({ schedule: '5 12 * * *' });
    days.pass(10 * 60);
    days.set(-600);
    days.newRuns();
    days.edit({ schedule: '3 12 * * *', concurrencyPolicy: 'Allow' });
    days.pass(10 * 60);
    expect(days.newRuns()).toEqual(['12:03 p2']);
  });
});

describe('a clock set back beyond three hours', () => {
  test('makes the new time count at once, for fixed times too', () => {
    const days = new Days({ schedules: ['0 * * * *', '30 8 * * *'] }, '2026-01-01T08:00:00Z');
    days.pass(4 * HOUR);
    expect(days.newRuns()).toEqual(['08:30', '09:00', '10:00', '11:00', '12:00']);
    days.set(-4 * HOUR);
    days.pass(2 * HOUR);
    expect(days.newRuns()).toEqual(['08:30 p2', '09:00 p2', '10:00 p2']);
  });

  test('lets @every go on after its interval', () => {
    const days = new Days({ schedule: '@every 1h' });
    days.pass(90 * 60);
    days.set(-4 * HOUR);
    days.pass(45 * 60);
    expect(days.newRuns()).toEqual(['13:00', '10:00 p2']);
  });

  test('is also reached by several steps', () => {
    const days = new Days({ schedule: '0 9 * * *' }, '2026-01-01T08:00:00Z');
    days.pass(4 * HOUR);
    days.set(-2 * HOUR);
    days.set(-2 * HOUR);
    days.pass(2 * HOUR);
    expect(days.newRuns()).toEqual(['09:00', '09:00 p3']);
  });
});

test('a clock set back by seconds does not repeat the slot of a schedule that is slower', () => {
  const days = new Days({ schedule: '* * * * *' });
  days.pass(61, 1);
  days.set(-2);
  days.pass(62, 1);
  expect(days.newRuns()).toEqual(['12:01', '12:02']);
});

test('a clock set back by seconds repeats the slots of a schedule that is faster', () => {
  const days = new Days({ schedule: '*/2 * * * * *' });
  days.pass(20, 1);
  expect(days.newRuns()).toHaveLength(10);
  days.set(-8);
  days.pass(10, 1);
  expect(days.newRuns()).toEqual(['12:00 p2', '12:00 p2', '12:00 p2', '12:00 p2', '12:00']);
});

describe('a clock set ahead an hour', () => {
  test('misses the slots that it jumped over, for that cause', () => {
    const days = new Days({ schedule: '*/15 * * * *', missedRunPolicy: 'Skip' });
    days.pass(5 * 60);
    days.set(HOUR);
    days.pass(15 * 60);
    expect(days.newRuns()).toEqual(['13:15']);
    expect(days.slots[0]).toMatchObject({ count: 4, outcome: 'Missed', cause: 'ClockSetAhead' });
    expect(days.outcomes()).toEqual(['12:15:00-13:00:00 x4 Missed', '13:15:00 Ran']);
  });

  test('runs the newest of them, as missedRunPolicy asks', () => {
    const days = new Days({ schedule: '*/15 * * * *' });
    days.pass(5 * 60);
    days.set(HOUR);
    expect(days.newRuns()).toEqual(['13:00']);
    expect([...days.runs.values()][0]).toMatchObject({ trigger: 'CatchUp' });
  });

  test('and back again repeats no fixed time that ran, and skips none', () => {
    const days = new Days({ schedules: ['30 12 * * *', '40 12 * * *'], missedRunPolicy: 'Latest' });
    days.set(HOUR);
    days.pass(60);
    expect(days.newRuns()).toEqual(['12:40']);
    days.set(-HOUR);
    days.pass(HOUR);
    expect(days.newRuns()).toEqual([]);
  });

  test('keeps the interval of @every, and nothing counts as missed', () => {
    const days = new Days({ schedule: '@every 10m' });
    days.pass(11 * 60);
    days.set(HOUR);
    days.pass(10 * 60);
    expect(days.newRuns()).toEqual(['12:10', '13:20']);
    expect(days.job.status?.totals.missed).toBe(0);
  });

  test('does not blame the step for slots that passed while nothing evaluated them', () => {
    const days = new Days({ schedule: '*/15 * * * *', missedRunPolicy: 'Skip' });
    days.pass(5 * 60);
    days.now += HOUR * 1000;
    days.evaluatingSince = days.now;
    days.set(HOUR);
    expect(days.slots.map(({ cause, count }) => `${count} ${cause}`)).toEqual([
      '4 NotEvaluated',
      '4 ClockSetAhead',
    ]);
  });
});

describe('instants that measure', () => {
  const LONG = { schedule: '0 12 * * *', timeoutSeconds: 60 };

  test.each([HOUR, -HOUR, 4 * HOUR, -4 * HOUR])('a timeout is not affected by a step of %i s', (step) => {
    const days = new Days(LONG, '2026-01-01T11:59:59Z');
    days.evaluate(NOON);
    days.now += 12_000;
    days.set(step);
    expect(days.running()).toHaveLength(1);
    expect(days.running()[0]?.stopCause).toBeUndefined();
    days.evaluate(days.now + 47_000);
    expect(days.running()[0]?.stopCause).toBeUndefined();
    const decision = days.evaluate(days.now + 2000);
    expect(decision.actions).toMatchObject([{ kind: 'Stop', cause: 'TimedOut' }]);
  });

  test.each([HOUR, -HOUR, -4 * HOUR])('a run has its true duration after a step of %i s', (step) => {
    const days = new Days(LONG, '2026-01-01T11:59:59Z');
    days.evaluate(NOON);
    days.now += 12_000;
    days.set(step);
    days.now += 3000;
    days.end();
    days.evaluate();
    const [run] = days.runs.values();
    expect(run!.finishedAt! - run!.startedAt!).toBe(15_000);
  });

  test.each([HOUR, -HOUR])('the delay of a retry is not affected by a step of %i s', (step) => {
    const retry = { limit: 1, initialSeconds: 60, jitter: 0 };
    const days = new Days({ schedule: '0 12 * * *', retry }, '2026-01-01T11:59:59Z');
    days.evaluate(NOON);
    days.end({ exitCode: 1 });
    days.evaluate(days.now + 1000);
    days.set(step);
    days.evaluate(days.now + 57_000);
    expect(days.started).toHaveLength(1);
    days.evaluate(days.now + 2000);
    expect(days.started).toHaveLength(2);
  });

  test('the times of a Kubernetes Job are those of the API server', () => {
    const days = new Days({ ...LONG, executor: 'Job' }, '2026-01-01T11:59:59Z');
    days.evaluate(NOON);
    days.evaluate(days.now + 1000);
    const before = days.running()[0]!;
    days.set(HOUR);
    expect(days.running()[0]).toEqual(before);
  });

  test('a crash before the record of the step leaves the step to the next process', () => {
    const days = new Days(LONG, '2026-01-01T11:59:59Z');
    days.evaluate(NOON);
    days.setClockBy(HOUR);
    days.decide();
    days.evaluatingSince = days.now;
    days.evaluate(days.now + 1000);
    expect(days.running()[0]?.stopCause).toBeUndefined();
    days.evaluate(days.now + 1000);
    expect(days.now - days.running()[0]!.startedAt!).toBe(2000);
  });
});

test('the clock of another machine is no step: a leader that is behind repeats nothing', () => {
  const days = new Days({ schedule: '* * * * *' });
  days.pass(10 * 60);
  days.newRuns();
  days.clock = { reference: { id: 'another machine', offsetMs: -12_345_678 }, steps: [] };
  days.now -= 5 * 60_000;
  days.evaluatingSince = days.now;
  days.pass(6 * 60);
  expect(days.newRuns()).toEqual(['12:11']);
});

test('a clock that is three hours behind the record counts, although no process saw it set', () => {
  const days = new Days({ schedule: '0 * * * *' });
  days.pass(6 * HOUR, 60);
  days.newRuns();
  days.clock = { reference: { id: 'another boot', offsetMs: 0 }, steps: [] };
  days.now -= 5 * HOUR * 1000;
  days.evaluatingSince = days.now;
  days.pass(2 * HOUR, 60);
  expect(days.newRuns()).toEqual(['14:00 p2', '15:00 p2']);
});

test('the daylight saving time of a zone and a step of the clock do not disturb each other', () => {
  // 02:00 to 03:00 happens twice on 25 October in Berlin; the second pass begins at 01:00 UTC.
  const spec = { schedules: ['30 2 * * *', '*/30 * * * *'], timeZone: 'Europe/Berlin' };
  const days = new Days(spec, '2026-10-25T00:10:00Z');
  days.pass(HOUR);
  expect(days.newRuns()).toEqual(['00:30', '01:00']);
  days.set(-HOUR);
  days.pass(2 * HOUR);
  expect(days.newRuns()).toEqual(['00:30 p2', '01:00 p2', '01:30', '02:00']);
});

describe('a job of each boot', () => {
  const spec = { schedules: ['@reboot', '0 9 * * *'] };

  /** The daemon starts, with the clock as it is set. */
  function boot(days: Days, id: string): void {
    days.clock = { reference: { id, offsetMs: 0 }, steps: [] };
    days.evaluatingSince = days.now;
    days.evaluate();
  }

  test.each([-HOUR, HOUR, -5 * HOUR])('does not run again when the clock is set by %i s', (step) => {
    const days = new Days(spec);
    days.now += 60_000;
    boot(days, 'a boot');
    days.pass(60);
    days.set(step);
    days.pass(HOUR);
    expect(days.newRuns().filter((run) => !run.startsWith('09:00'))).toEqual(['12:01']);
  });

  test('runs at each boot of a machine whose clock is behind at first', () => {
    const days = new Days(spec);
    for (const id of ['one boot', 'the next boot', 'the last boot']) {
      days.now += 60_000;
      boot(days, id);
      days.set(5 * HOUR);
      days.pass(600);
      days.now -= 5 * HOUR * 1000;
    }
    expect(days.newRuns().filter((run) => !run.startsWith('09:00'))).toHaveLength(3);
  });
});

test('a run that ended before the clock was set back, while no daemon watched, ends now', () => {
  const days = new Days({ schedule: '0 12 * * *' }, '2026-01-01T11:59:59Z');
  days.evaluate(NOON);
  days.now += 30_000;
  days.end();
  days.set(-HOUR);
  const [run] = days.runs.values();
  expect(run!.finishedAt).toBe(days.now);
  expect(run!.finishedAt! - run!.startedAt!).toBe(30_000);
});
