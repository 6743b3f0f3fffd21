// Who follows whom among the jobs of this process, from their specs and the ledger. Nothing is stored here: each job’s status
// says how far it has followed the others.
import { cycleOf } from '../../core/decide/related/cycle.ts';
import type { Followers as Handled, Predecessor } from '../../core/decide/related/ends.ts';
import type { LshError } from '../../core/errors.ts';
import type { Job, JobKey } from '../../core/job.ts';
import { jobKey, splitKey } from '../../core/naming.ts';
import type { JobSource, Ledger } from '../ports.ts';

interface FollowersOptions {
  source: Pick<JobSource, 'get' | 'keys'>;
  ledger: Pick<Ledger, 'shownRunsOf'>;
}

const NONE: ReadonlySet<JobKey> = new Set();

export class Followers {
  readonly #options: FollowersOptions;
  /** The jobs that each following job follows; undefined until the first evaluation. */
  #after: Map<JobKey, readonly JobKey[]> | undefined;
  readonly #followersOf = new Map<JobKey, Set<JobKey>>();
  /** What each follower was evaluated for last, by follower and predecessor. */
  readonly #told = new Map<string, { uid: string; newest: number }>();
  /** Jobs to evaluate, because of a change of another. */
  readonly #news = new Set<JobKey>();

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  /** Takes in the spec of a job before its evaluation; undefined for a removed job. */
  note(key: JobKey, job: Job | undefined): void {
    const known = this.#loaded();
    const before = known.get(key);
    const after = job && predecessorKeys(job);
    if (before === undefined && after === undefined) return;
    if (String(before) === String(after)) return;
    this.#unlink(key);
    if (after !== undefined) this.#link(key, after);
    // A predecessor numbers its ends from now on, and a cycle may have opened or closed.
    for (const each of [...(after ?? []), ...known.keys()]) if (each !== key) this.#news.add(each);
  }

  /** The jobs that the job follows, as the ledger shows them; undefined for a job that follows none. */
  predecessorsOf({ namespace, spec }: Job): Predecessor[] | undefined {
    const { source, ledger } = this.#options;
    return spec.after?.map(({ job: name }) => {
      const key = jobKey(namespace, name);
      const job = source.get(key);
      if (job === undefined) return { job: name };
      const { uid, status } = job;
      return { job: name, known: { uid, ends: status?.ends, runs: ledger.shownRunsOf(key) } };
    });
  }

  /** How far all followers of the job have followed it; undefined if it has none. */
  followersOf({ key, name, uid }: Job): Handled | undefined {
    const followers = this.#followers(key);
    if (followers.size === 0) return undefined;
    const handled = [...followers].map((follower) => this.#handled(follower, name, uid));
    return { handled: Math.min(...handled) };
  }

  /** Whether a follower of the job has not followed its newest end. */
  isAwaited(key: JobKey): boolean {
    const job = this.#options.source.get(key);
    const followers = job && this.followersOf(job);
    return followers !== undefined && followers.handled < this.#newestEnd(key);
  }

  /** A job’s ledger is up to date. Its followers are news if it has an end that they have not followed. */
  recorded(key: JobKey): void {
    const { source } = this.#options;
    // A job that runs once stays until its end is followed.
    for (const each of this.#loaded().get(key) ?? [])
      if (source.get(each)?.spec.at !== undefined) this.#news.add(each);
    const followers = this.#followers(key);
    const job = followers.size === 0 ? undefined : source.get(key);
    if (job === undefined) return;
    const newest = this.#newestEnd(key);
    for (const follower of followers) this.#tell(follower, job, newest);
  }

  /** Once for each newest end, because an invalid follower follows none. */
  #tell(follower: JobKey, { key, name, uid }: Job, newest: number): void {
    if (this.#entry(follower, name)?.uid === uid && this.#handled(follower, name, uid) >= newest) return;
    const pair = `${follower} ${key}`;
    const told = this.#told.get(pair);
    if (told?.uid === uid && told.newest >= newest) return;
    this.#told.set(pair, { uid, newest });
    this.#news.add(follower);
  }

  /** A removed job: its followers have lost it. */
  removed(key: JobKey): void {
    for (const follower of this.#followers(key)) this.#news.add(follower);
    this.note(key, undefined);
  }

  /** Why the job may not run: it would start itself. */
  cycleOf({ name, namespace, spec }: Job): LshError | undefined {
    if (spec.after === undefined) return undefined;
    const { source } = this.#options;
    return cycleOf(name, spec.after, (other) => source.get(jobKey(namespace, other))?.spec.after);
  }

  /** Removes and returns the keys to evaluate because of a change of another job. */
  takeNews(): JobKey[] {
    if (this.#news.size === 0) return [];
    const keys = [...this.#news];
    this.#news.clear();
    return keys;
  }

  #newestEnd(key: JobKey): number {
    const runs = this.#options.ledger.shownRunsOf(key);
    return Math.max(0, ...runs.map(({ endNumber = 0 }) => endNumber));
  }

  #followers(key: JobKey): ReadonlySet<JobKey> {
    this.#loaded();
    return this.#followersOf.get(key) ?? NONE;
  }

  #entry(follower: JobKey, name: string) {
    return this.#options.source.get(follower)?.status?.after?.find(({ job }) => job === name);
  }

  /** A follower without an entry starts with the ends that come after its first evaluation, so it needs none of before. */
  #handled(follower: JobKey, name: string, uid: string): number {
    const entry = this.#entry(follower, name);
    if (entry === undefined) return Infinity;
    return entry.uid === uid ? entry.handled : 0;
  }

  #loaded(): Map<JobKey, readonly JobKey[]> {
    if (this.#after !== undefined) return this.#after;
    this.#after = new Map();
    const { source } = this.#options;
    for (const key of source.keys()) {
      const job = source.get(key);
      const after = job && predecessorKeys(job);
      if (after !== undefined) this.#link(key, after);
    }
    return this.#after;
  }

  #link(key: JobKey, after: readonly JobKey[]): void {
    this.#after?.set(key, after);
    for (const predecessor of after) {
      const followers = this.#followersOf.get(predecessor) ?? new Set();
      this.#followersOf.set(predecessor, followers.add(key));
    }
  }

  #unlink(key: JobKey): void {
    for (const predecessor of this.#after?.get(key) ?? []) {
      this.#told.delete(`${key} ${predecessor}`);
      const followers = this.#followersOf.get(predecessor);
      followers?.delete(key);
      if (followers?.size === 0) this.#followersOf.delete(predecessor);
    }
    this.#after?.delete(key);
  }
}

function predecessorKeys({ key, spec }: Job): JobKey[] | undefined {
  const { namespace } = splitKey(key);
  return spec.after?.map(({ job }) => jobKey(namespace, job));
}
