// Entries on their way to the team's history, by state. Bookkeeping alone: no I/O and no time.
//
//   state    | meaning                                 | next
//   ---------|-----------------------------------------|---------------------------------------------------------
//   waiting  | not yet written                         | written; suspect if its batch is refused
//   suspect  | in a part of a refused batch            | written; in a half of its part; refused if alone in it
//   refused  | refused in a batch of its own           | suspect when retried; dropped with its job
//   written  | has left the queue                      |
//
// The history refuses a batch as a whole. Halving finds the refused entry, so that one bad entry does not keep the
// others from the history.
import type { HistoryTrouble } from '../../core/decide/history-sync.ts';
import type { JobKey } from '../../core/job.ts';
import { entryAt, type HistoryEntry } from '../../core/record/entry.ts';

/** Most entries of one batch. A larger one makes no server faster. */
const BATCH_MAX = 500;

export interface Refusal {
  entry: HistoryEntry;
  trouble: HistoryTrouble;
}

export class HistoryQueue {
  readonly #max: number;
  /** Waiting entries and suspects by id, oldest first. */
  readonly #waiting = new Map<string, HistoryEntry>();
  /** Parts of refused batches. */
  readonly #parts: HistoryEntry[][] = [];
  /** Ids of the entries in the parts. */
  readonly #suspects = new Set<string>();
  /** By id, in the order in which they are retried. */
  readonly #refused = new Map<string, Refusal>();
  /** Id of the refused entry that was retried last. */
  #retried: string | undefined;
  #batchSize = BATCH_MAX;
  #lastWasPart = false;

  /** `max`: most entries in the queue. Their store keeps the others until the queue has room. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Number of entries in every state but written. */
  get size(): number {
    return this.#waiting.size + this.#refused.size;
  }

  /** When the oldest change happened that an entry records, milliseconds since the epoch; undefined without entries. */
  get oldestAt(): number | undefined {
    let oldest: number | undefined;
    for (const entry of this.#waiting.values()) oldest = Math.min(oldest ?? Infinity, entryAt(entry));
    for (const { entry } of this.#refused.values()) oldest = Math.min(oldest ?? Infinity, entryAt(entry));
    return oldest;
  }

  /** Whether at least half of the queue is free, so that jobs whose entries found no room may try again. */
  get isHalfEmpty(): boolean {
    return this.size < this.#max / 2;
  }

  /** Number of waiting entries and suspects. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Number of refused entries. */
  get refusals(): number {
    return this.#refused.size;
  }

  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  /** Jobs of waiting entries and suspects. */
  waitingJobs(): Set<JobKey> {
    return new Set([...this.#waiting.values()].map(({ job }) => job));
  }

  /** Why the first refused entry among these was refused. */
  refusalOf(entries: readonly HistoryEntry[]): HistoryTrouble | undefined {
    const refused = entries.find((entry) => this.#refused.has(entry.id));
    return refused && this.#refused.get(refused.id)?.trouble;
  }

  /** Why the entry was refused that is retried next; undefined if there is none. */
  get oldestRefusal(): HistoryTrouble | undefined {
    const [refusal] = this.#refused.values();
    return refusal?.trouble;
  }

  /** Adds the entry, once. Returns false if the queue has no room for it. */
  add(entry: HistoryEntry): boolean {
    const id = entry.id;
    if (this.#waiting.has(id) || this.#refused.has(id)) return true;
    if (this.size >= this.#max) return false;
    this.#waiting.set(id, entry);
    return true;
  }

  /**
   * Returns the next batch; empty if no entry is to be written. Parts and waiting entries take turns, so that many refused
   * entries do not hold up the others. written(), refused() or failed() must follow.
   */
  next(): HistoryEntry[] {
    const waiting = this.#nextWaiting();
    const part = this.#lastWasPart && waiting.length > 0 ? undefined : this.#parts.shift();
    this.#lastWasPart = part !== undefined;
    for (const entry of part ?? []) this.#suspects.delete(entry.id);
    return part ?? waiting;
  }

  #nextWaiting(): HistoryEntry[] {
    const batch: HistoryEntry[] = [];
    for (const [id, entry] of this.#waiting) {
      if (batch.length === this.#batchSize) break;
      if (!this.#suspects.has(id)) batch.push(entry);
    }
    return batch;
  }

  /** The history has the batch. */
  written(batch: readonly HistoryEntry[]): void {
    for (const entry of batch) this.#waiting.delete(entry.id);
    this.#batchSize = Math.min(this.#batchSize * 2, BATCH_MAX);
    if (!batch.some((entry) => entry.id === this.#retried)) return;
    // The cause of that refusal is gone, so the other refused entries may pass too.
    this.#retried = undefined;
    this.#suspectAgain([...this.#refused.values()]);
  }

  /** The history could not take the batch: the next batches are smaller, in case it ran out of time. */
  failed(batch: readonly HistoryEntry[]): void {
    this.#batchSize = Math.max(1, Math.floor(batch.length / 2));
  }

  /** The history refused the batch. Halves it; returns whether the batch was a single entry, which is refused now. */
  refused(batch: readonly HistoryEntry[], trouble: HistoryTrouble): boolean {
    if (batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      this.#parts.unshift(batch.slice(0, middle), batch.slice(middle));
      for (const entry of batch) this.#suspects.add(entry.id);
      return false;
    }
    for (const entry of batch) {
      this.#waiting.delete(entry.id);
      this.#refused.set(entry.id, { entry, trouble });
    }
    return true;
  }

  /**
   * Makes the refused entry that waited longest a suspect, in a batch of its own. Not before the other suspects: at the pace of
   * one try a minute they would never end.
   */
  retryRefused(): void {
    const [refusal] = this.#refused.values();
    if (refusal === undefined || this.#parts.length > 0) return;
    this.#retried = refusal.entry.id;
    this.#suspectAgain([refusal]);
  }

  #suspectAgain(refusals: readonly Refusal[]): void {
    for (const { entry } of refusals) {
      this.#refused.delete(entry.id);
      this.#waiting.set(entry.id, entry);
      this.#suspects.add(entry.id);
    }
    for (let from = 0; from < refusals.length; from += BATCH_MAX)
      this.#parts.push(refusals.slice(from, from + BATCH_MAX).map(({ entry }) => entry));
  }

  /** Removes and returns the refused entries that match. */
  dropRefused(matches: (entry: HistoryEntry) => boolean): Refusal[] {
    const dropped = [...this.#refused.values()].filter(({ entry }) => matches(entry));
    for (const { entry } of dropped) this.#refused.delete(entry.id);
    return dropped;
  }
}
