// What the team's history still lacks, as rows beside the jobs and runs that they are about. SqliteStore adds a row within the
// transaction of the change. A row of a run is its name: the run itself stays in its table. A job has one row, the newest.
import type { OutboxStore, StoredEntry } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { HistoryEntry, JobChange } from '../../core/record/entry.ts';
import {
  auditPayload,
  jobPayload,
  type AuditPayload,
  type JobPayload,
} from '../../core/record/job-record.ts';
import type { Run } from '../../core/run.ts';
import type { Row, SqliteConnection } from './connection.ts';
import { RUN_ROWS } from './rows.ts';

/** Most rows about who changed what; the oldest go first. */
const AUDIT_MAX = 10_000;
/** Rows of one process between two counts of them; its first row is counted. */
const AUDIT_STRIDE = 500;

/** Greater than every earlier number, and than those of a copy of this file that was in use since. */
const NEXT_ID = `(SELECT MAX(:now, COALESCE((SELECT seq + 1 FROM sqlite_sequence WHERE name = 'outbox'), 0)))`;
const ADD_RUN = `INSERT OR IGNORE INTO outbox (id, kind, job, run) VALUES (${NEXT_ID}, 'run', :job, :run)`;
const ADD = `INSERT OR REPLACE INTO outbox (id, kind, job, payload) VALUES (${NEXT_ID}, :kind, :job, :payload)`;
const TRIM_AUDIT = `DELETE FROM outbox WHERE kind = 'audit' AND id <=
  (SELECT id FROM outbox WHERE kind = 'audit' ORDER BY id DESC LIMIT 1 OFFSET ${AUDIT_MAX})`;
const RUN_COLUMNS = RUN_ROWS.columns.replaceAll(/\w+/g, 'runs.$&');
const AFTER = `SELECT outbox.id, outbox.kind, outbox.payload, ${RUN_COLUMNS} FROM outbox
  LEFT JOIN runs ON runs.name = outbox.run WHERE outbox.id > ? ORDER BY outbox.id LIMIT ?`;
const HAS_JOB = `SELECT 1 FROM outbox WHERE kind = 'job' AND job = ?`;
const COUNT = 'SELECT COUNT(*) FROM outbox WHERE id > ?';

interface SqliteOutboxOptions {
  /** Does the work in a transaction. */
  write: (work: () => void) => Promise<void>;
  /** Rids the files of what the last transaction has removed. */
  erase: () => void;
}

export class SqliteOutbox implements OutboxStore {
  readonly #connection: SqliteConnection;
  readonly #write: SqliteOutboxOptions['write'];
  readonly #erase: SqliteOutboxOptions['erase'];
  #audited = 0;

  constructor(connection: SqliteConnection, { write, erase }: SqliteOutboxOptions) {
    this.#connection = connection;
    this.#write = write;
    this.#erase = erase;
  }

  count(place: number): number {
    return this.#connection.rows(COUNT, [place], ([count]) => Number(count))[0] ?? 0;
  }

  after(place: number, limit: number): { place: number; entry: HistoryEntry }[] {
    return this.#connection.rows(AFTER, [place, limit], stored);
  }

  async remove(entries: readonly StoredEntry[]): Promise<void> {
    await this.#write(() => {
      for (const { id } of entries) this.#connection.change('DELETE FROM outbox WHERE id = ?', [Number(id)]);
    });
    // The text of a job that has changed since; a run has none here.
    if (entries.some(({ kind }) => kind !== 'run')) this.#erase();
  }

  /** Call it within the transaction that records the end of the run. */
  runEnded({ job, name }: Run): void {
    this.#connection.change(ADD_RUN, { now: Date.now(), job, run: name });
  }

  /** Call it within the transaction of the change. */
  jobChanged(job: Job, change: JobChange): void {
    const payload = jobPayload(job, change);
    if (payload !== undefined) this.#add('job', payload);
    this.#add('audit', auditPayload(job, change));
    if (this.#audited++ % AUDIT_STRIDE === 0) this.#connection.change(TRIM_AUDIT, []);
  }

  /** The job as it is; who made it so is not known. Call it within a transaction. */
  jobFound(job: Job): void {
    const payload = jobPayload(job, { action: 'Added', at: job.specChangedAt ?? job.createdAt });
    if (payload !== undefined) this.#add('job', payload);
  }

  /** The job is gone, unless an entry says more. Call it within a transaction. */
  jobGone(job: JobKey, jobUid: string): void {
    if (this.#connection.rows(HAS_JOB, [job], () => true).length > 0) return;
    const nothing = { spec: undefined, labels: undefined, annotations: undefined, changedBy: undefined };
    this.#add('job', { job, jobUid, changedAt: Date.now(), isRemoved: true, ...nothing });
  }

  #add(kind: 'job' | 'audit', payload: JobPayload | AuditPayload): void {
    this.#connection.change(ADD, {
      now: Date.now(),
      kind,
      job: payload.job,
      payload: JSON.stringify(payload),
    });
  }
}

function stored([place, kind, payload, ...run]: Row): { place: number; entry: HistoryEntry } {
  const id = String(place);
  const number = Number(place);
  return { place: number, entry: entryOf({ id, number, kind: String(kind), payload: String(payload) }, run) };
}

function entryOf(
  { id, number, kind, payload }: { id: string; number: number; kind: string; payload: string },
  columns: Row,
): HistoryEntry {
  if (kind === 'run') {
    const run = RUN_ROWS.decode(columns);
    return { kind, id, job: run.job, jobUid: run.jobUid, run };
  }
  if (kind === 'job') return { ...(JSON.parse(payload) as JobPayload), kind, id, revision: number };
  return { ...(JSON.parse(payload) as AuditPayload), kind: 'audit', id, number };
}
