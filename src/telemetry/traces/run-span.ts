// A finished run as a span, after OpenTelemetry’s conventions for spans of CI/CD, which alone describe the runs of a
// scheduler: https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/. What they lack is called lsh.run.*.
import type { Attributes } from '@opentelemetry/api';
import { firstAttemptName, LOCAL_NAMESPACE, splitKey } from '../../core/naming.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import type { Run, RunReason } from '../../core/run.ts';
import { traceIdsOf, type TraceIds } from './trace-ids.ts';

export interface RunSpan {
  ids: TraceIds;
  name: string;
  /** Milliseconds. */
  startedAt: number;
  finishedAt: number;
  attributes: Attributes;
  /** Why the run failed; undefined if it did not, or was cancelled. */
  error: string | undefined;
  /** The span of the first attempt; undefined for the first. */
  parent: TraceIds | undefined;
  /** The span of the run that it follows. */
  follows: TraceIds | undefined;
}

/** Values of `cicd.pipeline.result`: `failure` is the command’s, `error` that of what executes it. */
type Result = 'success' | 'failure' | 'error' | 'timeout' | 'cancellation';

const RESULTS: Record<RunReason, Result> = {
  ExitCode: 'failure',
  Signal: 'failure',
  SpawnError: 'failure',
  Refused: 'failure',
  OutOfMemory: 'failure',
  Lost: 'error',
  Disrupted: 'error',
  NameTaken: 'error',
  Stuck: 'error',
  ControllerGone: 'error',
  TimedOut: 'timeout',
  DeadlineExceeded: 'timeout',
  StoppedByUser: 'cancellation',
  Replaced: 'cancellation',
  JobRemoved: 'cancellation',
  ShuttingDown: 'cancellation',
  SpecChanged: 'cancellation',
};

/** The span of a finished run. `causeUid` is the uid of the job that it follows, if that job exists. */
export function runSpan(run: Run, causeUid?: string): RunSpan {
  const { jobUid, cause, message, finishedAt = run.createdAt } = run;
  const first = firstAttemptName(run.name);
  const errorType = errorTypeOf(run);
  return {
    ids: traceIdsOf(run),
    name: `RUN ${splitKey(run.job).name}`,
    // A run that never began was due from here on.
    startedAt: run.startedAt ?? Math.min(run.startAfter, finishedAt),
    finishedAt,
    attributes: attributesOf(run, errorType),
    error: errorType && (message ? `${errorType}: ${message}` : errorType),
    parent: first === run.name ? undefined : traceIdsOf({ jobUid, name: first }),
    follows: cause && causeUid ? traceIdsOf({ jobUid: causeUid, name: cause.run }) : undefined,
  };
}

function resultOf({ phase, reason }: Run): Result {
  if (phase === 'Completed') return 'success';
  // A status may hold the reason of a newer operator.
  return reason === undefined ? 'failure' : ((RESULTS as Partial<typeof RESULTS>)[reason] ?? 'failure');
}

/** Undefined for a run that completed, and for one that lsh stopped because it was not wanted any more. */
function errorTypeOf(run: Run): string | undefined {
  const result = resultOf(run);
  return result === 'success' || result === 'cancellation' ? undefined : (run.reason ?? run.phase);
}

function attributesOf(run: Run, errorType: string | undefined): Attributes {
  const { namespace, name } = splitKey(run.job);
  return {
    'cicd.pipeline.action.name': 'RUN',
    'cicd.pipeline.name': name,
    'cicd.pipeline.run.id': run.name,
    'cicd.pipeline.result': resultOf(run),
    'error.type': errorType,
    'process.exit.code': run.exitCode,
    'k8s.namespace.name': namespace === LOCAL_NAMESPACE ? undefined : namespace,
    'k8s.job.name': run.executor === 'Job' ? run.name : undefined,
    'lsh.run.phase': run.phase,
    'lsh.run.reason': run.reason,
    'lsh.run.trigger': run.trigger,
    'lsh.run.slot': rfc3339(run.slot),
    'lsh.run.attempt': run.attempt,
    'lsh.run.executor': run.executor,
  };
}
