// Trims jobs and runs to the memory that an evaluation needs, for a hundred thousand jobs.
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { Job } from '../../core/job.ts';
import { RetrySchema } from '../../core/spec/blocks.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { LOCAL_NAMESPACE } from '../../core/naming.ts';
import { runsBeyondLimits } from '../../core/decide/retention.ts';
import { isFinished, type Run } from '../../core/run.ts';

const DEFAULT_RETRY: JobSpec['retry'] = v.parse(RetrySchema, {});
const NO_TAGS: string[] = [];

/** The spec as the store returns it; specs share one object for the parts that most have in common. */
export function keptSpec(spec: JobSpec): JobSpec {
  const kept = JSON.parse(JSON.stringify(spec)) as JobSpec;
  share(kept);
  return kept;
}

/** Shares the parts of a job in place; the caller has just read it and owns it alone. */
export function keptJob(job: Job): Job {
  share(job.spec);
  if (job.namespace === LOCAL_NAMESPACE) job.namespace = LOCAL_NAMESPACE;
  return job;
}

function share(spec: JobSpec): void {
  if (spec.tags.length === 0) spec.tags = NO_TAGS;
  if (isDeepStrictEqual(spec.retry, DEFAULT_RETRY)) spec.retry = DEFAULT_RETRY;
}

/**
 * Active runs, and the finished ones within the history limits; newest first. Runs that are ahead of now come last: they
 * are from before the clock was set back. Output stays in the store.
 */
export function keptRuns(runs: readonly Run[], spec: JobSpec | undefined, now: number): Run[] {
  const finished = runs.filter(isFinished);
  const beyond = new Set(spec === undefined ? finished : runsBeyondLimits(spec, finished, { now }));
  // Until decide() forgets it: a job that follows this one may lack the end.
  const isKept = (run: Run) => !beyond.has(run) || (spec !== undefined && run.endNumber !== undefined);
  const isOfFuture = ({ createdAt }: Run) => Number(createdAt > now);
  return runs
    .filter(isKept)
    .sort((a, b) => isOfFuture(a) - isOfFuture(b) || b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1))
    .map(withoutOutput);
}

/** The run without its output, once it has finished. */
export function withoutOutput(run: Run): Run {
  if (run.outputTail === undefined || !isFinished(run)) return run;
  return { ...run, outputTail: undefined };
}
