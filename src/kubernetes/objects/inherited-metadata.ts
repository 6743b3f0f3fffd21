// The labels and annotations that a Kubernetes Job and its Pod get from their LshJob, such as a team’s name or a mark for
// the collector of logs. Pure.
import type { V1Job } from '@kubernetes/client-node';
import type { Job } from '../../core/job.ts';
import type { Wire } from '../api/objects.ts';

/** Marks by which a deployment tool would claim the object. */
export const TOOL_MARKS: readonly RegExp[] = [
  /^kubectl\.kubernetes\.io\/last-applied-configuration$/,
  /^app\.kubernetes\.io\/managed-by$/,
  /^(meta\.)?helm\.sh\//,
  /(^|\.)argoproj\.io\//,
  /\.toolkit\.fluxcd\.io\//,
];

/** Names with a meaning for lsh, for the Job controller, which refuses foreign values, or for Kueue. */
const RESERVED: readonly RegExp[] = [
  /(^|\.)lsh\.dev\//,
  /^(job-name|controller-uid)$/,
  /^batch\.kubernetes\.io\//,
  /^kueue\.x-k8s\.io\//,
];

type Marks = Record<string, string>;

/** The manifest with the LshJob's labels and annotations below its own, on the Job and on the Pod. */
export function withInherited(manifest: Wire<V1Job>, job: Pick<Job, 'labels' | 'annotations'>): Wire<V1Job> {
  const inherited = { labels: inheritedOf(job.labels), annotations: inheritedOf(job.annotations) };
  const { metadata, spec } = manifest;
  const template = { ...spec!.template, metadata: merged(inherited, spec!.template.metadata) };
  return { ...manifest, metadata: merged(inherited, metadata), spec: { ...spec!, template } };
}

function merged<T extends { labels?: Marks; annotations?: Marks }>(
  inherited: { labels: Marks; annotations: Marks },
  own: T | undefined,
): T {
  const labels = { ...inherited.labels, ...own?.labels };
  const annotations = { ...inherited.annotations, ...own?.annotations };
  return { ...own!, labels, ...(Object.keys(annotations).length > 0 && { annotations }) };
}

function inheritedOf(marks: Marks = {}): Marks {
  const kept = Object.entries(marks).filter(
    ([name]) => ![...TOOL_MARKS, ...RESERVED].some((mark) => mark.test(name)),
  );
  return Object.fromEntries(kept);
}
