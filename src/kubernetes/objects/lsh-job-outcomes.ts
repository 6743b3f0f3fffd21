// The slots without a run in the status of an LshJob: stretches, newest first, and only the newest. Pure.
import { type SlotDocument } from '../../core/document.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import type { ClosedStretch, Correction, SlotOutcome, SlotRecord } from '../../core/run.ts';

/** Stretches of slots without a run that the status shows. */
export const OUTCOMES_SHOWN = 20;

const LATE_OUTCOMES: ReadonlySet<SlotOutcome> = new Set(['Missed', 'DeadlineExceeded']);

/** A stretch of slots that ended without a run. */
export type OutcomeEntry = Omit<SlotDocument, 'job' | 'run'>;

/**
 * Adds the outcomes of newer slots, up to OUTCOMES_SHOWN stretches. A slot extends the newest stretch if it has the
 * same outcome and no slot ran in between; `ranAt` is the newest slot with a run before these slots. Late slots keep a
 * stretch of their own: each tells how late they were.
 */
export function withOutcomes(
  known: readonly OutcomeEntry[],
  slots: readonly SlotRecord[],
  ranAt: number | undefined,
): OutcomeEntry[] {
  const outcomes = [...known];
  let lastRan = ranAt ?? -Infinity;
  for (const slot of slots.toSorted((a, b) => a.from - b.from)) {
    const newest = outcomes[0];
    if (slot.outcome === 'Ran') lastRan = Math.max(lastRan, slot.to);
    else if (newest && hasSameOutcome(newest, slot) && lastRan < Date.parse(newest.to)) {
      outcomes[0] = {
        ...newest,
        to: rfc3339(slot.to),
        count: newest.count + slot.count,
        recordedAt: rfc3339(slot.recordedAt),
      };
    } else outcomes.unshift(outcomeEntry(slot));
  }
  return outcomes.slice(0, OUTCOMES_SHOWN);
}

function hasSameOutcome(entry: OutcomeEntry, slot: SlotRecord): boolean {
  if (LATE_OUTCOMES.has(slot.outcome)) return false;
  return (
    entry.outcome === slot.outcome &&
    entry.cause === slot.cause &&
    entry.pass === slot.pass &&
    Date.parse(entry.to) < slot.from
  );
}

/** Removes slots that turned out to have run: each correction cuts its slot out of a stretch. */
export function corrected(
  outcomes: readonly OutcomeEntry[],
  corrections: readonly Correction[],
): OutcomeEntry[] {
  let entries = [...outcomes];
  for (const { slot, pass, left } of corrections) {
    const parts = left.toReversed().map(outcomeEntry);
    entries = entries.flatMap((entry) => (entry.pass === pass && contains(entry, slot) ? parts : [entry]));
  }
  return entries;
}

function contains({ from, to }: OutcomeEntry, slot: number): boolean {
  return Date.parse(from) <= slot && slot <= Date.parse(to);
}

/** The outcomes in the core’s form. A cause that a newer operator wrote passes through unchanged. */
export function readOutcomes(outcomes: readonly OutcomeEntry[]): ClosedStretch[] {
  return outcomes.map(({ from, to, recordedAt, ...outcome }) => ({
    ...outcome,
    from: Date.parse(from),
    to: Date.parse(to),
    ...(recordedAt !== undefined && { recordedAt: Date.parse(recordedAt) }),
  }));
}

function outcomeEntry({ from, to, count, pass, outcome, cause, recordedAt }: ClosedStretch): OutcomeEntry {
  return {
    from: rfc3339(from),
    to: rfc3339(to),
    count,
    ...(pass !== undefined && { pass }),
    outcome,
    ...(cause !== undefined && { cause }),
    ...(recordedAt !== undefined && { recordedAt: rfc3339(recordedAt) }),
  };
}
