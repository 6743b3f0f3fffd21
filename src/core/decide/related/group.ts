// The line of a concurrency group: whether a waiting run may take a place, beside the runs of the group's other jobs.
import { cancelled } from '../run-state.ts';
import { put, wakeBy, type Draft } from '../draft.ts';
import { isUnderWay, type Run } from '../../run.ts';
import { isSuspended } from '../../schedule/suspension.ts';

/** The place of a waiting run in the line. */
export interface GroupTurn {
  run: string;
  slot: number;
  priority: number;
}

/** What the other jobs of a group hold and wait for. */
export interface GroupStanding {
  name: string;
  /** Most active runs of the group. */
  max: number;
  /** Names of the active runs of the other jobs. */
  held: readonly string[];
  /** The other jobs’ runs that wait for the group alone. */
  waiting: readonly GroupTurn[];
}

/** Whether `a` starts before `b`: the older slot, then the higher priority. Names keep the order total. */
export function comesBefore(a: GroupTurn, b: GroupTurn): boolean {
  if (a.slot !== b.slot) return a.slot < b.slot;
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.run < b.run;
}

/** The slots of a backfill are old; its runs are as urgent as a slot of the moment at which they were added. */
export function turnOf({ name, slot, trigger, createdAt }: Run, priority: number): GroupTurn {
  return { run: name, slot: trigger === 'Backfill' ? createdAt : slot, priority };
}

/** The line as one evaluation of a job sees it. Ask it for the waiting runs in the order of their starts. */
export class GroupLine {
  readonly #draft: Draft;
  readonly #group: GroupStanding;
  /** The runs of this job that wait for the group alone. */
  readonly waiting: GroupTurn[] = [];

  constructor(draft: Draft, group: GroupStanding) {
    this.#draft = draft;
    this.#group = group;
  }

  /** Whether the run may start as far as the group is concerned. A run that may not stays in the line, if it may wait. */
  admits(run: Run): boolean {
    const { job, now } = this.#draft;
    // A suspended job leaves the line: a slot’s run keeps waiting, and other jobs do not wait for it.
    if (isSuspended(job.spec, now) && run.trigger !== 'Manual') return false;
    if (this.#isTooLate(run)) return false;
    if (this.waiting.length > 0 && job.spec.concurrencyPolicy !== 'Allow') return false;
    const turn = turnOf(run, job.spec.priority);
    if (this.#hasPlace(turn)) return true;
    this.waiting.push(turn);
    this.#note(run);
    return false;
  }

  #hasPlace(turn: GroupTurn): boolean {
    const { max, held, waiting } = this.#group;
    const own = [...this.#draft.runs.values()].filter(isUnderWay).length;
    const before = waiting.filter((other) => comesBefore(other, turn)).length;
    return max - held.length - own - before - this.waiting.length > 0;
  }

  /** Ends a run of a slot that has waited longer than startingDeadlineSeconds allows; wakes the job when that is. */
  #isTooLate(run: Run): boolean {
    const draft = this.#draft;
    const { startingDeadlineSeconds } = draft.job.spec;
    if (startingDeadlineSeconds === undefined || !isBoundByDeadline(run)) return false;
    const deadline = run.startAfter + startingDeadlineSeconds * 1000;
    if (draft.now <= deadline) {
      wakeBy(draft, deadline + 1);
      return false;
    }
    const message = `It waited for concurrency group ${this.#group.name} longer than startingDeadlineSeconds allows.`;
    const ended = { ...cancelled(run, 'DeadlineExceeded', draft.now), message };
    put(draft, ended);
    draft.totals.killed++;
    draft.events.push({ kind: 'RunFinished', run: ended });
    return true;
  }

  /** Says on the run that it waits, once. */
  #note(run: Run): void {
    if (run.message !== undefined) return;
    const { name, held } = this.#group;
    const own = [...this.#draft.runs.values()].filter(isUnderWay).map((other) => other.name);
    const waiting = { ...run, message: `The run waits for concurrency group ${name}.` };
    put(this.#draft, waiting);
    this.#draft.events.push({ kind: 'RunWaiting', run: waiting, holders: [...held, ...own] });
  }
}

/** A slot or an end may come too late; a user who asks for a run waits for it. */
function isBoundByDeadline({ trigger, attempt }: Run): boolean {
  return trigger !== 'Manual' && trigger !== 'Backfill' && attempt === 1;
}
