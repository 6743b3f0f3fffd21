// One job, its ledger and its runner in memory. The world calls decide() as the reconciler does; the test decides
// when time passes, when a run ends and when the process crashes.
import type { CalendarDays } from '../../../src/core/schedule/days/day-rules.ts';
import { jobSchedule } from '../../../src/core/schedule/job-schedule.ts';
import { decide, decideInvalid, decideTerminating, type Decision } from '../../../src/core/decide/decide.ts';
import type { BackfillRequest, SlotRange } from '../../../src/core/backfill/backfill.ts';
import type { ClockReading } from '../../../src/core/decide/clock-step.ts';
import { eventText } from '../../../src/core/decide/events.ts';
import type { LshError } from '../../../src/core/errors.ts';
import type { GroupStanding } from '../../../src/core/decide/related/group.ts';
import type { HistoryProgress } from '../../../src/core/decide/history-sync.ts';
import type { NoticeHome } from '../../../src/core/notices/notice.ts';
import type { RunnerTraits } from '../../../src/core/executor.ts';
import type { Job } from '../../../src/core/job.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import {
  isActive,
  isUnderWay,
  type Run,
  type RunEnd,
  type RunObservation,
  type SlotRecord,
} from '../../../src/core/run.ts';
import type { Correction } from '../../../src/core/run.ts';
import { aJob, at } from '../builders.ts';

/** The traits of the shipped runners. */
export const TRAITS: Record<'Shell' | 'Job', RunnerTraits> = {
  Shell: { claim: 'ledger', keepsTimeout: false, startsLater: false, hasHost: true, leavesObject: false },
  Job: { claim: 'name', keepsTimeout: true, startsLater: true, hasHost: false, leavesObject: true },
};

export const traitsOf = (executor: 'Shell' | 'Job'): RunnerTraits => TRAITS[executor];

/** A clock that was never set. */
export const UNSET_CLOCK: ClockReading = { reference: { id: 'this boot', offsetMs: 0 }, steps: [] };

export class World {
  job: Job;
  now: number;
  evaluatingSince: number;
  capacity = Infinity;
  /** What the other jobs of the concurrency group hold and wait for. */
  group: GroupStanding | undefined;
  /** Makes the job invalid while it is set. */
  problem: LshError | undefined;
  /** Names of runs that a former leader started, beside the decisions of the present one. */
  readonly lateStarts = new Set<string>();
  /** Progress of the team’s history; undefined without one. */
  history: HistoryProgress | undefined;
  /** Notices of the home; undefined without any. */
  notices: NoticeHome | undefined;
  /** As RunnerTraits.claim. With `name`, the children carry their run. */
  claim: 'ledger' | 'name' = 'ledger';
  /** The contents of the calendars, by name. */
  calendars: Record<string, CalendarDays> = {};
  /** The setting of the clock. */
  clock = UNSET_CLOCK;
  readonly runs = new Map<string, Run>();
  readonly forgotten: string[] = [];
  readonly slots: SlotRecord[] = [];
  readonly children = new Map<string, RunObservation>();
  readonly started: string[] = [];
  readonly events: string[] = [];
  /** The sentences of the events. */
  readonly notes: string[] = [];
  /** Whether the ledger did not take the last evaluation. */
  ledgerFailed = false;

  constructor(spec: JobSpecInput, createdAt = '2026-01-01T00:00:00Z') {
    this.now = at(createdAt);
    this.evaluatingSince = this.now;
    this.job = aJob(spec, { createdAt: this.now });
  }

  /** Evaluates at the given instant and applies the decision. */
  evaluate(instant: string | number = this.now): Decision {
    this.now = typeof instant === 'number' ? instant : at(instant);
    const decision = this.decide();
    this.record(decision);
    for (const action of decision.actions) {
      if (action.kind === 'Start') this.start(action.run);
      const gone = this.claim === 'name' ? 'Remove' : 'Release';
      if (action.kind === gone) this.children.delete(action.name);
    }
    return decision;
  }

  decide(): Decision {
    const { job } = this;
    const shown = [...this.runs.values()].filter((run) => !this.forgotten.includes(run.name));
    const known = {
      job,
      runs: shown,
      observations: [...this.children.values()],
      ...(this.claim === 'name' && { closed: this.closed() }),
      past: { closed: this.closed(), runs: this.claim === 'name' ? shown : [...this.runs.values()] },
      now: this.now,
      clock: this.clock,
      evaluatingSince: this.evaluatingSince,
      ledgerFailed: this.ledgerFailed,
      traitsOf,
      capacity: this.capacity,
      group: this.group,
      history: this.history,
      notices: this.notices,
    };
    if (job.terminating) return decideTerminating(known);
    if (this.problem !== undefined) return decideInvalid(known, this.problem);
    return decide({
      ...known,
      schedule: jobSchedule(job, {
        starts: { '@reboot': this.evaluatingSince, '@daemon-start': this.evaluatingSince },
        calendars: (name) => this.calendars[name],
      }),
    });
  }

  /** Sets the wall clock; no time passes. The process notices at once. */
  setClockBy(seconds: number): void {
    const byMs = seconds * 1000;
    const { reference, steps } = this.clock;
    this.clock = {
      reference: { ...reference, offsetMs: reference.offsetMs + byMs },
      steps: [...steps, { at: this.now, byMs }],
    };
    this.now += byMs;
    this.evaluatingSince += byMs;
  }

  record(decision: Decision): void {
    for (const run of decision.change.runs) this.runs.set(run.name, run);
    for (const correction of decision.change.corrections ?? []) this.correct(correction);
    this.slots.push(...decision.change.slots);
    this.forgotten.push(...decision.change.forget);
    this.events.push(...decision.events.map((event) => eventText(event).reason));
    this.notes.push(...decision.events.map((event) => eventText(event).note));
    if (decision.change.status !== undefined) this.job = { ...this.job, status: decision.change.status };
  }

  start(run: Run): void {
    // The runner refuses a name that exists, which counts as success.
    if (this.claim === 'name' && this.children.has(run.name)) return;
    this.started.push(run.name);
    this.children.set(run.name, { ...this.observationOf(run), state: 'Running', startedAt: this.now });
  }

  /** A delayed start of a former leader reaches the runner now. */
  startLate(run: Run): void {
    // An ended run keeps its name taken for longer than a start can be delayed.
    if (this.started.includes(run.name)) return;
    if (this.runs.get(run.name)?.phase !== 'Running') this.lateStarts.add(run.name);
    this.start(run);
  }

  private closed(): SlotRecord[] {
    return this.slots.filter(({ outcome }) => outcome !== 'Ran');
  }

  private correct({ slot, left }: Correction): void {
    const index = this.slots.findIndex(
      ({ from, to, outcome }) => outcome !== 'Ran' && from <= slot && slot <= to,
    );
    const stretch = this.slots[index];
    if (stretch === undefined) throw new Error('no stretch to correct');
    this.slots.splice(index, 1, ...left.map((part) => ({ ...stretch, ...part })));
  }

  private observationOf(run: Run): { name: string; run?: Run } {
    return this.claim === 'name' ? { name: run.name, run } : { name: run.name };
  }

  /** Ends the newest (or named) running run; the next evaluation observes it. */
  end(end: Partial<Omit<RunEnd, 'name' | 'state'>> = {}, name = this.running().at(-1)?.name): void {
    if (name === undefined) throw new Error('nothing is running');
    const { run } = this.children.get(name) ?? {};
    this.children.set(name, { name, run, state: 'Ended', finishedAt: this.now, exitCode: 0, ...end });
  }

  edit(spec: JobSpecInput): void {
    const { generation, createdAt, status, backfill } = this.job;
    this.job = {
      ...aJob(spec, { createdAt }),
      status,
      backfill,
      generation: generation + 1,
      specChangedAt: this.now,
    };
  }

  trigger(id: string): void {
    this.job = { ...this.job, trigger: { id } };
  }

  backfill(request: Partial<BackfillRequest> & SlotRange): void {
    this.job = { ...this.job, backfill: { id: 'backfill-1', parallel: 1, ...request } };
  }

  cancelBackfill(): void {
    this.job = { ...this.job, backfill: undefined };
  }

  active(): Run[] {
    return [...this.runs.values()].filter(isActive);
  }

  /** The runs that the runner has. */
  running(): Run[] {
    return this.active().filter(isUnderWay);
  }

  /** Runs by slot as "HH:MM:SS phase reason". */
  runResults(): string[] {
    return [...this.runs.values()].map((run) =>
      [new Date(run.slot).toISOString().slice(11, 19), run.phase, run.reason].filter(Boolean).join(' '),
    );
  }

  /** Outcomes as "HH:MM:SS outcome" or "HH:MM:SS-HH:MM:SS xN outcome". */
  outcomes(): string[] {
    const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19);
    return this.slots.map(({ from, to, count, outcome }) =>
      from === to ? `${clock(from)} ${outcome}` : `${clock(from)}-${clock(to)} x${count} ${outcome}`,
    );
  }
}
