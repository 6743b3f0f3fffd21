// What Events say about an object that does not get on: the Job controller’s words about a Pod that the API server
// refuses, the kubelet’s about a volume that does not mount. Pure.
import type { CoreV1Event } from '@kubernetes/client-node';
import type { KubeObject, Wire } from '../api/objects.ts';

export type KubeEvent = Omit<Wire<CoreV1Event>, 'metadata'> & KubeObject;

export const NO_POD_MESSAGE = 'The Job controller has created no Pod, and no Event says why.';

/** What the Job controller says of a Job that has no Pod; undefined if it says nothing. */
export function creationRefusal(events: readonly KubeEvent[]): string | undefined {
  const said = newest(events.filter(({ reason }) => reason === 'FailedCreate'))?.message;
  if (!said) return undefined;
  // Each try has another name for the Pod; without it the sentence stays the same while the cause does.
  return `No Pod was created: ${said.replace(/^Error creating: (?:pods "[^"]*" is )?/, '')}`;
}

/** What keeps a Pod in ContainerCreating. Undefined if the newest Event is no warning: its problem has passed. */
export function creationProblem(events: readonly KubeEvent[]): string | undefined {
  const { type, message } = newest(events) ?? {};
  return type === 'Warning' && message ? `The Pod does not start: ${message}` : undefined;
}

function newest(events: readonly KubeEvent[]): KubeEvent | undefined {
  return events.toSorted((a, b) => saidAt(a) - saidAt(b)).at(-1);
}

function saidAt({ series, lastTimestamp, eventTime, metadata }: KubeEvent): number {
  return Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp);
}
