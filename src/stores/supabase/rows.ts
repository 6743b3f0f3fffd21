// Converts entries of the team's history to rows (deploy/supabase/migrations), and runs back. No other module knows the column
// names.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { rfc3339 } from '../../core/rfc3339.ts';
import type { Executor } from '../../core/executor.ts';
import { jobKey, splitKey } from '../../core/naming.ts';
import type { AuditEntry, JobEntry } from '../../core/record/entry.ts';
import type { JobPayload } from '../../core/record/job-record.ts';
import type { OutputChunk } from '../../core/record/output-chunks.ts';
import type { AllFields, Run, RunCause, RunPhase, RunReason, RunTrigger, StopCause } from '../../core/run.ts';

/** A row on the wire: instants are RFC 3339, absent fields null. The client needs a type, as an interface has no index. */
export type RunRow = {
  job_uid: string;
  name: string;
  namespace: string;
  job: string;
  trigger: RunTrigger;
  slot: string;
  trigger_id: string | null;
  requested_by: string | null;
  attempt: number;
  executor: Executor;
  host: string | null;
  phase: RunPhase;
  reason: RunReason | null;
  message: string | null;
  created_at: string;
  start_after: string;
  started_at: string | null;
  finished_at: string | null;
  exit_code: number | null;
  signal: string | null;
  stop_cause: StopCause | null;
  output_tail: string | null;
  output_bytes: number | null;
  secrets_version: string | null;
  cause_job: string | null;
  cause_run: string | null;
};

export function runRow(run: Run): RunRow {
  const { namespace, name: job } = splitKey(run.job);
  return {
    job_uid: run.jobUid,
    name: run.name,
    namespace,
    job,
    trigger: run.trigger,
    slot: rfc3339(run.slot),
    trigger_id: text(run.triggerId),
    requested_by: text(run.requestedBy),
    attempt: run.attempt,
    executor: run.executor,
    host: text(run.host),
    phase: run.phase,
    reason: run.reason ?? null,
    message: text(run.message),
    created_at: rfc3339(run.createdAt),
    start_after: rfc3339(run.startAfter),
    started_at: time(run.startedAt),
    finished_at: time(run.finishedAt),
    exit_code: run.exitCode ?? null,
    signal: text(run.signal),
    stop_cause: run.stopCause ?? null,
    output_tail: text(run.outputTail),
    output_bytes: run.outputBytes ?? null,
    secrets_version: text(run.secretsVersion),
    cause_job: text(run.cause?.job),
    cause_run: text(run.cause?.run),
  };
}

export function runOfRow(row: RunRow): Run {
  const run: AllFields<Run> = {
    name: row.name,
    job: jobKey(row.namespace, row.job),
    jobUid: row.job_uid,
    trigger: row.trigger,
    slot: Date.parse(row.slot),
    // The name holds the pass; the table has no column for it.
    pass: undefined,
    triggerId: row.trigger_id ?? undefined,
    requestedBy: row.requested_by ?? undefined,
    cause: causeOf(row),
    // The number of the end is of the ledger alone.
    endNumber: undefined,
    attempt: row.attempt,
    // The table has no column for it.
    firstAttempt: undefined,
    // Only the operator reads them, from the status.
    disruptions: undefined,
    specChanges: undefined,
    executor: row.executor,
    host: row.host ?? undefined,
    phase: row.phase,
    reason: row.reason ?? undefined,
    message: row.message ?? undefined,
    createdAt: Date.parse(row.created_at),
    startAfter: Date.parse(row.start_after),
    startedAt: instant(row.started_at),
    finishedAt: instant(row.finished_at),
    exitCode: row.exit_code ?? undefined,
    signal: row.signal ?? undefined,
    stopCause: row.stop_cause ?? undefined,
    outputTail: row.output_tail ?? undefined,
    outputBytes: row.output_bytes ?? undefined,
    secretsVersion: row.secrets_version ?? undefined,
  };
  return run;
}

/** A run that another started, by its end. */
function causeOf({ cause_job: job, cause_run: run }: RunRow): RunCause | undefined {
  return job === null || run === null ? undefined : { job, run };
}

/** What each row says of where it comes from. */
export type Place = { team: string; origin: string };

/** A row on the wire, as RunRow. */
export type JobRow = Place & {
  namespace: string;
  name: string;
  uid: string;
  revision: number;
  spec: object;
  spec_hash: string;
  labels: object | null;
  annotations: object | null;
  changed_at: string;
  changed_by: string | null;
  removed_at: string | null;
};

export function jobRow(place: Place, entry: JobEntry & { spec: object }): JobRow {
  return {
    ...place,
    ...jobName(entry),
    ...changeOf(entry),
    ...shownOf(entry),
    spec: cleaned(entry.spec) as object,
  };
}

/** The columns by which a row of a job is known again, with the team and the origin. */
export function jobName({ job, jobUid: uid }: Pick<JobEntry, 'job' | 'jobUid'>) {
  const { namespace, name } = splitKey(job);
  return { namespace, name, uid };
}

/** The columns that every change replaces. */
export function changeOf({ revision, changedAt, changedBy, isRemoved }: JobEntry) {
  const at = rfc3339(changedAt);
  return { revision, changed_at: at, changed_by: text(changedBy), removed_at: isRemoved ? at : null };
}

/** The columns that tell whether a job is the same; of the spec the hash. */
export const SHOWN_COLUMNS = 'spec_hash, labels, annotations';

function shownOf({ spec, labels, annotations }: Pick<JobPayload, 'spec' | 'labels' | 'annotations'>) {
  return {
    spec_hash: createHash('sha256')
      .update(canonical(cleaned(spec)))
      .digest('hex')
      .slice(0, 32),
    labels: (cleaned(labels) as object | undefined) ?? null,
    annotations: (cleaned(annotations) as object | undefined) ?? null,
  };
}

/** Whether the row shows the job as it is. */
export function isRowOf(
  row: Pick<JobRow, 'spec_hash' | 'labels' | 'annotations'>,
  payload: JobPayload,
): boolean {
  const { spec_hash, labels, annotations } = row;
  return isDeepStrictEqual({ spec_hash, labels, annotations }, shownOf(payload));
}

/** A row on the wire, as RunRow. */
export type LogRow = Pick<Place, 'team'> & {
  job_uid: string;
  run: string;
  chunk: number;
  start_byte: number;
  output: string | null;
};

export function logRow({ team }: Place, { jobUid, name }: Run, chunk: OutputChunk): LogRow {
  const { number, startByte } = chunk;
  return { team, job_uid: jobUid, run: name, chunk: number, start_byte: startByte, output: text(chunk.text) };
}

/** A row on the wire, as RunRow. */
export type AuditRow = Place & {
  id: number;
  at: string;
  action: string;
  namespace: string;
  job: string;
  job_uid: string;
  actor: string | null;
  details: object | null;
};

export function auditRow(place: Place, entry: AuditEntry): AuditRow {
  const { namespace, name: job } = splitKey(entry.job);
  return {
    ...place,
    id: entry.number,
    at: rfc3339(entry.at),
    action: entry.action,
    namespace,
    job,
    job_uid: entry.jobUid,
    actor: text(entry.actor),
    details: entry.changes.length === 0 ? null : { changes: cleaned(entry.changes) },
  };
}

/** The JSON of a value, with the same text for the same fields in any order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** The value with texts that Postgres accepts. */
function cleaned(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value), (_, part: unknown) =>
    typeof part === 'string' ? text(part) : part,
  );
}

/** Postgres rejects NUL and lone surrogates; one such character would block its whole batch. */
function text(value: string | undefined): string | null {
  return value?.toWellFormed().replaceAll('\0', '\uFFFD') ?? null;
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : rfc3339(ms);
}

function instant(value: string | null): number | undefined {
  return value === null ? undefined : Date.parse(value);
}
