// Finished runs on their way to the team's history. The ledger keeps each of them until it has arrived, so nothing
// here need be durable: after a restart whatever the ledger shows is written once more, and changes nothing.
import type { HistoryProgress } from '../core/history.ts';
import { toLshError, type LshError } from '../core/errors.ts';
import type { JobKey } from '../core/job.ts';
import { isFinished, type Run } from '../core/run.ts';
import type { Clock, Logger, RunHistory } from './ports.ts';

/** Runs written at once, at the most. */
const BATCH_MAX = 200;
/** Runs that wait here, at the most; those of further jobs are taken from the ledger when there is room again. */
const WAITING_MAX = 20_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** Tries in a row that fail before it is told: about seven seconds. */
const TOLD_AFTER = 4;

export interface HistoryOutboxOptions {
  history: RunHistory;
  clock: Clock;
  logger: Logger;
}

export class HistoryOutbox {
  readonly #options: HistoryOutboxOptions;
  /** By id, oldest first. */
  readonly #waiting = new Map<string, Run>();
  /** Ids of runs that have arrived and that the ledger still shows, by job. */
  readonly #arrived = new Map<JobKey, Set<string>>();
  /** Jobs some of whose runs found no room. */
  readonly #turnedAway = new Set<JobKey>();
  readonly #listeners: ((key: JobKey) => void)[] = [];
  #batchSize = BATCH_MAX;
  #failures = 0;
  #trouble: HistoryProgress['trouble'];
  #state: 'idle' | 'writing' | 'resting' | 'closed' = 'idle';
  #writing: Promise<void> = Promise.resolve();
  #cancelRest: (() => void) | undefined;

  constructor(options: HistoryOutboxOptions) {
    this.#options = options;
  }

  /** The listener hears of jobs whose progress is another; it only enqueues. */
  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes in the runs that the ledger shows of a job; answers with what of them has not arrived. */
  progress(key: JobKey, runs: readonly Run[]): HistoryProgress {
    const finished = runs.filter(isFinished);
    const before = this.#arrived.get(key);
    const arrived = new Set(finished.map(idOf).filter((id) => before?.has(id)));
    if (arrived.size > 0) this.#arrived.set(key, arrived);
    else this.#arrived.delete(key);
    const missing = finished.filter((run) => !arrived.has(idOf(run)));
    this.add(missing);
    return { missing: new Set(missing.map(({ name }) => name)), trouble: this.#trouble };
  }

  /** Takes in what of the runs is finished. */
  add(runs: readonly Run[]): void {
    for (const run of runs) {
      if (!isFinished(run) || this.#waiting.has(idOf(run))) continue;
      if (this.#waiting.size < WAITING_MAX) this.#waiting.set(idOf(run), run);
      else this.#turnedAway.add(run.job);
    }
    this.#pump();
  }

  /** The job is gone: nobody asks for its progress any more. */
  forget(key: JobKey): void {
    this.#arrived.delete(key);
  }

  /** Runs that wait. */
  get backlog(): number {
    return this.#waiting.size;
  }

  /** Begins nothing more; resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#cancelRest?.();
    await this.#writing;
  }

  #pump(): void {
    if (this.#state !== 'idle' || this.#waiting.size === 0) return;
    this.#state = 'writing';
    this.#writing = this.#write([...this.#waiting.values()].slice(0, this.#batchSize));
  }

  async #write(batch: readonly Run[]): Promise<void> {
    try {
      await this.#options.history.record(batch);
    } catch (thrown) {
      this.#refused(batch, toLshError(thrown));
      return;
    }
    this.#arrive(batch);
    if (this.#state === 'closed') return;
    this.#state = 'idle';
    this.#pump();
  }

  #arrive(batch: readonly Run[]): void {
    const concerned = new Set<JobKey>();
    for (const run of batch) {
      this.#waiting.delete(idOf(run));
      this.#arrived.set(run.job, (this.#arrived.get(run.job) ?? new Set<string>()).add(idOf(run)));
      concerned.add(run.job);
    }
    this.#batchSize = Math.min(this.#batchSize * 2, BATCH_MAX);
    if (this.#trouble !== undefined) {
      this.#options.logger.info({ backlog: this.backlog }, 'the team’s history is written again');
      this.#trouble = undefined;
      for (const { job } of this.#waiting.values()) concerned.add(job);
    }
    this.#failures = 0;
    if (this.#waiting.size < WAITING_MAX / 2) {
      for (const key of this.#turnedAway) concerned.add(key);
      this.#turnedAway.clear();
    }
    this.#announce(concerned);
  }

  #refused(batch: readonly Run[], error: LshError): void {
    this.#failures++;
    // One run that is never taken must not hold up the others: it comes to be tried last, and alone.
    if (!error.retryable) this.#putLast(batch);
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS);
    const retryInMs = Math.max(delayMs, error.retryAfterMs);
    this.#options.logger.warn(
      { backlog: this.backlog, retryInMs, err: error },
      'the team’s history was not written',
    );
    if (this.#failures >= TOLD_AFTER) this.#tell(error);
    if (this.#state === 'closed') return;
    this.#state = 'resting';
    const { clock } = this.#options;
    this.#cancelRest = clock.at(clock.now() + retryInMs, () => {
      this.#state = 'idle';
      this.#pump();
    });
  }

  #putLast(batch: readonly Run[]): void {
    this.#batchSize = Math.max(1, Math.floor(batch.length / 2));
    for (const run of batch) {
      this.#waiting.delete(idOf(run));
      this.#waiting.set(idOf(run), run);
    }
  }

  #tell({ reason, message }: LshError): void {
    if (this.#trouble?.reason === reason) return;
    this.#trouble = { reason, message };
    this.#announce(new Set([...this.#waiting.values()].map(({ job }) => job)));
  }

  #announce(keys: ReadonlySet<JobKey>): void {
    for (const listener of this.#listeners) for (const key of keys) listener(key);
  }
}

/** A job of the same name that was made anew may have runs of the same names. */
function idOf({ jobUid, name }: Run): string {
  return `${jobUid}/${name}`;
}
