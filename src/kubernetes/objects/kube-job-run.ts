// The Kubernetes Job of a run, and the Pods left of it, as the core’s run and observation. Pure.
import type { V1Job } from '@kubernetes/client-node';
import { API_VERSION, KIND } from '../../core/api-version.ts';
import type { JobKey } from '../../core/job.ts';
import { jobKey } from '../../core/naming.ts';
import type { Run, RunEnd, RunObservation, RunReason } from '../../core/run.ts';
import type { KubeObject, Wire } from '../api/objects.ts';
import { DISRUPTION_CONDITION, POD_HASH_ANNOTATION, RECORD_ANNOTATION, RUN_CONTAINER } from './kube-job.ts';
import { readRun, type RunEntry } from './lsh-job-status.ts';
import { commandStart, type Pod } from './pod.ts';

export type KubeJob = Wire<V1Job> & KubeObject;

type KubeJobCondition = NonNullable<NonNullable<KubeJob['status']>['conditions']>[number];
type Terminated = NonNullable<
  NonNullable<NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]['state']>['terminated']
>;

/** The LshJob that a Kubernetes Job belongs to. */
interface Owner {
  key: JobKey;
  uid: string;
}

/** Reasons of a container that ended before its command started. */
const NEVER_STARTED = new Set(['StartError', 'ContainerCannotRun', 'ContainerStatusUnknown']);

/** Reason of a Pod, and of a Kubernetes Job, whose time is up. */
const PAST_DEADLINE = 'DeadlineExceeded';

const READ_ANNOTATIONS: ReadonlySet<string> = new Set([RECORD_ANNOTATION, POD_HASH_ANNOTATION]);

/** Reasons of a Pod that its node gave up. Servers since 1.26 set the condition DisruptionTarget as well. */
const DISRUPTED = new Set(['Evicted', 'NodeLost', 'NodeShutdown', 'Preempting', 'Shutdown', 'Terminated']);
/** An eviction because the Pod itself used too much disk: the next attempt would end the same way. */
const OVER_ITS_LIMIT = /\bexceed(?:s|ed)\b.*\blimit\b/;

/** The fields of a Kubernetes Job that this program reads; the Pod template is the larger half of the object. */
export function trimmedKubeJob({ metadata, spec, status }: KubeJob): KubeJob {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const { labels, annotations, ownerReferences } = metadata;
  return {
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      labels,
      annotations: Object.fromEntries(
        Object.entries(annotations ?? {}).filter(([name]) => READ_ANNOTATIONS.has(name)),
      ),
      ownerReferences,
    },
    spec: { template: {}, ...(spec?.suspend && { suspend: true }) },
    status: {
      active: status?.active,
      succeeded: status?.succeeded,
      failed: status?.failed,
      startTime: status?.startTime,
      completionTime: status?.completionTime,
      conditions: status?.conditions,
    },
  };
}

/** Whether the LshJob with this uid controls the object. Another user’s Job can have the name of a run. */
export function isOwnedBy({ metadata }: KubeObject, uid: string): boolean {
  return (metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid);
}

/** The LshJob that controls the Kubernetes Job; undefined if none does. */
export function ownerOf({ metadata }: KubeJob): Owner | undefined {
  const owner = metadata.ownerReferences?.find(
    ({ controller, apiVersion, kind }) => controller === true && apiVersion === API_VERSION && kind === KIND,
  );
  return owner && { key: jobKey(metadata.namespace ?? '', owner.name), uid: owner.uid };
}

/** The run as its Kubernetes Job recorded it at the start; undefined for a missing or malformed record. */
export function recordedRun(kubeJob: KubeJob): Run | undefined {
  const owner = ownerOf(kubeJob);
  const record = kubeJob.metadata.annotations?.[RECORD_ANNOTATION];
  if (owner === undefined || record === undefined) return undefined;
  try {
    return readRun(JSON.parse(record) as RunEntry, { job: owner.key, jobUid: owner.uid });
  } catch {
    return undefined;
  }
}

/** Whether the Kubernetes Job has completed or failed. */
export function hasEnded(kubeJob: KubeJob): boolean {
  return endCondition(kubeJob) !== undefined;
}

/** Whether a queue holds the Kubernetes Job back: it gets no Pod for now. */
export function isSuspended({ spec }: KubeJob): boolean {
  return spec?.suspend === true;
}

/** Whether the Job controller has counted a Pod of the run. */
export function hadPod({ status }: KubeJob): boolean {
  const { active = 0, succeeded = 0, failed = 0 } = status ?? {};
  return active + succeeded + failed > 0;
}

/** The run as its Kubernetes Job shows it. `pods` are those left of the run: they know the exit code and the cause. */
export function observationOf(kubeJob: KubeJob, pods: readonly Pod[]): RunObservation {
  const { metadata, status } = kubeJob;
  const { name } = metadata;
  const condition = endCondition(kubeJob);
  if (condition === undefined) return { name, state: 'Pending' };
  const startedAt = startOf(kubeJob, pods);
  const finishedAt = Date.parse(
    status?.completionTime ?? condition.lastTransitionTime ?? metadata.creationTimestamp,
  );
  const byItself = endedByItself(kubeJob, condition, pods);
  const ended = {
    name,
    state: 'Ended',
    ...(startedAt !== undefined && { startedAt }),
    finishedAt,
    ...(byItself && { byItself }),
  } as const;
  return condition.type === 'Complete'
    ? { ...ended, exitCode: 0 }
    : { ...ended, ...failure(condition, pods) };
}

/** When the command began: its Pod knows. Without the Pod, the start of the Kubernetes Job is close to it. */
function startOf(kubeJob: KubeJob, pods: readonly Pod[]): number | undefined {
  const [pod] = newestFirst(pods);
  const startedAt = pod && commandStart(pod);
  if (startedAt !== undefined || !hadPod(kubeJob)) return startedAt;
  const { metadata, status } = kubeJob;
  return Date.parse(status?.startTime ?? metadata.creationTimestamp);
}

function endCondition({ status }: KubeJob): KubeJobCondition | undefined {
  return status?.conditions?.find(
    (condition) =>
      condition.status === 'True' && (condition.type === 'Complete' || condition.type === 'Failed'),
  );
}

/** A stop passes the Pod’s deadline, or deletes the Kubernetes Job, whose Pods then fail: such failures are the stop’s. */
function endedByItself(
  { metadata: { deletionTimestamp: deletedAt } }: KubeJob,
  { type, lastTransitionTime }: KubeJobCondition,
  pods: readonly Pod[],
): boolean {
  if (type === 'Complete') return true;
  if (isPastDeadline(newestFirst(pods)[0])) return false;
  if (deletedAt === undefined) return true;
  return lastTransitionTime !== undefined && Date.parse(lastTransitionTime) < Date.parse(deletedAt);
}

type Failure = Pick<RunEnd, 'exitCode' | 'signal' | 'reason' | 'message'>;

function failure(condition: KubeJobCondition, pods: readonly Pod[]): Failure {
  const [pod] = newestFirst(pods);
  if (condition.reason === PAST_DEADLINE || isPastDeadline(pod))
    return { ...exitOf(pod), reason: 'TimedOut', message: 'The run was active longer than timeoutSeconds.' };
  const disruption = disruptionOf(condition, pod);
  if (disruption !== undefined)
    return { reason: 'Disrupted', message: `The cluster took the Pod away: ${disruption}` };
  if (pod === undefined) return { reason: 'Lost', message: lostMessage(condition) };
  const terminated = terminatedOf(pod);
  // An evicted or preempted Pod has a reason of its own; its exit code is only that of the TERM.
  if (pod.status?.reason !== undefined || terminated === undefined) return lostPod(pod);
  const { message } = terminated;
  return {
    ...exitOf(pod),
    ...(reasonOf(terminated) && { reason: reasonOf(terminated) }),
    ...(message && { message }),
  };
}

/** Why the cluster took the Pod away, as a clause; undefined if it did not. */
function disruptionOf(jobCondition: KubeJobCondition, pod: Pod | undefined): string | undefined {
  const { conditions = [], reason = '', message = '' } = pod?.status ?? {};
  const target = conditions.find(({ type, status }) => type === DISRUPTION_CONDITION && status === 'True');
  if (target !== undefined) return sentence(target.reason, target.message) || DISRUPTION_CONDITION;
  // The only rule of a run’s podFailurePolicy is about disruptions.
  if (jobCondition.reason === 'PodFailurePolicy') return sentence(jobCondition.message);
  return DISRUPTED.has(reason) && !OVER_ITS_LIMIT.test(message) ? sentence(reason, message) : undefined;
}

function exitOf(pod: Pod | undefined): Pick<RunEnd, 'exitCode' | 'signal'> {
  const { exitCode, signal } = (pod && terminatedOf(pod)) ?? {};
  return { ...(exitCode !== undefined && { exitCode }), ...(signal && { signal: String(signal) }) };
}

/** Whether its node ended the Pod at its deadline: the time limit of the run, or a stop. */
export function isPastDeadline(pod: Pod | undefined): boolean {
  return pod?.status?.reason === PAST_DEADLINE;
}

function lostPod({ metadata, status }: Pod): Failure {
  const cause = sentence(status?.reason, status?.message) || 'no reason';
  return { reason: 'Lost', message: `Pod ${metadata.name} ended before its command: ${cause}` };
}

function lostMessage({ reason, message }: KubeJobCondition): string {
  return `The Pod of the run is gone: ${sentence(reason, message)}`;
}

function sentence(...parts: (string | undefined)[]): string {
  return parts.filter(Boolean).join(': ');
}

function reasonOf({ reason }: Terminated): RunReason | undefined {
  if (reason === 'OOMKilled') return 'OutOfMemory';
  return reason !== undefined && NEVER_STARTED.has(reason) ? 'SpawnError' : undefined;
}

function terminatedOf({ status }: Pod): Terminated | undefined {
  return status?.containerStatuses?.find(({ name }) => name === RUN_CONTAINER)?.state?.terminated;
}

/** The Pods by creation, newest first. */
export function newestFirst(pods: readonly Pod[]): Pod[] {
  const created = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp);
  return pods.toSorted((a, b) => created(b) - created(a));
}
