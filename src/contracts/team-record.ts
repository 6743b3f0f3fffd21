// What readers ask of the team's record: the jobs and the finished runs of every machine and every cluster. The documents are
// those of JobApi, and say where they come from. Every method throws HISTORY_UNAVAILABLE, HISTORY_REFUSED,
// SUPABASE_SCHEMA_MISSING, SUPABASE_SCHEMA_OLD, or ORIGIN_NOT_FOUND.
import type { RunDocument } from '../core/document.ts';
import type { JobSpec } from '../core/spec/job-spec.ts';
import type { JobStats } from './job-api.ts';

/** A machine with a daemon, or a cluster with an operator. */
export interface OriginDocument {
  /** Two machines of one name have two. */
  id: string;
  name: string;
  kind: 'Host' | 'Cluster';
  /** Of the operator. */
  namespace?: string;
  /** Of lsh there. */
  version: string;
  /** When it last wrote to the record. */
  lastSeenAt: string;
  /** How far its clock was ahead of the database's then, in milliseconds; negative if behind. Absent where an older lsh writes. */
  clockAheadMs?: number;
}

/** Where a row comes from; absent for runs that were recorded before there were origins. */
export type OriginName = Pick<OriginDocument, 'id' | 'name' | 'kind'>;

export interface TeamRunDocument extends RunDocument {
  namespace: string;
  /** Tells runs of the same name apart: two machines may have jobs of the same name. */
  jobUid: string;
  origin?: OriginName;
}

/** A job as it is at one origin. */
export interface RecordedJob {
  name: string;
  namespace: string;
  uid: string;
  /** Of variables, it has the names alone. */
  spec: JobSpec;
  /** Equal for equal specs. */
  specHash: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  changedAt: string;
  changedBy?: string;
  origin: OriginDocument;
  /** The newest, without its output. */
  lastRun?: TeamRunDocument;
}

/** Figures of a job at one origin. The record has no slots without a run, so nothing says what was missed. */
export interface TeamStats extends Omit<JobStats, 'missed'> {
  namespace: string;
  origin?: OriginName;
}

export interface RecordQuery {
  /** Name of the job. */
  job?: string;
  /** Name or id of an origin. */
  origin?: string;
}

export interface ArrivalQuery extends RecordQuery {
  /** Only runs that failed or were killed. */
  failed?: boolean;
}

export interface TeamRunQuery extends ArrivalQuery {
  /** Name of the run. */
  run?: string;
  /** Only runs created at or after this instant (RFC 3339). */
  since?: string;
  /** Newest first, at most this many; default: all. */
  limit?: number;
}

export interface TeamRecord {
  /** The runs in pages, newest first. Holds one page in memory. */
  runs(query: TeamRunQuery): AsyncIterable<TeamRunDocument[]>;
  /**
   * The runs that arrived after the place, in the order of their arrival, and the next place. Late runs of a machine that was
   * offline are among them. Without a place, no runs, and the place of now.
   */
  arrivals(query: ArrivalQuery, after?: number): Promise<{ runs: TeamRunDocument[]; after: number }>;
  /** What the record has of the output of a run, in its order; a line says where output is missing. */
  output(run: TeamRunDocument): AsyncIterable<Uint8Array>;
  /** Jobs that exist, by name; those that were removed are not among them. */
  jobs(query: RecordQuery): Promise<RecordedJob[]>;
  /** By job and origin, over runs created at or after `since` (RFC 3339). */
  stats(query: RecordQuery & { since?: string }): Promise<TeamStats[]>;
  /** By name. */
  origins(): Promise<OriginDocument[]>;
}
