// What keeps a Pod from starting, in a sentence that stays the same for as long as the cause does. Pure.
import { RUN_CONTAINER } from './job-manifest.ts';
import type { PodObject } from './run-mapping.ts';

const NO_IMAGE = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
const NO_CONTAINER = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** Why the Pod does not get on; undefined while there is no reason for worry. */
export function stuckMessage(pod: PodObject): string | undefined {
  return withoutContainer(pod) ?? withoutNode(pod);
}

function withoutContainer({ spec, status }: PodObject): string | undefined {
  const ours = ({ name }: { name: string }): boolean => name === RUN_CONTAINER;
  const { reason = '', message = reason } = status?.containerStatuses?.find(ours)?.state?.waiting ?? {};
  if (NO_IMAGE.has(reason)) return `The image "${spec?.containers.find(ours)?.image}" cannot be pulled.`;
  return NO_CONTAINER.has(reason) ? `The container cannot be created: ${message}` : undefined;
}

function withoutNode({ status }: PodObject): string | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  return `No node takes the Pod: ${scheduled.message ?? 'Unschedulable'}`;
}
