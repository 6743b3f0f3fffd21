// The LshJob object of the API server as the core’s Job, and as the documents that people see. Pure.
import * as v from 'valibot';
import { jobDocument, type JobDocument } from '../../core/document.ts';
import { toLshError, type LshError } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import { JobSpecSchema, type CheckedSpec, type JobSpec } from '../../core/spec/job-spec.ts';
import { jobKey } from '../../core/naming.ts';
import type { Run } from '../../core/run.ts';
import { CLUSTER_DEFAULTS, withPlatformDefaults } from '../../core/validate/defaults.ts';
import { parseSpec } from '../../core/validate/validate.ts';
import type { KubeObject } from '../api/objects.ts';
import type { WithLastChange } from './last-change.ts';
import { BACKFILL_ANNOTATION, readBackfillRequest } from './backfill-annotation.ts';
import { readRun, readStatus, type LshJobStatus } from './lsh-job-status.ts';

export const GROUP = 'lsh.dev';
export const VERSION = 'v1alpha1';
export const PLURAL = 'lshjobs';

/** A new value requests one run now. */
export const TRIGGER_ANNOTATION = 'lsh.dev/trigger';
/** The person who set the trigger. */
export const REQUESTED_BY_ANNOTATION = 'lsh.dev/requested-by';
/** Names of runs to stop, separated by commas. */
export const STOP_ANNOTATION = 'lsh.dev/stop';

const NOT_SHOWN = new Set([
  TRIGGER_ANNOTATION,
  REQUESTED_BY_ANNOTATION,
  STOP_ANNOTATION,
  BACKFILL_ANNOTATION,
  'kubectl.kubernetes.io/last-applied-configuration',
]);

export interface LshJob extends KubeObject, WithLastChange {
  apiVersion: string;
  kind: string;
  spec: unknown;
  status?: Partial<LshJobStatus>;
}

/** Path of one object, of a namespace’s objects, or of all objects. */
export function lshJobPath(namespace?: string, name?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `/apis/${GROUP}/${VERSION}${scope}/${PLURAL}${name === undefined ? '' : `/${name}`}`;
}

/** The object as a Job. `problem` is set for an invalid spec: the loop must not evaluate it. */
export function readLshJob(lshJob: LshJob): { job: Job; problem?: LshError } {
  const { spec, problem } = readSpec(lshJob.spec);
  return { job: jobWith(lshJob, spec), problem };
}

/** The object as a Job with a spec that was read before. */
export function jobWith(lshJob: LshJob, spec: Job['spec']): Job {
  const { metadata, status } = lshJob;
  const namespace = metadata.namespace ?? '';
  const annotations = metadata.annotations ?? {};
  const trigger = annotations[TRIGGER_ANNOTATION];
  const stop = annotations[STOP_ANNOTATION];
  const backfill = annotations[BACKFILL_ANNOTATION];
  return {
    key: jobKey(namespace, metadata.name),
    namespace,
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 1,
    createdAt: Date.parse(metadata.creationTimestamp),
    spec,
    ...shownMetadata(lshJob),
    ...(metadata.deletionTimestamp !== undefined && { terminating: true }),
    ...(trigger && { trigger: { id: trigger, requestedBy: annotations[REQUESTED_BY_ANNOTATION] } }),
    ...(backfill && { backfill: readBackfillRequest(backfill) }),
    ...(stop && { stop: stop.split(',').map((name) => name.trim()) }),
    status: readStatus(status),
  };
}

function readSpec(input: unknown): { spec: Job['spec']; problem?: LshError } {
  try {
    return { spec: withClusterDefaults(parseSpec(input, 'cluster')) };
  } catch (thrown) {
    // Active runs of an invalid job still need its grace period and limits, so keep as much as the schema accepts.
    const { output, success } = v.safeParse(JobSpecSchema, input);
    const spec = success ? output : v.parse(JobSpecSchema, {});
    return { spec: withClusterDefaults(spec), problem: toLshError(thrown) };
  }
}

/** The spec, resolved for a cluster. */
export function withClusterDefaults(spec: CheckedSpec): JobSpec {
  return withPlatformDefaults(spec, 'cluster', CLUSTER_DEFAULTS);
}

/** The valid runs of an object’s status: active ones first, then finished ones, newest first. */
export function readRuns({ metadata, status }: LshJob): Run[] {
  const owner = { job: jobKey(metadata.namespace ?? '', metadata.name), jobUid: metadata.uid };
  return [...(status?.active ?? []), ...(status?.recentRuns ?? [])]
    .map((entry) => readRun(entry, owner))
    .filter((run) => run !== undefined);
}

/** The object as a Job with the spec as it is written, also an invalid one. */
export function shownJob(lshJob: LshJob): Job {
  // The API server has checked the shape by the CRD of the same schema; parsing puts the fields in the schema’s order.
  const { success, output } = v.safeParse(JobSpecSchema, lshJob.spec);
  const spec = success ? output : (lshJob.spec as CheckedSpec);
  return { ...readLshJob(lshJob).job, spec: withClusterDefaults(spec) };
}

/** Labels and annotations without those that request a run or its end: a copy would request it again. */
function shownMetadata({ metadata }: LshJob): Pick<Job, 'labels' | 'annotations'> {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !NOT_SHOWN.has(key));
  return {
    ...(metadata.labels && { labels: metadata.labels }),
    ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
  };
}

/** The object as every command shows it. */
export function documentOf(lshJob: LshJob): JobDocument {
  return jobDocument(shownJob(lshJob), readRuns(lshJob));
}
