// The life of a run as a table. Anything that is not in it is a bug and says so.
import { LshError } from '../errors.ts';
import { STOP_CAUSES, type Run, type RunEnd, type RunPhase, type RunReason } from '../run.ts';

const TRANSITIONS: Record<RunPhase, readonly RunPhase[]> = {
  Created: ['Running', 'Killed'], // started; or replaced, stopped or removed before it started
  Running: ['Completed', 'Failed', 'Killed'],
  Completed: [],
  Failed: [],
  Killed: [],
};

/** Reasons that mean that we ended the run, not it itself: what was stuck had failed before. */
const KILL_REASONS: ReadonlySet<RunReason> = new Set(STOP_CAUSES.filter((cause) => cause !== 'Stuck'));

/** Whether the table allows the step. */
export function mayBecome(from: RunPhase, to: RunPhase): boolean {
  return TRANSITIONS[from].includes(to);
}

function enter(run: Run, phase: RunPhase, changes: Partial<Run>): Run {
  if (!mayBecome(run.phase, phase)) {
    throw new LshError('INTERNAL', { detail: `run ${run.name} cannot go from ${run.phase} to ${phase}` });
  }
  return { ...run, ...changes, phase };
}

/** The claim: recorded before the child is started, so that it is never started twice. */
export function claimed(run: Run, now: number, host: string | undefined): Run {
  return enter(run, 'Running', { startedAt: now, host });
}

/** Ends a run that never started. */
export function cancelled(run: Run, reason: RunReason, now: number): Run {
  return enter(run, 'Killed', { reason, finishedAt: now });
}

/** Ends a run that was running and of which nothing is left to observe. */
export function lost(run: Run, now: number): Run {
  const reason = run.stopCause ?? 'Lost';
  return enter(run, KILL_REASONS.has(reason) ? 'Killed' : 'Failed', {
    reason,
    finishedAt: now,
    message: 'The run was active and no trace of its end was found.',
  });
}

/** Ends a run as it was observed; the first cause wins, so a run that was told to stop is Killed. */
export function ended(run: Run, end: RunEnd): Run {
  const reason = run.stopCause ?? end.reason ?? ownReason(end);
  return enter(run, endPhase(reason), {
    reason,
    message: run.stopCause === 'Stuck' ? run.message : end.message,
    startedAt: end.startedAt ?? run.startedAt,
    finishedAt: end.finishedAt,
    exitCode: end.exitCode,
    signal: end.signal,
    outputTail: end.outputTail,
    outputBytes: end.outputBytes,
  });
}

function ownReason(end: RunEnd): RunReason | undefined {
  if (end.signal !== undefined) return 'Signal';
  return end.exitCode === 0 ? undefined : 'ExitCode';
}

function endPhase(reason: RunReason | undefined): RunPhase {
  if (reason === undefined) return 'Completed';
  return KILL_REASONS.has(reason) ? 'Killed' : 'Failed';
}
