// Jobs, runs and slots as rows: which field is which column, and both ways between them.
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Job } from '../../core/job.ts';
import type { Run, SlotRecord } from '../../core/run.ts';

// `satisfies` makes a field that was forgotten here a type error.
const RUN_COLUMNS = {
  name: 'name',
  job: 'job',
  jobUid: 'job_uid',
  trigger: 'trigger',
  slot: 'slot',
  triggerId: 'trigger_id',
  requestedBy: 'requested_by',
  attempt: 'attempt',
  executor: 'executor',
  host: 'host',
  phase: 'phase',
  reason: 'reason',
  message: 'message',
  createdAt: 'created_at',
  startAfter: 'start_after',
  startedAt: 'started_at',
  finishedAt: 'finished_at',
  exitCode: 'exit_code',
  signal: 'signal',
  stopCause: 'stop_cause',
  outputTail: 'output_tail',
  outputBytes: 'output_bytes',
} satisfies Record<keyof Run, string>;

const SLOT_COLUMNS = {
  job: 'job',
  from: 'from_at',
  to: 'to_at',
  count: 'count',
  outcome: 'outcome',
  cause: 'cause',
  run: 'run',
  recordedAt: 'recorded_at',
} satisfies Record<keyof SlotRecord, string>;

/** A job whose spec cannot be carried out is refused before it gets here. */
type StoredJob = Omit<Job, 'invalid'>;

const JOB_COLUMNS = {
  key: 'key',
  namespace: 'namespace',
  name: 'name',
  uid: 'uid',
  generation: 'generation',
  createdAt: 'created_at',
  specChangedAt: 'spec_changed_at',
  spec: 'spec',
  trigger: 'trigger',
  stop: 'stop',
  status: 'status',
} satisfies Record<keyof StoredJob, string>;

const JOB_JSON: readonly (keyof StoredJob)[] = ['spec', 'trigger', 'stop', 'status'];

/** One kind of record: its columns, the statement that writes it, and both ways between record and row. */
export interface Rows<T> {
  columns: string;
  /** Inserts a record, or updates the one with the same key; `changing` replaces what a column is set to. */
  upsert(key: string[], changing?: Record<string, string>): string;
  /** The values of a record in the order of the columns. */
  encode: (record: T) => SQLInputValue[];
  /** The record of a row that was read as an array; absent fields stay absent. */
  decode: (row: readonly SQLOutputValue[]) => T;
}

function rowsOf<T extends object>(
  table: string,
  columnOf: Record<keyof T, string>,
  json: readonly (keyof T)[] = [],
): Rows<T> {
  const fields = Object.keys(columnOf) as (keyof T)[];
  const columns = Object.values<string>(columnOf);
  const asJson = new Set(json);
  return {
    columns: columns.join(', '),
    upsert(key, changing = {}) {
      const set = columns
        .filter((column) => !key.includes(column))
        .map((column) => `${column} = ${changing[column] ?? `excluded.${column}`}`);
      return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
        ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${set.join(', ')}`;
    },
    encode: (record) =>
      fields.map((field) => {
        const value = record[field];
        if (value === undefined) return null;
        return asJson.has(field) ? JSON.stringify(value) : (value as SQLInputValue);
      }),
    decode(row) {
      const record: Partial<T> = {};
      for (const [index, field] of fields.entries()) {
        const value = row[index] ?? null;
        if (value === null) continue;
        record[field] = (asJson.has(field) ? JSON.parse(value as string) : value) as T[typeof field];
      }
      return record as T;
    },
  };
}

export const RUN_ROWS = rowsOf<Run>('runs', RUN_COLUMNS);
export const SLOT_ROWS = rowsOf<SlotRecord>('slots', SLOT_COLUMNS);
export const JOB_ROWS = rowsOf<StoredJob>('jobs', JOB_COLUMNS, JOB_JSON);
