// Requests to run and to stop: annotations that the controller acts upon, and the wait until it has.
import type { JobApi } from '../../contracts/job-api.ts';
import { runDocument } from '../../core/document.ts';
import { LshError } from '../../core/errors.ts';
import { manualRunName } from '../../core/naming.ts';
import { isActive, type Run } from '../../core/run.ts';
import { untilLshJob, type Look } from './lsh-job-watch.ts';
import { getLshJob, patchLshJob, retryOnConflict, type Scope } from './lsh-job-calls.ts';
import {
  readRuns,
  REQUESTED_BY_ANNOTATION,
  STOP_ANNOTATION,
  TRIGGER_ANNOTATION,
  type LshJob,
} from '../objects/lsh-job.ts';

export interface RequestOptions {
  scope: Scope;
  /** How long the controller may take to act, in milliseconds. */
  answerWithinMs: number;
}

/** The methods that ask the controller for something. */
export function jobRequests(options: RequestOptions): Pick<JobApi, 'trigger' | 'stop'> {
  const { scope } = options;
  return {
    trigger: async ({ name, id, requestedBy }) => {
      await requestRun(options, name, { id, requestedBy });
      return runDocument(await answered(options, name, (object) => triggered(object, id)));
    },
    stop: async ({ name, run }) => {
      const runs = readRuns(await getLshJob(scope, name));
      if (run !== undefined && !runs.some((one) => one.name === run)) {
        throw new LshError('RUN_NOT_FOUND', { name: run });
      }
      const stopped = runs
        .filter((one) => isActive(one) && (run ?? one.name) === one.name)
        .map((one) => one.name);
      if (stopped.length === 0) return { stopped };
      await requestStop(scope, name, stopped);
      await answered(options, name, (object) => stopping(object, stopped));
      return { stopped };
    },
  };
}

/** What is found, or CONTROLLER_SILENT. */
async function answered<T>(
  { scope, answerWithinMs }: RequestOptions,
  name: string,
  look: Look<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(answerWithinMs);
  try {
    return await untilLshJob(scope, name, look, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LshError('CONTROLLER_SILENT', { name, seconds: answerWithinMs / 1000 }, { cause: error });
  }
}

/** Records the request, unless it is recorded already. One at a time: an earlier one must not be overwritten. */
async function requestRun(
  options: RequestOptions,
  name: string,
  { id, requestedBy }: { id: string; requestedBy: string | undefined },
): Promise<void> {
  await retryOnConflict(async () => {
    const object = await withNothingPending(options, name, id);
    const known = readRuns(object).some((run) => run.name === manualRunName(name, id, 1));
    if (known || requestedId(object) === id) return;
    const annotations = { [TRIGGER_ANNOTATION]: id, [REQUESTED_BY_ANNOTATION]: requestedBy ?? null };
    await annotate(options.scope, object, annotations);
  });
}

/** The object, once an earlier request has been handled. */
async function withNothingPending(options: RequestOptions, name: string, id: string): Promise<LshJob> {
  const object = await getLshJob(options.scope, name);
  if (!otherPending(object, id)) return object;
  try {
    return await answered(options, name, (one) => (otherPending(one, id) ? undefined : one));
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'CONTROLLER_SILENT') throw error;
    const hint =
      'An earlier request still waits, and this one was not recorded. See whether the controller runs.';
    throw new LshError('CONTROLLER_SILENT', error.fields, { cause: error, hint });
  }
}

function requestedId({ metadata }: LshJob): string | undefined {
  return metadata.annotations?.[TRIGGER_ANNOTATION];
}

function otherPending(object: LshJob, id: string): boolean {
  const requested = requestedId(object);
  if (requested === undefined || requested === id || requested === object.status?.lastHandledTrigger)
    return false;
  assertValid(object);
  return true;
}

/** The run that the request became; RUN_FORBIDDEN once the controller has handled it without one. */
function triggered(object: LshJob, id: string): Run | undefined {
  const { name } = object.metadata;
  const runs = readRuns(object);
  const run = runs.find((one) => one.name === manualRunName(name, id, 1));
  if (run !== undefined) return run;
  if (object.status?.lastHandledTrigger === id) {
    throw new LshError('RUN_FORBIDDEN', { name, detail: refusal(object, runs) });
  }
  assertValid(object);
  return undefined;
}

function refusal({ spec }: LshJob, runs: readonly Run[]): string {
  if (!runs.some(isActive)) return 'the request was handled before, and its run is no longer kept';
  return (spec as { concurrencyPolicy?: string }).concurrencyPolicy === 'Queue'
    ? 'its queue is full'
    : 'a run of it is active';
}

/** Nothing is started for a job that the controller has found to be invalid, until its spec changes. */
function assertValid({ metadata, status }: LshJob): void {
  if (status?.phase !== 'Invalid' || status.observedGeneration !== metadata.generation) return;
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  throw new LshError('JOB_INVALID', { detail: ready?.message ?? 'the controller cannot evaluate it.' });
}

async function requestStop(scope: Scope, name: string, runs: readonly string[]): Promise<void> {
  await retryOnConflict(async () => {
    const object = await getLshJob(scope, name);
    const active = new Set(
      readRuns(object)
        .filter(isActive)
        .map((run) => run.name),
    );
    const before = (object.metadata.annotations?.[STOP_ANNOTATION] ?? '').split(',').map((one) => one.trim());
    // What others asked for and the controller has not yet acted upon stays.
    const all = new Set([...before.filter((one) => active.has(one)), ...runs]);
    await annotate(scope, object, { [STOP_ANNOTATION]: [...all].join(',') });
  });
}

/** True once the controller has told each run to end, or it has ended. */
function stopping(object: LshJob, names: readonly string[]): true | undefined {
  const runs = readRuns(object).filter((run) => names.includes(run.name));
  return runs.every((run) => !isActive(run) || run.stopCause !== undefined) || undefined;
}

function annotate(
  scope: Scope,
  { metadata: { name, resourceVersion } }: LshJob,
  annotations: Record<string, string | null>,
): Promise<LshJob> {
  return patchLshJob(scope, name, { metadata: { resourceVersion, annotations } });
}
