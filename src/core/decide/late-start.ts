// Runs that were started after the account had closed without them: by a process that led, was held up on its way to
// the server, and did not know yet that another one leads. Names cannot prevent that; the account can be put right.
import { put, type Draft } from './draft.ts';
import type { ClosedStretch, Run, RunObservation, SlotOutcome } from '../run.ts';
import type { Schedule } from '../schedule/schedule.ts';

/** Takes in runs of slots that are recorded as not run. */
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
    const { slot } = run;
    const left = without(stretch, slot, schedule);
    stretches = stretches.flatMap((one) => (one === stretch ? left : [one]));
    draft.corrections.push({ slot, left });
    adopt(draft, run, stretch.outcome);
  }
}

/** The stretch that the run’s slot was recorded in, as one that does not run. */
export function closedStretchOf(
  { job }: Draft,
  { jobUid, attempt, trigger, slot }: Run,
  closed: readonly ClosedStretch[],
): ClosedStretch | undefined {
  if (jobUid !== job.uid || attempt > 1 || trigger === 'Manual') return undefined;
  return closed.find(({ from, to }) => from <= slot && slot <= to);
}

function adopt(draft: Draft, run: Run, outcome: SlotOutcome): void {
  put(draft, { ...run, phase: 'Running', startedAt: run.startedAt ?? draft.now });
  draft.slots.push({
    job: draft.job.key,
    from: run.slot,
    to: run.slot,
    count: 1,
    outcome: 'Ran',
    run: run.name,
    recordedAt: draft.now,
  });
  if (outcome !== 'Suspended') draft.totals.missed--;
  draft.events.push({ kind: 'SlotRanLate', run, recordedAs: outcome });
}

function without(stretch: ClosedStretch, slot: number, schedule: Schedule): ClosedStretch[] {
  const left = sidesOf(stretch, slot, schedule);
  const count = left.reduce((sum, side) => sum + side.count, 0);
  if (count === stretch.count - 1) return left;
  // Of another schedule than the present one: where its slots lie cannot be told any more, how many they are can.
  return stretch.count === 1 ? [] : [{ ...stretch, count: stretch.count - 1 }];
}

function sidesOf(stretch: ClosedStretch, slot: number, schedule: Schedule): ClosedStretch[] {
  const { from, to } = stretch;
  const before = schedule.previous(slot - 1, from - 1);
  const after = schedule.next(slot);
  const left: ClosedStretch[] = [];
  if (before !== undefined) left.push({ ...stretch, to: before, count: schedule.count(from - 1, before) });
  if (after !== undefined && after <= to)
    left.push({ ...stretch, from: after, count: schedule.count(slot, to) });
  return left;
}
