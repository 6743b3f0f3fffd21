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
import { hostPod } from '../objects/host.ts';
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
  const started = follow
    ? await waitForRun(scope, found, ({ phase }) => phase !== 'Created', signal)
    : found.run;
  let missing: Missing;
  if (EXECUTORS[started.executor].hasPod) {
    const pod = await podOfRun(scope, started, { wait: follow, signal });
    if (pod !== undefined) return yield* podLog(scope, pod, { follow, signal });
    missing = { why: 'its pod is gone' };
  } else {
    const answer = yield* shellOutput(options, { ...found, run: started }, { follow, signal });
    if (answer === 'complete') return;
    missing = answer;
  }
  const run = follow ? await waitForRun(scope, found, isFinished, signal) : found.run;
  yield* tailOf(run, missing, notice);
}

/** Why the status alone has output of the run. */
interface Missing {
  /** A part of a sentence. */
  why: string;
  /** Sentences on where else the whole is. */
  elsewhere?: string;
}

async function* shellOutput(
  { scope, notice }: RunLogOptions,
  { lshJob, run }: FoundRun,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
): AsyncGenerator<Uint8Array, Missing | 'complete'> {
  if (run.phase === 'Created') return 'complete';
  if (isWhole(run)) {
    yield Buffer.from(run.outputTail ?? '');
    return 'complete';
  }
  const { shellLog, ShellLogFailure } = await import('./shell-log.ts');
  const { name } = run;
  const isActive = async () => {
    const now = runIn(await getLshJob(scope, lshJob.metadata.name, signal), name);
    return now !== undefined && !isFinished(now);
  };
  let bytes = 0;
  try {
    for await (const chunk of shellLog(scope, run, { follow, signal, isActive })) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof ShellLogFailure)) throw error;
    const why = error.message;
    if (bytes > 0) throw new LshError('LOG_NOT_KEPT', { name, detail: `after ${bytes} bytes, ${why}` });
    const missing = { why, elsewhere: inItsPod(run, follow) };
    if (!isFinished(run))
      notice(`The output of ${name} appears here when it has ended: ${why}.${missing.elsewhere}`);
    return missing;
  }
  // What is followed has ended by now.
  const mayBeSilent = !follow && !isFinished(run);
  return bytes > 0 || mayBeSilent ? 'complete' : { why: 'its pod no longer has it' };
}

/** Whether the status has every byte of the output. It has U+FFFD for each that is no text. */
function isWhole({ outputTail = '', outputBytes }: Run): boolean {
  return Buffer.byteLength(outputTail) === outputBytes && !outputTail.includes('\uFFFD');
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

function* tailOf(
  run: Run,
  { why, elsewhere = '' }: Missing,
  notice: RunLogOptions['notice'],
): Generator<Uint8Array> {
  const { name, outputTail, outputBytes } = run;
  if (outputTail === undefined) {
    if (!isFinished(run) || outputBytes === 0) return;
    throw notKept(run);
  }
  const tail = Buffer.from(outputTail);
  if (!isWhole(run))
    notice(`Only the end of the output of ${name} is kept (${tail.length} bytes): ${why}.${elsewhere}`);
  yield tail;
}

/** How people who may can read the output of a shell run in its pod. */
function inItsPod({ name, job, host }: Run, follow: boolean): string {
  const pod = hostPod(host);
  if (pod === undefined) return '';
  const command = `lsh runner logs ${follow ? '-f ' : ''}${splitKey(job).namespace}/${name}`;
  return ` Until its pod ends, the whole is there: kubectl exec ${pod.name} --namespace ${pod.namespace} -c shell -- ${command}`;
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
