// The SQLite schema as a list of migrations. Never edit a released migration: add a new one.
import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './transaction.ts';

/** The first N migrations make schema version N. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE jobs (
    key TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    spec_changed_at INTEGER,
    spec TEXT NOT NULL,
    trigger TEXT,
    stop TEXT,
    status TEXT
  ) STRICT;

  CREATE TABLE runs (
    name TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    job_uid TEXT NOT NULL,
    trigger TEXT NOT NULL,
    slot INTEGER NOT NULL,
    trigger_id TEXT,
    requested_by TEXT,
    attempt INTEGER NOT NULL,
    executor TEXT NOT NULL,
    host TEXT,
    phase TEXT NOT NULL,
    reason TEXT,
    message TEXT,
    created_at INTEGER NOT NULL,
    start_after INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    exit_code INTEGER,
    signal TEXT,
    stop_cause TEXT,
    output_tail TEXT,
    output_bytes INTEGER
  ) STRICT;
  CREATE INDEX runs_of_job ON runs (job, phase, created_at, name);
  CREATE INDEX runs_by_phase ON runs (phase, created_at, name);

  CREATE TABLE slots (
    job TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    cause TEXT,
    run TEXT,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (job, from_at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX slots_by_end ON slots (to_at);
  CREATE INDEX slots_stretches ON slots (job, to_at) WHERE from_at < to_at;
  `,
  `
  ALTER TABLE jobs ADD COLUMN labels TEXT;
  ALTER TABLE jobs ADD COLUMN annotations TEXT;
  `,
  `
  ALTER TABLE runs ADD COLUMN pass INTEGER;

  ALTER TABLE slots RENAME TO slots_of_one_pass;
  DROP INDEX slots_by_end;
  DROP INDEX slots_stretches;
  CREATE TABLE slots (
    job TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    pass INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    cause TEXT,
    run TEXT,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (job, from_at, pass)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO slots (job, from_at, to_at, count, pass, outcome, cause, run, recorded_at)
    SELECT job, from_at, to_at, count, 1, outcome, cause, run, recorded_at FROM slots_of_one_pass;
  DROP TABLE slots_of_one_pass;
  CREATE INDEX slots_by_end ON slots (to_at);
  CREATE INDEX slots_stretches ON slots (job, to_at) WHERE from_at < to_at;

  CREATE TABLE clock_steps (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by_ms INTEGER NOT NULL,
    while_away INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE INDEX slots_not_run ON slots (job, from_at, pass) WHERE outcome <> 'Ran';
  `,
  `
  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    job TEXT NOT NULL,
    run TEXT UNIQUE REFERENCES runs (name) ON DELETE CASCADE,
    payload TEXT
  ) STRICT;
  CREATE UNIQUE INDEX outbox_jobs ON outbox (job) WHERE kind = 'job';
  CREATE INDEX outbox_audit ON outbox (id) WHERE kind = 'audit';
  `,
  `
  ALTER TABLE runs ADD COLUMN secrets_version TEXT;
  `,
  `
  ALTER TABLE runs ADD COLUMN cause TEXT;
  ALTER TABLE runs ADD COLUMN end_number INTEGER;
  `,
  `
  CREATE TABLE notices (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    job TEXT NOT NULL,
    notice TEXT NOT NULL,
    dead TEXT,
    UNIQUE (id, channel)
  ) STRICT;
  CREATE INDEX notices_waiting ON notices (channel, place) WHERE dead IS NULL;
  `,
  `
  ALTER TABLE jobs ADD COLUMN backfill TEXT;
  ALTER TABLE runs ADD COLUMN first_attempt INTEGER;
  `,
  `
  CREATE TABLE notices_sent (
    job TEXT NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (job, channel)
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The schema version of the file: 0 for an empty file, undefined for a database of another program. */
export function schemaVersion(db: DatabaseSync): number | undefined {
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all();
  if (tables.length === 0) return 0;
  if (!tables.some(({ name }) => name === 'meta')) return undefined;
  const row = db.prepare(`SELECT value FROM meta WHERE key = 'schema_version'`).get();
  return row === undefined ? undefined : Number(row.value);
}

/** Brings the schema to the newest version. One transaction holds each migration and its version number. */
export function migrate(db: DatabaseSync, migrations = MIGRATIONS): void {
  let version = schemaVersion(db) ?? 0;
  while (version < migrations.length) version = transaction(db, () => step(db, migrations));
}

function step(db: DatabaseSync, migrations: readonly string[]): number {
  // Reads the version again within the transaction: another process may have applied this migration meanwhile.
  const version = schemaVersion(db) ?? 0;
  const sql = migrations[version];
  if (sql === undefined) return version;
  if (version === 0)
    db.exec('CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT');
  db.exec(sql);
  db.prepare(`INSERT OR REPLACE INTO meta (key, value) VALUES ('schema_version', ?)`).run(
    String(version + 1),
  );
  return version + 1;
}
