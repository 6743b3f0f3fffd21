// What a person asks about runs: found in the status of their jobs, waited for by watching it.
import type { JobApi } from '../../contracts/job-api.ts';
import { runDocument } from '../../core/document.ts';
import { LshError } from '../../core/errors.ts';
import { isFinished, type Run } from '../../core/run.ts';
import { runDocuments, slotDocuments, statsDocuments } from './run-history.ts';
import { untilLshJob } from './lsh-job-watch.ts';
import { findLshJob, listLshJobs, type Scope } from './lsh-job-calls.ts';
import { readRuns, type LshJob } from '../objects/lsh-job.ts';

/** The methods that look at runs and their history. */
export function jobRuns(scope: Scope): Pick<JobApi, 'runs' | 'run' | 'slots' | 'stats'> {
  return {
    runs: async (query) => runDocuments(await jobsNamed(scope, query.name), query),
    run: async ({ run, wait }) => {
      const known = await findRun(scope, run);
      if (!wait || isFinished(known.run)) return runDocument(known.run);
      return runDocument(await ended(scope, known));
    },
    slots: async (query) => {
      const [object] = await jobsNamed(scope, query.name);
      return object === undefined ? [] : slotDocuments(object, query);
    },
    stats: async ({ name, since }) => statsDocuments(await jobsNamed(scope, name), since),
  };
}

/** A run, and the job whose status it stands in. */
export interface FoundRun {
  object: LshJob;
  run: Run;
}

/** The run of that name; RUN_NOT_FOUND also where it is no longer kept. */
export async function findRun(scope: Scope, name: string): Promise<FoundRun> {
  for (const job of jobNamesOf(name)) {
    const object = await findLshJob(scope, job);
    const run = object && runIn(object, name);
    if (run) return { object, run };
  }
  for (const object of await listLshJobs(scope)) {
    const run = runIn(object, name);
    if (run) return { object, run };
  }
  throw notFound(name);
}

/** The run in the status of the object. */
export function runIn(object: LshJob, name: string): Run | undefined {
  return readRuns(object).find((run) => run.name === name);
}

/** A run’s name begins with its job’s, unless that is very long; the attempt is the last part or none. */
function jobNamesOf(run: string): string[] {
  const parts = run.split('-');
  return [parts.slice(0, -1), parts.slice(0, -2)]
    .filter(({ length }) => length > 0)
    .map((part) => part.join('-'));
}

async function jobsNamed(scope: Scope, name: string | undefined): Promise<LshJob[]> {
  if (name === undefined) return listLshJobs(scope);
  const object = await findLshJob(scope, name);
  return object === undefined ? [] : [object];
}

async function ended(scope: Scope, { object: { metadata }, run: { name } }: FoundRun): Promise<Run> {
  const look = (object: LshJob) => {
    const run = runIn(object, name);
    // History limits of zero: it has ended, and nothing is left to tell how.
    if (run === undefined) throw notFound(name);
    return isFinished(run) ? run : undefined;
  };
  return untilLshJob(scope, metadata.name, look, new AbortController().signal);
}

function notFound(name: string): LshError {
  const hint =
    'The cluster keeps as many runs of a job as its history limits say; see `lsh cron history --cluster`.';
  return new LshError('RUN_NOT_FOUND', { name }, { hint });
}
