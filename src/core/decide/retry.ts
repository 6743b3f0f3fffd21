// Whether and when a failed attempt is followed by another.
import { exponentialDelay } from '../backoff.ts';
import { stableFraction } from '../hash.ts';
import type { Retry } from '../spec/job-spec.ts';
import { afterRunName, manualRunName, slotRunName } from '../naming.ts';
import type { Run, RunReason } from '../run.ts';

/** Reasons that are never retried: a user or the job asked for the end, or the next attempt would end the same way. */
const FINAL_REASONS: ReadonlySet<RunReason> = new Set(['StoppedByUser', 'Replaced', 'JobRemoved', 'Refused']);

/** Whether another attempt follows the finished run. */
export function isRetried(run: Run, retry: Retry): boolean {
  if (run.phase === 'Completed' || run.reason === undefined) return false;
  if (run.reason === 'SpecChanged') return true;
  if (FINAL_REASONS.has(run.reason)) return false;
  // The command failed before the stop reached it; the user still wants no further attempt.
  if (run.stopCause !== undefined && FINAL_REASONS.has(run.stopCause)) return false;
  if (run.reason === 'Disrupted') return (run.disruptions ?? 0) < retry.disruptions;
  if (failuresUpTo(run) > retry.limit) return false;
  return run.reason !== 'ExitCode' || exitCodeAllows(run.exitCode ?? 1, retry);
}

/** Returns how many attempts count against the retry limit, the given failed one included. */
function failuresUpTo({ attempt, firstAttempt = 1, disruptions = 0, specChanges = 0 }: Run): number {
  return attempt - (firstAttempt - 1) - disruptions - specChanges;
}

function exitCodeAllows(code: number, retry: Retry): boolean {
  if (retry.notOnExitCodes.includes(code)) return false;
  return retry.onExitCodes.length === 0 || retry.onExitCodes.includes(code);
}

/**
 * Returns the milliseconds between the end of failed attempt `failure` (from 1) and the start of the next. A hash of the
 * run name spreads the delay, so that a hundred jobs that failed together do not retry together.
 */
export function retryDelayMs(runName: string, failure: number, retry: Retry): number {
  const { initialSeconds: initial, factor, maxSeconds: max, jitter } = retry;
  const seconds = exponentialDelay(failure - 1, { initial, factor, max });
  const spread = 1 + jitter * (2 * stableFraction(runName) - 1);
  return Math.round(seconds * spread * 1000);
}

function nameOf(jobName: string, { trigger, cause, triggerId, slot, pass }: Run, attempt: number): string {
  if (cause !== undefined) return afterRunName(jobName, cause, attempt);
  if (trigger === 'Manual' && triggerId !== undefined) return manualRunName(jobName, triggerId, attempt);
  return slotRunName(jobName, slot, attempt, pass);
}

/** Returns the next attempt, which waits for its delay. */
export function nextAttempt(jobName: string, run: Run, retry: Retry, now: number): Run {
  const attempt = run.attempt + 1;
  const endedAt = run.finishedAt ?? now;
  const isDisrupted = run.reason === 'Disrupted';
  const isOutdated = run.reason === 'SpecChanged';
  const disruptions = (run.disruptions ?? 0) + Number(isDisrupted);
  const specChanges = (run.specChanges ?? 0) + Number(isOutdated);
  const failure = isDisrupted ? disruptions : failuresUpTo(run);
  // The user is waiting for the changed spec to act.
  const delayMs = isOutdated ? 0 : retryDelayMs(run.name, failure, retry);
  return {
    name: nameOf(jobName, run, attempt),
    job: run.job,
    jobUid: run.jobUid,
    trigger: run.trigger,
    slot: run.slot,
    ...(run.pass !== undefined && { pass: run.pass }),
    triggerId: run.triggerId,
    requestedBy: run.requestedBy,
    ...(run.cause !== undefined && { cause: run.cause }),
    attempt,
    ...(run.firstAttempt !== undefined && { firstAttempt: run.firstAttempt }),
    ...(disruptions > 0 && { disruptions }),
    ...(specChanges > 0 && { specChanges }),
    executor: run.executor,
    phase: 'Created',
    createdAt: now,
    startAfter: endedAt + delayMs,
  };
}
