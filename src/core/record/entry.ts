// What the team's history holds: finished runs, jobs as they are, and who changed them.
import type { Job, JobKey } from '../job.ts';
import type { Run } from '../run.ts';
import type { FieldChange } from '../validate/spec-changes.ts';

interface Common {
  /** Unique among the entries that wait. */
  id: string;
  job: JobKey;
  jobUid: string;
}

export interface RunEntry extends Common {
  kind: 'run';
  run: Run;
}

/** The words of lsh_audit. */
export type AuditAction = 'Added' | 'Configured' | 'Paused' | 'Resumed' | 'Removed' | 'Triggered' | 'Stopped';

/** A change of a job, or a request about it, as its store hears of it. */
export interface JobChange {
  action: AuditAction;
  /** Milliseconds since the epoch. */
  at: number;
  /** The user who asked for it. */
  actor?: string | undefined;
  /** The job before; undefined if it is new, or if the definition stays. */
  before?: Pick<Job, 'spec' | 'labels' | 'annotations'> | undefined;
}

export interface JobEntry extends Common {
  kind: 'job';
  /** Grows with each change at its origin. */
  revision: number;
  /** Without the values of variables. Undefined for a removed job whose row keeps the spec that it has. */
  spec: object | undefined;
  labels: Record<string, string> | undefined;
  annotations: Record<string, string> | undefined;
  /** Milliseconds since the epoch. */
  changedAt: number;
  changedBy: string | undefined;
  isRemoved: boolean;
}

export interface AuditEntry extends Common {
  kind: 'audit';
  /** Unique at its origin. */
  number: number;
  /** Milliseconds since the epoch. */
  at: number;
  action: AuditAction;
  actor: string | undefined;
  /** Fields that changed, without the values of variables. */
  changes: readonly FieldChange[];
}

export type HistoryEntry = RunEntry | JobEntry | AuditEntry;

/** When the change happened that the entry records, milliseconds since the epoch. */
export function entryAt(entry: HistoryEntry): number {
  if (entry.kind === 'run') return entry.run.finishedAt ?? entry.run.createdAt;
  return entry.kind === 'job' ? entry.changedAt : entry.at;
}

/** Identifies a run across jobs: a removed job and its successor of the same name have runs of the same names. */
export function runEntry(run: Run): RunEntry {
  return { kind: 'run', id: `${run.jobUid}/${run.name}`, job: run.job, jobUid: run.jobUid, run };
}
