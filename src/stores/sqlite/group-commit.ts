// Group commit: writes of the same turn of the event loop share one transaction, and so one wait for the disk.
import { LshError } from '../../core/errors.ts';

/** Bounds how long one transaction blocks the event loop. */
const MEMBERS_MAX = 1000;

interface Member {
  write: () => void;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #atomically: (work: () => void) => void;
  #waiting: Member[] = [];

  /** `atomically` does all of the work durably, or throws and does none. */
  constructor(atomically: (work: () => void) => void) {
    this.#atomically = atomically;
  }

  /** Resolves once the write is durable; rejects with the error of this write, never with that of another. */
  add(write: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#waiting.push({ write, resolve, reject }) === 1) setImmediate(() => this.#next());
    return promise;
  }

  /** Commits all waiting writes now. */
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
      if (members.length === 1 || concernsAll(error)) members.forEach(({ reject }) => reject(error));
      else for (const member of members) this.#writeTogether([member]);
    }
  }
}

/** A lock stops every member: a retry for each would only block the event loop. */
function concernsAll(error: unknown): boolean {
  return error instanceof LshError && error.code === 'STORE_LOCKED';
}
