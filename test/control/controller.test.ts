// The loop with a manual clock, an in-memory ledger and a scripted runner.
import { describe, expect, test } from 'vitest';
import { ClockSteps } from '../../src/control/clock-steps.ts';
import { Controller } from '../../src/control/controller.ts';
import type { JobSource, Ledger, Logger, RecordedListener, Runner } from '../../src/control/ports.ts';
import { Reconciler } from '../../src/control/reconciler.ts';
import { StartRate } from '../../src/control/related/start-rate.ts';
import type { LedgerChange } from '../../src/core/decide/decide.ts';
import { LshError } from '../../src/core/errors.ts';
import { eventText } from '../../src/core/decide/events.ts';
import type { Executor, RunnerTraits } from '../../src/core/executor.ts';
import type { Job, JobKey } from '../../src/core/job.ts';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import type { Run, RunObservation } from '../../src/core/run.ts';
import { aJob, aRun, at } from '../support/builders.ts';
import { TRAITS } from '../support/core/world.ts';
import { ManualClock } from '../support/manual-clock.ts';

const START = at('2026-01-01T00:00:00Z');

/** Lets every reconcile proceed until it waits for a timer or a test. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}

class Harness implements JobSource, Ledger {
  readonly clock = new ManualClock(START);
  readonly jobs = new Map<JobKey, Job>();
  readonly ledgerRuns = new Map<string, Run>();
  readonly children = new Map<string, RunObservation & { key: JobKey }>();
  readonly log: string[] = [];
  readonly traits: RunnerTraits;
  room = Infinity;
  failNextCommits = 0;
  /** Whether commits find no room. */
  isFull = false;
  /** While set, a commit is durable only after it resolves. */
  disk: Promise<void> | undefined;
  /** Called after the listener that writes the log. */
  readonly onRecorded: RecordedListener[] = [];
  #listeners: ((key: JobKey) => void)[] = [];
  #newsListeners: ((key: JobKey) => void)[] = [];
  readonly runner: Runner;
  readonly controller: Controller;

  constructor(claim: 'ledger' | 'name' = 'ledger', { startsPerSecond }: { startsPerSecond?: number } = {}) {
    this.traits = { ...TRAITS.Shell, claim };
    this.runner = {
      traits: this.traits,
      capacity: () => this.room - this.children.size,
      start: (job, run) => this.start(job, run),
      stop: (name, cause) => this.stop(name, cause),
      observe: (key) => this.observe(key),
      release: (name) => void this.children.delete(name),
      onChange: (listener) => void this.#newsListeners.push(listener),
    };
    const clockSteps = new ClockSteps(this.clock, 'this boot');
    const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const reconciler = new Reconciler({
      source: this,
      ledger: this,
      runners: { Shell: this.runner },
      onRecorded: [
        ({ job, events }) => {
          for (const { type, reason } of events.map(eventText))
            this.log.push(`${job?.name} ${type} ${reason}`);
        },
        (recorded) => {
          for (const listener of this.onRecorded) listener(recorded);
        },
      ],
      onFailing: ({ job, events }) => {
        for (const { type, reason } of events.map(eventText)) this.log.push(`${job?.name} ${type} ${reason}`);
      },
      ...(startsPerSecond !== undefined && { startRate: new StartRate(startsPerSecond, this.clock) }),
      clockSteps,
      evaluatingSince: START,
    });
    this.controller = new Controller({
      source: this,
      runners: [this.runner],
      reconciler,
      clock: this.clock,
      clockSteps,
      logger,
      workers: 4,
      evaluationIntervalMs: 60_000,
    });
  }

  add(name: string, spec: JobSpecInput): Job {
    const job = aJob(spec, { name, createdAt: START });
    this.jobs.set(job.key, job);
    return job;
  }

  /** Lets time pass in steps of half a second, with what is due in each. */
  async passTo(time: number): Promise<void> {
    for (let at = this.clock.now(); at < time;) {
      at = Math.min(at + 500, time);
      this.clock.advanceTo(at);
      await settle();
    }
  }

  announce(key: JobKey): void {
    for (const listener of this.#listeners) listener(key);
  }

  /** The runner has news of the job’s runs. */
  tellNews(key: JobKey): void {
    for (const listener of this.#newsListeners) listener(key);
  }

  get = (key: JobKey): Job | undefined => this.jobs.get(key);
  keys = (): Iterable<JobKey> => this.jobs.keys();
  hasSynced = (): boolean => true;
  onChange = (listener: (key: JobKey) => void): void => void this.#listeners.push(listener);
  shownRunsOf = (key: JobKey): Run[] => this.runsOf(key);
  runsOf = (key: JobKey): Run[] => [...this.ledgerRuns.values()].filter((run) => run.job === key);

  async commit(key: JobKey, change: LedgerChange): Promise<void> {
    await this.disk;
    if (this.isFull) throw new LshError('STORE_FULL', { path: '/x', directory: '/', detail: 'no room' });
    if (this.failNextCommits-- > 0) throw new LshError('INTERNAL', { detail: 'no disk' });
    for (const run of change.runs) this.ledgerRuns.set(run.name, run);
    const job = this.jobs.get(key);
    if (job !== undefined && change.status !== undefined)
      this.jobs.set(key, { ...job, status: change.status });
    if (change.runs.length > 0) this.log.push(`record ${change.runs.map((run) => run.phase).join(',')}`);
  }

  start(job: Job, run: Run): Promise<void> {
    this.log.push(`start ${job.name}`);
    this.children.set(run.name, {
      key: job.key,
      name: run.name,
      state: 'Running',
      startedAt: this.clock.now(),
    });
    return Promise.resolve();
  }

  stop(name: string, cause: string): void {
    this.log.push(`stop ${cause}`);
    this.endRun(name, 143);
  }

  observe = (key: JobKey): RunObservation[] =>
    [...this.children.values()].filter((child) => child.key === key);

  endRun(name: string, exitCode: number): void {
    const key = this.children.get(name)!.key;
    this.children.set(name, { key, name, state: 'Ended', finishedAt: this.clock.now(), exitCode });
    this.tellNews(key);
  }
}

describe('the loop', () => {
  test('starts a run at its slot to the millisecond, records its claim and its end, and releases it', async () => {
    const world = new Harness();
    world.add('a', { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.clock.advanceTo(START + 59_999);
    await settle();
    expect(world.children.size).toBe(0);
    world.clock.advanceTo(START + 60_000);
    await settle();
    expect(world.log.slice(0, 2)).toEqual(['record Running', 'start a']);
    world.endRun([...world.children.keys()][0]!, 0);
    await settle();
    expect(world.log).toContain('a Normal RunCompleted');
    expect(world.children.size).toBe(0);
    await world.controller.stop();
    expect(world.clock.pending).toBe(0);
  });

  test('the first run of a burst starts before the last job is evaluated', async () => {
    const world = new Harness();
    for (const name of ['a', 'b', 'c']) world.add(name, { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    const observe = world.observe;
    world.observe = (key) => {
      world.log.push(`evaluate ${key}`);
      // As long as a turn may take.
      world.clock.advanceTo(world.clock.now() + 5);
      return observe(key);
    };
    const start = world.start.bind(world);
    const allStarted = new Promise<void>((resolve) => {
      world.start = (job, run) => {
        if (world.children.size === 2) resolve();
        return start(job, run);
      };
    });
    world.clock.advanceTo(START + 60_000);
    await allStarted;
    const firstStart = world.log.findIndex((line) => line.startsWith('start'));
    const evaluated = ['a', 'b', 'c'].map((name) => world.log.indexOf(`evaluate local/${name}`));
    expect(firstStart).toBeLessThan(Math.max(...evaluated));
    await world.controller.stop();
  });

  test('a run that a runner claims by name and cannot start has no start to tell of', async () => {
    const world = new Harness('name');
    world.start = (job, { name }) => {
      const end = { name, state: 'Ended', reason: 'SpawnError', finishedAt: world.clock.now() } as const;
      world.children.set(name, { key: job.key, ...end });
      world.announce(job.key);
      return Promise.resolve();
    };
    world.add('a', { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.clock.advanceTo(START + 60_000);
    await settle();
    expect(world.log.filter((line) => line.startsWith('a '))).toEqual(['a Warning RunFailed']);
    await world.controller.stop();
  });

  test('a runner that claims by name starts a run before its record', async () => {
    const world = new Harness('name');
    world.add('a', { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.clock.advanceTo(START + 60_000);
    await settle();
    expect(world.log.slice(0, 2)).toEqual(['start a', 'record Running']);
    await world.controller.stop();
  });

  test('a runner has no say about a run of another executor', async () => {
    const world = new Harness();
    const { key } = world.add('a', { schedule: '@yearly' });
    const run = aRun({ name: 'a-1', job: key, jobUid: 'uid-of-a', executor: 'Job', phase: 'Running' });
    world.ledgerRuns.set(run.name, run);
    world.children.set(run.name, { key, name: run.name, state: 'Ended', finishedAt: START, exitCode: 0 });
    world.controller.start();
    await settle();
    // No runner of its own knows it.
    expect(world.ledgerRuns.get(run.name)).toMatchObject({ phase: 'Failed', reason: 'Lost' });
    await world.controller.stop();
  });

  test('a failed commit starts no run, and the slot runs once commits succeed again', async () => {
    const world = new Harness();
    world.add('a', { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.failNextCommits = 3;
    world.clock.advanceTo(START + 60_000);
    await settle();
    expect(world.children.size).toBe(0);
    world.clock.advanceTo(START + 60_010);
    await settle();
    world.clock.advanceTo(START + 61_000);
    await settle();
    world.clock.advanceTo(START + 62_000);
    await settle();
    expect(world.log.filter((line) => line.startsWith('start'))).toEqual(['start a']);
    await world.controller.stop();
  });

  test('slots that pass while the ledger takes no changes are late because of the ledger, until it takes one', async () => {
    const world = new Harness();
    const { key } = world.add('a', { schedule: '* * * * * *', command: 'true' });
    const causes: (string | undefined)[] = [];
    world.onRecorded.push(({ change }) => causes.push(...change.slots.map(({ cause }) => cause)));
    world.controller.start();
    await settle();
    world.failNextCommits = 1;
    world.clock.advanceTo(START + 1000);
    await settle();
    world.clock.sleepFor(2000);
    world.announce(key);
    await settle();
    expect(causes).toEqual(['LedgerFailed', undefined]);
    world.clock.sleepFor(2000);
    world.announce(key);
    await settle();
    expect(causes.slice(2)).toEqual(['EvaluatedLate', 'RunActive']);
    await world.controller.stop();
  });

  test.each([
    [
      'announces its runs while it fails',
      (world: Harness) => {
        const start = world.start.bind(world);
        world.start = (job, run) => start(job, run).then(() => world.tellNews(job.key));
      },
    ],
    ['waits for free capacity', (world: Harness) => void (world.room = 1)],
  ])('a job that %s is evaluated once per retry delay', async (_, prepare) => {
    const world = new Harness('name');
    prepare(world);
    const spec = { concurrencyPolicy: 'Allow', missedRunPolicy: 'All' } as const;
    world.add('a', { schedule: '*/20 * * * * *', ...spec });
    world.controller.start();
    await settle();
    world.clock.sleepFor(60_000);
    let evaluations = 0;
    const observe = world.observe;
    world.observe = (key) => {
      evaluations++;
      // The API server denies the record of each start, and the start itself.
      world.children.clear();
      return observe(key);
    };
    world.failNextCommits = Infinity;
    await world.passTo(world.clock.now() + 120_000);
    // 5 ms, doubled 14 times, is 82 s; the next delay is a minute.
    expect(evaluations).toBeGreaterThan(10);
    expect(evaluations).toBeLessThanOrEqual(15);
    await world.controller.stop();
  });

  test('a job whose runs the cluster keeps refusing says so, until it does not', async () => {
    const world = new Harness('name');
    const { key } = world.add('a', { schedule: '0 * * * *' });
    const ready = () => world.get(key)?.status?.conditions.find(({ type }) => type === 'Ready');
    const start = world.start.bind(world);
    world.start = () => Promise.reject(new LshError('CLUSTER_REFUSED', { detail: 'no webhook' }));
    world.controller.start();
    await settle();
    world.clock.advanceTo(START + 3_600_000);
    await settle();
    expect(ready(), 'a blip').toMatchObject({ status: 'True' });
    await world.passTo(START + 3_610_000);
    expect(ready()).toMatchObject({ status: 'False', reason: 'ClusterRefused' });
    expect(ready()?.message).toContain('no webhook');
    expect(world.log).toContain('a Warning EvaluationFailed');
    expect(world.ledgerRuns.size).toBe(0);
    world.start = start;
    await world.passTo(START + 3_620_000);
    expect(ready()).toMatchObject({ status: 'True' });
    expect(world.log.filter((line) => line.startsWith('start'))).toEqual(['start a']);
    await world.controller.stop();
  });

  test('a job that its runner refuses is Invalid until an edit, and the runner is asked once per version', async () => {
    const world = new Harness('name');
    const job = world.add('a', { schedule: '* * * * *' });
    const asked: number[] = [];
    world.runner.check = ({ generation }) => {
      asked.push(generation);
      const refusal = new LshError('JOB_INVALID', { detail: 'nodSelector' });
      return Promise.resolve(generation === 1 ? refusal : undefined);
    };
    const ready = () => world.get(job.key)?.status?.conditions.find(({ type }) => type === 'Ready');
    world.controller.start();
    await world.passTo(START + 120_000);
    expect(world.get(job.key)?.status?.phase).toBe('Invalid');
    expect(ready()).toMatchObject({ status: 'False', reason: 'JobInvalid' });
    world.jobs.set(job.key, { ...world.jobs.get(job.key)!, generation: 2, specChangedAt: world.clock.now() });
    world.announce(job.key);
    await world.passTo(START + 180_000);
    expect(ready()).toMatchObject({ status: 'True' });
    expect(world.log.filter((line) => line.startsWith('start'))).toEqual(['start a']);
    expect(asked).toEqual([1, 2]);
    await world.controller.stop();
  });

  test('after a full disk has room again, all jobs go on within 5 s, although their delays were longer', async () => {
    const world = new Harness();
    for (const name of ['a', 'b', 'c']) world.add(name, { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.isFull = true;
    const fullUntil = START + 10 * 60_000 + 30_000;
    await world.passTo(fullUntil);
    expect(world.children.size).toBe(0);
    world.isFull = false;
    await world.passTo(fullUntil + 5000);
    expect(world.log.filter((line) => line.startsWith('start')).toSorted()).toEqual([
      'start a',
      'start b',
      'start c',
    ]);
    await world.controller.stop();
  });

  test('if more runs are due than may start, they start by priority as capacity becomes free', async () => {
    const world = new Harness();
    world.room = 1;
    world.add('low', { schedule: '* * * * *', priority: 1 });
    world.add('high', { schedule: '* * * * *', priority: 9 });
    world.add('middle', { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.clock.advanceTo(START + 60_000);
    await settle();
    for (let ended = 0; ended < 3; ended++) {
      world.endRun([...world.children.keys()][0]!, 0);
      await settle();
    }
    expect(world.log.filter((line) => line.startsWith('start'))).toEqual([
      'start high',
      'start middle',
      'start low',
    ]);
    await world.controller.stop();
  });

  test('listeners hear of a commit once it is durable, in their order, and of no commit that failed', async () => {
    const world = new Harness();
    const job = world.add('a', { schedule: '* * * * *' });
    const heard: string[] = [];
    world.onRecorded.push(
      ({ change }) => heard.push(`first ${change.runs.map(({ phase }) => phase).join()}`),
      ({ key }) => heard.push(`second ${key}`),
    );
    world.controller.start();
    await settle();
    heard.length = 0;
    world.announce(job.key);
    await settle();
    expect(heard, 'no change, no commit').toEqual([]);
    world.failNextCommits = 1;
    world.clock.advanceTo(START + 60_000);
    await settle();
    expect(world.failNextCommits, 'the commit failed').toBe(0);
    expect(heard).toEqual([]);
    const disk = Promise.withResolvers<void>();
    world.disk = disk.promise;
    world.clock.advanceTo(START + 60_010);
    await settle();
    expect(world.controller.working, 'the commit is under way').toBe(1);
    expect(heard).toEqual([]);
    disk.resolve();
    await settle();
    expect(heard).toEqual(['first Running', 'second local/a']);
    await world.controller.stop();
  });

  test('a step of the wall clock evaluates every job again', async () => {
    const world = new Harness();
    world.add('daily', { schedule: '0 12 * * *' });
    world.controller.start();
    await settle();
    world.clock.stepBy(13 * 3_600_000);
    world.clock.advanceTo(world.clock.now() + 60_000);
    await settle();
    expect(world.log).toContain('start daily');
    await world.controller.stop();
  });

  test('a clock set back by hours delays no schedule by more than one evaluation interval', async () => {
    const world = new Harness();
    world.add('hourly', { schedule: '0 * * * *' });
    world.controller.start();
    await settle();
    world.clock.stepBy(-24 * 3_600_000);
    world.clock.advanceTo(world.clock.now() + 60_000);
    await settle();
    world.clock.advanceTo(START - 23 * 3_600_000);
    await settle();
    expect(world.log).toContain('start hourly');
    await world.controller.stop();
  });

  test('the runs of a removed job are stopped and their ends recorded', async () => {
    const world = new Harness();
    const job = world.add('a', { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.clock.advanceTo(START + 60_000);
    await settle();
    world.jobs.delete(job.key);
    world.announce(job.key);
    await settle();
    expect(world.log).toContain('stop JobRemoved');
    expect([...world.ledgerRuns.values()]).toEqual([
      expect.objectContaining({ phase: 'Killed', reason: 'JobRemoved' }),
    ]);
    expect(world.children.size).toBe(0);
    await world.controller.stop();
  });

  test('a job without a runner for its executor is Invalid, and other jobs run', async () => {
    const world = new Harness();
    world.add('cluster-only', { schedule: '* * * * *', executor: 'Job' });
    world.add('a', { schedule: '* * * * *' });
    world.controller.start();
    await settle();
    world.clock.advanceTo(START + 60_000);
    await settle();
    expect(world.jobs.get('local/cluster-only')?.status?.phase).toBe('Invalid');
    expect(world.log.filter((line) => line.startsWith('start'))).toEqual(['start a']);
    await world.controller.stop();
  });

  test('only the runner of its executor removes what a run left behind', async () => {
    const world = new Harness();
    const removed: string[] = [];
    const runnerOf = (executor: Executor): Runner => ({
      traits: TRAITS[executor],
      capacity: () => Infinity,
      start: () => Promise.resolve(),
      stop: () => undefined,
      observe: () => [],
      release: () => undefined,
      remove: (name) => void removed.push(`${executor} ${name}`),
      onChange: () => undefined,
    });
    const job = world.add('a', { executor: 'Job', successfulRunsHistoryLimit: 1 });
    for (const [index, executor] of (['Shell', 'Job', 'Job'] as const).entries()) {
      const run = { name: `a-${index}`, job: job.key, jobUid: job.uid, executor };
      world.ledgerRuns.set(run.name, aRun({ ...run, phase: 'Completed', finishedAt: START + index }));
    }
    const reconciler = new Reconciler({
      source: world,
      ledger: world,
      runners: { Shell: runnerOf('Shell'), Job: runnerOf('Job') },
      onRecorded: [],
      clockSteps: new ClockSteps(world.clock, 'this boot'),
      evaluatingSince: START,
    });
    await reconciler.reconcile(job.key);
    expect(removed).toEqual(['Job a-1', 'Shell a-0']);
  });
});

describe('a rate of starts', () => {
  test('lets no second have more starts; higher priorities start first', async () => {
    const harness = new Harness('ledger', { startsPerSecond: 2 });
    for (const [name, priority] of Object.entries({ a: 1, b: 1, c: 1, d: 9, e: 9 }))
      harness.add(name, { schedule: '1 0 1 1 *', priority });
    harness.controller.start();
    await settle();
    const startsUntil = async (time: number) => {
      await harness.passTo(time);
      return harness.log
        .filter((line) => line.startsWith('start '))
        .map((line) => line.slice('start '.length));
    };
    const due = START + 60_000;
    expect((await startsUntil(due)).toSorted()).toEqual(['d', 'e']);
    expect(await startsUntil(due + 500)).toHaveLength(2);
    expect(await startsUntil(due + 1000)).toHaveLength(4);
    expect((await startsUntil(due + 2000)).slice(2).toSorted()).toEqual(['a', 'b', 'c']);
    await harness.controller.stop();
  });
});
