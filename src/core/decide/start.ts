// Starts the waiting runs that may start now.
import { activeRuns, put, wakeBy, type Draft } from './draft.ts';
import { CLOCK_CORRECTION_MS } from './clock-step.ts';
import { GroupLine, type GroupStanding, type GroupTurn } from './related/group.ts';
import { claimed } from './run-state.ts';
import { isUnderWay, type Run } from '../run.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { heldUntil } from './slots/excluded.ts';

interface Capacity {
  /** How many runs the runner can start now. */
  capacity: number;
  /** Host of their processes, if it has a name. */
  host?: string;
  /** Undefined for a job without a concurrency group. */
  group?: GroupStanding;
  /** The days on which no late run starts. */
  schedule: Pick<Schedule, 'limits'>;
}

/** What keeps runs from their start that could start otherwise. */
export interface Waiting {
  /** A run waits for capacity alone. */
  waitsForCapacity: boolean;
  /** The runs that wait for the concurrency group alone; undefined for a job without one. */
  waitsForGroup?: readonly GroupTurn[];
}

/** Claims and starts waiting runs, oldest slot first; those of a backfill come last. */
export function startWaitingRuns(draft: Draft, { capacity, host, group, schedule }: Capacity): Waiting {
  let free = capacity;
  const line = group && new GroupLine(draft, group);
  const waiting = line && { waitsForGroup: line.waiting };
  for (const run of inTurn(activeRuns(draft))) {
    if (run.phase !== 'Created') continue;
    const heldTo = isEarly(run, draft.now) ? run.startAfter : heldUntil(schedule, run, draft.now);
    if (heldTo !== undefined) {
      wakeBy(draft, heldTo);
      continue;
    }
    if (mustWaitForOthers(draft, run)) continue;
    if (free <= 0) return { waitsForCapacity: true, ...waiting };
    if (line !== undefined && !line.admits(run)) continue;
    free--;
    const traits = draft.traitsOf(run.executor);
    const claim = { ...traits, at: draft.now, host: traits.hasHost ? host : undefined };
    start(draft, claimed(withoutMessage(run), claim));
  }
  return { waitsForCapacity: false, ...waiting };
}

/** A backfill keeps no due slot waiting. */
function inTurn(runs: readonly Run[]): Run[] {
  const isBackfill = ({ trigger }: Run) => Number(trigger === 'Backfill');
  return runs.toSorted((a, b) => isBackfill(a) - isBackfill(b));
}

/** The message of a waiting run says why it waits. */
function withoutMessage(run: Run): Run {
  return run.message === undefined ? run : { ...run, message: undefined };
}

/** Whether the run’s delay is not over. A run created in the future is not early: the clock was set back since. */
function isEarly({ startAfter, createdAt }: Run, now: number): boolean {
  return startAfter > now && createdAt <= now + CLOCK_CORRECTION_MS;
}

function start(draft: Draft, started: Run): void {
  put(draft, started);
  draft.actions.push({ kind: 'Start', run: started });
  draft.events.push({ kind: 'RunStarted', run: started });
}

/** Only Allow lets runs of a job overlap. Under Replace, the replaced run ends before the next run starts. */
function mustWaitForOthers(draft: Draft, run: Run): boolean {
  if (draft.job.spec.concurrencyPolicy === 'Allow') return false;
  return activeRuns(draft).some((other) => other.name !== run.name && isUnderWay(other));
}
