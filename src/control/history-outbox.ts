// Writes finished runs to the team's history. The ledger keeps each run until the history has it, so the outbox need
// not be durable: after a restart it writes every run that the ledger shows again, which changes no row.
//
//   state    | meaning                                | next
//   ---------|----------------------------------------|-------------------------------------------
//   idle     | no run to write                        | writing when a run comes
//   writing  | one batch is on its way                | writing the next batch; idle; resting after a failure
//   resting  | waits after a failure                  | writing
//   closed   | after close()                          |
//
// The states of a run are in history-queue.ts; how failures are retried and reported is in history-outage.ts.
import type { HistoryProgress } from '../core/decide/history-sync.ts';
import { toLshError, type LshError } from '../core/errors.ts';
import type { Job, JobKey } from '../core/job.ts';
import { isFinished, type Run } from '../core/run.ts';
import { HistoryOutage } from './history-outage.ts';
import { HistoryQueue, idOf } from './history-queue.ts';
import { Listeners } from './listeners.ts';
import type { Clock, Logger, RunHistory } from './ports.ts';

/** One refused run is retried at this interval, milliseconds. */
const RETRY_REFUSED_MS = 60_000;

export interface HistoryOutboxOptions {
  history: RunHistory;
  clock: Clock;
  logger: Logger;
}

export class HistoryOutbox {
  readonly #options: HistoryOutboxOptions;
  readonly #queue = new HistoryQueue();
  readonly #outage: HistoryOutage;
  /** Ids of written runs that the ledger still shows, by job. */
  readonly #written = new Map<JobKey, Set<string>>();
  /** Jobs whose runs found no room in the queue. */
  readonly #turnedAway = new Set<JobKey>();
  readonly #listeners = new Listeners<JobKey>();
  readonly #timers = new Set<() => void>();
  #state: 'idle' | 'writing' | 'resting' | 'closed' = 'idle';
  #isRetryPlanned = false;

  constructor(options: HistoryOutboxOptions) {
    this.#options = options;
    this.#outage = new HistoryOutage(options.clock);
  }

  /** Calls the listener with each job whose progress changed. The listener only enqueues. */
  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  /** Runs that the history lacks. */
  get backlog(): number {
    return this.#queue.size;
  }

  /** Adds the runs that the ledger shows of a job. Returns which of them the history lacks. */
  progress({ key, uid }: Pick<Job, 'key' | 'uid'>, runs: readonly Run[]): HistoryProgress {
    this.#dropRefused((run) => run.job === key && run.jobUid !== uid);
    const finished = runs.filter(isFinished).sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
    const written = this.#stillShown(key, finished);
    const missing = finished.filter((run) => !written.has(idOf(run)));
    this.add(missing);
    return {
      missing: new Set(missing.map(({ name }) => name)),
      trouble: this.#queue.refusalOf(missing) ?? this.#outage.trouble,
    };
  }

  /** Forgets written runs that the ledger no longer shows. Returns the ids of the others. */
  #stillShown(key: JobKey, shown: readonly Run[]): Set<string> {
    const before = this.#written.get(key);
    const written = new Set(shown.map(idOf).filter((id) => before?.has(id)));
    if (written.size > 0) this.#written.set(key, written);
    else this.#written.delete(key);
    return written;
  }

  /** Adds the finished runs among these. */
  add(runs: readonly Run[]): void {
    for (const run of runs.filter(isFinished)) if (!this.#queue.add(run)) this.#turnedAway.add(run.job);
    this.#pump();
  }

  /**
   * The job was removed. Its waiting runs are still written; its refused runs are dropped, because no status can
   * report them any more.
   */
  forget(key: JobKey): void {
    this.#written.delete(key);
    this.#dropRefused(({ job }) => job === key);
  }

  #dropRefused(matches: (run: Run) => boolean): void {
    for (const { run, trouble } of this.#queue.dropRefused(matches)) {
      const fields = { job: run.job, run: run.name, reason: trouble.reason };
      this.#options.logger.warn(fields, 'a refused run was dropped with its job');
    }
  }

  /** Starts no further write. A write under way need not be awaited: the ledger still has its runs. */
  close(): void {
    this.#state = 'closed';
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #pump(): void {
    if (this.#state !== 'idle') return;
    const batch = this.#queue.next();
    if (batch.length === 0) return;
    this.#state = 'writing';
    void this.#write(batch);
  }

  async #write(batch: readonly Run[]): Promise<void> {
    try {
      await this.#options.history.record(batch);
    } catch (thrown) {
      this.#failed(batch, toLshError(thrown));
      return;
    }
    this.#succeeded(batch);
    this.#resume();
  }

  #resume(): void {
    if (this.#state === 'closed') return;
    this.#state = 'idle';
    this.#pump();
  }

  #succeeded(batch: readonly Run[]): void {
    const concerned = new Set(batch.map(({ job }) => job));
    for (const run of batch)
      this.#written.set(run.job, (this.#written.get(run.job) ?? new Set<string>()).add(idOf(run)));
    this.#queue.written(batch);
    if (this.#outage.succeeded()) {
      this.#options.logger.info({ backlog: this.backlog }, 'the team’s history takes writes again');
      for (const key of this.#queue.waitingJobs()) concerned.add(key);
    }
    if (this.#queue.isHalfEmpty) {
      for (const key of this.#turnedAway) concerned.add(key);
      this.#turnedAway.clear();
    }
    this.#announce(concerned);
  }

  #failed(batch: readonly Run[], error: LshError): void {
    if (error.retryable) this.#queue.failed(batch);
    else this.#refused(batch, error);
    const { trouble } = this.#outage;
    const retryInMs = this.#outage.failed(error);
    const fields = { backlog: this.backlog, retryInMs, err: error };
    this.#options.logger.warn(fields, 'the team’s history was not written');
    if (this.#outage.trouble !== trouble) this.#announce(this.#queue.waitingJobs());
    if (this.#state === 'closed') return;
    this.#state = 'resting';
    this.#after(retryInMs, () => this.#resume());
  }

  #refused(batch: readonly Run[], { reason, message }: LshError): void {
    if (!this.#queue.refused(batch, { reason, message })) return;
    this.#planRetryOfRefused();
    this.#announce(new Set(batch.map(({ job }) => job)));
  }

  #planRetryOfRefused(): void {
    if (this.#isRetryPlanned || !this.#queue.hasRefused) return;
    this.#isRetryPlanned = true;
    this.#after(RETRY_REFUSED_MS, () => {
      this.#isRetryPlanned = false;
      this.#queue.retryRefused();
      this.#pump();
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

  #announce(keys: ReadonlySet<JobKey>): void {
    for (const key of keys) this.#listeners.notify(key);
  }
}
