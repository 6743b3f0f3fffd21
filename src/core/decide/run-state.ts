// The phases of a run as a table. A step that the table lacks is a bug and throws INTERNAL.
import { LshError } from '../errors.ts';
import type { RunnerTraits } from '../executor.ts';
import { STOP_CAUSES, type Run, type RunEnd, type RunPhase, type RunReason } from '../run.ts';

const TRANSITIONS: Record<RunPhase, readonly RunPhase[]> = {
  Created: ['Pending', 'Running', 'Killed'], // starts; or is replaced, stopped or removed before its start
  Pending: ['Running', 'Completed', 'Failed', 'Killed'], // a short command has ended before its runner saw it run
  Running: ['Completed', 'Failed', 'Killed'],
  Completed: [],
  Failed: [],
  Killed: [],
};

/** Reasons of a run that lsh killed. A stuck run is not among them: it failed before lsh stopped it. */
const KILL_REASONS: ReadonlySet<RunReason> = new Set(STOP_CAUSES.filter((cause) => cause !== 'Stuck'));

/** Whether the table has the step. */
export function mayBecome(from: RunPhase, to: RunPhase): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Reasons of a run whose command never began: the run already says why, and its end does not know. */
const WITHOUT_START: ReadonlySet<RunReason | undefined> = new Set(['Stuck', 'SpecChanged']);

function enter(run: Run, phase: RunPhase, changes: Partial<Run>): Run {
  if (!mayBecome(run.phase, phase)) {
    throw new LshError('INTERNAL', { detail: `run ${run.name} cannot go from ${run.phase} to ${phase}` });
  }
  return { ...run, ...changes, phase };
}

interface Claim extends Pick<RunnerTraits, 'startsLater'> {
  /** When the runner started the run, milliseconds. */
  at: number;
  host: string | undefined;
}

/** Claims a run for its start. A runner that claims by ledger starts the run after this record, so never twice. */
export function claimed(run: Run, { at, host, startsLater }: Claim): Run {
  return startsLater ? enter(run, 'Pending', { host }) : enter(run, 'Running', { startedAt: at, host });
}

/** Returns a run that an earlier process started and did not record. */
export function adopted(run: Run, now: number, { startsLater }: Pick<RunnerTraits, 'startsLater'>): Run {
  return startsLater
    ? { ...run, phase: 'Pending', startedAt: undefined }
    : { ...run, phase: 'Running', startedAt: run.startedAt ?? now };
}

/** Returns a pending run as running: its runner has seen the command begin, so no problem is left to tell. */
export function begun(run: Run, startedAt: number): Run {
  return enter(run, 'Running', { startedAt, message: undefined });
}

/** Returns a waiting run as Killed, without a start: it waits for nothing any more. */
export function cancelled(run: Run, reason: RunReason, now: number): Run {
  return enter(run, 'Killed', { reason, finishedAt: now, message: undefined });
}

/** Returns a run that is under way as ended because its runner has no trace of it. */
export function lost(run: Run, now: number): Run {
  const reason = run.stopCause ?? 'Lost';
  return enter(run, KILL_REASONS.has(reason) ? 'Killed' : 'Failed', {
    reason,
    finishedAt: now,
    message: 'The run was active, and lsh found no trace of its end.',
  });
}

/**
 * Returns a run that is under way as ended. A stop cause wins over the observed reason, so a stopped run is Killed, unless the
 * command ended before the stop: its background processes or its output kept the run active until then.
 */
export function ended(run: Run, end: RunEnd): Run {
  const stopCause = end.byItself ? undefined : run.stopCause;
  const reason = stopCause ?? end.reason ?? exitReason(end);
  const startedAt = end.startedAt ?? run.startedAt;
  return enter(run, endPhase(reason), {
    reason,
    message: messageOf(run, end, reason),
    startedAt,
    // Earlier than the start if the clock was set while no runner watched.
    finishedAt: Math.max(end.finishedAt, startedAt ?? 0),
    exitCode: end.exitCode,
    signal: end.signal,
    outputTail: end.outputTail,
    outputBytes: end.outputBytes,
    secretsVersion: end.secretsVersion,
  });
}

function messageOf(run: Run, end: RunEnd, reason: RunReason | undefined): string | undefined {
  if (WITHOUT_START.has(reason)) return run.message ?? end.message;
  // The runner explains what it saw of the stop.
  return end.reason === undefined || end.reason === reason ? end.message : undefined;
}

function exitReason(end: RunEnd): RunReason | undefined {
  if (end.signal !== undefined) return 'Signal';
  return end.exitCode === 0 ? undefined : 'ExitCode';
}

function endPhase(reason: RunReason | undefined): RunPhase {
  if (reason === undefined) return 'Completed';
  return KILL_REASONS.has(reason) ? 'Killed' : 'Failed';
}
