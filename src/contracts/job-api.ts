// What a person can ask about jobs, the same in both homes: the daemon's handlers and its client implement it,
// and so does the cluster's side. Every method takes one payload and answers with documents.
import type { JobDocument, RunDocument, SlotDocument } from '../core/document.ts';
import type { JobManifest } from '../core/job.ts';
import type { RunPhase } from '../core/run.ts';
import type { FieldChange } from '../core/spec-changes.ts';

export interface PutResult {
  result: 'created' | 'configured' | 'unchanged';
  changes: FieldChange[];
  /** Advice that did not stop the change, such as a risky command let through by configuration. */
  warnings: string[];
  /** The next slots (RFC 3339 with the offset of the job’s zone), at most three; none while suspended. */
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
  /** Name of a run; default: the newest of the job. */
  run?: string;
  /** Goes on until the run has finished. */
  follow?: boolean;
}

export interface JobApi {
  /** Creates or changes a job by name; JOB_INVALID names every problem with its field path. */
  put(request: { job: JobManifest; dryRun?: boolean }): Promise<PutResult>;
  list(request: { tags?: string[] }): Promise<JobDocument[]>;
  get(request: { name: string }): Promise<JobDocument>;
  /** Stops what is active and forgets the definition; history stays. */
  remove(request: { name: string }): Promise<{ stopped: string[] }>;
  suspend(request: { name: string; suspend: boolean }): Promise<PutResult>;
  /** Starts a run now; the same id again answers with the same run. RUN_FORBIDDEN where the policy says no. */
  trigger(request: { name: string; id: string; requestedBy?: string }): Promise<RunDocument>;
  /** Asks the active runs of the job, or the named one, to end; answers with their names. */
  stop(request: { name: string; run?: string }): Promise<{ stopped: string[] }>;
  /** Newest first. */
  runs(request: {
    name?: string;
    phases?: RunPhase[];
    since?: string;
    limit?: number;
  }): Promise<RunDocument[]>;
  /** With `wait`, answers when the run has finished. */
  run(request: { run: string; wait?: boolean }): Promise<RunDocument>;
  /** Outcomes of slots between two instants (RFC 3339), newest first. */
  slots(request: { name: string; from: string; to: string; limit?: number }): Promise<SlotDocument[]>;
  stats(request: { name?: string; since?: string }): Promise<JobStats[]>;
  /** The kept output of a run, as it was written. */
  log(request: LogQuery, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}
