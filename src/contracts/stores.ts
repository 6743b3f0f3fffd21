// The stores of a platform and their queries. One contract suite (test/contract) runs against every implementation.
import type { LedgerChange } from '../core/decide/decide.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { JobChange } from '../core/record/entry.ts';
import type { Run, RunPhase, SlotRecord } from '../core/run.ts';

/** Durable definitions and their status. Every promise resolves once the change is on disk. */
export interface JobStore {
  jobs(): Promise<Job[]>;
  /** Writes the definition of a new or changed job, but not its status. A store with an outbox adds the change to it. */
  putJob(job: Job, change?: JobChange): Promise<void>;
  /** Removes definition and status. Runs and slots stay as history. */
  removeJob(key: JobKey, removal?: { job: Job; change: JobChange }): Promise<void>;
}

export interface RunQuery {
  job?: JobKey;
  phases?: readonly RunPhase[];
  /** Only runs created at or after this instant (milliseconds). */
  since?: number;
  /** Newest first, at most this many; default 50. */
  limit?: number;
}

export interface SlotQuery {
  job: JobKey;
  /** First instant (milliseconds). The query returns every stretch of slots that overlaps from…to. */
  from: number;
  /** Last instant, included (milliseconds). */
  to: number;
  /** Only slots that have no run. */
  notRun?: boolean | undefined;
  /** Newest first, at most this many; default 50. */
  limit?: number;
}

/** Figures of one job over the stored history. */
export interface RunStats {
  job: JobKey;
  completed: number;
  failed: number;
  killed: number;
  /** Slots that ended without a run: Missed, Forbidden, DeadlineExceeded. */
  missed: number;
  /** Milliseconds; undefined if no run finished. */
  averageMs?: number;
  p95Ms?: number;
  /** Durations of the newest finished runs, at most 30, oldest first (milliseconds). */
  recentDurationsMs: number[];
  /** Creation of the oldest run. */
  firstRunAt?: number;
  /** Creation of the newest run. */
  lastRunAt?: number;
}

/** Durable runs and slots. Each write replaces whole records. */
export interface RunStore {
  /**
   * Writes the change in one transaction; idempotent by run name and by (job, from). Throws RUN_FINISHED and writes
   * nothing if a finished run would become active again. Ignores the status of a job that has been removed.
   */
  commit(key: JobKey, change: LedgerChange): Promise<void>;
  /** Every active run; of each job also the newest Completed and the newest other finished runs, `finishedPerJob` each. */
  current(finishedPerJob: number): Promise<Run[]>;
  run(name: string): Promise<Run | undefined>;
  runs(query: RunQuery): Promise<Run[]>;
  slots(query: SlotQuery): Promise<SlotRecord[]>;
  /** The oldest record of a slot that prune() has left of the job. Of every later slot all runs are left as well. */
  oldestSlot(job: JobKey): Promise<SlotRecord | undefined>;
  /** Figures of each job that has runs or slots since the instant, ordered by key. */
  stats(query: { job?: JobKey; since?: number }): Promise<RunStats[]>;
  /** Deletes finished runs and slots older than the instant. Returns the names of the runs. */
  prune(before: number): Promise<string[]>;
}
