// The outbox of the daemon. A table of its database keeps each entry, from the transaction of the change itself until the team's
// history has it: kill -9 loses none, and an outage costs room on the disk alone.
import { entryAt, type HistoryEntry } from '../../core/record/entry.ts';
import type { OutboxStore } from '../ports.ts';
import {
  HistorySender,
  type HistorySenderOptions,
  type HistoryStanding,
  type OutboxOwner,
} from './sender.ts';

/** Most entries in memory, each with at most 4 KiB of output or one job: several batches, so that one is ready for the next. */
const ENTRIES_MAX = 2_000;
/** Written entries that are removed in one transaction: each transaction waits for the disk. */
const REMOVED_TOGETHER = 2_000;

export interface StoredOutboxOptions extends HistorySenderOptions {
  store: OutboxStore;
}

export class StoredOutbox implements OutboxOwner {
  readonly #options: StoredOutboxOptions;
  readonly #sender: HistorySender;
  /** Place of the last entry that was read. */
  #readTo = 0;
  /** Entries that the history has, and the table still has, too. */
  readonly #written: HistoryEntry[] = [];
  #isWoken = false;

  constructor(options: StoredOutboxOptions) {
    this.#options = options;
    this.#sender = new HistorySender(options, this, ENTRIES_MAX);
  }

  /** Entries that the history lacks; those in memory alone if the table cannot be read. */
  get backlog(): number {
    try {
      return this.#sender.size + this.#options.store.count(this.#readTo);
    } catch {
      return this.#sender.size;
    }
  }

  standing(): HistoryStanding {
    const { backlog } = this;
    const { trouble } = this.#sender;
    return { backlog, oldestAt: backlog === 0 ? undefined : this.#oldestAt(), trouble };
  }

  #oldestAt(): number | undefined {
    return this.#sender.oldestAt ?? oldestAfter(this.#options.store, this.#readTo);
  }

  /** The table may have new entries. Commits of the same turn of the event loop cost one look. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#read();
    });
  }

  /** Starts no further write. Call it before the store closes. */
  close(): void {
    this.#sender.close();
  }

  written(entries: readonly HistoryEntry[]): void {
    this.#written.push(...entries);
    this.#read();
    if (this.#written.length >= REMOVED_TOGETHER || this.#sender.size === 0) this.#removeWritten();
  }

  changed(): void {}

  /** What a process that ends has not removed is written once more by the next, which changes nothing. */
  #removeWritten(): void {
    this.#options.store.remove(this.#written.splice(0)).catch((err: unknown) => {
      this.#options.logger.warn({ err }, 'written entries of the outbox were not removed');
    });
  }

  /** A table that cannot be read keeps no job from running. The next change looks again. */
  #read(): void {
    try {
      this.#fill();
    } catch (err) {
      this.#options.logger.warn({ err }, 'the outbox was not read');
    }
    this.#sender.send();
  }

  #fill(): void {
    while (this.#sender.hasRoom) {
      const read = this.#options.store.after(this.#readTo, ENTRIES_MAX / 2);
      for (const { entry } of read) this.#sender.add(entry);
      const last = read.at(-1);
      if (last === undefined) break;
      this.#readTo = last.place;
    }
  }
}

/** When the change happened that the first entry behind a place records; undefined without an entry. */
export function oldestAfter(store: OutboxStore, place: number): number | undefined {
  const [first] = store.after(place, 1);
  return first && entryAt(first.entry);
}
