// What keeps a Pod from starting, in a sentence that stays the same for as long as the cause does. Pure.
import { RUN_CONTAINER } from '../objects/kube-job.ts';
import type { Pod } from '../objects/kube-job-run.ts';

const NO_IMAGE = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
const NO_CONTAINER = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** Why the Pod does not get on; undefined while there is no reason for worry. */
export function stuckMessage(pod: Pod): string | undefined {
  return withoutContainer(pod) ?? withoutNode(pod);
}

function withoutContainer({ spec, status }: Pod): string | undefined {
  for (const { name, state } of awaited(status)) {
    const { reason = '', message = reason } = state?.waiting ?? {};
    if (NO_IMAGE.has(reason)) return `The image "${imageOf(spec, name)}" cannot be pulled.`;
    if (NO_CONTAINER.has(reason)) return `The container "${name}" cannot be created: ${message}`;
  }
  return undefined;
}

/** The containers that the command waits for: those that come before it, and its own. */
function awaited({ initContainerStatuses = [], containerStatuses = [] }: Pod['status'] = {}) {
  return [...initContainerStatuses, ...containerStatuses.filter(({ name }) => name === RUN_CONTAINER)];
}

function imageOf(spec: Pod['spec'], container: string): string | undefined {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return containers.find(({ name }) => name === container)?.image;
}

function withoutNode({ status }: Pod): string | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  return `No node takes the Pod: ${scheduled.message ?? 'Unschedulable'}`;
}
