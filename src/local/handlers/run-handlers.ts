// Requests about runs: start, stop, wait, read. A handler records the request with the job and answers once the loop
// has acted on it; no handler starts a process.
import type { JobStats } from '../../contracts/job-api.ts';
import type { RunStats, RunStore } from '../../contracts/stores.ts';
import { runDocument, slotDocument } from '../../core/document.ts';
import { leftOut } from '../../core/record/left-out.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import { LshError } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import { manualRunName, LOCAL_NAMESPACE, jobKey, splitKey } from '../../core/naming.ts';
import { isActive, isFinished, type Run } from '../../core/run.ts';
import type { CommitFeed } from '../jobs/commit-feed.ts';
import { knownJob } from './job-handlers.ts';
import type { StoreJobSource } from '../jobs/job-source.ts';
import type { Handlers } from '../socket/server.ts';

/** The kept output of a run, as it was written; with `follow` until the run has ended or the signal aborts. */
export type ReadRunLog = (
  run: string,
  options: { follow: boolean; signal: AbortSignal },
) => AsyncIterable<Uint8Array>;

export interface RunHandlerOptions {
  source: StoreJobSource;
  store: RunStore;
  feed: CommitFeed;
  readLog: ReadRunLog;
}

type RunHandlers = Pick<
  Handlers,
  'job.trigger' | 'job.stop' | 'job.runs' | 'job.run' | 'job.slots' | 'job.stats' | 'job.log'
>;

/** The handlers of the commands about runs and their history. */
export function runHandlers(options: RunHandlerOptions): RunHandlers {
  const { source, store, feed } = options;
  return {
    'job.trigger': async ({ name, id, requestedBy }, signal) => {
      const { key } = knownJob(source, name);
      const run = manualRunName(name, id, 1);
      const known = await store.run(run);
      if (known !== undefined) return runDocument(known);
      await source.requestTrigger(key, { id, ...(requestedBy !== undefined && { requestedBy }) }, signal);
      return runDocument(await feed.until(key, () => triggered(options, name, { id, run }), signal));
    },
    'job.stop': async ({ name, run }) => {
      const { key } = knownJob(source, name);
      if (run !== undefined) await storedRun(store, run, key);
      const names = source
        .runsOf(key)
        .filter(isActive)
        .map((active) => active.name);
      const stopped = run === undefined ? names : names.filter((name) => name === run);
      if (stopped.length > 0) await source.requestStop(key, stopped);
      return { stopped };
    },
    'job.runs': async ({ name, phases, since, limit }) => {
      const runs = await store.runs({ job: optionalKey(name), phases, since: instant(since), limit });
      return runs.map(runDocument);
    },
    'job.run': async ({ run, wait }, signal) => {
      const known = await storedRun(store, run);
      if (!wait || isFinished(known)) return runDocument(known);
      return runDocument(await feed.until(known.job, () => finished(store, run), signal));
    },
    'job.slots': async ({ name, from, to, notRun, limit }) => {
      const job = jobKey(LOCAL_NAMESPACE, name);
      const slots = await store.slots({ job, from: Date.parse(from), to: Date.parse(to), notRun, limit });
      return slots.map(slotDocument);
    },
    'job.stats': async ({ name, since }) => {
      const stats = await store.stats({ job: optionalKey(name), since: instant(since) });
      return stats.map(statsDocument);
    },
    async *'job.log'({ name, run, follow = false }, signal) {
      const known = run === undefined ? await newestRun(options, name) : await storedRun(store, run);
      if (follow) await feed.until(known.job, () => begun(store, known.name), signal);
      let isEmpty = true;
      for await (const chunk of options.readLog(known.name, { follow, signal })) {
        isEmpty = false;
        yield chunk;
      }
      // As within a log: the size limits have deleted it.
      if (isEmpty && known.outputBytes) yield Buffer.from(leftOut(known.outputBytes).trimStart());
    },
  };
}

/** The run of the request; undefined until the loop has handled it. Throws RUN_FORBIDDEN when no run came of it. */
async function triggered(
  { source, store }: RunHandlerOptions,
  name: string,
  request: { id: string; run: string },
): Promise<Run | undefined> {
  const job = knownJob(source, name);
  const { key, spec, status } = job;
  const recent = source.runsOf(key).find((candidate) => candidate.name === request.run);
  const run = recent ?? (await store.run(request.run));
  if (run !== undefined) return run;
  if (status?.lastHandledTrigger === request.id) {
    const detail = spec.concurrencyPolicy === 'Queue' ? 'its queue is full' : 'a run of it is active';
    throw new LshError('RUN_FORBIDDEN', { name, detail });
  }
  requireValid(job);
  return undefined;
}

/** Throws JOB_INVALID for a job that the loop does not evaluate: it waits for an edit. */
export function requireValid({ status, generation }: Job): void {
  if (status?.phase === 'Invalid' && status.observedGeneration === generation)
    throw new LshError('JOB_INVALID', { detail: invalidity(status.conditions) });
}

function invalidity(conditions: NonNullable<Job['status']>['conditions']): string {
  return conditions.find(({ type }) => type === 'Ready')?.message ?? 'its schedule cannot be evaluated.';
}

/** Returns undefined for a run that waits for its turn, jitter or retry delay: it has no output to follow yet. */
async function begun(store: RunStore, name: string): Promise<Run | undefined> {
  const run = await storedRun(store, name);
  return run.phase === 'Created' ? undefined : run;
}

async function finished(store: RunStore, name: string): Promise<Run | undefined> {
  const run = await storedRun(store, name);
  return isFinished(run) ? run : undefined;
}

/** Throws RUN_NOT_FOUND for an unknown name, and for a run of a job other than `job`. */
async function storedRun(store: RunStore, name: string, job?: string): Promise<Run> {
  const run = await store.run(name);
  if (run === undefined || (job !== undefined && run.job !== job)) {
    throw new LshError('RUN_NOT_FOUND', { name });
  }
  return run;
}

/** Works for a removed job too: its history stays. Throws JOB_NOT_FOUND, RUN_NONE_YET. */
async function newestRun({ source, store }: RunHandlerOptions, name: string): Promise<Run> {
  const [run] = await store.runs({ job: jobKey(LOCAL_NAMESPACE, name), limit: 1 });
  if (run !== undefined) return run;
  knownJob(source, name);
  throw new LshError('RUN_NONE_YET', { name });
}

function optionalKey(name: string | undefined): string | undefined {
  return name === undefined ? undefined : jobKey(LOCAL_NAMESPACE, name);
}

function instant(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function statsDocument({ job, firstRunAt, lastRunAt, ...figures }: RunStats): JobStats {
  return {
    job: splitKey(job).name,
    ...figures,
    ...(firstRunAt !== undefined && { firstRunAt: rfc3339(firstRunAt) }),
    ...(lastRunAt !== undefined && { lastRunAt: rfc3339(lastRunAt) }),
  };
}
