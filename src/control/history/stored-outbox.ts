// The outbox of the daemon. A table of its database keeps each entry, from the transaction of the change itself until the team's
// history has it: kill -9 loses none, and an outage costs room on the disk alone.
import { entryAt, type HistoryEntry } from '../../core/record/entry.ts';
import type { OutboxStore, StoredEntry } from '../ports.ts';
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
/** Most refused entries in memory: one of them shows when their cause is gone. */
const REFUSALS_MAX = 100;
/** How often refused entries that left the memory are read again, milliseconds. */
const READ_AGAIN_MS = 3_600_000;

export interface StoredOutboxOptions extends HistorySenderOptions {
  store: OutboxStore;
}

export class StoredOutbox implements OutboxOwner {
  readonly #options: StoredOutboxOptions;
  readonly #sender: HistorySender;
  /** Place of the last entry that was read. */
  #readTo = 0;
  /** Entries that the history has, and the table still has, too. */
  readonly #written: StoredEntry[] = [];
  /** Refused entries that left the memory. */
  #aside = { count: 0, firstPlace: Infinity };
  #cancelReadAgain: (() => void) | undefined;
  #isWoken = false;

  constructor(options: StoredOutboxOptions) {
    this.#options = options;
    this.#sender = new HistorySender(options, this, ENTRIES_MAX);
  }

  /** Entries that the history lacks; those in memory alone if the table cannot be read. */
  get backlog(): number {
    try {
      return this.#sender.size + this.#aside.count + this.#options.store.count(this.#readTo);
    } catch {
      return this.#sender.size + this.#aside.count;
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
    this.#cancelReadAgain?.();
    this.#sender.close();
  }

  written(entries: readonly HistoryEntry[]): void {
    for (const { id, kind } of entries) this.#written.push({ id, kind });
    if (this.#sender.refusals === 0) this.#readAsideAgain();
    this.#read();
    if (this.#written.length >= REMOVED_TOGETHER || this.#sender.waiting === 0) this.#removeWritten();
  }

  changed(): void {
    if (this.#sender.refusals <= REFUSALS_MAX) return;
    this.#setAside();
    this.#read();
  }

  /** The refused entries make room; the table has them. The oldest stays: the sender retries it. */
  #setAside(): void {
    let isOldest = true;
    const others = this.#sender.dropRefused(() => {
      const isDropped = !isOldest;
      isOldest = false;
      return isDropped;
    });
    const places = others.map(({ entry }) => Number(entry.id));
    const { count, firstPlace } = this.#aside;
    this.#aside = { count: count + places.length, firstPlace: Math.min(firstPlace, ...places) };
    if (this.#cancelReadAgain === undefined) this.#planReadAgain();
  }

  /** Not while other entries wait: many refused ones would come before them again and again. */
  #planReadAgain(): void {
    const { clock } = this.#options;
    this.#cancelReadAgain = clock.at(clock.now() + READ_AGAIN_MS, () => {
      if (this.#sender.waiting > 0) return this.#planReadAgain();
      this.#readAsideAgain();
      this.#read();
    });
  }

  /** Entries in memory are known again by their id. */
  #readAsideAgain(): void {
    if (this.#aside.count === 0) return;
    this.#readTo = this.#aside.firstPlace - 1;
    this.#aside = { count: 0, firstPlace: Infinity };
    this.#cancelReadAgain?.();
    this.#cancelReadAgain = undefined;
  }

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
