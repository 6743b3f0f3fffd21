// The outbox of the operator. The ledger keeps each finished run until the team's history has it, so nothing else need be
// durable: after a restart every run that the ledger shows is written again, which changes no row.
import type { HistoryProgress } from '../../core/decide/history-sync.ts';
import type { Job, JobKey } from '../../core/job.ts';
import {
  runEntry,
  type AuditEntry,
  type HistoryEntry,
  type JobEntry,
  type RunEntry,
} from '../../core/record/entry.ts';
import { isFinished, type Run } from '../../core/run.ts';
import { Listeners } from '../listeners.ts';
import {
  HistorySender,
  type HistorySenderOptions,
  type HistoryStanding,
  type OutboxOwner,
} from './sender.ts';

/** Most runs in memory. The ledger keeps the runs of further jobs until there is room. */
const RUNS_MAX = 20_000;

export class LedgerOutbox implements OutboxOwner {
  readonly #options: HistorySenderOptions;
  readonly #sender: HistorySender;
  /** Ids of written runs that the ledger still shows, by job. */
  readonly #written = new Map<JobKey, Set<string>>();
  /** Jobs whose runs found no room. */
  readonly #turnedAway = new Set<JobKey>();
  readonly #listeners = new Listeners<JobKey>();

  constructor(options: HistorySenderOptions) {
    this.#options = options;
    this.#sender = new HistorySender(options, this, RUNS_MAX);
  }

  /** Calls the listener with each job whose progress changed. The listener only enqueues. */
  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  /** Runs and changes that the history lacks. */
  get backlog(): number {
    return this.#sender.size;
  }

  /** Of all jobs. */
  standing(): HistoryStanding {
    const { size: backlog, oldestAt, trouble } = this.#sender;
    return { backlog, oldestAt, trouble };
  }

  /** Adds the runs that the ledger shows of a job. Returns which of them the history lacks. */
  progress({ key, uid }: Pick<Job, 'key' | 'uid'>, runs: readonly Run[]): HistoryProgress {
    this.#dropRefusedRuns((entry) => entry.job === key && entry.jobUid !== uid);
    const finished = runs.filter(isFinished).sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
    const entries = finished.map(runEntry);
    const written = this.#stillShown(key, entries);
    const missing = entries.filter(({ id }) => !written.has(id));
    this.#addAll(missing);
    return {
      missing: new Set(missing.map(({ run }) => run.name)),
      trouble: this.#sender.troubleOf(missing),
    };
  }

  /** Forgets written runs that the ledger no longer shows. Returns the ids of the others. */
  #stillShown(key: JobKey, shown: readonly HistoryEntry[]): Set<string> {
    const before = this.#written.get(key);
    const written = new Set(shown.map(({ id }) => id).filter((id) => before?.has(id)));
    if (written.size > 0) this.#written.set(key, written);
    else this.#written.delete(key);
    return written;
  }

  /** Adds the finished runs among these. */
  add(runs: readonly Run[]): void {
    this.#addAll(runs.filter(isFinished).map(runEntry));
  }

  /** Adds changes of jobs. Room for them is the business of the caller, which can find them again. */
  addChanges(entries: readonly (JobEntry | AuditEntry)[]): void {
    for (const entry of entries) this.#sender.add(entry);
    this.#sender.send();
  }

  #addAll(entries: readonly HistoryEntry[]): void {
    for (const entry of entries) if (!this.#sender.add(entry)) this.#turnedAway.add(entry.job);
    this.#sender.send();
  }

  /**
   * The job was removed. Its waiting runs are still written; its refused runs are dropped, because no status can
   * report them any more.
   */
  forget(key: JobKey): void {
    this.#written.delete(key);
    this.#dropRefusedRuns(({ job }) => job === key);
  }

  #dropRefusedRuns(matches: (entry: RunEntry) => boolean): void {
    const refused = this.#sender.dropRefused((entry) => entry.kind === 'run' && matches(entry));
    for (const { entry, trouble } of refused) {
      const run = entry.kind === 'run' ? entry.run.name : entry.id;
      const fields = { job: entry.job, run, reason: trouble.reason };
      this.#options.logger.warn(fields, 'a refused run was dropped with its job');
    }
  }

  /** Starts no further write. */
  close(): void {
    this.#sender.close();
  }

  written(entries: readonly HistoryEntry[]): void {
    for (const { kind, job, id } of entries)
      if (kind === 'run') this.#written.set(job, (this.#written.get(job) ?? new Set<string>()).add(id));
    if (!this.#sender.hasRoom) return;
    const turnedAway = new Set(this.#turnedAway);
    this.#turnedAway.clear();
    this.changed(turnedAway);
  }

  changed(keys: ReadonlySet<JobKey>): void {
    for (const key of keys) this.#listeners.notify(key);
  }
}
