// Evaluates one job: collects what decide() needs to know, and calls it. The only caller of decide(); writes nothing.
import {
  decide,
  decideInvalid,
  decideRemoved,
  decideTerminating,
  type Decision,
  type Evaluation,
  type LedgerChange,
} from '../core/decide/decide.ts';
import { LshError } from '../core/errors.ts';
import type { ClockReference, Job, JobKey } from '../core/job.ts';
import { evaluatedSince } from '../core/schedule/job-schedule.ts';
import type { Starts } from '../core/schedule/schedule.ts';
import type { Capacity } from './capacity.ts';
import type { ClockSteps } from './clock-steps.ts';
import type { LedgerOutbox } from './history/ledger-outbox.ts';
import type { Calendars, JobSource, Ledger } from './ports.ts';
import { Followers } from './related/followers.ts';
import { Groups, heldRuns, runsAfter } from './related/groups.ts';
import { PastSlotsOfBackfills } from './past-slots.ts';
import { Refusals } from './refusals.ts';
import type { NoticeDesk } from './notices/notice-desk.ts';
import type { Runners } from './runners.ts';
import { Schedules } from './schedules.ts';

export interface EvaluatorOptions {
  source: JobSource;
  ledger: Ledger;
  /** Knows which finished runs the team’s history lacks; undefined if no team history is configured. */
  history?: Pick<LedgerOutbox, 'progress' | 'forget'>;
  clockSteps: ClockSteps;
  /** When this process began to evaluate, milliseconds. */
  evaluatingSince: number;
  /** The slots of `@reboot` and `@daemon-start`; undefined in a cluster. */
  starts?: Starts;
  calendars?: Calendars;
  /** Host of the shell runs that this process starts; undefined in the daemon, which has one host. */
  host?: string;
  /** What this home adds to the notices of its jobs; undefined for nothing. */
  notices?: NoticeDesk;
}

/** A job is evaluated again so soon because its calendars may have changed meanwhile. Milliseconds. */
const CALENDAR_CHECK_MS = 60_000;

export class Evaluator {
  readonly #options: EvaluatorOptions & { runners: Runners; capacity: Capacity };
  readonly #schedules: Schedules;
  readonly #refusals = new Refusals();
  readonly #pastSlots: PastSlotsOfBackfills;
  readonly groups: Groups;
  readonly followers: Followers;
  /** The setting of the clock at the last commit of jobs whose ledger does not keep it. */
  readonly #references = new Map<JobKey, ClockReference>();
  /** Jobs whose last changes the ledger did not take. */
  readonly #unrecorded = new Set<JobKey>();

  constructor(options: EvaluatorOptions & { runners: Runners; capacity: Capacity }) {
    this.#options = options;
    this.#schedules = new Schedules(options);
    this.#pastSlots = new PastSlotsOfBackfills(options.ledger);
    const { runners, clockSteps } = options;
    this.followers = new Followers(options);
    this.groups = new Groups({
      ...options,
      observe: (key, runs) => runners.observe(key, runs),
      now: () => clockSteps.look().now,
    });
  }

  /**
   * Asks the runner about a version of the job that is new, takes in changes of its calendars, and reads the records of the
   * slots of a new backfill; undefined if there is nothing to ask.
   */
  ask(key: JobKey): Promise<void> | undefined {
    const { source, runners, calendars } = this.#options;
    const job = source.get(key);
    const answer = job && this.#refusals.ask(job, runners.of(job.spec.executor));
    const reading = job?.spec.calendars && calendars?.refresh(job.spec.calendars.map(({ name }) => name));
    const past = job?.backfill && this.#pastSlots.ask(job, this.#schedules.of(job));
    const asking = [answer, reading, past].filter((one) => one !== undefined);
    return asking.length > 1 ? Promise.all(asking).then(() => {}) : asking[0];
  }

  evaluate(job: Job): Decision {
    const decision = this.#decide(this.#withReference(job));
    this.#options.notices?.decided(decision.change.notices ?? []);
    if (job.spec.calendars === undefined) return decision;
    const checkAt = this.#options.clockSteps.look().now + CALENDAR_CHECK_MS;
    return { ...decision, wakeAt: Math.min(decision.wakeAt, checkAt) };
  }

  /** Forgets the job as well. */
  evaluateRemoved(key: JobKey): Decision {
    this.#schedules.forget(key);
    this.#refusals.forget(key);
    this.#references.delete(key);
    this.followers.removed(key);
    const { history, ledger, runners, clockSteps } = this.#options;
    history?.forget(key);
    const runs = ledger.runsOf(key);
    const observations = runners.observe(key, runs);
    const decision = decideRemoved(runs, observations, clockSteps.look().now);
    this.#takePlaces({ key, job: undefined }, { runs, observations }, decision);
    return decision;
  }

  /** The changes of a decision are on their way to the ledger: until recorded(), it lacks them. */
  recording(key: JobKey): void {
    this.#unrecorded.add(key);
  }

  /** The ledger has taken the change. */
  recorded(key: JobKey, { status }: LedgerChange): void {
    this.#unrecorded.delete(key);
    const { clock } = status ?? {};
    if (clock !== undefined && this.#options.source.get(key)?.status?.clock === undefined)
      this.#references.set(key, clock);
    this.followers.recorded(key);
  }

  #decide(job: Job): Decision {
    const { ledger, runners, capacity, clockSteps, evaluatingSince, host, history, notices } = this.#options;
    const { now, ...clock } = clockSteps.look();
    this.followers.note(job.key, job);
    const runs = ledger.runsOf(job.key);
    const closed = ledger.closedOf?.(job.key);
    const known = {
      job,
      runs,
      observations: runners.observe(job.key, runs),
      closed,
      past: ledger.pastOf === undefined ? { closed: closed ?? [], runs } : this.#pastSlots.take(job),
      now,
      clock,
      evaluatingSince: evaluatedSince(job.spec, evaluatingSince + clockSteps.movedMs),
      ledgerFailed: this.#unrecorded.has(job.key),
      traitsOf: runners.traitsOf,
      host,
      history: history?.progress(job, runs),
      notices: notices?.homeOf(job, now),
      capacity: capacity.free(job.spec.executor),
      group: this.groups.standingOf(job),
      after: this.followers.predecessorsOf(job),
      followers: this.followers.followersOf(job),
    } satisfies Omit<Evaluation, 'schedule'>;
    const decision = this.#decision(known);
    this.#takePlaces({ key: job.key, job }, known, decision);
    return decision;
  }

  #decision(known: Omit<Evaluation, 'schedule'>): Decision {
    const { job } = known;
    if (job.terminating) return decideTerminating(known);
    const runner = this.#options.runners.of(job.spec.executor);
    const schedule =
      job.invalid ??
      this.followers.cycleOf(job) ??
      this.#refusals.of(job) ??
      (runner === undefined ? noRunner(job) : this.#schedules.of(job));
    return schedule instanceof LshError ? decideInvalid(known, schedule) : decide({ ...known, schedule });
  }

  /** In the same turn as the decision: no other evaluation may find the places free that its starts take. */
  #takePlaces(
    { key, job }: { key: JobKey; job: Job | undefined },
    { runs, observations }: Pick<Evaluation, 'runs' | 'observations'>,
    { change, waitsForGroup = [] }: Decision,
  ): void {
    // An ended run is no longer active, whatever its observation was.
    const ongoing = () => observations.filter(({ name }) => !change.runs.some((run) => run.name === name));
    this.groups.evaluated(key, job, () => ({
      holding: heldRuns(runsAfter(runs, change.runs), ongoing()),
      waiting: waitsForGroup,
    }));
  }

  /** A ledger that other machines read keeps no setting of this machine’s clock. */
  #withReference(job: Job): Job {
    const { key, status } = job;
    if (status === undefined || status.clock !== undefined) return job;
    const clock = this.#references.get(key) ?? this.#options.clockSteps.initial;
    return { ...job, status: { ...status, clock } };
  }
}

function noRunner(job: Job): LshError {
  return new LshError('EXECUTOR_UNAVAILABLE', { executor: job.spec.executor });
}
