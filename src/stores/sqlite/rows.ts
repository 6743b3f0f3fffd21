// Jobs, runs and slots as rows: the column of each field, and the conversions between record and row.
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Job } from '../../core/job.ts';
import type { Run, SlotRecord } from '../../core/run.ts';

/** The column of each field; a field that is an object is stored as JSON. A forgotten field does not compile. */
type Columns<T> = { [Field in keyof Required<T>]: Required<T>[Field] extends object ? JsonColumn : string };
interface JsonColumn {
  json: string;
}

/** Without what only a run with a Pod has. */
type StoredRun = Omit<Run, 'disruptions' | 'specChanges'>;

const RUN_COLUMNS: Columns<StoredRun> = {
  name: 'name',
  job: 'job',
  jobUid: 'job_uid',
  trigger: 'trigger',
  slot: 'slot',
  pass: 'pass',
  triggerId: 'trigger_id',
  requestedBy: 'requested_by',
  cause: { json: 'cause' },
  endNumber: 'end_number',
  attempt: 'attempt',
  firstAttempt: 'first_attempt',
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
  secretsVersion: 'secrets_version',
};

const SLOT_COLUMNS: Columns<SlotRecord> = {
  job: 'job',
  from: 'from_at',
  to: 'to_at',
  count: 'count',
  pass: 'pass',
  outcome: 'outcome',
  cause: 'cause',
  run: 'run',
  recordedAt: 'recorded_at',
};

/** The daemon refuses an invalid spec before it reaches the store, and removes a job at once. */
type StoredJob = Omit<Job, 'invalid' | 'terminating'>;

const JOB_COLUMNS: Columns<StoredJob> = {
  key: 'key',
  namespace: 'namespace',
  name: 'name',
  uid: 'uid',
  generation: 'generation',
  createdAt: 'created_at',
  specChangedAt: 'spec_changed_at',
  labels: { json: 'labels' },
  annotations: { json: 'annotations' },
  spec: { json: 'spec' },
  trigger: { json: 'trigger' },
  backfill: { json: 'backfill' },
  stop: { json: 'stop' },
  status: { json: 'status' },
};

/** One kind of record: its columns, the statement that writes it, and the conversions between record and row. */
export interface Rows<T> {
  columns: string;
  /** The statement that inserts a record or updates it by key; `changing` overrides the value of a column. */
  upsert(key: string[], changing?: Record<string, string>): string;
  /** The values of a record, in the order of the columns. */
  encode: (record: T) => SQLInputValue[];
  /** The record of a row read as an array; NULL becomes an absent field. */
  decode: (row: readonly SQLOutputValue[]) => T;
}

function rowsOf<T extends object>(table: string, columnOf: Columns<T>): Rows<T> {
  const entries = Object.entries(columnOf) as [keyof T, string | JsonColumn][];
  const fields = entries.map(([field, column]) => ({ field, isJson: typeof column === 'object' }));
  const columns = entries.map(([, column]) => (typeof column === 'object' ? column.json : column));
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
      fields.map(({ field, isJson }) => {
        const value = record[field];
        if (value === undefined) return null;
        return isJson ? JSON.stringify(value) : (value as SQLInputValue);
      }),
    decode(row) {
      const record: Partial<T> = {};
      for (const [index, { field, isJson }] of fields.entries()) {
        const value = row[index] ?? null;
        if (value === null) continue;
        record[field] = (isJson ? JSON.parse(value as string) : value) as T[typeof field];
      }
      return record as T;
    },
  };
}

export const RUN_ROWS = rowsOf<StoredRun>('runs', RUN_COLUMNS);
const PLAIN_SLOT_ROWS = rowsOf<SlotRecord>('slots', SLOT_COLUMNS);
/** The first pass has no number in the program, and 1 in the primary key. */
export const SLOT_ROWS: Rows<SlotRecord> = {
  ...PLAIN_SLOT_ROWS,
  encode: (slot) => PLAIN_SLOT_ROWS.encode({ ...slot, pass: slot.pass ?? 1 }),
  decode(row) {
    const { pass, ...slot } = PLAIN_SLOT_ROWS.decode(row);
    return pass === 1 ? slot : { ...slot, pass };
  },
};
export const JOB_ROWS = rowsOf<StoredJob>('jobs', JOB_COLUMNS);
