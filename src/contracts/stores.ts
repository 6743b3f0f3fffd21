// What the store of one home keeps, and the questions that people ask of it. One contract suite (test/contract) runs
// against every implementation.
import type { LedgerChange } from '../core/decide/decide.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { Run, RunPhase, SlotRecord } from '../core/run.ts';

/** Definitions and their status, durable. Every promise resolves once the change is on disk. */
export interface JobStore {
  jobs(): Promise<Job[]>;
  /** Writes the definition (not the status) of a job that is new or changed. */
  putJob(job: Job): Promise<void>;
  /** Removes definition and status; runs and slots stay, as history. */
  removeJob(key: JobKey): Promise<void>;
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
  /** Stretches that touch this span, ends included (milliseconds). */
  from: number;
  to: number;
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
  /** Milliseconds; undefined where nothing finished. */
  averageMs?: number;
  p95Ms?: number;
  /** Durations of the newest finished runs in milliseconds, oldest of them first, at most 30. */
  recentDurationsMs: number[];
  /** When the oldest and the newest run were created. */
  firstRunAt?: number;
  lastRunAt?: number;
}

/** Runs and slots: written whole, read by people. One contract suite runs against every implementation. */
export interface RunStore {
  /**
   * One transaction; idempotent by run name and by (job, from). RUN_FINISHED, and nothing written, where a
   * finished run would become active again. The status of a job that was removed meanwhile is dropped.
   */
  commit(key: JobKey, change: LedgerChange): Promise<void>;
  /** Every active run, and of each job the newest Completed and the newest other finished ones, so many each. */
  current(finishedPerJob: number): Promise<Run[]>;
  run(name: string): Promise<Run | undefined>;
  runs(query: RunQuery): Promise<Run[]>;
  slots(query: SlotQuery): Promise<SlotRecord[]>;
  /** Of the jobs that have runs or slots since the instant, by key. */
  stats(query: { job?: JobKey; since?: number }): Promise<RunStats[]>;
  /** Deletes finished runs and slots older than the instant; returns the names of the runs. */
  prune(before: number): Promise<string[]>;
}
