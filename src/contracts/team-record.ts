// What readers ask of the team's record: the jobs and the finished runs of every machine and every cluster. The documents are
// those of JobApi, and say where they come from. Every method throws HISTORY_UNAVAILABLE, HISTORY_REFUSED,
// SUPABASE_SCHEMA_MISSING, SUPABASE_SCHEMA_OLD, or ORIGIN_NOT_FOUND.
import type { RunDocument } from '../core/document.ts';

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

export interface RecordQuery {
  /** Name of the job. */
  job?: string;
  /** Name or id of an origin. */
  origin?: string;
}

export interface TeamRunQuery extends RecordQuery {
  /** Name of the run. */
  run?: string;
  /** Only runs that failed or were killed. */
  failed?: boolean;
  /** Only runs created at or after this instant (RFC 3339). */
  since?: string;
  /** Newest first, at most this many; default: all. */
  limit?: number;
}

export interface TeamRecord {
  /** The runs in pages, newest first. Holds one page in memory. */
  runs(query: TeamRunQuery): AsyncIterable<TeamRunDocument[]>;
}
