// Every interface between the loop and the world, in one page. Adapters implement them; the loop knows no more.
import type { Job, JobKey } from '../core/job.ts';
import type { LedgerChange } from '../core/decide/decide.ts';
import type { ClosedStretch } from '../core/decide/late-start.ts';
import type { Run, RunObservation, StopCause } from '../core/run.ts';

/** The wall clock and its timers. Times are milliseconds since the epoch. */
export interface Clock {
  now(): number;
  /** Milliseconds that never step, for telling a clock step from a pause. */
  monotonic(): number;
  /**
   * Calls back once at the given wall time or a little after; also, with the wall clock still before it, when as
   * long has passed as was to be waited, because the clock was set back. The returned function cancels.
   */
  at(time: number, callback: () => void): () => void;
}

/** Informer and lister: the jobs as they are now, and a word when one changes. */
export interface JobSource {
  get(key: JobKey): Job | undefined;
  /** Of every job, and of those removed ones that still have active runs. */
  keys(): Iterable<JobKey>;
  /** The listener only enqueues; it must not throw. */
  onChange(listener: (key: JobKey) => void): void;
  hasSynced(): boolean;
}

/** The durable record of slots and runs that makes a double or a lost run visible. */
export interface Ledger {
  /** The job’s active runs, and the finished ones that its history limits still show. */
  runsOf(key: JobKey): Run[];
  /** Stretches of slots that are recorded as not run; where start() comes before the record. */
  closedOf?(key: JobKey): readonly ClosedStretch[];
  /** Resolves once the change is durable. Rejects with a retryable LshError on a conflict. */
  commit(key: JobKey, change: LedgerChange): Promise<void>;
  /**
   * Asked before each decision, where a write may end without an answer: resolves once what is known of the job is
   * no older than what may have been written; undefined when it is not.
   */
  settled?(key: JobKey): Promise<void> | undefined;
}

/**
 * The executor: starts, stops and observes attempts. The name of a run is unique within its namespace; a runner
 * that serves several namespaces tells runs apart by the job’s key as well.
 */
export interface Runner {
  /**
   * Who guarantees that a run starts once: `ledger` = it must be recorded as Running before start(),
   * `name` = start() itself is refused for a name that exists, so it may come first.
   */
  readonly claim: 'ledger' | 'name';
  /** How many more runs may start now. */
  capacity(): number;
  /** Idempotent by run name. A run that cannot start is an observation that Ended, not an exception. */
  start(job: Job, run: Run): Promise<void>;
  /**
   * Asks a run to end; its end arrives as an observation. Asked again while it is ending, and for a run that has
   * ended, nothing happens. Names are unique within a job; `key` says of which.
   */
  stop(name: string, cause: StopCause, graceMs: number, key: JobKey): void | Promise<void>;
  /** What is known of the job’s runs: each until release() is called for it. */
  observe(key: JobKey): RunObservation[];
  /** The ledger holds the end of this run: forget it. */
  release(name: string, key: JobKey): void;
  /** As Ledger.settled, for starts that ended without an answer. */
  settled?(key: JobKey): Promise<void> | undefined;
  /** Beyond the history limits: deletes what the run left in the runner’s world, such as a Kubernetes Job. */
  remove?(name: string, key: JobKey): void | Promise<void>;
  /** Called when an observation of the job changed, and when capacity came free. Only enqueue in it. */
  onChange(listener: (key: JobKey) => void): void;
}

/** Where a job’s events go: Kubernetes Events, or the log. */
export interface Recorder {
  event(job: Job, type: 'Normal' | 'Warning', reason: string, note: string): void;
}

/** What the loop tells those who measure it. All times are milliseconds. */
export interface Meter {
  /** One key was reconciled. */
  reconciled(result: 'success' | 'error' | 'conflict', tookMs: number): void;
  /** A key was made ready; `again` for one that came back after a failure. */
  queued(again: boolean): void;
  /** How long after its instant a run was started. */
  started(run: Run, lagMs: number): void;
  /** What became durable. */
  recorded(change: LedgerChange): void;
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
   * Resolves once all of the runs are recorded. A run that is recorded stays as it is, so that after a failure all of
   * them can be given again. Rejects with HISTORY_UNAVAILABLE (retryable) or HISTORY_REFUSED.
   */
  record(runs: readonly Run[]): Promise<void>;
}
