// The Pod of a run: the fields that matter here, since when its command runs, and why it does not yet. Pure.
import type { V1Pod } from '@kubernetes/client-node';
import type { KubeObject, Wire } from '../api/objects.ts';
import { RUN_CONTAINER } from './kube-job.ts';

export type Pod = Wire<V1Pod> & KubeObject;

/** Field selector of Pods that have not ended. */
export const UNFINISHED = 'status.phase!=Succeeded,status.phase!=Failed';

const NO_IMAGE = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
const NO_CONTAINER = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** The fields of a Pod that this file reads, and those of every object. */
export function trimmedPod({ metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels } = metadata;
  const { activeDeadlineSeconds } = spec ?? {};
  return {
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp, labels },
    spec: {
      activeDeadlineSeconds,
      initContainers: images(spec?.initContainers),
      containers: images(spec?.containers),
    },
    status,
  };
}

function images(containers: readonly { name: string; image?: string }[] = []) {
  return containers.map(({ name, image }) => ({ name, image }));
}

/** When the command began, milliseconds; undefined before that. */
export function commandStart({ status }: Pod): number | undefined {
  const { running, terminated } =
    status?.containerStatuses?.find(({ name }) => name === RUN_CONTAINER)?.state ?? {};
  const startedAt = running?.startedAt ?? terminated?.startedAt;
  return startedAt === undefined ? undefined : Date.parse(startedAt);
}

/** Why the Pod does not start, in a sentence that stays the same while the cause does; undefined without a cause. */
export function stuckMessage(pod: Pod): string | undefined {
  return containerProblem(pod) ?? schedulingProblem(pod);
}

function containerProblem({ spec, status }: Pod): string | undefined {
  for (const { name, state } of commandContainers(status)) {
    const { reason = '', message = reason } = state?.waiting ?? {};
    if (NO_IMAGE.has(reason)) return `The image "${imageOf(spec, name)}" cannot be pulled.`;
    if (NO_CONTAINER.has(reason)) return `The container "${name}" cannot be created: ${message}`;
  }
  return undefined;
}

/** The containers that the command waits for: the init containers, and its own. */
function commandContainers({ initContainerStatuses = [], containerStatuses = [] }: Pod['status'] = {}) {
  return [...initContainerStatuses, ...containerStatuses.filter(({ name }) => name === RUN_CONTAINER)];
}

function imageOf(spec: Pod['spec'], container: string): string | undefined {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return containers.find(({ name }) => name === container)?.image;
}

function schedulingProblem({ status }: Pod): string | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  return `No node takes the Pod: ${scheduled.message ?? 'Unschedulable'}`;
}
