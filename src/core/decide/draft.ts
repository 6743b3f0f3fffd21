// The working copy of one evaluation. The steps of decide() write to it and to nothing else.
import type { Backfill, SlotRange } from '../backfill/backfill.ts';
import type { Executor, RunnerTraits } from '../executor.ts';
import { NO_TOTALS, type ClockEffect, type Job, type RunTotals } from '../job.ts';
import { effectOn, movedRun, type ClockReading, type SteppedJob } from './clock-step.ts';
import type { JobEvent } from './events.ts';
import type { Followers, Predecessor } from './related/ends.ts';
import { cancelled } from './run-state.ts';
import { isActive, type Correction, type Run, type SlotRecord, type StopCause } from '../run.ts';

export type Action =
  | { kind: 'Start'; run: Run }
  | { kind: 'Stop'; run: Run; cause: StopCause; graceMs: number }
  /** The ledger holds the run’s end, so the runner may forget the run. */
  | { kind: 'Release'; name: string }
  /** Deletes the Kubernetes Job or log of a run beyond the history limits; without `executor`, from every runner. */
  | { kind: 'Remove'; name: string; executor?: Executor };

export interface Draft {
  readonly job: Job;
  readonly now: number;
  readonly clock: ClockReading;
  /** What steps of the clock did to the schedule. */
  readonly clockEffect: ClockEffect | undefined;
  readonly traitsOf: (executor: Executor) => RunnerTraits;
  readonly runs: Map<string, Run>;
  readonly changed: Set<string>;
  readonly slots: SlotRecord[];
  readonly corrections: Correction[];
  readonly actions: Action[];
  readonly events: JobEvent[];
  readonly totals: RunTotals;
  /** The newest backfill of the job. */
  backfill: Backfill | undefined;
  /** Ranges that have had their backfill. */
  backfilled: SlotRange[] | undefined;
  /** The jobs that this one follows. */
  readonly after: readonly Predecessor[];
  /** How many ends of the job have numbers; undefined if no job follows it. */
  ends: number | undefined;
  /** The cursor after this evaluation: every slot at or before it has an outcome. */
  accountedUntil: number;
  /** When the job must be evaluated again if no change comes earlier, milliseconds. */
  wakeAt: number;
}

interface DraftInput extends Pick<Draft, 'now' | 'clock' | 'traitsOf'> {
  stepped: SteppedJob;
  runs: readonly Run[];
  host?: string;
  after?: readonly Predecessor[];
  followers?: Followers;
}

export function newDraft({
  stepped: { job, byMs },
  runs,
  now,
  clock,
  traitsOf,
  host,
  after = [],
  followers,
}: DraftInput): Draft {
  /** A run that waits, waits on this clock; a process is of this host, or has the times of the API server. */
  const isOfThisClock = (run: Run) =>
    run.phase === 'Created' || (traitsOf(run.executor).hasHost && run.host === host);
  const moved = runs.map((run) => movedRun(run, byMs, isOfThisClock));
  return {
    job,
    now,
    clock,
    clockEffect: effectOn(job, clock),
    traitsOf,
    runs: new Map(moved.map((run) => [run.name, run])),
    changed: new Set(moved.filter((run, index) => run !== runs[index]).map(({ name }) => name)),
    slots: [],
    corrections: [],
    actions: [],
    events: [],
    after,
    backfill: job.status?.backfill,
    backfilled: job.status?.backfilled,
    ends: job.status?.ends ?? (followers && 0),
    totals: { ...(job.status?.totals ?? NO_TOTALS) },
    accountedUntil: job.status?.accountedUntil ?? job.createdAt,
    wakeAt: Infinity,
  };
}

export function put(draft: Draft, run: Run): void {
  draft.runs.set(run.name, run);
  draft.changed.add(run.name);
}

/** The runs that this evaluation added or changed. */
export function changedRuns(draft: Draft): Run[] {
  return [...draft.changed].map((name) => draft.runs.get(name)).filter((run) => run !== undefined);
}

/** Active runs, oldest slot first. */
export function activeRuns(draft: Draft): Run[] {
  return [...draft.runs.values()].filter(isActive).sort((a, b) => a.slot - b.slot || a.attempt - b.attempt);
}

/** Whether the run belongs to this job. False for runs of a removed job of the same name. */
export function isOwn({ job }: Draft, run: Run): boolean {
  return run.jobUid === job.uid;
}

export function wakeBy(draft: Draft, at: number): void {
  draft.wakeAt = Math.min(draft.wakeAt, at);
}

/** When lsh times out a running attempt; undefined if the executor enforces the timeout. */
export function timeoutAt({ job, traitsOf }: Draft, { executor, startedAt }: Run): number | undefined {
  const { timeoutSeconds } = job.spec;
  if (timeoutSeconds === undefined || startedAt === undefined) return undefined;
  return traitsOf(executor).keepsTimeout ? undefined : startedAt + timeoutSeconds * 1000;
}

/** Cancels a waiting run, or marks a running run for a stop. The first cause wins. */
export function requestStop(draft: Draft, run: Run, cause: StopCause): void {
  if (run.phase === 'Created') {
    put(draft, cancelled(run, cause, draft.now));
    draft.totals.killed++;
    countBackfilled(draft, run, 'failed');
  } else if (run.stopCause === undefined) {
    put(draft, { ...run, stopCause: cause });
  }
}

/** Counts a slot of the backfill whose last attempt has ended. */
export function countBackfilled(draft: Draft, run: Run, result: 'completed' | 'failed'): void {
  const { backfill } = draft;
  if (backfill === undefined || run.trigger !== 'Backfill' || run.triggerId !== backfill.id) return;
  draft.backfill = { ...backfill, [result]: backfill[result] + 1 };
}
