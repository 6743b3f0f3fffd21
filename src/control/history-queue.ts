// Finished runs on their way to the team's history, by state. Bookkeeping alone: no I/O and no time.
//
//   state    | meaning                                 | next
//   ---------|-----------------------------------------|---------------------------------------------------------
//   waiting  | not yet written                         | written; suspect if its batch is refused
//   suspect  | in a part of a refused batch            | written; in a half of its part; refused if alone in it
//   refused  | refused in a batch of its own           | suspect when retried; dropped with its job
//   written  | has left the queue                      |
//
// The history refuses a batch as a whole. Halving finds the refused run, so that one bad run does not keep the
// other 199 from the history.
import type { HistoryProgress } from '../core/decide/history-sync.ts';
import type { JobKey } from '../core/job.ts';
import type { Run } from '../core/run.ts';

/** Most runs of one batch. */
const BATCH_MAX = 200;
/** Most runs in the queue. The ledger keeps the runs of further jobs until the queue has room. */
const QUEUE_MAX = 20_000;

export type Trouble = NonNullable<HistoryProgress['trouble']>;

export interface Refusal {
  run: Run;
  trouble: Trouble;
}

export class HistoryQueue {
  /** Waiting runs and suspects by id, oldest first. */
  readonly #waiting = new Map<string, Run>();
  /** Parts of refused batches. */
  readonly #parts: Run[][] = [];
  /** Ids of the runs in the parts. */
  readonly #suspects = new Set<string>();
  /** By id, in the order in which they are retried. */
  readonly #refused = new Map<string, Refusal>();
  /** Id of the refused run that was retried last. */
  #retried: string | undefined;
  #batchSize = BATCH_MAX;
  #lastWasPart = false;

  /** Number of runs in every state but written. */
  get size(): number {
    return this.#waiting.size + this.#refused.size;
  }

  /** Whether at least half of the queue is free, so that jobs whose runs found no room may try again. */
  get isHalfEmpty(): boolean {
    return this.size < QUEUE_MAX / 2;
  }

  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  /** Jobs of waiting runs and suspects. */
  waitingJobs(): Set<JobKey> {
    return new Set([...this.#waiting.values()].map(({ job }) => job));
  }

  /** Why the first refused run among these was refused. */
  refusalOf(runs: readonly Run[]): Trouble | undefined {
    const refused = runs.find((run) => this.#refused.has(idOf(run)));
    return refused && this.#refused.get(idOf(refused))?.trouble;
  }

  /** Adds the run, once. Returns false if the queue has no room for it. */
  add(run: Run): boolean {
    const id = idOf(run);
    if (this.#waiting.has(id) || this.#refused.has(id)) return true;
    if (this.size >= QUEUE_MAX) return false;
    this.#waiting.set(id, run);
    return true;
  }

  /**
   * Returns the next batch; empty if no run is to be written. Parts and waiting runs take turns, so that many refused
   * runs do not hold up the others. written(), refused() or failed() must follow.
   */
  next(): Run[] {
    const waiting = this.#nextWaiting();
    const part = this.#lastWasPart && waiting.length > 0 ? undefined : this.#parts.shift();
    this.#lastWasPart = part !== undefined;
    for (const run of part ?? []) this.#suspects.delete(idOf(run));
    return part ?? waiting;
  }

  #nextWaiting(): Run[] {
    const batch: Run[] = [];
    for (const [id, run] of this.#waiting) {
      if (batch.length === this.#batchSize) break;
      if (!this.#suspects.has(id)) batch.push(run);
    }
    return batch;
  }

  /** The history has the batch. */
  written(batch: readonly Run[]): void {
    for (const run of batch) this.#waiting.delete(idOf(run));
    this.#batchSize = Math.min(this.#batchSize * 2, BATCH_MAX);
    if (!batch.some((run) => idOf(run) === this.#retried)) return;
    // The cause of that refusal is gone, so the other refused runs may pass too.
    this.#retried = undefined;
    this.#suspectAgain([...this.#refused.values()]);
  }

  /** The history could not take the batch: the next batches are smaller, in case it ran out of time. */
  failed(batch: readonly Run[]): void {
    this.#batchSize = Math.max(1, Math.floor(batch.length / 2));
  }

  /** The history refused the batch. Halves it; returns whether the batch was a single run, which is refused now. */
  refused(batch: readonly Run[], trouble: Trouble): boolean {
    if (batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      this.#parts.unshift(batch.slice(0, middle), batch.slice(middle));
      for (const run of batch) this.#suspects.add(idOf(run));
      return false;
    }
    for (const run of batch) {
      this.#waiting.delete(idOf(run));
      this.#refused.set(idOf(run), { run, trouble });
    }
    return true;
  }

  /** Makes the refused run that waited longest a suspect, in a batch of its own. */
  retryRefused(): void {
    const [refusal] = this.#refused.values();
    if (refusal === undefined) return;
    this.#retried = idOf(refusal.run);
    this.#suspectAgain([refusal]);
  }

  #suspectAgain(refusals: readonly Refusal[]): void {
    for (const { run } of refusals) {
      this.#refused.delete(idOf(run));
      this.#waiting.set(idOf(run), run);
      this.#suspects.add(idOf(run));
    }
    for (let from = 0; from < refusals.length; from += BATCH_MAX)
      this.#parts.push(refusals.slice(from, from + BATCH_MAX).map(({ run }) => run));
  }

  /** Removes and returns the refused runs that match. */
  dropRefused(matches: (run: Run) => boolean): Refusal[] {
    const dropped = [...this.#refused.values()].filter(({ run }) => matches(run));
    for (const { run } of dropped) this.#refused.delete(idOf(run));
    return dropped;
  }
}

/** Identifies a run across jobs: a removed job and its successor of the same name have runs of the same names. */
export function idOf({ jobUid, name }: Run): string {
  return `${jobUid}/${name}`;
}
