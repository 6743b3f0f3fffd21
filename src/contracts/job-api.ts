// The API of both front ends. The handlers of the daemon, their client and the cluster implement it, so that every
// command works the same locally and in a cluster. Each method takes one payload and returns documents.
import type { BackfillAnswer, BackfillOrder } from './backfill.ts';
import type { JobDocument, RunDocument, SlotDocument } from '../core/document.ts';
import type { BackfillDocument } from '../core/backfill/backfill-document.ts';
import type { JobManifest } from '../core/job.ts';
import type { RunPhase } from '../core/run.ts';
import type { JobNotices } from '../core/notices/explain-notices.ts';
import type { FieldChange } from '../core/validate/spec-changes.ts';

export interface PutResult {
  result: 'created' | 'configured' | 'unchanged';
  changes: FieldChange[];
  /** Warnings that did not stop the change, such as a dangerous command that the configuration allows. */
  warnings: string[];
  /** Readings of the schedule that may surprise, and the clock changes that touch it; a sentence each. */
  notes: string[];
  /** At most three next slots, RFC 3339 with the offset of the job’s zone; empty while suspended. */
  next: string[];
  job: JobDocument;
}

export interface JobStats {
  job: string;
  completed: number;
  failed: number;
  killed: number;
  missed: number;
  averageMs?: number;
  p95Ms?: number;
  recentDurationsMs: number[];
  firstRunAt?: string;
  lastRunAt?: string;
}

export interface LogQuery {
  name: string;
  /** Name of a run; default: the newest run of the job. */
  run?: string;
  /** Whether the stream stays open until the run has finished. */
  follow?: boolean;
}

export interface JobApi {
  /** Creates or changes a job by name. Throws JOB_INVALID with the field path of every problem. */
  put(request: { job: JobManifest; dryRun?: boolean }): Promise<PutResult>;
  list(request: { tags?: string[] }): Promise<JobDocument[]>;
  get(request: { name: string }): Promise<JobDocument>;
  /** Stops the active runs and removes the definition. The history stays. Warns of jobs that follow this one. */
  remove(request: { name: string }): Promise<{ stopped: string[]; warnings: string[] }>;
  /** Pauses the job, until `resumeAt` (RFC 3339) if that is given, or resumes it. */
  suspend(request: { name: string; suspend: boolean; resumeAt?: string }): Promise<PutResult>;
  /** Starts a run now. The same id returns the same run. Throws RUN_FORBIDDEN if the policy forbids a run. */
  trigger(request: { name: string; id: string; requestedBy?: string }): Promise<RunDocument>;
  /**
   * Runs past slots. Throws BACKFILL_INVALID for a range that it cannot have, and BACKFILL_ACTIVE while another is under way.
   */
  backfill(order: BackfillOrder): Promise<BackfillAnswer>;
  /** Ends the backfill that is under way: its active runs go on. Returns it; undefined if there was none. */
  cancelBackfill(request: { name: string }): Promise<{ backfill?: BackfillDocument }>;
  /** Requests the stop of the active runs, or of the named run. Returns their names. */
  stop(request: { name: string; run?: string }): Promise<{ stopped: string[] }>;
  /** Newest first. */
  runs(request: {
    name?: string;
    phases?: RunPhase[];
    since?: string;
    limit?: number;
  }): Promise<RunDocument[]>;
  /** With `wait`, returns when the run has finished. */
  run(request: { run: string; wait?: boolean }): Promise<RunDocument>;
  /** Outcomes of slots between two instants (RFC 3339), newest first. */
  slots(request: {
    name: string;
    from: string;
    to: string;
    /** Only slots that have no run. */
    notRun?: boolean;
    limit?: number;
  }): Promise<SlotDocument[]>;
  stats(request: { name?: string; since?: string }): Promise<JobStats[]>;
  /** What channels hear of the job, have heard, and have still to hear. */
  noticesOf(request: { name: string }): Promise<JobNotices>;
  /** The stored output of a run, byte for byte. */
  log(request: LogQuery, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}
