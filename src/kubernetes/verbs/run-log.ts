// The output of a run: the log of its Pod while the Pod exists, else the end of it from the status.
import type { JobApi, LogQuery } from '../../contracts/job-api.ts';
import { LshError } from '../../core/errors.ts';
import { EXECUTORS } from '../../core/executor.ts';
import { splitKey } from '../../core/naming.ts';
import { isFinished, type Run } from '../../core/run.ts';
import { runDocuments } from './status-documents.ts';
import { findRun, runIn, type FoundRun } from './runs.ts';
import { untilLshJob } from './lsh-job-watch.ts';
import { getLshJob, type Scope } from './api-calls.ts';
import { podLog, podOfRun } from './log-stream.ts';
import type { LshJob } from '../objects/lsh-job.ts';

export interface RunLogOptions {
  scope: Scope;
  /** Called with a sentence if the answer is not the whole output. */
  notice: (sentence: string) => void;
}

/** The JobApi method that reads output. */
export function runLog(options: RunLogOptions): JobApi['log'] {
  return (query, signal = new AbortController().signal) => read(options, query, signal);
}

async function* read(
  options: RunLogOptions,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { scope, notice } = options;
  const found = await requestedRun(scope, query);
  const { follow = false } = query;
  if (EXECUTORS[found.run.executor].hasPod) {
    const started = follow
      ? await waitForRun(scope, found, ({ phase }) => phase !== 'Created', signal)
      : found.run;
    const pod = await podOfRun(scope, started, { wait: follow, signal });
    if (pod !== undefined) return yield* podLog(scope, pod, { follow, signal });
  } else if (follow && !isFinished(found.run)) {
    notice(`A shell run shows its output here when it has ended.${inItsPod(found.run, '-f ')}`);
  }
  const run = follow ? await waitForRun(scope, found, isFinished, signal) : found.run;
  yield* tailOf(run, notice);
}

/** The run with the name, or the newest of the job. Throws RUN_NONE_YET for a job without runs. */
async function requestedRun(scope: Scope, { name, run }: LogQuery): Promise<FoundRun> {
  if (run !== undefined) return findRun(scope, run);
  const lshJob = await getLshJob(scope, name);
  const [newest] = runDocuments([lshJob], { limit: 1 });
  if (newest === undefined) throw new LshError('RUN_NONE_YET', { name });
  return { lshJob, run: runIn(lshJob, newest.name)! };
}

function waitForRun(
  scope: Scope,
  { lshJob, run: { name } }: FoundRun,
  isMet: (run: Run) => boolean,
  signal: AbortSignal,
): Promise<Run> {
  const check = (lshJob: LshJob) => {
    const run = runIn(lshJob, name);
    if (run === undefined) throw new LshError('RUN_NOT_FOUND', { name });
    return isMet(run) ? run : undefined;
  };
  return untilLshJob(scope, lshJob.metadata.name, check, signal);
}

function* tailOf(run: Run, notice: RunLogOptions['notice']): Generator<Uint8Array> {
  const { name, outputTail, outputBytes, executor } = run;
  if (outputTail === undefined) {
    if (!isFinished(run) || outputBytes === 0) return;
    throw notKept(run);
  }
  const tail = Buffer.from(outputTail);
  if (outputBytes === undefined || tail.length < outputBytes) {
    const why = EXECUTORS[executor].hasPod ? 'its pod is gone' : 'a shell run keeps no more in a cluster';
    const whole = EXECUTORS[executor].hasPod ? '' : inItsPod(run);
    notice(`Only the end of the output of ${name} is kept (${tail.length} bytes): ${why}.${whole}`);
  }
  yield tail;
}

/** How to read the output of a shell run in its pod, for people who may: nothing else of the cluster has it. */
function inItsPod({ name, job, host }: Run, flags = ''): string {
  if (host === undefined) return '';
  const command = `lsh runner logs ${flags}${splitKey(job).namespace}/${name}`;
  return ` Until its pod ends, the operator's namespace has the whole: kubectl exec ${host} --namespace NAMESPACE -c shell -- ${command}`;
}

function notKept({ name, executor, startedAt }: Run): LshError {
  if (startedAt === undefined) {
    const hint = 'Its message says why: `lsh cron history`.';
    return new LshError('LOG_NOT_KEPT', { name, detail: 'its command never began' }, { hint });
  }
  if (EXECUTORS[executor].hasPod) {
    const detail = 'its pod is gone, and the job keeps no output in its status';
    return new LshError('LOG_NOT_KEPT', { name, detail });
  }
  const detail = 'the job keeps only the end of a shell run’s output, up to its history limits';
  return new LshError(
    'LOG_NOT_KEPT',
    { name, detail },
    { hint: 'With `captureOutput: false` it keeps nothing.' },
  );
}
