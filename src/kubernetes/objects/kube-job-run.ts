// The Kubernetes Job of a run, and its Pod where one is left, as what the core knows of runs. Pure.
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { RunEnd, RunObservation, RunReason } from '../../core/run.ts';
import { RUN_CONTAINER, RUN_LABEL } from './kube-job.ts';
import type { KubeObject, Wire } from '../api/objects.ts';

export type KubeJob = Wire<V1Job> & KubeObject;
export type Pod = Wire<V1Pod> & KubeObject;

type JobCondition = NonNullable<NonNullable<KubeJob['status']>['conditions']>[number];
type Terminated = NonNullable<
  NonNullable<NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]['state']>['terminated']
>;

// Ends of a container that its command had no part in.
const NEVER_STARTED = new Set(['StartError', 'ContainerCannotRun', 'ContainerStatusUnknown']);

/** Whether the Job is owned by the LshJob with this uid; one of the same name that is not is somebody else’s. */
export function isOwnedBy({ metadata }: KubeObject, uid: string): boolean {
  return (metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid);
}

/** Name of the run that a Job or Pod belongs to. */
export function runNameOf({ metadata }: KubeObject): string | undefined {
  return metadata.labels?.[RUN_LABEL];
}

/** Whether the Job’s end is known. */
export function hasEnded(job: KubeJob): boolean {
  return endCondition(job) !== undefined;
}

/** The run as its Job shows it; `pods` are those of the run that are left, for the exit code and the cause. */
export function observationOf(job: KubeJob, pods: readonly Pod[]): RunObservation {
  const { name } = job.metadata;
  const startedAt = Date.parse(job.status?.startTime ?? job.metadata.creationTimestamp);
  const condition = endCondition(job);
  if (condition === undefined) return { name, state: 'Running', startedAt };
  const finishedAt = Date.parse(
    job.status?.completionTime ?? condition.lastTransitionTime ?? job.metadata.creationTimestamp,
  );
  const ended = { name, state: 'Ended', startedAt, finishedAt } as const;
  return condition.type === 'Complete'
    ? { ...ended, exitCode: 0 }
    : { ...ended, ...failure(condition, pods) };
}

function endCondition(job: KubeJob): JobCondition | undefined {
  return job.status?.conditions?.find(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  );
}

type Failure = Pick<RunEnd, 'exitCode' | 'signal' | 'reason' | 'message'>;

function failure(condition: JobCondition, pods: readonly Pod[]): Failure {
  if (condition.reason === 'DeadlineExceeded')
    return { reason: 'TimedOut', message: 'The run was active longer than timeoutSeconds.' };
  const pod = newest(pods);
  const evicted = pod?.status?.reason;
  const terminated = pod && terminatedOf(pod);
  // A Pod that a node or the scheduler took away says so in its own reason; its exit code is that of the TERM.
  if (pod && (evicted !== undefined || terminated === undefined)) return lostPod(pod);
  if (terminated === undefined) return { reason: 'Lost', message: lostMessage(condition) };
  const { exitCode, signal, message } = terminated;
  return {
    exitCode,
    ...(signal && { signal: String(signal) }),
    ...(reasonOf(terminated) && { reason: reasonOf(terminated) }),
    ...(message && { message }),
  };
}

function lostPod(pod: Pod): Failure {
  const { reason, message } = pod.status ?? {};
  const why = [reason, message].filter((part) => part !== undefined).join(': ');
  return {
    reason: 'Lost',
    message: `Pod ${pod.metadata.name} ended without its command: ${why || 'no reason'}`,
  };
}

function lostMessage({ reason, message }: JobCondition): string {
  return `No Pod is left to tell why: ${[reason, message].filter((part) => part).join(': ')}`;
}

function reasonOf({ reason }: Terminated): RunReason | undefined {
  if (reason === 'OOMKilled') return 'OutOfMemory';
  return reason !== undefined && NEVER_STARTED.has(reason) ? 'SpawnError' : undefined;
}

function terminatedOf(pod: Pod): Terminated | undefined {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === RUN_CONTAINER);
  return status?.state?.terminated;
}

function newest(pods: readonly Pod[]): Pod | undefined {
  const created = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp);
  return pods.toSorted((a, b) => created(b) - created(a))[0];
}
