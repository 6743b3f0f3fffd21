// Writes entries to the team's history, beside the loop: no run waits for it. A store keeps each entry until the history has
// it, so the sender need not be durable: an entry that is written again changes nothing.
//
//   state    | meaning                                | next
//   ---------|----------------------------------------|-------------------------------------------
//   idle     | no entry to write                      | writing when an entry comes
//   writing  | one batch is on its way                | writing the next batch; idle; resting after a failure
//   resting  | waits after a failure                  | writing
//   closed   | after close()                          |
//
// The states of an entry are in queue.ts; how failures are retried and reported is in outage.ts. Two stores use it: the
// statuses of LshJobs (ledger-outbox.ts), and a table of the daemon's database (stored-outbox.ts).
import type { HistoryTrouble } from '../../core/decide/history-sync.ts';
import { toLshError, type LshError } from '../../core/errors.ts';
import type { JobKey } from '../../core/job.ts';
import type { HistoryEntry } from '../../core/record/entry.ts';
import type { Clock, Logger, TeamHistory } from '../ports.ts';
import { HistoryOutage } from './outage.ts';
import { HistoryQueue, type Refusal } from './queue.ts';

/** One refused entry is retried at this interval, milliseconds. */
const RETRY_REFUSED_MS = 60_000;

/** What people hear of an outbox: `lsh daemon status`, `lsh doctor`, `lsh supabase status`, the metrics of the operator. */
export interface HistoryStanding {
  /** Entries that the history lacks. */
  backlog: number;
  /** When the oldest change among them happened, milliseconds since the epoch; undefined without a backlog. */
  oldestAt?: number | undefined;
  /** Why they wait; undefined while all is well. */
  trouble?: HistoryTrouble | undefined;
}

/** What the sender needs of the store's side. */
export interface OutboxOwner {
  /** Entries that the history lacks. */
  readonly backlog: number;
  /** The history has these entries. */
  written(entries: readonly HistoryEntry[]): void;
  /** The progress of these jobs has changed. */
  changed(keys: ReadonlySet<JobKey>): void;
}

export interface HistorySenderOptions {
  history: TeamHistory;
  clock: Clock;
  logger: Logger;
}

export class HistorySender {
  readonly #options: HistorySenderOptions;
  readonly #owner: OutboxOwner;
  readonly #queue: HistoryQueue;
  readonly #outage: HistoryOutage;
  readonly #timers = new Set<() => void>();
  #state: 'idle' | 'writing' | 'resting' | 'closed' = 'idle';
  #isRetryPlanned = false;

  /** `max`: most entries that it holds. */
  constructor(options: HistorySenderOptions, owner: OutboxOwner, max: number) {
    this.#options = options;
    this.#owner = owner;
    this.#queue = new HistoryQueue(max);
    this.#outage = new HistoryOutage(options.clock);
  }

  /** Entries that it holds. */
  get size(): number {
    return this.#queue.size;
  }

  /** When the oldest change happened that it holds. */
  get oldestAt(): number | undefined {
    return this.#queue.oldestAt;
  }

  /** Entries among them that it will write without a pause. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Refused entries among them. */
  get refusals(): number {
    return this.#queue.refusals;
  }

  /** Whether it takes many more entries. */
  get hasRoom(): boolean {
    return this.#state !== 'closed' && this.#queue.isHalfEmpty;
  }

  /** Why the first refused entry among these was refused, else why writes have failed for a while. */
  troubleOf(entries: readonly HistoryEntry[]): HistoryTrouble | undefined {
    return this.#queue.refusalOf(entries) ?? this.#outage.trouble;
  }

  /** Why any entry waits; undefined while all is well. */
  get trouble(): HistoryTrouble | undefined {
    return this.#outage.trouble ?? this.#queue.oldestRefusal;
  }

  /** Takes the entry, once. Returns false if there is no room for it. */
  add(entry: HistoryEntry): boolean {
    return this.#queue.add(entry);
  }

  /** Begins to write what it holds, unless it does or waits already. */
  send(): void {
    if (this.#state !== 'idle') return;
    const batch = this.#queue.next();
    if (batch.length === 0) return;
    this.#state = 'writing';
    void this.#write(batch);
  }

  dropRefused(matches: (entry: HistoryEntry) => boolean): Refusal[] {
    return this.#queue.dropRefused(matches);
  }

  /** Starts no further write. A write under way need not be awaited: the store still has its entries. */
  close(): void {
    this.#state = 'closed';
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  async #write(batch: readonly HistoryEntry[]): Promise<void> {
    try {
      await this.#options.history.record(batch);
    } catch (thrown) {
      if (this.#state !== 'closed') this.#failed(batch, toLshError(thrown));
      return;
    }
    // The store of a process that ends may be closed.
    if (this.#state === 'closed') return;
    const concerned = this.#succeeded(batch);
    this.#state = 'idle';
    // First, so that the next batch is on its way while the owner prepares the one after it.
    this.send();
    this.#owner.written(batch);
    this.#owner.changed(concerned);
  }

  /** Returns the jobs whose progress has changed. */
  #succeeded(batch: readonly HistoryEntry[]): Set<JobKey> {
    const concerned = new Set(batch.map(({ job }) => job));
    this.#queue.written(batch);
    if (this.#outage.succeeded()) {
      this.#options.logger.info({ backlog: this.#owner.backlog }, 'the team’s history takes writes again');
      for (const key of this.#queue.waitingJobs()) concerned.add(key);
    }
    return concerned;
  }

  #failed(batch: readonly HistoryEntry[], error: LshError): void {
    if (error.retryable) this.#queue.failed(batch);
    else this.#refused(batch, error);
    const { trouble } = this.#outage;
    const retryInMs = this.#outage.failed(error);
    const fields = { backlog: this.#owner.backlog, retryInMs, err: error };
    this.#options.logger.warn(fields, 'the team’s history was not written');
    if (this.#outage.trouble?.reason !== trouble?.reason) this.#owner.changed(this.#queue.waitingJobs());
    this.#state = 'resting';
    this.#after(retryInMs, () => {
      this.#state = 'idle';
      this.send();
    });
  }

  #refused(batch: readonly HistoryEntry[], { reason, message, hint }: LshError): void {
    if (!this.#queue.refused(batch, { reason, message, hint })) return;
    this.#planRetryOfRefused();
    this.#owner.changed(new Set(batch.map(({ job }) => job)));
  }

  #planRetryOfRefused(): void {
    if (this.#isRetryPlanned || !this.#queue.hasRefused) return;
    this.#isRetryPlanned = true;
    this.#after(RETRY_REFUSED_MS, () => {
      this.#isRetryPlanned = false;
      this.#queue.retryRefused();
      this.send();
      this.#planRetryOfRefused();
    });
  }

  #after(delayMs: number, callback: () => void): void {
    if (this.#state === 'closed') return;
    const { clock } = this.#options;
    const cancel = clock.at(clock.now() + delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}
