// Finished runs on their way to the team's history. The ledger keeps each of them until it has arrived, so nothing
// here need be durable: after a restart whatever the ledger shows is written once more, and changes nothing.
import type { HistoryProgress } from '../core/decide/history-sync.ts';
import { Backoff } from '../core/backoff.ts';
import { toLshError, type LshError } from '../core/errors.ts';
import type { Job, JobKey } from '../core/job.ts';
import { isFinished, type Run } from '../core/run.ts';
import { Listeners } from './listeners.ts';
import type { Clock, Logger, RunHistory } from './ports.ts';

/** Runs written at once, at the most. */
const BATCH_MAX = 200;
/** Runs that wait here, at the most; those of further jobs are taken from the ledger when there is room again. */
const WAITING_MAX = 20_000;
const RETRY = { initialMs: 1_000, maxMs: 60_000 };
/** However much longer a server asks to wait. */
const RETRY_AFTER_MAX_MS = 300_000;
/** For so long nothing comes through before it is told: a project that restarts is not worth a word. */
const TOLD_AFTER_MS = 7_000;

type Trouble = NonNullable<HistoryProgress['trouble']>;

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
  readonly #listeners = new Listeners<JobKey>();
  /** Batches that are looked through for the runs that are refused. */
  readonly #suspects: Run[][] = [];
  /** Ids of the runs in them, which wait like others. */
  readonly #suspected = new Set<string>();
  #lastWasSuspect = false;
  /** Runs that are refused each by itself, and why, by id, in the order in which they are tried again. */
  readonly #refused = new Map<string, { run: Run; trouble: Trouble }>();
  #trialIsToCome = false;
  /** Id of the run that was refused and is tried again. */
  #onTrial: string | undefined;
  #batchSize = BATCH_MAX;
  readonly #backoff = new Backoff(RETRY);
  #failingSince = 0;
  #trouble: Trouble | undefined;
  #state: 'idle' | 'writing' | 'resting' | 'closed' = 'idle';
  readonly #timers = new Set<() => void>();

  constructor(options: HistoryOutboxOptions) {
    this.#options = options;
  }

  /** The listener hears of jobs whose progress is another; it only enqueues. */
  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  /** Takes in the runs that the ledger shows of a job; answers with what of them has not arrived. */
  progress({ key, uid }: Pick<Job, 'key' | 'uid'>, runs: readonly Run[]): HistoryProgress {
    this.#drop((run) => run.job === key && run.jobUid !== uid);
    // In the order of their ends.
    const finished = runs.filter(isFinished).sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
    const before = this.#arrived.get(key);
    const arrived = new Set(finished.map(idOf).filter((id) => before?.has(id)));
    if (arrived.size > 0) this.#arrived.set(key, arrived);
    else this.#arrived.delete(key);
    const missing = finished.filter((run) => !arrived.has(idOf(run)));
    this.add(missing);
    const refused = missing.map((run) => this.#refused.get(idOf(run))).find((one) => one !== undefined);
    return {
      missing: new Set(missing.map(({ name }) => name)),
      trouble: refused?.trouble ?? this.#trouble,
    };
  }

  /** Takes in what of the runs is finished. */
  add(runs: readonly Run[]): void {
    for (const run of runs) {
      const id = idOf(run);
      if (!isFinished(run) || this.#waiting.has(id) || this.#refused.has(id)) continue;
      if (this.backlog < WAITING_MAX) this.#waiting.set(id, run);
      else this.#turnedAway.add(run.job);
    }
    this.#pump();
  }

  /**
   * The job is gone: nobody asks for its progress any more. What waits is written; of what is refused, then or later,
   * nothing would ever tell and nothing could be mended.
   */
  forget(key: JobKey): void {
    this.#arrived.delete(key);
    this.#drop(({ job }) => job === key);
  }

  /** Of those that are refused. */
  #drop(isUnwanted: (run: Run) => boolean): void {
    for (const [id, { run, trouble }] of this.#refused) {
      if (!isUnwanted(run)) continue;
      this.#refused.delete(id);
      const { job, name } = run;
      this.#options.logger.warn(
        { job, run: name, reason: trouble.reason },
        'a refused run was dropped with its job',
      );
    }
  }

  /** Runs that wait, and those that are refused. */
  get backlog(): number {
    return this.#waiting.size + this.#refused.size;
  }

  /** Begins nothing more. What is on its way need not be waited for: the ledger has it. */
  close(): void {
    this.#state = 'closed';
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #pump(): void {
    if (this.#state !== 'idle') return;
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    this.#state = 'writing';
    void this.#write(batch);
  }

  /** Suspects and others by turns: however many are refused, the others get through. */
  #nextBatch(): Run[] {
    const others = this.#unsuspected();
    const suspects = this.#lastWasSuspect && others.length > 0 ? undefined : this.#suspects.shift();
    this.#lastWasSuspect = suspects !== undefined;
    for (const run of suspects ?? []) this.#suspected.delete(idOf(run));
    return suspects ?? others;
  }

  #unsuspected(): Run[] {
    const batch: Run[] = [];
    for (const [id, run] of this.#waiting) {
      if (batch.length === this.#batchSize) break;
      if (!this.#suspected.has(id)) batch.push(run);
    }
    return batch;
  }

  async #write(batch: readonly Run[]): Promise<void> {
    try {
      await this.#options.history.record(batch);
    } catch (thrown) {
      this.#failed(batch, toLshError(thrown));
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
    this.#backoff.reset();
    // What kept it out is gone, so that others may be taken as well.
    if (batch.some((run) => idOf(run) === this.#onTrial)) {
      this.#onTrial = undefined;
      this.#tryAgain([...this.#refused.values()]);
    }
    if (this.backlog < WAITING_MAX / 2) {
      for (const key of this.#turnedAway) concerned.add(key);
      this.#turnedAway.clear();
    }
    this.#announce(concerned);
  }

  #failed(batch: readonly Run[], error: LshError): void {
    const { clock, logger } = this.#options;
    if (this.#backoff.failures === 0) this.#failingSince = clock.monotonic();
    if (error.retryable) this.#batchSize = Math.max(1, Math.floor(batch.length / 2));
    else this.#suspect(batch, error);
    const retryInMs = this.#backoff.next(Math.min(error.retryAfterMs, RETRY_AFTER_MAX_MS));
    logger.warn({ backlog: this.backlog, retryInMs, err: error }, 'the team’s history was not written');
    if (clock.monotonic() - this.#failingSince >= TOLD_AFTER_MS) this.#tell(error);
    if (this.#state === 'closed') return;
    this.#state = 'resting';
    this.#after(retryInMs, () => {
      this.#state = 'idle';
      this.#pump();
    });
  }

  /** One run that is never taken must not hold up the others: it is found, and set aside. */
  #suspect(batch: readonly Run[], { reason, message }: LshError): void {
    if (batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      this.#suspects.unshift(batch.slice(0, middle), batch.slice(middle));
      for (const run of batch) this.#suspected.add(idOf(run));
      return;
    }
    for (const run of batch) {
      this.#waiting.delete(idOf(run));
      this.#refused.set(idOf(run), { run, trouble: { reason, message } });
    }
    this.#armTrial();
    this.#announce(new Set(batch.map(({ job }) => job)));
  }

  /** In a minute one of those that are refused is tried again, by turns. */
  #armTrial(): void {
    if (this.#trialIsToCome || this.#refused.size === 0) return;
    this.#trialIsToCome = true;
    this.#after(RETRY.maxMs, () => {
      this.#trialIsToCome = false;
      const [next] = this.#refused.values();
      if (next === undefined) return;
      this.#onTrial = idOf(next.run);
      this.#tryAgain([next]);
      this.#armTrial();
    });
  }

  #tryAgain(refused: readonly { run: Run }[]): void {
    for (const { run } of refused) {
      this.#refused.delete(idOf(run));
      this.#waiting.set(idOf(run), run);
      this.#suspected.add(idOf(run));
    }
    for (let from = 0; from < refused.length; from += BATCH_MAX)
      this.#suspects.push(refused.slice(from, from + BATCH_MAX).map(({ run }) => run));
    this.#pump();
  }

  #after(delayMs: number, then: () => void): void {
    if (this.#state === 'closed') return;
    const { clock } = this.#options;
    const cancel = clock.at(clock.now() + delayMs, () => {
      this.#timers.delete(cancel);
      then();
    });
    this.#timers.add(cancel);
  }

  #tell({ reason, message }: LshError): void {
    if (this.#trouble?.reason === reason) return;
    this.#trouble = { reason, message };
    this.#announce(new Set([...this.#waiting.values()].map(({ job }) => job)));
  }

  #announce(keys: ReadonlySet<JobKey>): void {
    for (const key of keys) this.#listeners.notify(key);
  }
}

/** A job of the same name that was made anew may have runs of the same names. */
function idOf({ jobUid, name }: Run): string {
  return `${jobUid}/${name}`;
}
