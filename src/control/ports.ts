// Every interface between the loop and the world, in one page. Adapters implement them; the loop knows no more.
import type { LedgerChange } from '../core/decide/decide.ts';
import type { JobEvent } from '../core/decide/events.ts';
import type { RunnerTraits } from '../core/executor.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { ClosedStretch, Run, RunObservation, StopCause } from '../core/run.ts';

/** The wall clock and its timers. Times are milliseconds since the epoch. */
export interface Clock {
  now(): number;
  /** Milliseconds that never step, for telling a clock step from a pause. */
  monotonic(): number;
  /**
   * Calls back once at the given wall time or a little later. If the wall clock is set back meanwhile, calls back
   * after the time that was to pass, with the wall clock still before the instant. The returned function cancels.
   */
  at(time: number, callback: () => void): () => void;
}

/** Informer and lister: the jobs as they are now, and an announcement when a job changes. */
export interface JobSource {
  get(key: JobKey): Job | undefined;
  /** Every job, and each removed job that still has active runs. */
  keys(): Iterable<JobKey>;
  /** The listener only enqueues; it must not throw. */
  onChange(listener: (key: JobKey) => void): void;
  hasSynced(): boolean;
}

/** The durable record of slots and runs that makes a double or a lost run visible. */
export interface Ledger {
  /** The job’s active runs, and the finished runs within its history limits. */
  runsOf(key: JobKey): Run[];
  /** Stretches of slots that are recorded as not run; only where start() comes before the record. */
  closedOf?(key: JobKey): readonly ClosedStretch[];
  /** Resolves once the change is durable. Rejects with a retryable LshError on a conflict. */
  commit(key: JobKey, change: LedgerChange): Promise<void>;
  /**
   * The reconciler asks before each decision. After a write whose answer was lost, resolves once this view of the
   * job is at least as new as that write; undefined if there was no such write.
   */
  refresh?(key: JobKey): Promise<void> | undefined;
}

/**
 * The executor: starts, stops and observes attempts. The name of a run is unique within its namespace; a runner
 * that serves several namespaces tells runs apart by the job’s key as well.
 */
export interface Runner {
  readonly traits: RunnerTraits;
  /** How many more runs may start now. */
  capacity(): number;
  /** Idempotent by run name. A run that cannot start is an observation that Ended, not an exception. */
  start(job: Job, run: Run): Promise<void>;
  /**
   * Asks a run to end; its end arrives as an observation. A second request, and a request for a run that has ended,
   * change nothing. Names are unique within a job; `key` names the job.
   */
  stop(name: string, cause: StopCause, graceMs: number, key: JobKey): void | Promise<void>;
  /** What the runner knows of the job’s runs: each until release() is called for it. */
  observe(key: JobKey): RunObservation[];
  /** The ledger holds the end of this run: the runner forgets it. */
  release(name: string, key: JobKey): void;
  /** As Ledger.refresh, for starts whose answer was lost. */
  refresh?(key: JobKey): Promise<void> | undefined;
  /** Beyond the history limits: deletes what the run left behind, such as a Kubernetes Job. */
  remove?(name: string, key: JobKey): void | Promise<void>;
  /** Called when an observation of the job changed, and when capacity came free. The listener only enqueues. */
  onChange(listener: (key: JobKey) => void): void;
}

/** What one evaluation of a job made durable. */
export interface Recorded {
  key: JobKey;
  /** The job as it was evaluated; undefined if it has been removed. */
  job: Job | undefined;
  change: LedgerChange;
  events: readonly JobEvent[];
}

/**
 * Hears of every commit, in order per job. A listener takes notes for later; it must not throw and must not wait,
 * because the next evaluation of the job waits for it.
 */
export type RecordedListener = (recorded: Recorded) => void;

/** What the loop tells those who measure it. All times are milliseconds. */
export interface Meter {
  /** One key was reconciled. */
  reconciled(result: 'success' | 'error' | 'conflict', tookMs: number): void;
  /** A key was made ready; `again` for a key that came back after a failure. */
  queued(again: boolean): void;
  /** A run was started this long after its instant. */
  started(run: Run, lagMs: number): void;
}

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The team’s history: finished runs, kept for longer than the ledger shows them. */
export interface RunHistory {
  /**
   * Resolves once all of the runs are recorded. A run that is recorded stays as it is, so after a failure the caller
   * may give all of them again. Rejects with HISTORY_UNAVAILABLE (retryable) or HISTORY_REFUSED.
   */
  record(runs: readonly Run[]): Promise<void>;
}
