// Waits for a condition on one LshJob: reads it, then watches it, and retries through failures.
import { setTimeout as delay } from 'node:timers/promises';
import { LshError } from '../../core/errors.ts';
import { retryAfterMs } from '../api/api-errors.ts';
import { Backoff } from '../../core/backoff.ts';
import { getLshJob, type Scope } from './api-calls.ts';
import { lshJobPath, type LshJob } from '../objects/lsh-job.ts';
import { watch } from '../api/watch/watch.ts';

/** Checks one version of the LshJob: returns the result, undefined to wait further, or throws to give up. */
export type Check<T> = (lshJob: LshJob) => T | undefined;

const WATCH_SECONDS = 300;
const BACKOFF = { initialMs: 200, maxMs: 15_000, random: Math.random };
/** Failures in a row: a restarting API server is back sooner, and a longer outage must become an error. */
const FAILURES_MAX = 20;

/** The first result of the check. Throws JOB_NOT_FOUND if the LshJob is deleted, and the abort reason of the signal. */
export async function untilLshJob<T>(
  scope: Scope,
  name: string,
  check: Check<T>,
  signal: AbortSignal,
): Promise<T> {
  const backoff = new Backoff(BACKOFF);
  for (let failures = 0; ;) {
    try {
      const lshJob = await getLshJob(scope, name, signal);
      failures = 0;
      const found = check(lshJob) ?? (await watchUntil(scope, lshJob, check, signal));
      if (found !== undefined) return found;
      backoff.reset();
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      if (isFinal(error) || failures > FAILURES_MAX) throw error;
      const cause = error instanceof LshError ? error.cause : error;
      await delay(backoff.next(retryAfterMs(cause)), undefined, { signal });
    }
  }
}

/** Undefined if the watch ends without a result; every watch ends in time. */
async function watchUntil<T>(
  { client, namespace }: Scope,
  { metadata: { name, resourceVersion } }: LshJob,
  check: Check<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const request = {
    path: lshJobPath(namespace),
    query: { fieldSelector: `metadata.name=${name}` },
    resourceVersion,
    timeoutSeconds: WATCH_SECONDS,
    signal,
    onOpen: () => {},
  };
  for await (const event of watch<LshJob>(client, request)) {
    if (event.type === 'BOOKMARK') continue;
    // The next read throws JOB_NOT_FOUND.
    if (event.type === 'DELETED') return undefined;
    const found = check(event.object);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether waiting cannot help: the check gave up, or the call can never succeed. */
function isFinal(error: unknown): boolean {
  return error instanceof LshError && !error.retryable;
}
