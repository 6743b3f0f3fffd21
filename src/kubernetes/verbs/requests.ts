// Requests to run and to stop: annotations on the LshJob, and the wait until the controller has acted on them.
import type { JobApi } from '../../contracts/job-api.ts';
import { runDocument } from '../../core/document.ts';
import { LshError } from '../../core/errors.ts';
import { manualRunName } from '../../core/naming.ts';
import { isActive, type Run } from '../../core/run.ts';
import { untilLshJob, type Check } from './lsh-job-watch.ts';
import { getLshJob, patchLshJob, retryOnConflict, type Scope } from './api-calls.ts';
import {
  readRuns,
  REQUESTED_BY_ANNOTATION,
  STOP_ANNOTATION,
  TRIGGER_ANNOTATION,
  type LshJob,
} from '../objects/lsh-job.ts';

const DELETED_HINT = 'Apply it again once it is gone. `kubectl get lj NAME -o yaml` shows its finalizers.';

export interface RequestOptions {
  scope: Scope;
  /** How long to wait for the controller, milliseconds. */
  answerWithinMs: number;
}

/** The JobApi methods that the controller carries out. */
export function jobRequests(options: RequestOptions): Pick<JobApi, 'trigger' | 'stop'> {
  const { scope } = options;
  return {
    trigger: async ({ name, id, requestedBy }) => {
      await requestRun(options, name, { id, requestedBy });
      return runDocument(await waitForController(options, name, (lshJob) => runOfTrigger(lshJob, id)));
    },
    stop: async ({ name, run }) => {
      const runs = readRuns(await getLshJob(scope, name));
      if (run !== undefined && !runs.some(({ name: known }) => known === run)) {
        throw new LshError('RUN_NOT_FOUND', { name: run });
      }
      const stopped = runs
        .filter((known) => isActive(known) && (run === undefined || run === known.name))
        .map((known) => known.name);
      if (stopped.length === 0) return { stopped };
      await requestStop(scope, name, stopped);
      await waitForController(options, name, (lshJob) => isStopping(lshJob, stopped));
      return { stopped };
    },
  };
}

/** The first result of the check. Throws CONTROLLER_SILENT after `answerWithinMs`. */
export async function waitForController<T>(
  { scope, answerWithinMs }: RequestOptions,
  name: string,
  check: Check<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(answerWithinMs);
  try {
    return await untilLshJob(scope, name, check, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LshError('CONTROLLER_SILENT', { name, seconds: answerWithinMs / 1000 }, { cause: error });
  }
}

/** Sets the trigger, unless it is set or handled already. It waits for a pending one, which it must not overwrite. */
async function requestRun(
  options: RequestOptions,
  name: string,
  { id, requestedBy }: { id: string; requestedBy: string | undefined },
): Promise<void> {
  await retryOnConflict(async () => {
    const lshJob = await withoutPendingTrigger(options, name, id);
    const known = readRuns(lshJob).some((run) => run.name === manualRunName(name, id, 1));
    if (known || triggerId(lshJob) === id) return;
    if (lshJob.metadata.deletionTimestamp !== undefined)
      throw new LshError('RUN_FORBIDDEN', { name, detail: 'it is being deleted' }, { hint: DELETED_HINT });
    const annotations = { [TRIGGER_ANNOTATION]: id, [REQUESTED_BY_ANNOTATION]: requestedBy ?? null };
    await annotate(options.scope, lshJob, annotations);
  });
}

/** The LshJob, once the controller has handled any earlier trigger. */
async function withoutPendingTrigger(options: RequestOptions, name: string, id: string): Promise<LshJob> {
  const lshJob = await getLshJob(options.scope, name);
  if (!hasOtherTrigger(lshJob, id)) return lshJob;
  try {
    return await waitForController(options, name, (next) => (hasOtherTrigger(next, id) ? undefined : next));
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'CONTROLLER_SILENT') throw error;
    const hint =
      'An earlier request is still pending, and this one was not recorded. Check that the controller runs.';
    throw new LshError('CONTROLLER_SILENT', error.fields, { cause: error, hint });
  }
}

function triggerId({ metadata }: LshJob): string | undefined {
  return metadata.annotations?.[TRIGGER_ANNOTATION];
}

function hasOtherTrigger(lshJob: LshJob, id: string): boolean {
  const requested = triggerId(lshJob);
  if (requested === undefined || requested === id || requested === lshJob.status?.lastHandledTrigger)
    return false;
  assertValid(lshJob);
  return true;
}

/** The run of the trigger; undefined while it is pending. Throws RUN_FORBIDDEN if it was handled without a run. */
function runOfTrigger(lshJob: LshJob, id: string): Run | undefined {
  const { name } = lshJob.metadata;
  const runs = readRuns(lshJob);
  const run = runs.find((known) => known.name === manualRunName(name, id, 1));
  if (run !== undefined) return run;
  if (lshJob.status?.lastHandledTrigger === id) {
    throw new LshError('RUN_FORBIDDEN', { name, detail: refusal(lshJob, runs) });
  }
  assertValid(lshJob);
  return undefined;
}

function refusal({ spec }: LshJob, runs: readonly Run[]): string {
  if (!runs.some(isActive)) return 'the request was handled before, and its run is no longer kept';
  return (spec as { concurrencyPolicy?: string }).concurrencyPolicy === 'Queue'
    ? 'its queue is full'
    : 'a run of it is active';
}

/** Throws JOB_INVALID for a spec that the controller rejects: it starts no run until the spec changes. */
export function assertValid({ metadata, status }: LshJob): void {
  if (status?.phase !== 'Invalid' || status.observedGeneration !== metadata.generation) return;
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  throw new LshError('JOB_INVALID', { detail: ready?.message ?? 'the controller cannot evaluate it.' });
}

async function requestStop(scope: Scope, name: string, runs: readonly string[]): Promise<void> {
  await retryOnConflict(async () => {
    const lshJob = await getLshJob(scope, name);
    const active = new Set(
      readRuns(lshJob)
        .filter(isActive)
        .map((run) => run.name),
    );
    const before = (lshJob.metadata.annotations?.[STOP_ANNOTATION] ?? '').split(',').map((run) => run.trim());
    // Keep stop requests of other clients that the controller has not carried out yet.
    const all = new Set([...before.filter((run) => active.has(run)), ...runs]);
    await annotate(scope, lshJob, { [STOP_ANNOTATION]: [...all].join(',') });
  });
}

/** True once the controller is stopping each run, or the run has ended; undefined before. */
function isStopping(lshJob: LshJob, names: readonly string[]): true | undefined {
  const runs = readRuns(lshJob).filter((run) => names.includes(run.name));
  return runs.every((run) => !isActive(run) || run.stopCause !== undefined) || undefined;
}

export function annotate(
  scope: Scope,
  { metadata: { name, resourceVersion } }: LshJob,
  annotations: Record<string, string | null>,
): Promise<LshJob> {
  return patchLshJob(scope, name, { metadata: { resourceVersion, annotations } });
}
