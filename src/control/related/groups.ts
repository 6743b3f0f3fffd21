// The concurrency groups of this process: which jobs hold places and which runs wait for one. Nothing is stored: after a
// restart the groups are read again from the ledger and from what the runners show, so a run that was started and not
// recorded holds its place, too. One process evaluates all jobs, and it takes a place in the same turn of the event loop
// in which the decision found it free.
import { isUnderWay, isOngoing, type Run, type RunObservation } from '../../core/run.ts';
import { comesBefore, turnOf, type GroupStanding, type GroupTurn } from '../../core/decide/related/group.ts';
import type { Job, JobKey } from '../../core/job.ts';
import { jobKey } from '../../core/naming.ts';
import type { JobSource, Ledger } from '../ports.ts';
import { isSuspended } from '../../core/schedule/suspension.ts';

export interface GroupsOptions {
  source: Pick<JobSource, 'get' | 'keys'>;
  ledger: Pick<Ledger, 'shownRunsOf'>;
  observe: (key: JobKey, runs: readonly Run[]) => readonly RunObservation[];
  now: () => number;
}

/** A job in its group. */
interface Member {
  max: number;
  /** Names of its active runs. */
  holding: ReadonlySet<string>;
  waiting: readonly GroupTurn[];
}

/** `namespace/group`. */
type GroupKey = string;

const NONE: ReadonlySet<string> = new Set();

export class Groups {
  readonly #options: GroupsOptions;
  /** Undefined until a job with a group is evaluated: most ledgers have none. */
  #groups: Map<GroupKey, Map<JobKey, Member>> | undefined;
  readonly #groupOf = new Map<JobKey, GroupKey>();
  /** Groups whose line may move. */
  readonly #changed = new Set<GroupKey>();

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** What the group’s other jobs hold and wait for; undefined for a job without a group. */
  standingOf(job: Job): GroupStanding | undefined {
    const { concurrencyGroup } = job.spec;
    if (concurrencyGroup === undefined) return undefined;
    const members = this.#members(groupKeyOf(job)!);
    const others = [...members].filter(([key]) => key !== job.key).map(([, member]) => member);
    return {
      name: concurrencyGroup.name,
      max: Math.min(concurrencyGroup.max, ...others.map(({ max }) => max)),
      held: others.flatMap(({ holding }) => [...holding]),
      waiting: others.flatMap(({ waiting }) => waiting),
    };
  }

  /** Takes in an evaluation, before its starts begin. `job` is undefined for a removed one. */
  evaluated(key: JobKey, job: Job | undefined, after: () => Omit<Member, 'max'>): void {
    const before = this.#groupOf.get(key);
    // The runs of a removed job hold their places until they have ended.
    const group = job === undefined ? before : groupKeyOf(job);
    if (before !== undefined && before !== group) this.#drop(key, before);
    if (group === undefined) return;
    const { holding, waiting } = after();
    const members = this.#members(group);
    const max = job?.spec.concurrencyGroup?.max ?? members.get(key)?.max ?? Infinity;
    if (job === undefined && holding.size === 0) return this.#drop(key, group);
    this.#put(key, group, { max, holding, waiting });
  }

  /**
   * The evaluation failed. The runs that it meant to start may be active, so they keep their places until the next one;
   * the other jobs do not wait for it.
   */
  failed(key: JobKey): void {
    const group = this.#groupOf.get(key);
    const member = group === undefined ? undefined : this.#groups?.get(group)?.get(key);
    if (group !== undefined && member !== undefined) this.#put(key, group, { ...member, waiting: [] });
  }

  /** The keys at the head of each line that may have moved, as many as the group has free places. */
  takeUnblocked(): JobKey[] {
    if (this.#changed.size === 0) return [];
    const keys = [...this.#changed].flatMap((group) => this.#heads(this.#groups?.get(group) ?? new Map()));
    this.#changed.clear();
    return keys;
  }

  #heads(members: ReadonlyMap<JobKey, Member>): JobKey[] {
    const all = [...members.values()];
    const held = all.reduce((sum, { holding }) => sum + holding.size, 0);
    const free = Math.min(...all.map(({ max }) => max)) - held;
    if (free <= 0) return [];
    const line = [...members].flatMap(([key, { waiting }]) => waiting.map((turn) => ({ key, turn })));
    line.sort((a, b) => (comesBefore(a.turn, b.turn) ? -1 : 1));
    return [...new Set(line.slice(0, free).map(({ key }) => key))];
  }

  #put(key: JobKey, group: GroupKey, member: Member): void {
    const before = this.#members(group).get(key);
    this.#members(group).set(key, member);
    this.#groupOf.set(key, group);
    if (before === undefined || !isSame(before, member)) this.#changed.add(group);
  }

  #drop(key: JobKey, group: GroupKey): void {
    this.#groupOf.delete(key);
    this.#changed.add(group);
    const members = this.#groups?.get(group);
    members?.delete(key);
    if (members?.size === 0) this.#groups?.delete(group);
  }

  #members(group: GroupKey): Map<JobKey, Member> {
    this.#groups ??= this.#load();
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    const members = new Map<JobKey, Member>();
    this.#groups.set(group, members);
    return members;
  }

  /** Every member as the ledger and the runners show it: the first evaluation must know of the runs of all. */
  #load(): Map<GroupKey, Map<JobKey, Member>> {
    const { source, ledger, observe } = this.#options;
    const groups = new Map<GroupKey, Map<JobKey, Member>>();
    for (const key of source.keys()) {
      const job = source.get(key);
      const group = job && groupKeyOf(job);
      if (job === undefined || group === undefined) continue;
      const runs = ledger.shownRunsOf(key);
      const members = groups.get(group) ?? new Map<JobKey, Member>();
      const holding = heldRuns(runs, observe(key, runs));
      const { max } = job.spec.concurrencyGroup!;
      groups.set(group, members.set(key, { max, holding, waiting: this.#firstTurn(job, runs) }));
      this.#groupOf.set(key, group);
    }
    return groups;
  }

  /** The run that waited before the restart, until the job is evaluated. */
  #firstTurn({ spec }: Job, runs: readonly Run[]): GroupTurn[] {
    const now = this.#options.now();
    const waiting = runs.filter(({ phase, startAfter }) => phase === 'Created' && startAfter <= now);
    if (isSuspended(spec, now) || waiting.length === 0) return [];
    return [
      turnOf(
        waiting.reduce((a, b) => (b.slot < a.slot ? b : a)),
        spec.priority,
      ),
    ];
  }
}

/** The runs once the changed ones are recorded. */
export function runsAfter(runs: readonly Run[], changed: readonly Run[]): Run[] {
  return [...new Map([...runs, ...changed].map((run) => [run.name, run])).values()];
}

/** The names of the runs that are active: in the ledger, or at a runner although the ledger does not say so. */
export function heldRuns(runs: readonly Run[], observations: readonly RunObservation[]): ReadonlySet<string> {
  const held = [...runs.filter(isUnderWay), ...observations.filter(isOngoing)].map(({ name }) => name);
  return held.length === 0 ? NONE : new Set(held);
}

function groupKeyOf({ namespace, spec: { concurrencyGroup } }: Job): GroupKey | undefined {
  return concurrencyGroup && jobKey(namespace, concurrencyGroup.name);
}

function isSame(a: Member, b: Member): boolean {
  return (
    a.max === b.max &&
    a.holding.size === b.holding.size &&
    [...a.holding].every((run) => b.holding.has(run)) &&
    a.waiting.length === b.waiting.length &&
    a.waiting.every(({ run }, index) => run === b.waiting[index]?.run)
  );
}
