// What follows a failed attempt.
import { stableFraction } from '../hash.ts';
import type { Retry } from '../job.ts';
import { manualRunName, slotRunName } from '../naming.ts';
import type { Run, RunReason } from '../run.ts';

/** Ends that nobody wants repeated: somebody asked for them, or they would be the same again. */
const FINAL_REASONS: ReadonlySet<RunReason> = new Set([
  'StoppedByUser',
  'Replaced',
  'JobRemoved',
  'ShuttingDown',
  'Refused',
]);

/** Whether the attempt, which has finished, is followed by another. */
export function isRetried(run: Run, retry: Retry): boolean {
  if (run.phase === 'Completed' || run.reason === undefined || run.attempt > retry.limit) return false;
  if (FINAL_REASONS.has(run.reason)) return false;
  return run.reason !== 'ExitCode' || exitCodeAllows(run.exitCode ?? 1, retry);
}

function exitCodeAllows(code: number, retry: Retry): boolean {
  if (retry.notOnExitCodes.includes(code)) return false;
  return retry.onExitCodes.length === 0 || retry.onExitCodes.includes(code);
}

/**
 * Milliseconds between the end of attempt `attempt` and the start of the next: exponential, capped, and spread
 * by a hash of the run, so that a hundred jobs that failed together do not come back together.
 */
export function retryDelayMs(runName: string, attempt: number, retry: Retry): number {
  const exponential = retry.initialSeconds * retry.factor ** (attempt - 1);
  const capped = Math.min(exponential, retry.maxSeconds);
  const spread = 1 + retry.jitter * (2 * stableFraction(runName) - 1);
  return Math.round(capped * spread * 1000);
}

/** The next attempt, as it waits for its delay. */
export function nextAttempt(jobName: string, run: Run, retry: Retry, now: number): Run {
  const attempt = run.attempt + 1;
  return {
    name:
      run.triggerId === undefined
        ? slotRunName(jobName, run.slot, attempt)
        : manualRunName(jobName, run.triggerId, attempt),
    job: run.job,
    jobUid: run.jobUid,
    trigger: run.trigger,
    slot: run.slot,
    triggerId: run.triggerId,
    requestedBy: run.requestedBy,
    attempt,
    executor: run.executor,
    phase: 'Created',
    createdAt: now,
    startAfter: (run.finishedAt ?? now) + retryDelayMs(run.name, run.attempt, retry),
  };
}
