// Starts the waiting runs that may start now.
import { activeRuns, put, wakeBy, type Draft } from './draft.ts';
import { CLOCK_CORRECTION_MS } from './clock-step.ts';
import { claimed } from './run-state.ts';
import { isUnderWay, type Run } from '../run.ts';

interface Capacity {
  /** How many runs the runner can start now. */
  capacity: number;
  /** Host of their processes, if it has a name. */
  host?: string;
}

/** Claims and starts waiting runs, oldest slot first. Returns whether a run waits for capacity alone. */
export function startWaitingRuns(draft: Draft, { capacity, host }: Capacity): boolean {
  let free = capacity;
  for (const run of activeRuns(draft)) {
    if (run.phase !== 'Created') continue;
    if (isEarly(run, draft.now)) {
      wakeBy(draft, run.startAfter);
      continue;
    }
    if (mustWaitForOthers(draft, run)) continue;
    if (free <= 0) return true;
    free--;
    const traits = draft.traitsOf(run.executor);
    start(draft, claimed(run, { ...traits, at: draft.now, host: traits.hasHost ? host : undefined }));
  }
  return false;
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
