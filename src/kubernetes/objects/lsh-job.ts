// The LshJob object of the API server as the core's Job. Pure.
import * as v from 'valibot';
import { toLshError, type LshError } from '../../core/errors.ts';
import { jobKey, JobSpecSchema, type CheckedSpec, type Job } from '../../core/job.ts';
import type { Run } from '../../core/run.ts';
import { CLUSTER_DEFAULTS, withPlatformDefaults } from '../../core/validate/defaults.ts';
import { parseSpec } from '../../core/validate/validate.ts';
import type { KubeObject } from '../api/objects.ts';
import { readRun, readStatus, type LshJobStatus } from './lsh-job-status.ts';

export const GROUP = 'lsh.dev';
export const VERSION = 'v1alpha1';
export const PLURAL = 'lshjobs';

/** A new value asks for one run now. */
export const TRIGGER_ANNOTATION = 'lsh.dev/trigger';
/** Who set the trigger. */
export const REQUESTED_BY_ANNOTATION = 'lsh.dev/requested-by';
/** Names of runs that are to end, separated by commas. */
export const STOP_ANNOTATION = 'lsh.dev/stop';

export interface LshJob extends KubeObject {
  apiVersion: string;
  kind: string;
  spec: unknown;
  status?: Partial<LshJobStatus>;
}

/** Path of one object, of a namespace’s objects, or of all of them. */
export function lshJobPath(namespace?: string, name?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `/apis/${GROUP}/${VERSION}${scope}/${PLURAL}${name === undefined ? '' : `/${name}`}`;
}

/** The object as a Job; with the problem where its spec cannot be admitted and must not be evaluated. */
export function readLshJob(object: LshJob): { job: Job; problem?: LshError } {
  const { spec, problem } = readSpec(object.spec);
  return { job: jobWith(object, spec), problem };
}

/** The object as a Job whose spec was read before. */
export function jobWith(object: LshJob, spec: Job['spec']): Job {
  const { metadata } = object;
  const namespace = metadata.namespace ?? '';
  const annotations = metadata.annotations ?? {};
  const trigger = annotations[TRIGGER_ANNOTATION];
  const stop = annotations[STOP_ANNOTATION];
  return {
    key: jobKey(namespace, metadata.name),
    namespace,
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 1,
    createdAt: Date.parse(metadata.creationTimestamp),
    spec,
    ...(trigger && { trigger: { id: trigger, requestedBy: annotations[REQUESTED_BY_ANNOTATION] } }),
    ...(stop && { stop: stop.split(',').map((name) => name.trim()) }),
    status: readStatus(object.status),
  };
}

function readSpec(input: unknown): { spec: Job['spec']; problem?: LshError } {
  const inCluster = (spec: CheckedSpec) => withPlatformDefaults(spec, 'cluster', CLUSTER_DEFAULTS);
  try {
    return { spec: inCluster(parseSpec(input, 'cluster')) };
  } catch (thrown) {
    // What runs of it there are still need its grace period and limits: as much of it as can be read.
    const { output, success } = v.safeParse(JobSpecSchema, input);
    return { spec: inCluster(success ? output : v.parse(JobSpecSchema, {})), problem: toLshError(thrown) };
  }
}

/** The runs in an object’s status, without what is none: active ones first, then finished ones, newest first. */
export function readRuns({ metadata, status }: LshJob): Run[] {
  const owner = { job: jobKey(metadata.namespace ?? '', metadata.name), jobUid: metadata.uid };
  return [...(status?.active ?? []), ...(status?.recentRuns ?? [])]
    .map((entry) => readRun(entry, owner))
    .filter((run) => run !== undefined);
}
