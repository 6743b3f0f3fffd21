// Slots as rows of a table, for `history --slots` and `--missed`: which slots ran, which did not, and why.
import { causeText } from '../../core/decide/explain/causes.ts';
import type { RunDocument, SlotDocument } from '../../core/document.ts';
import { resultCell } from './job-words.ts';
import type { Cell } from './table.ts';
import { calendar } from './when.ts';

export const SLOT_HEADS = ['JOB', 'SLOT', 'SLOTS', 'RESULT', 'RUN OR REASON'];

/** One slot, or a stretch of slots with the same outcome, as a row; `runs` are those of the slots, if they are kept. */
export function slotRow(slot: SlotDocument, runs: readonly RunDocument[]): Cell[] {
  const { job, from, to, count } = slot;
  const until = from === to ? '' : ` to ${calendar(Date.parse(to))}`;
  return [
    job,
    calendar(Date.parse(from)) + until,
    String(count),
    resultOf(slot, runs),
    slot.outcome === 'Ran' ? (slot.run ?? '-') : causeText(slot),
  ];
}

/** The result of the last attempt of the slot’s run. */
function resultOf({ outcome, from, job, run: first }: SlotDocument, runs: readonly RunDocument[]): Cell {
  if (outcome === 'Suspended' || outcome === 'Excluded') return { text: outcome, style: 'dim' };
  if (outcome !== 'Ran') return { text: outcome, style: 'bad' };
  const attempts = runs.filter(
    (run) =>
      run.job === job && run.slot === from && run.trigger !== 'Manual' && run.name.startsWith(first ?? ''),
  );
  const last = attempts.toSorted((a, b) => b.attempt - a.attempt)[0];
  return last === undefined ? { text: outcome, style: 'dim' } : resultCell(last);
}
