// Adopts runs that started after the ledger had recorded their slots as not run. A former leader causes this: its
// create request was delayed until the next leader had evaluated the slot. The name was free, so the run exists; the
// ledger corrects the record.
import { isWanted } from './admit.ts';
import { put, type Draft } from './draft.ts';
import { adopted } from './run-state.ts';
import { isOfSlot, type ClosedStretch, type Run, type RunObservation, type SlotOutcome } from '../run.ts';
import { allSlots } from '../schedule/days/limited-schedule.ts';
import type { Schedule } from '../schedule/schedule.ts';
import type { Slots } from '../schedule/source.ts';

/** Adds observed runs whose slots are recorded as not run, and corrects these records. `closed` are the records. */
export function adoptLateStarts(
  draft: Draft,
  observations: readonly RunObservation[],
  { schedule, closed }: { schedule: Schedule; closed: readonly ClosedStretch[] },
): void {
  let stretches = closed;
  for (const { run } of observations) {
    if (run === undefined || draft.runs.has(run.name)) continue;
    const stretch = closedStretchOf(draft, run, stretches);
    if (stretch === undefined) continue;
    const { slot, pass } = run;
    const left = withoutSlot(stretch, slot, schedule);
    stretches = stretches.flatMap((other) => (other === stretch ? left : [other]));
    draft.corrections.push({ slot, ...(pass !== undefined && { pass }), left });
    adopt(draft, run, stretch.outcome);
  }
}

/** Returns the stretch that records the run’s slot as not run. */
export function closedStretchOf(
  { job }: Draft,
  run: Run,
  closed: readonly ClosedStretch[],
): ClosedStretch | undefined {
  const { jobUid, attempt, slot, pass } = run;
  if (jobUid !== job.uid || attempt > 1 || !isOfSlot(run)) return undefined;
  return closed.find((stretch) => stretch.pass === pass && stretch.from <= slot && slot <= stretch.to);
}

function adopt(draft: Draft, run: Run, outcome: SlotOutcome): void {
  put(draft, adopted(run, draft.now, draft.traitsOf(run.executor)));
  draft.slots.push({
    job: draft.job.key,
    from: run.slot,
    to: run.slot,
    count: 1,
    ...(run.pass !== undefined && { pass: run.pass }),
    outcome: 'Ran',
    run: run.name,
    recordedAt: draft.now,
  });
  if (!isWanted(outcome)) draft.totals.missed--;
  draft.events.push({ kind: 'SlotRanLate', run, recordedAs: outcome });
}

/** Splits the stretch around the slot. */
function withoutSlot(stretch: ClosedStretch, slot: number, schedule: Schedule): ClosedStretch[] {
  const left = sidesOf(stretch, slot, stretch.outcome === 'Excluded' ? allSlots(schedule) : schedule);
  const count = left.reduce((sum, side) => sum + side.count, 0);
  if (count === stretch.count - 1) return left;
  // The stretch belongs to an earlier schedule, so the positions of its slots are unknown. Their number is known.
  return stretch.count === 1 ? [] : [{ ...stretch, count: stretch.count - 1 }];
}

function sidesOf(stretch: ClosedStretch, slot: number, schedule: Slots): ClosedStretch[] {
  const { from, to } = stretch;
  const before = schedule.previous(slot - 1, from - 1);
  const after = schedule.next(slot);
  const left: ClosedStretch[] = [];
  if (before !== undefined) left.push({ ...stretch, to: before, count: schedule.count(from - 1, before) });
  if (after !== undefined && after <= to)
    left.push({ ...stretch, from: after, count: schedule.count(slot, to) });
  return left;
}
