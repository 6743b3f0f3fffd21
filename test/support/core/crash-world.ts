// Several jobs, their ledger and their processes in memory, and the real loop over them. The loop dies at an effect that
// the test names, as by kill -9: before the effect or right after it. The next one continues with what is left.
import { ClockSteps } from '../../../src/control/clock-steps.ts';
import { Controller } from '../../../src/control/controller.ts';
import type { JobSource, Ledger, Logger, Runner } from '../../../src/control/ports.ts';
import { Reconciler } from '../../../src/control/reconciler.ts';
import type { LedgerChange } from '../../../src/core/decide/decide.ts';
import type { Job, JobKey } from '../../../src/core/job.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { isActive, isFinished, type Run, type RunObservation } from '../../../src/core/run.ts';
import { aJob, at } from '../builders.ts';
import { ManualClock } from '../manual-clock.ts';
import { TRAITS } from './world.ts';

export const START = at('2026-01-01T00:00:00Z');

/** The loop dies at the effect of this number (from 1), before it or after it. */
export interface Death {
  effect: number;
  when: 'before' | 'after';
}

/** A call of a dead process has no answer. */
const NEVER = new Promise<never>(() => undefined);

/** Lets every reconcile proceed until it waits for a timer or the test. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) await Promise.resolve();
}

export class CrashWorld {
  readonly clock = new ManualClock(START);
  readonly jobs = new Map<JobKey, Job>();
  readonly runs = new Map<string, Run>();
  readonly forgotten = new Set<string>();
  readonly children = new Map<string, { key: JobKey; observation: RunObservation }>();
  /** Names of runs in the order of their starts; a repeated start of a name starts nothing. */
  readonly started: string[] = [];
  /** Effects of all loops so far. */
  effects = 0;
  readonly #claim: 'ledger' | 'name';
  #death: Death | undefined;
  #loop: Loop | undefined;
  /** The ledger takes no change of this job. */
  refused: JobKey | undefined;
  /** Called after each start. */
  onStart: () => void = () => undefined;

  constructor(claim: 'ledger' | 'name', death?: Death) {
    this.#claim = claim;
    this.#death = death;
  }

  add(name: string, spec: JobSpecInput): Job {
    const job = aJob(spec, { name, createdAt: this.clock.now() });
    this.jobs.set(job.key, job);
    this.#loop?.announce(job.key);
    return job;
  }

  edit(name: string, spec: JobSpecInput): void {
    const before = this.jobOf(name);
    const { createdAt, generation, status } = before;
    const change = { createdAt, status, generation: generation + 1, specChangedAt: this.clock.now() };
    this.jobs.set(before.key, aJob(spec, { name, ...change }));
    this.#loop?.announce(before.key);
  }

  remove(name: string): void {
    const { key } = this.jobOf(name);
    this.jobs.delete(key);
    this.#loop?.announce(key);
  }

  jobOf(name: string): Job {
    return [...this.jobs.values()].find((job) => job.name === name)!;
  }

  async begin(): Promise<void> {
    this.#loop = new Loop(this);
    this.#loop.controller.start();
    await settle();
    await this.#reviveIfDead();
  }

  async passTo(time: number): Promise<void> {
    for (let now = this.clock.now(); now < time;) {
      now = Math.min(now + 500, time);
      this.clock.advanceTo(now);
      await settle();
      await this.#reviveIfDead();
    }
  }

  /** Ends the run of a job that is active. */
  async end(name: string, exitCode = 0): Promise<void> {
    const [run] = this.activeOf(name);
    const child = run === undefined ? undefined : this.children.get(run);
    if (run === undefined || child === undefined) throw new Error(`no run of ${name} is active`);
    child.observation = { name: run, state: 'Ended', finishedAt: this.clock.now(), exitCode };
    this.#loop?.tellNews(child.key);
    await settle();
    await this.#reviveIfDead();
  }

  /** The run of a job is gone without a trace of its end. */
  async lose(name: string): Promise<void> {
    const [run] = this.activeOf(name);
    this.children.delete(run!);
    this.#loop?.tellNews(this.jobOf(name).key);
    await settle();
  }

  /** Names of the runs that have a process. */
  active(): string[] {
    return [...this.children]
      .filter(([, { observation }]) => observation.state === 'Running')
      .map(([n]) => n);
  }

  activeOf(name: string): string[] {
    const { key } = this.jobOf(name);
    return this.active().filter((run) => this.children.get(run)?.key === key);
  }

  /** The jobs of the runs in the order of their starts. */
  startedJobs(): string[] {
    return this.started.map((run) => run.replace(/-[^-]*$/, ''));
  }

  runsOf(key: JobKey): Run[] {
    const shown = [...this.runs.values()].filter(({ job, name }) => job === key && !this.forgotten.has(name));
    return this.jobs.has(key) ? shown : shown.filter(isActive);
  }

  /** Does what a loop asks for, unless the loop dies before; afterwards it may die as well. */
  async effect<T>(loop: Loop, act: () => T): Promise<T> {
    if (loop.isDead) return NEVER;
    const isLast = ++this.effects === this.#death?.effect;
    if (isLast && this.#death?.when === 'before') return loop.die();
    const result = act();
    if (isLast) return loop.die();
    return result;
  }

  commit(key: JobKey, { runs, forget, status }: LedgerChange): void {
    if (key === this.refused) throw new Error('the change is refused');
    for (const run of runs) {
      const known = this.runs.get(run.name);
      if (known !== undefined && isFinished(known) && isActive(run))
        throw new Error(`${run.name} runs again`);
      this.runs.set(run.name, run);
    }
    for (const name of forget) this.forgotten.add(name);
    const job = this.jobs.get(key);
    if (job !== undefined && status !== undefined) this.jobs.set(key, { ...job, status });
  }

  start(job: Job, run: Run): void {
    if (this.children.has(run.name)) return;
    if (this.started.includes(run.name)) throw new Error(`${run.name} started twice`);
    this.started.push(run.name);
    const startedAt = this.clock.now();
    const carried = this.#claim === 'name' ? { run } : {};
    this.children.set(run.name, {
      key: job.key,
      observation: { name: run.name, state: 'Running', startedAt, ...carried },
    });
    this.onStart();
  }

  /** What a runner shows: of a run that the ledger claims and that has no process, that it never started. */
  observe(key: JobKey): RunObservation[] {
    const shown = [...this.children.values()].filter((child) => child.key === key);
    const neverStarted = this.runsOf(key)
      .filter(({ phase, name }) => phase === 'Running' && !this.children.has(name))
      .filter(({ name }) => !this.started.includes(name))
      .map(({ name }): RunObservation => ({ name, state: 'NeverStarted' }));
    return [...shown.map(({ observation }) => observation), ...neverStarted];
  }

  get claim(): 'ledger' | 'name' {
    return this.#claim;
  }

  async #reviveIfDead(): Promise<void> {
    if (!this.#loop?.isDead) return;
    this.#death = undefined;
    await this.begin();
  }
}

/** One process. */
class Loop implements JobSource, Ledger {
  readonly #world: CrashWorld;
  readonly controller: Controller;
  isDead = false;
  readonly #listeners: ((key: JobKey) => void)[] = [];
  readonly #newsListeners: ((key: JobKey) => void)[] = [];

  constructor(world: CrashWorld) {
    this.#world = world;
    const clockSteps = new ClockSteps(world.clock, 'this boot');
    const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const runner: Runner = {
      traits: { ...TRAITS.Shell, claim: world.claim },
      capacity: () => Infinity,
      start: (job, run) => world.effect(this, () => world.start(job, run)),
      stop: (name) =>
        world.effect(this, () => {
          const child = world.children.get(name);
          if (child === undefined) return;
          child.observation = { name, state: 'Ended', finishedAt: world.clock.now(), exitCode: 143 };
          this.tellNews(child.key);
        }),
      observe: (key) => world.observe(key),
      release: (name) => {
        if (!this.isDead) world.children.delete(name);
      },
      onChange: (listener) => void this.#newsListeners.push(listener),
    };
    const reconciler = new Reconciler({
      source: this,
      ledger: this,
      runners: { Shell: runner },
      onRecorded: [],
      clockSteps,
      evaluatingSince: START,
    });
    this.controller = new Controller({
      source: this,
      runners: [runner],
      reconciler,
      clock: world.clock,
      clockSteps,
      logger,
      workers: 4,
      evaluationIntervalMs: 60_000,
    });
  }

  die(): Promise<never> {
    this.isDead = true;
    void this.controller.stop();
    return NEVER;
  }

  announce(key: JobKey): void {
    for (const listener of this.#listeners) listener(key);
  }

  tellNews(key: JobKey): void {
    for (const listener of this.#newsListeners) listener(key);
  }

  get = (key: JobKey): Job | undefined => this.#world.jobs.get(key);
  keys = (): Iterable<JobKey> =>
    new Set([
      ...this.#world.jobs.keys(),
      ...[...this.#world.runs.values()].filter(isActive).map(({ job }) => job),
    ]);
  hasSynced = (): boolean => true;
  onChange = (listener: (key: JobKey) => void): void => void this.#listeners.push(listener);
  runsOf = (key: JobKey): Run[] => this.#world.runsOf(key);
  shownRunsOf = (key: JobKey): Run[] => this.#world.runsOf(key);
  commit = (key: JobKey, change: LedgerChange): Promise<void> =>
    this.#world.effect(this, () => this.#world.commit(key, change));
}
