// Every interface between the loop and the world on one page. Adapters implement them; the loop knows only these.
import type { PastSlots } from '../core/backfill/plan.ts';
import type { LedgerChange } from '../core/decide/decide.ts';
import type { JobEvent } from '../core/decide/events.ts';
import type { LshError } from '../core/errors.ts';
import type { RunnerTraits } from '../core/executor.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { HistoryEntry } from '../core/record/entry.ts';
import type { JobPayload } from '../core/record/job-record.ts';
import type { KeptOutput } from '../core/record/output-chunks.ts';
import type { CalendarDays } from '../core/schedule/days/day-rules.ts';
import type { ClosedStretch, Run, RunObservation, StartingRun, StopCause } from '../core/run.ts';

/** The wall clock and its timers. Times are milliseconds since the epoch. */
export interface Clock {
  now(): number;
  /** Milliseconds of a clock that never steps. It may stop while the machine sleeps. */
  monotonic(): number;
  /** Milliseconds since the boot. It counts sleep and never steps, is coarse, and costs a read of a file. */
  uptime(): number;
  /**
   * Calls back once, at the given wall time or a little later. If the wall clock is set back meanwhile, calls back
   * after the originally remaining time, so now() may be before `time`. The returned function cancels.
   */
  at(time: number, callback: () => void): () => void;
}

/** The jobs as they are now, and an announcement of each change: an informer and its lister. */
export interface JobSource {
  get(key: JobKey): Job | undefined;
  /** Every job, and every removed job that still has active runs. */
  keys(): Iterable<JobKey>;
  /** The listener only enqueues; it must not throw. */
  onChange(listener: (key: JobKey) => void): void;
  hasSynced(): boolean;
  /** Removes a job that ran once and is over; absent where its object stays. Does nothing for another job. */
  retire?(key: JobKey): Promise<void>;
}

/** The calendars that jobs name. */
export interface Calendars {
  /** Takes in what has changed of the named ones; undefined if nothing has. Never rejects. */
  refresh(names: readonly string[]): Promise<void> | undefined;
  /** The same object until the calendar changes. Throws CALENDAR_UNKNOWN, CALENDAR_INVALID. */
  content(name: string): CalendarDays;
}

/** The durable record of slots and runs. It makes a double run or a lost slot visible. */
export interface Ledger {
  /** The job’s active runs, and the finished runs within its history limits. */
  runsOf(key: JobKey): Run[];
  /** The same runs for a look from outside an evaluation of the job. */
  shownRunsOf(key: JobKey): readonly Run[];
  /** Stretches of slots that are recorded as not run; only if a runner starts runs before their record. */
  closedOf?(key: JobKey): readonly ClosedStretch[];
  /** What is recorded of past slots of the job; undefined if runsOf() and closedOf() say all there is. */
  pastOf?(job: Job, slots: readonly number[]): Promise<PastSlots>;
  /** Resolves once the change is durable. Rejects with a retryable LshError on a conflict. */
  commit(key: JobKey, change: LedgerChange): Promise<void>;
  /**
   * Takes in a change that a restart would find again, in the runs that the runner shows. Reads include it at once, and
   * the next commit writes it. Undefined if the ledger itself is the claim of every run.
   */
  hold?(key: JobKey, change: LedgerChange): void;
  /** Whether a held change is not written yet. */
  holds?(key: JobKey): boolean;
  /**
   * Called before each decision. After a write whose response was lost, resolves once this view of the job includes
   * the write, if the write succeeded; undefined if there was no such write.
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
  /** Idempotent by run name. If the run cannot start, the runner does not throw; it observes the run as Ended. */
  start(job: Job, run: StartingRun): Promise<void>;
  /**
   * Why no run of the job can ever start, as far as the runner can find out without a start; undefined if it found no
   * reason. Asked once for each version of the spec.
   */
  check?(job: Job): Promise<LshError | undefined>;
  /**
   * Requests the end of a run; the end arrives as an observation. A repeated request and a request for an ended run
   * change nothing. Names are unique within a job; `key` names the job.
   */
  stop(name: string, cause: StopCause, graceMs: number, key: JobKey): void | Promise<void>;
  /** The runner’s observations of the job’s runs: each run until release() is called for it. */
  observe(key: JobKey): RunObservation[];
  /** The ledger holds the end of this run: the runner forgets it. */
  release(name: string, key: JobKey): void;
  /** As Ledger.refresh, for starts whose response was lost. */
  refresh?(key: JobKey): Promise<void> | undefined;
  /** Deletes the Kubernetes Job or log of a run beyond the history limits. */
  remove?(name: string, key: JobKey): void | Promise<void>;
  /** Calls the listener when an observation of the job changes and when capacity becomes free. It only enqueues. */
  onChange(listener: (key: JobKey) => void): void;
}

/** One commit: the changes of an evaluation, now durable, or held because a restart would find them again. */
export interface Recorded {
  key: JobKey;
  /** The job as it was evaluated; undefined if it has been removed. */
  job: Job | undefined;
  change: LedgerChange;
  events: readonly JobEvent[];
}

/**
 * Hears of every commit, in order per job. A listener must neither throw nor wait, because the next evaluation of the
 * job waits for it. Work that takes time is queued for later.
 */
export type RecordedListener = (recorded: Recorded) => void;

/** Measurements of the loop. All times are milliseconds. */
export interface Meter {
  /** A worker reconciled a key. */
  reconciled(result: 'success' | 'error' | 'conflict', tookMs: number): void;
  /** A key became ready; `again` if it is retried after a failure. */
  queued(again: boolean): void;
  /** A run started this long after its startAfter. */
  started(run: Run, lagMs: number): void;
}

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * What is kept of the output of a finished run, at most `maxBytes` of it; undefined if nothing is, or if it
 * cannot be read: the end that stands in the record takes its place.
 */
export type OutputReader = (run: Run, maxBytes: number) => Promise<KeptOutput | undefined>;

/** The team’s history: finished runs, kept longer than the ledger shows them, jobs, and who changed them. */
export interface TeamHistory {
  /**
   * Resolves once all entries are recorded. Recording an entry again changes nothing, so after a failure the caller may
   * repeat the call. Rejects with HISTORY_UNAVAILABLE (retryable) or HISTORY_REFUSED.
   */
  record(entries: readonly HistoryEntry[]): Promise<void>;
}

/** A job of this origin as the team’s history has it. */
export interface RecordedJob {
  job: JobKey;
  uid: string;
  revision: number;
  isRemoved: boolean;
  /** Whether its row would be the same. */
  matches(payload: JobPayload): boolean;
}

/** The jobs that the team’s history has. */
export interface JobRoster {
  /** All of this origin. Rejects as TeamHistory.record(). */
  jobs(): Promise<RecordedJob[]>;
}

/** How a stored entry is known again. */
export type StoredEntry = Pick<HistoryEntry, 'id' | 'kind'>;

/** Entries that the team’s history lacks, on disk, in the order of their changes. */
export interface OutboxStore {
  /** How many entries are behind a place; 0 is before the first. */
  count(place: number): number;
  /** The entries behind a place, at most `limit`. */
  after(place: number, limit: number): { place: number; entry: HistoryEntry }[];
  /** Resolves once they are gone. */
  remove(entries: readonly StoredEntry[]): Promise<void>;
}
