// Which of the runs that wait may start now.
import { activeRuns, put, wakeBy, type Draft } from './draft.ts';
import { CLOCK_CORRECTION_MS } from './due.ts';
import { claimed } from './run-state.ts';
import type { Run } from '../run.ts';

interface Room {
  /** How many runs the runner takes now. */
  capacity: number;
  /** Where their processes will live, if that has a name. */
  host?: string;
}

/** Claims and starts what may; answers whether something waits only because the runner has no room. */
export function startWaitingRuns(draft: Draft, { capacity, host }: Room): boolean {
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
    start(draft, claimed(run, draft.now, draft.traitsOf(run.executor).hasHost ? host : undefined));
  }
  return false;
}

/** Its delay is not over; one that began in what is now the future, before the clock was set back, is. */
function isEarly({ startAfter, createdAt }: Run, now: number): boolean {
  return startAfter > now && createdAt <= now + CLOCK_CORRECTION_MS;
}

function start(draft: Draft, running: Run): void {
  put(draft, running);
  draft.actions.push({ kind: 'Start', run: running });
  draft.events.push({ kind: 'RunStarted', run: running });
}

/** Only Allow lets runs of one job overlap; under the other policies even a replaced run ends before the next starts. */
function mustWaitForOthers(draft: Draft, run: Run): boolean {
  if (draft.job.spec.concurrencyPolicy === 'Allow') return false;
  return activeRuns(draft).some((other) => other.name !== run.name && other.phase === 'Running');
}
