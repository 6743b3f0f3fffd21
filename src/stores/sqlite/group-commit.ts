// Writes asked for in the same turn of the event loop share one transaction, and so one wait for the disk.
// Knows nothing of SQL.
import { LshError } from '../../core/errors.ts';

/** Bounds how long one transaction holds up the event loop. */
const MEMBERS_MAX = 1000;

interface Member {
  write: () => void;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #atomically: (work: () => void) => void;
  #waiting: Member[] = [];

  /** `atomically` does all of the work durably, or throws and has done nothing. */
  constructor(atomically: (work: () => void) => void) {
    this.#atomically = atomically;
  }

  /** Resolves once the write is durable; rejects with its own error, never with a neighbour’s. */
  add(write: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#waiting.push({ write, resolve, reject }) === 1) setImmediate(() => this.#next());
    return promise;
  }

  /** Writes everything that is waiting, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#writeTogether(this.#waiting.splice(0, MEMBERS_MAX));
  }

  #next(): void {
    this.#writeTogether(this.#waiting.splice(0, MEMBERS_MAX));
    if (this.#waiting.length > 0) setImmediate(() => this.#next());
  }

  #writeTogether(members: Member[]): void {
    if (members.length === 0) return;
    try {
      this.#atomically(() => members.forEach(({ write }) => write()));
      for (const { resolve } of members) resolve();
    } catch (error) {
      if (members.length === 1 || isEverybodys(error)) members.forEach(({ reject }) => reject(error));
      else for (const member of members) this.#writeTogether([member]);
    }
  }
}

/** Waiting for the same lock once per member would only hold up the event loop. */
function isEverybodys(error: unknown): boolean {
  return error instanceof LshError && error.code === 'STORE_LOCKED';
}
