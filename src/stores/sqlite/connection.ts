// One open SQLite file: prepared statements, transactions, and every error as an LshError.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { LshError } from '../../core/errors.ts';
import { storeError } from './errors.ts';
import { openDatabase } from './open.ts';
import { transaction } from './transaction.ts';

/** By position, or by name. */
export type Parameters = SQLInputValue[] | Record<string, SQLInputValue>;
export type Row = readonly SQLOutputValue[];

export class SqliteConnection {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #busyTimeoutMs: number;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string, busyTimeoutMs: number) {
    this.#path = path;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#db = openDatabase(path, busyTimeoutMs);
  }

  /** `busyTimeoutMs`: how long to wait for the lock of another process before STORE_LOCKED; it blocks the event loop. */
  static open(path: string, busyTimeoutMs: number): SqliteConnection {
    return new SqliteConnection(path, busyTimeoutMs);
  }

  close(): void {
    this.#db.close();
  }

  /** All rows of a statement, decoded. */
  rows<T>(sql: string, parameters: Parameters, decode: (row: Row) => T): T[] {
    return this.#attempt(() => {
      const statement = this.#prepared(sql);
      const rows = Array.isArray(parameters)
        ? statement.iterate(...parameters)
        : statement.iterate(parameters);
      const decoded: T[] = [];
      // setReturnArrays() makes each row an array, which the type of iterate() does not say.
      for (const row of rows) decoded.push(decode(row as unknown as Row));
      return decoded;
    });
  }

  /** Executes a statement; returns how many rows it changed. */
  change(sql: string, parameters: Parameters): number {
    return this.#attempt(() => {
      const statement = this.#prepared(sql);
      const done = Array.isArray(parameters) ? statement.run(...parameters) : statement.run(parameters);
      return Number(done.changes);
    });
  }

  /** Does all of the work, durably, or none of it. */
  transaction<T>(work: () => T): T {
    return this.#attempt(() => transaction(this.#db, work));
  }

  /**
   * Moves the write-ahead log into the database and empties it: the log keeps what later writes replaced. Returns false if
   * it could not, such as while another process reads; a failing disk fails the next write.
   */
  emptyLog(): boolean {
    if (!this.#db.isOpen) return false;
    try {
      // A reader must not block the event loop.
      this.#db.exec('PRAGMA busy_timeout = 0');
      return this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0;
    } catch {
      return false;
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${this.#busyTimeoutMs}`);
    }
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #attempt<T>(work: () => T): T {
    if (!this.#db.isOpen) {
      const fields = { path: this.#path, directory: dirname(this.#path), detail: 'it is closed' };
      throw new LshError('STORE_UNUSABLE', fields);
    }
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }
}
