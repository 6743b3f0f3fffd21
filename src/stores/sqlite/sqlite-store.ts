// The embedded store: jobs, runs and slots in one SQLite file. Acknowledged writes survive kill -9 and power loss.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JobStore, RunQuery, RunStats, RunStore, SlotQuery } from '../../contracts/stores.ts';
import type { ClockStep } from '../../core/decide/clock-step.ts';
import type { LedgerChange } from '../../core/decide/decide.ts';
import { LshError } from '../../core/errors.ts';
import type { ClockReference, Job, JobKey } from '../../core/job.ts';
import type { JobChange } from '../../core/record/entry.ts';
import { isFinished, type Run, type SlotRecord } from '../../core/run.ts';
import { GroupCommit } from './group-commit.ts';
import { SqliteConnection } from './connection.ts';
import { MIGRATIONS } from './migrations.ts';
import { SqliteNotices } from './notices.ts';
import { BUSY_TIMEOUT_MS } from './open.ts';
import { SqliteOutbox } from './outbox.ts';
import {
  ACTIVE,
  CURRENT_RUNS,
  OLDEST_SLOT,
  PRUNE_RUNS,
  PRUNE_SLOTS,
  runsQuery,
  slotsQuery,
} from './queries.ts';
import { JOB_ROWS, RUN_ROWS, SLOT_ROWS } from './rows.ts';
import { runStats, STATS } from './stats.ts';

/** Rows per batch of prune(), so that it never blocks the event loop for long. */
const PRUNE_BATCH = 500;

// Writes the definition only. A job with another uid is another job, and does not inherit the status.
const PUT_JOB = JOB_ROWS.upsert(['key'], {
  status: 'CASE WHEN uid = excluded.uid THEN status END',
});
// Guards the ledger: a finished run stays finished.
const PUT_RUN = `${RUN_ROWS.upsert(['name'])}
  WHERE runs.phase IN ${ACTIVE} OR excluded.phase NOT IN ${ACTIVE}`;
const PUT_SLOT = SLOT_ROWS.upsert(['job', 'from_at', 'pass']);
const FIRST_START = `SELECT value FROM meta WHERE key = 'first_start'`;
const PUT_FIRST_START = `INSERT OR REPLACE INTO meta (key, value) VALUES ('first_start', ?)`;
const PUT_CLOCK_STEP = 'INSERT INTO clock_steps (at, by_ms, while_away) VALUES (?, ?, ?)';
const FORGET_CLOCK_STEPS = 'DELETE FROM clock_steps WHERE id <= (SELECT MAX(id) FROM clock_steps) - ?';
const CLOCK_STEPS = 'SELECT at, by_ms, while_away FROM clock_steps ORDER BY id DESC';
const CLOCK_STEPS_MAX = 100;
/** Whether a new definition replaces text; a pause and a request for a run do not, and need not wait for the disk twice. */
const REPLACES_TEXT = `SELECT 1 FROM jobs WHERE key = ? AND (labels IS NOT ? OR annotations IS NOT ?
  OR json_remove(spec, '$.suspend') <> json_remove(?, '$.suspend'))`;
const JOBS = `SELECT ${JOB_ROWS.columns} FROM jobs ORDER BY key`;
const ENTERED_FOR = `SELECT value FROM meta WHERE key = 'entered_for'`;
const PUT_ENTERED_FOR = `INSERT OR REPLACE INTO meta (key, value) VALUES ('entered_for', ?)`;
const UNCOMPARED = `SELECT 1 FROM meta WHERE key = 'uncompared'`;
const PUT_UNCOMPARED = `INSERT OR REPLACE INTO meta (key, value) VALUES ('uncompared', '')`;
const FORGET_UNCOMPARED = `DELETE FROM meta WHERE key = 'uncompared'`;
const FORGET_ENTERED = `DELETE FROM meta WHERE key = 'entered_for'`;
const PUT_STATUS = 'UPDATE jobs SET status = ? WHERE key = ?';

/** The first start of a daemon in a boot of the machine. */
interface FirstStart {
  boot: string;
  at: number;
  /** The setting of the clock that `at` is of. */
  clock?: ClockReference;
}

export class SqliteStore implements JobStore, RunStore {
  readonly #connection: SqliteConnection;
  readonly #writes: GroupCommit;
  /** Whether the write-ahead log may hold a definition or an output that the database no longer has; at first, that of a killed process. */
  #hasResidue = true;
  /** Whether ends of runs and changes of jobs enter the outbox. */
  #isRecorded = false;
  /** What the team’s history lacks. */
  readonly outbox: SqliteOutbox;
  /** What channels have still to hear of. */
  readonly notices: SqliteNotices;

  private constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#writes = new GroupCommit((work) => connection.transaction(work));
    this.notices = new SqliteNotices(connection, (work) => this.#writes.add(work));
    this.outbox = new SqliteOutbox(connection, {
      write: (work) => this.#writes.add(work),
      erase: () => {
        this.#hasResidue = true;
        this.#eraseResidue();
      },
    });
  }

  /** Opens or creates the file and brings its schema up to date; throws an LshError STORE_…. */
  static open(path: string, { busyTimeoutMs = BUSY_TIMEOUT_MS } = {}): SqliteStore {
    const store = new SqliteStore(SqliteConnection.open(path, busyTimeoutMs));
    store.#eraseResidue();
    return store;
  }

  /** Commits the waiting writes and closes the file. */
  close(): void {
    this.#writes.flush();
    this.#connection.close();
  }

  /** Writes the schema version again, which changes nothing. Rejects with why the store takes no write. */
  async probe(): Promise<void> {
    this.#connection.transaction(() =>
      this.#connection.change(`PRAGMA user_version = ${MIGRATIONS.length}`, []),
    );
  }

  /** Returns what firstStart() was first called with for this boot of the machine. */
  firstStart(start: FirstStart): FirstStart {
    return this.#connection.transaction(() => {
      const [known] = this.#connection.rows(
        FIRST_START,
        [],
        ([value]) => JSON.parse(String(value)) as FirstStart,
      );
      if (known?.boot === start.boot) return known;
      this.#connection.change(PUT_FIRST_START, [JSON.stringify(start)]);
      return start;
    });
  }

  /** Records a step of the clock, and forgets all but the newest hundred. */
  addClockStep({ at, byMs, whileAway }: ClockStep): Promise<void> {
    return this.#writes.add(() => {
      this.#connection.change(PUT_CLOCK_STEP, [at, byMs, whileAway ? 1 : 0]);
      this.#connection.change(FORGET_CLOCK_STEPS, [CLOCK_STEPS_MAX]);
    });
  }

  /** The recorded steps of the clock, newest first. */
  async clockSteps(): Promise<ClockStep[]> {
    return this.#connection.rows(CLOCK_STEPS, [], ([at, byMs, whileAway]) => ({
      at: Number(at),
      byMs: Number(byMs),
      ...(whileAway === 1 && { whileAway: true }),
    }));
  }

  /** From now on each change enters the outbox, within its transaction. */
  record(): void {
    this.#isRecorded = true;
  }

  /**
   * Each job enters the outbox, once for each project: from then on its changes do. Undefined: no project hears of
   * changes now, so each job enters it again for the next.
   */
  enterJobs(project: string | undefined): void {
    this.#connection.transaction(() => {
      const [known] = this.#connection.rows(ENTERED_FOR, [], ([value]) => String(value));
      if (known === project) return;
      if (project === undefined) return void this.#connection.change(FORGET_ENTERED, []);
      for (const job of this.#connection.rows(JOBS, [], JOB_ROWS.decode)) this.outbox.jobFound(job);
      this.#connection.change(PUT_ENTERED_FOR, [project]);
      this.#connection.change(PUT_UNCOMPARED, []);
    });
  }

  /** Whether jobs may have been removed that the project still shows: no outbox heard of it. */
  get isUncompared(): boolean {
    return this.#connection.rows(UNCOMPARED, [], () => true).length > 0;
  }

  /** Of the jobs that the project shows, those that are not here any more enter the outbox as removed. */
  compareJobs(shown: readonly { job: JobKey; uid: string }[]): Promise<void> {
    return this.#writes.add(() => {
      const known = new Set(this.#connection.rows('SELECT key FROM jobs', [], ([key]) => String(key)));
      for (const { job, uid } of shown) if (!known.has(job)) this.outbox.jobGone(job, uid);
      this.#connection.change(FORGET_UNCOMPARED, []);
    });
  }

  /** Identity of this file in the team’s history. */
  originId(): string {
    return this.#connection.transaction(() => {
      this.#connection.change(`INSERT OR IGNORE INTO meta (key, value) VALUES ('origin', ?)`, [randomUUID()]);
      return this.#connection.rows(`SELECT value FROM meta WHERE key = 'origin'`, [], ([value]) =>
        String(value),
      )[0]!;
    });
  }

  async jobs(): Promise<Job[]> {
    return this.#connection.rows(JOBS, [], JOB_ROWS.decode);
  }

  async putJob(job: Job, change?: JobChange): Promise<void> {
    const definition = JOB_ROWS.encode({ ...job, status: undefined });
    const { key, labels, annotations, spec } = job;
    const texts = [labels, annotations, spec].map((part) => (part ? JSON.stringify(part) : null));
    await this.#writes.add(() => {
      this.#hasResidue ||= this.#connection.rows(REPLACES_TEXT, [key, ...texts], () => true).length > 0;
      this.#connection.change(PUT_JOB, definition);
      if (this.#isRecorded && change !== undefined) this.outbox.jobChanged(job, change);
    });
    this.#eraseResidue();
  }

  async removeJob(key: JobKey, removal?: { job: Job; change: JobChange }): Promise<void> {
    await this.#writes.add(() => {
      this.#hasResidue = true;
      if (this.#isRecorded && removal !== undefined) this.outbox.jobChanged(removal.job, removal.change);
      this.#connection.change('DELETE FROM jobs WHERE key = ?', [key]);
    });
    this.#eraseResidue();
  }

  commit(key: JobKey, { runs, slots, status, notices }: LedgerChange): Promise<void> {
    return this.#writes.add(() => {
      for (const run of runs) {
        this.#putRun(run);
        if (this.#isRecorded && isFinished(run)) this.outbox.runEnded(run);
      }
      for (const slot of slots) this.#connection.change(PUT_SLOT, SLOT_ROWS.encode(slot));
      if (status !== undefined) this.#connection.change(PUT_STATUS, [JSON.stringify(status), key]);
      if (notices !== undefined) this.notices.add(key, notices);
    });
  }

  async current(finishedPerJob: number): Promise<Run[]> {
    return this.#connection.rows(CURRENT_RUNS, { limit: finishedPerJob }, RUN_ROWS.decode);
  }

  async run(name: string): Promise<Run | undefined> {
    const sql = `SELECT ${RUN_ROWS.columns} FROM runs WHERE name = ?`;
    return this.#connection.rows(sql, [name], RUN_ROWS.decode)[0];
  }

  async runs(query: RunQuery): Promise<Run[]> {
    if (query.phases?.length === 0) return [];
    const { sql, parameters } = runsQuery(query);
    return this.#connection.rows(sql, parameters, RUN_ROWS.decode);
  }

  async slots(query: SlotQuery): Promise<SlotRecord[]> {
    const { sql, parameters } = slotsQuery(query);
    return this.#connection.rows(sql, parameters, SLOT_ROWS.decode);
  }

  async oldestSlot(job: JobKey): Promise<SlotRecord | undefined> {
    return this.#connection.rows(OLDEST_SLOT, [job], SLOT_ROWS.decode)[0];
  }

  async stats({ job, since = 0 }: { job?: JobKey; since?: number }): Promise<RunStats[]> {
    return this.#connection.rows(STATS, { job: job ?? null, since }, runStats);
  }

  async prune(before: number): Promise<string[]> {
    // First: oldestSlot() must not name a slot of whose time runs are gone, also if the process dies in between.
    await this.#inBatches(PRUNE_SLOTS, before);
    const names = await this.#inBatches(PRUNE_RUNS, before);
    await this.notices.prune(before);
    this.#hasResidue ||= names.length > 0;
    this.#eraseResidue();
    return names;
  }

  /** A reader may prevent it: the next change of a job, or the next prune, tries again. */
  #eraseResidue(): void {
    if (this.#hasResidue) this.#hasResidue = !this.#connection.emptyLog();
  }

  async #inBatches(sql: string, before: number): Promise<string[]> {
    const names: string[] = [];
    for (;;) {
      const batch = this.#connection.transaction(() =>
        this.#connection.rows(sql, { before, limit: PRUNE_BATCH }, ([name]) => String(name)),
      );
      names.push(...batch);
      if (batch.length < PRUNE_BATCH) return names;
      await nextTurn();
    }
  }

  #putRun(run: Run): void {
    const changes = this.#connection.change(PUT_RUN, RUN_ROWS.encode(run));
    if (changes === 0) throw new LshError('RUN_FINISHED', { name: run.name });
  }
}
