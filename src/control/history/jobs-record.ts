// The jobs of a cluster in the team's history: who added, changed and removed them. The API server keeps no list of changes, so
// this compares the jobs as they are with those that the history has: once after the start, then job by job as they change.
// What an operator misses while it is down is found at the next start, as one change.
//
//   the history has   | the cluster has         | record
//   ------------------|-------------------------|---------------------------------------------
//   nothing, or a     | the job                 | Added
//   removed job       |                         |
//   the job           | the job, as it is there | none
//   the job           | the job, otherwise      | Configured, Paused or Resumed
//   the job           | no such job             | Removed, if its namespace is watched
//   the job           | a job of the same name  | Removed, then Added
import { isDeepStrictEqual } from 'node:util';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stableNumber } from '../../core/hash.ts';
import type { Job, JobKey } from '../../core/job.ts';
import { splitKey } from '../../core/naming.ts';
import type { AuditAction, AuditEntry, JobEntry } from '../../core/record/entry.ts';
import { auditPayload, changeAction, jobPayload, type JobShape } from '../../core/record/job-record.ts';
import type { JobSource, RecordedJob } from '../ports.ts';
import type { LedgerOutbox } from './ledger-outbox.ts';
import { readRoster, type RosterReading } from './read-roster.ts';

/** With more entries in the outbox, further jobs wait: they cost no memory before they are compared. */
const BACKLOG_MAX = 1_000;
/** Jobs that are compared in one turn of the event loop. */
const STRIDE = 50;

/** Who changed a job last, as far as the cluster tells. */
export interface LastChange {
  by?: string;
  /** Milliseconds since the epoch. */
  at?: number;
}

export interface JobsRecordOptions extends RosterReading {
  /** Has synced. */
  source: Pick<JobSource, 'get' | 'keys' | 'onChange'>;
  outbox: Pick<LedgerOutbox, 'addChanges' | 'backlog' | 'onChange'>;
  lastChange: (key: JobKey) => LastChange;
  isWatched: (namespace: string) => boolean;
}

/** What the history has of a job, or will have once the outbox is empty. */
interface Known {
  uid: string;
  isRemoved: boolean;
  /** As this process saw it. */
  shape?: JobShape;
  /** As an earlier process recorded it. */
  recorded?: RecordedJob;
}

export class JobsRecord {
  readonly #options: JobsRecordOptions;
  readonly #known = new Map<JobKey, Known>();
  /** Jobs to compare; all of them once the history has been read. */
  readonly #unseen = new Set<JobKey>();
  #state: 'reading' | 'idle' | 'comparing' | 'closed' = 'reading';
  #cancelRead = () => {};
  #lastRevision = 0;

  constructor(options: JobsRecordOptions) {
    this.#options = options;
    options.source.onChange((key) => {
      this.#unseen.add(key);
      this.#compareSoon();
    });
    options.outbox.onChange(() => this.#compareSoon());
  }

  /** Reads what the history has, as often as it takes, then compares. Call it once the source has synced. */
  start(): void {
    this.#cancelRead = readRoster(this.#options, (recorded) => this.#take(recorded));
  }

  close(): void {
    this.#state = 'closed';
    this.#cancelRead();
  }

  #take(recorded: readonly RecordedJob[]): void {
    for (const row of recorded) this.#keep(row);
    for (const key of this.#options.source.keys()) this.#unseen.add(key);
    this.#state = 'idle';
    this.#compareSoon();
  }

  #keep(recorded: RecordedJob): void {
    const { job, uid, revision, isRemoved } = recorded;
    this.#lastRevision = Math.max(this.#lastRevision, revision);
    this.#known.set(job, isRemoved ? { uid, isRemoved } : { uid, isRemoved, recorded });
    // It may live on where this operator does not look.
    if (!isRemoved && this.#options.isWatched(splitKey(job).namespace)) this.#unseen.add(job);
  }

  #compareSoon(): void {
    if (this.#state !== 'idle' || this.#unseen.size === 0) return;
    this.#state = 'comparing';
    void this.#compareAll();
  }

  async #compareAll(): Promise<void> {
    let count = 0;
    for (const key of this.#unseen) {
      if (++count % STRIDE === 0) await nextTurn();
      if (this.#state === 'closed') return;
      if (this.#options.outbox.backlog >= BACKLOG_MAX) break;
      this.#unseen.delete(key);
      this.#compare(key);
    }
    this.#state = 'idle';
  }

  #compare(key: JobKey): void {
    const job = this.#options.source.get(key);
    const known = this.#known.get(key);
    const isThere = known !== undefined && !known.isRemoved;
    if (isThere && known.uid !== job?.uid) this.#removed(key, known);
    if (job === undefined) return;
    if (!isThere || known.uid !== job.uid) this.#put(job, 'Added');
    else if (known.shape === undefined) this.#compareRecorded(job, known);
    else if (!isDeepStrictEqual(shapeOf(job), known.shape))
      this.#put(job, changeAction(known.shape, job), known.shape);
  }

  #compareRecorded(job: Job, { recorded }: Known): void {
    const payload = jobPayload(job, { action: 'Configured', at: job.createdAt });
    if (payload === undefined || !recorded?.matches(payload)) this.#put(job, 'Configured');
    else this.#known.set(job.key, { uid: job.uid, isRemoved: false, shape: shapeOf(job) });
  }

  #put(job: Job, action: AuditAction, before?: JobShape): void {
    const { lastChange, clock } = this.#options;
    const { key, uid, generation } = job;
    const last = lastChange(key);
    const at = action === 'Added' ? job.createdAt : (last.at ?? clock.now());
    const change = { action, at, actor: last.by, before };
    const payload = jobPayload(job, change);
    if (payload === undefined) return;
    this.#known.set(key, { uid, isRemoved: false, shape: shapeOf(job) });
    const what = action === 'Added' ? action : JSON.stringify([generation, job.labels, job.annotations]);
    this.#add({ ...payload, kind: 'job', ...this.#numbered(key) }, auditPayload(job, change), what);
  }

  /** The row keeps the spec that it has: of the job, the name alone is known. */
  #removed(key: JobKey, { uid }: Known): void {
    const at = this.#options.clock.now();
    this.#known.set(key, { uid, isRemoved: true });
    const removal = { job: key, jobUid: uid, changedAt: at, changedBy: undefined, isRemoved: true } as const;
    this.#add(
      {
        ...removal,
        kind: 'job',
        ...this.#numbered(key),
        spec: undefined,
        labels: undefined,
        annotations: undefined,
      },
      { job: key, jobUid: uid, at, action: 'Removed', actor: undefined, changes: [] },
      'Removed',
    );
  }

  #numbered(key: JobKey): Pick<JobEntry, 'id' | 'revision'> {
    const revision = Math.max(this.#options.clock.now(), this.#lastRevision + 1);
    this.#lastRevision = revision;
    return { id: `${key}/${revision}`, revision };
  }

  /**
   * The audit row goes first, and what happened alone gives its number: a process that is killed between the two finds the
   * change again, and the same row.
   */
  #add(entry: JobEntry, audit: Omit<AuditEntry, 'kind' | 'id' | 'number'>, what: string): void {
    const number = stableNumber(`${entry.jobUid} ${what}`);
    const id = `audit ${number}`;
    this.#options.outbox.addChanges([{ ...audit, kind: 'audit', id, number }, entry]);
  }
}

function shapeOf({ spec, labels, annotations }: Job): JobShape {
  return { spec, labels, annotations };
}
