// The verbs that read runs: from the status of LshJobs, and by watching it for a run that has not ended.
import type { JobApi } from '../../contracts/job-api.ts';
import { runDocument } from '../../core/document.ts';
import { LshError } from '../../core/errors.ts';
import { isFinished, type Run } from '../../core/run.ts';
import { noticesOf, runDocuments, slotDocuments, statsDocuments } from './status-documents.ts';
import { untilLshJob } from './lsh-job-watch.ts';
import { findLshJob, getLshJob, listLshJobs, type Scope } from './api-calls.ts';
import { readRuns, type LshJob } from '../objects/lsh-job.ts';

/** The JobApi methods that read runs, slots, figures and notices. */
export function jobRuns(scope: Scope): Pick<JobApi, 'runs' | 'run' | 'slots' | 'stats' | 'noticesOf'> {
  return {
    runs: async (query) => runDocuments(await jobsNamed(scope, query.name), query),
    run: async ({ run, wait }) => {
      const known = await findRun(scope, run);
      if (!wait || isFinished(known.run)) return runDocument(known.run);
      return runDocument(await waitForEnd(scope, known));
    },
    slots: async (query) => {
      const [lshJob] = await jobsNamed(scope, query.name);
      return lshJob === undefined ? [] : slotDocuments(lshJob, query);
    },
    stats: async ({ name, since }) => statsDocuments(await jobsNamed(scope, name), since),
    noticesOf: async ({ name }) => noticesOf(await getLshJob(scope, name)),
  };
}

/** A run, and the LshJob whose status has it. */
export interface FoundRun {
  lshJob: LshJob;
  run: Run;
}

/** The run with the name. Throws RUN_NOT_FOUND, also for a run that is no longer kept. */
export async function findRun(scope: Scope, name: string): Promise<FoundRun> {
  for (const job of jobNamesOf(name)) {
    const lshJob = await findLshJob(scope, job);
    const run = lshJob && runIn(lshJob, name);
    if (run) return { lshJob, run };
  }
  for (const lshJob of await listLshJobs(scope)) {
    const run = runIn(lshJob, name);
    if (run) return { lshJob, run };
  }
  throw notFound(name);
}

/** The run in the status of the LshJob; undefined if the status lacks it. */
export function runIn(lshJob: LshJob, name: string): Run | undefined {
  return readRuns(lshJob).find((run) => run.name === name);
}

/** Possible names of the run’s job: `<job>-<slot>` or `<job>-<slot>-<attempt>`. A very long job name is shortened in it. */
function jobNamesOf(run: string): string[] {
  const parts = run.split('-');
  return [parts.slice(0, -1), parts.slice(0, -2)]
    .filter(({ length }) => length > 0)
    .map((part) => part.join('-'));
}

async function jobsNamed(scope: Scope, name: string | undefined): Promise<LshJob[]> {
  if (name === undefined) return listLshJobs(scope);
  const lshJob = await findLshJob(scope, name);
  return lshJob === undefined ? [] : [lshJob];
}

async function waitForEnd(scope: Scope, { lshJob: { metadata }, run: { name } }: FoundRun): Promise<Run> {
  const check = (lshJob: LshJob) => {
    const run = runIn(lshJob, name);
    // With history limits of zero, the status drops the run as soon as it ends.
    if (run === undefined) throw notFound(name);
    return isFinished(run) ? run : undefined;
  };
  return untilLshJob(scope, metadata.name, check, new AbortController().signal);
}

function notFound(name: string): LshError {
  const hint =
    'The cluster keeps as many runs of a job as its history limits say; see `lsh cron history --cluster`.';
  return new LshError('RUN_NOT_FOUND', { name }, { hint });
}
