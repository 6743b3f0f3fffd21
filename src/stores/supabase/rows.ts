// Converts runs to rows of lsh_runs (deploy/supabase/migrations) and back. No other module knows the column names.
import { rfc3339 } from '../../core/rfc3339.ts';
import type { Executor } from '../../core/executor.ts';
import { jobKey, splitKey } from '../../core/naming.ts';
import type { AllFields, Run, RunPhase, RunReason, RunTrigger, StopCause } from '../../core/run.ts';

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
    attempt: row.attempt,
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
  };
  return run;
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
