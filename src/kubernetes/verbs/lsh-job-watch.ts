// Waiting for something to be true of one LshJob: read it, then watch it, through whatever happens in between.
import { setTimeout as delay } from 'node:timers/promises';
import { LshError } from '../../core/errors.ts';
import { retryAfterMs } from '../api/api-errors.ts';
import { Backoff } from '../api/backoff.ts';
import { getLshJob, type Scope } from './lsh-job-calls.ts';
import { lshJobPath, type LshJob } from '../objects/lsh-job.ts';
import { watch } from '../api/watch/watch.ts';

/** What is looked for in each version of the object; undefined for not yet, thrown for never. */
export type Look<T> = (object: LshJob) => T | undefined;

const WATCH_SECONDS = 300;
const BACKOFF = { initialMs: 200, maxMs: 15_000, random: Math.random };
/** An API server that restarts is back sooner; one that stays away must not be waited for without a word. */
const FAILURES_BORNE = 20;

/** Resolves with the first thing found; JOB_NOT_FOUND when the object is deleted. Rejects when the signal aborts. */
export async function untilLshJob<T>(
  scope: Scope,
  name: string,
  look: Look<T>,
  signal: AbortSignal,
): Promise<T> {
  const backoff = new Backoff(BACKOFF);
  for (let failures = 0; ;) {
    try {
      const object = await getLshJob(scope, name, signal);
      failures = 0;
      const found = look(object) ?? (await watchFor(scope, object, look, signal));
      if (found !== undefined) return found;
      backoff.reset();
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      if (isFinal(error) || failures > FAILURES_BORNE) throw error;
      const cause = error instanceof LshError ? error.cause : error;
      await delay(backoff.next(retryAfterMs(cause)), undefined, { signal });
    }
  }
}

/** Undefined when the watch came to its end, as each does. */
async function watchFor<T>(
  { client, namespace }: Scope,
  { metadata: { name, resourceVersion } }: LshJob,
  look: Look<T>,
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
    // The next reading says in words that it is gone.
    if (event.type === 'DELETED') return undefined;
    const found = look(event.object);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What the object itself says, or what waiting does not mend. */
function isFinal(error: unknown): boolean {
  return error instanceof LshError && !error.retryable;
}
