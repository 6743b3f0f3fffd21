// What an evaluation owes: the slots that run, and stretches of slots without a run.
import type { SlotOutcome } from '../../run.ts';
import type { Slots } from '../../schedule/source.ts';

/**
 * The newest due slot is on time for this many milliseconds, one evaluation interval: a process that evaluates finds
 * each slot within it. Every older slot that is due in the same evaluation is late, however short the delay.
 */
export const LATE_AFTER_MS = 60_000;

/** Consecutive slots with the same outcome and cause: a SlotRecord before it is recorded. */
export interface Stretch {
  from: number;
  to: number;
  count: number;
  outcome: Exclude<SlotOutcome, 'Ran' | 'Forbidden'>;
  /** One of SLOT_CAUSES, or what took the day of excluded slots. */
  cause: string;
}

export interface Owed {
  /** Late slots that missedRunPolicy runs now, oldest first. */
  catchUp: number[];
  /** The newest slot, if lsh found it in time. */
  onTime?: number;
  /** Slots that end without a run. */
  dropped: Stretch[];
  /** The cursor once all these slots have an outcome. */
  accountedUntil: number;
}

export interface Moment {
  now: number;
  /** When this process began to evaluate, milliseconds. */
  evaluatingSince: number;
  /** Slots whose run exists without a record, oldest first. They ran, so no policy applies to them. */
  started: readonly number[];
  /** Whether the ledger did not take the changes of the job’s last evaluation. */
  ledgerFailed?: boolean;
  /** The instants that the clock jumped over since the last evaluation, because it was set ahead. */
  jumpedOver?: Span;
}

/** The slots after one instant up to and including another. */
export interface Span {
  after: number;
  until: number;
}

export type Verdict = Pick<Stretch, 'outcome' | 'cause'>;

/** The slots of the span as stretches of one verdict, split at each slot that runs. */
export function stretches(
  schedule: Slots,
  span: Span,
  running: readonly number[],
  verdict: Verdict,
): Stretch[] {
  const inside = running.filter((slot) => slot > span.after && slot <= span.until);
  const starts = [span.after, ...inside];
  const ends = [...inside.map((slot) => slot - 1), span.until];
  return starts.flatMap((after, i) => stretch(schedule, { after, until: ends[i] ?? after }, verdict));
}

function stretch(schedule: Slots, { after, until }: Span, verdict: Verdict): Stretch[] {
  if (until <= after) return [];
  const to = schedule.previous(until, after);
  const from = schedule.next(after);
  if (to === undefined || from === undefined) return [];
  return [{ from, to, count: schedule.count(after, until), ...verdict }];
}
