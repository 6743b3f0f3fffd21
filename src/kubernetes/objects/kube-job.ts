// A run as the Kubernetes Job that carries it out. Pure. The core retries, so the Kubernetes Job itself does not.
import { hash } from 'node:crypto';
import type {
  V1Container,
  V1EnvFromSource,
  V1EnvVar,
  V1Job,
  V1JobSpec,
  V1PodSpec,
  V1PodTemplateSpec,
} from '@kubernetes/client-node';
import { rfc3339 } from '../../core/rfc3339.ts';
import { runVariables, traceVariables } from '../../core/run-variables.ts';
import { API_VERSION, KIND } from '../../core/api-version.ts';
import type { Job } from '../../core/job.ts';
import { DEFAULT_SHELL, type JobSpec } from '../../core/spec/job-spec.ts';
import type { StartingRun } from '../../core/run.ts';
import type { KubeObject, Wire } from '../api/objects.ts';
import { deliveredSecretName } from './delivered-secret.ts';
import { withInherited } from './inherited-metadata.ts';
import { runEntry } from './lsh-job-status.ts';

type PodTemplate = Wire<V1PodTemplateSpec>;
type PodSpec = Wire<V1PodSpec>;
type Container = Wire<V1Container>;
type EnvVar = Wire<V1EnvVar>;

/** Label of a run’s Kubernetes Job and Pod: the name of the LshJob. */
export const JOB_LABEL = 'lsh.dev/job';
/** Label of both: the name of the run. */
export const RUN_LABEL = 'lsh.dev/run';
/** The slot of the run, RFC 3339. */
export const SLOT_ANNOTATION = 'lsh.dev/slot';
const TRIGGER_KIND_ANNOTATION = 'lsh.dev/run-trigger';
const ATTEMPT_ANNOTATION = 'lsh.dev/attempt';
/** The run as it was started, as JSON: the loop adopts a Kubernetes Job that the ledger lacks by it. */
export const RECORD_ANNOTATION = 'lsh.dev/record';
/** Hash of what the spec gives the Pod: it tells whether an edit of the LshJob concerns the Pod. */
export const POD_HASH_ANNOTATION = 'lsh.dev/pod-hash';
/** Name of the container that runs the command; the run ends with it. */
export const RUN_CONTAINER = 'run';

/** Condition of a Pod that the cluster takes away. */
export const DISRUPTION_CONDITION = 'DisruptionTarget';

const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

export interface KubeJobDefaults {
  /** Image of a job without one. */
  image: string;
  /** Resources of the command's container. */
  resources?: object;
  /** Security contexts of the Pod and of the command's container, for jobs that set none. */
  podSecurityContext?: object;
  securityContext?: object;
  /** Whether an image that the job names gets them, too: it may need the rights of root. */
  ownImages?: boolean;
}

/**
 * Marks the Kubernetes Job of a disrupted Pod by the reason of its end, because the Pod itself may be gone by then. The
 * Job controller also waits for a failing Pod to end before it fails the Job, so that the next run meets no Pod of this
 * one. Servers before 1.25 drop the field.
 */
const FAIL_ON_DISRUPTION = {
  rules: [{ action: 'FailJob', onPodConditions: [{ type: DISRUPTION_CONDITION, status: 'True' }] }],
};

/** Path of one Kubernetes Job, or of a namespace’s Jobs. */
export function kubeJobPath(namespace: string, name?: string): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs${name === undefined ? '' : `/${name}`}`;
}

/** The Kubernetes Job of a run: it has the run’s name, belongs to the LshJob, and is tried once. */
export function kubeJobManifest(job: Job, run: StartingRun, defaults: KubeJobDefaults): Wire<V1Job> {
  const { spec } = job;
  const labels = { [MANAGED_BY_LABEL]: 'lsh', [JOB_LABEL]: job.name, [RUN_LABEL]: run.name };
  const queue = spec.job?.queueName;
  const jobLabels = queue === undefined ? labels : { ...labels, [QUEUE_LABEL]: queue };
  const jobSpec = kubeJobSpec(job, run, { labels, defaults });
  // Whether runs are traced is no part of the LshJob: a change of it replaces no Pod that waits.
  const { traceparent, ...untraced } = run;
  const compared = traceparent === undefined ? jobSpec : kubeJobSpec(job, untraced, { labels, defaults });
  const manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: run.name,
      namespace: job.namespace,
      labels: jobLabels,
      annotations: {
        [SLOT_ANNOTATION]: rfc3339(run.slot),
        [TRIGGER_KIND_ANNOTATION]: run.trigger,
        [ATTEMPT_ANNOTATION]: String(run.attempt),
        [RECORD_ANNOTATION]: JSON.stringify(runEntry(run)),
        [POD_HASH_ANNOTATION]: hash('sha256', JSON.stringify([jobLabels, compared]), 'hex').slice(0, 16),
      },
      ownerReferences: [
        { apiVersion: API_VERSION, kind: KIND, name: job.name, uid: job.uid, controller: true },
      ],
    },
    spec: jobSpec,
  };
  return withInherited(manifest, job);
}

/** Whether the spec has changed since and would give the run another Pod. */
export function isOutdated({ metadata }: KubeObject, manifest: Wire<V1Job>): boolean {
  const then = metadata.annotations?.[POD_HASH_ANNOTATION];
  return then !== undefined && then !== manifest.metadata?.annotations?.[POD_HASH_ANNOTATION];
}

interface PodParts {
  labels: Record<string, string>;
  defaults: KubeJobDefaults;
}

function kubeJobSpec(job: Job, run: StartingRun, parts: PodParts): Wire<V1JobSpec> {
  return {
    backoffLimit: 0,
    podFailurePolicy: FAIL_ON_DISRUPTION,
    ...withoutUndefined({ ttlSecondsAfterFinished: job.spec.job?.ttlSecondsAfterFinished }),
    template: podTemplate(job, run, parts),
  };
}

/** The user’s template with the spec over it: lists are appended, maps merged, other fields replaced. */
function podTemplate(job: Job, run: StartingRun, { labels, defaults }: PodParts): PodTemplate {
  const template = (job.spec.job?.podTemplate ?? {}) as Partial<PodTemplate>;
  const containers = template.spec?.containers ?? [];
  const own = containers.find(({ name }) => name === RUN_CONTAINER);
  const { image, resources } = defaults;
  const { podSecurityContext, securityContext } = contextsFor(job.spec, template.spec ?? {}, defaults);
  const base = { image, ...withoutUndefined({ resources, securityContext }), ...own };
  return {
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
    spec: {
      ...withoutUndefined({ securityContext: podSecurityContext }),
      ...podSpec(template.spec ?? {}, job.spec),
      terminationGracePeriodSeconds: job.spec.terminationGracePeriodSeconds,
      // Of the Pod and not of the Kubernetes Job: the Job controller would delete the Pod, and its log and exit code with it.
      ...withoutUndefined({ activeDeadlineSeconds: job.spec.timeoutSeconds }),
      restartPolicy: 'Never',
      containers: [container(job, run, base), ...containers.filter((other) => other !== own)],
    },
  };
}

/** The default security contexts, unless the job says anything about its own or its images may need root. */
function contextsFor(
  { job }: JobSpec,
  template: Partial<PodSpec>,
  { podSecurityContext, securityContext, ownImages = false }: KubeJobDefaults,
): Pick<KubeJobDefaults, 'podSecurityContext' | 'securityContext'> {
  const containers = [...(template.containers ?? []), ...(template.initContainers ?? [])];
  const own = [job, template, ...containers].some((part) => part?.securityContext !== undefined);
  const hasOwnImage = [job, ...containers].some((part) => part?.image !== undefined);
  return own || (hasOwnImage && !ownImages) ? {} : { podSecurityContext, securityContext };
}

function podSpec(base: Partial<PodSpec>, { job }: JobSpec): Partial<PodSpec> {
  const { serviceAccountName, nodeSelector, tolerations, affinity, volumes } = job ?? {};
  return {
    ...base,
    ...withoutUndefined({ serviceAccountName, affinity }),
    ...(nodeSelector && { nodeSelector: { ...base.nodeSelector, ...nodeSelector } }),
    ...(tolerations && { tolerations: [...(base.tolerations ?? []), ...tolerations] }),
    ...(volumes && { volumes: byName(base.volumes, volumes as { name: string }[]) }),
  };
}

function container(job: Job, run: StartingRun, base: Partial<Container>): Container {
  const { spec } = job;
  const { image, imagePullPolicy, resources, securityContext, volumeMounts } = spec.job ?? {};
  const mounts = (volumeMounts ?? []) as { name: string; mountPath: string }[];
  const ofRun = variableList(runVariables(job, run));
  const ofTrace = variableList(traceVariables(run));
  const { secretsEnv } = spec;
  // First: of two sources with the same variable, Kubernetes takes the later one.
  const secrets = secretsEnv === undefined ? [] : [{ secretRef: { name: deliveredSecretName(secretsEnv) } }];
  const envFrom = [...(base.envFrom ?? []), ...secrets, ...(spec.envFrom ?? []).map(envFromSource)];
  return {
    ...base,
    ...withoutUndefined({ image, imagePullPolicy, resources, securityContext, workingDir: spec.workingDir }),
    name: RUN_CONTAINER,
    ...commandOf(spec),
    env: byName(byName(byName(ofTrace, base.env ?? []), (spec.env ?? []) as EnvVar[]), ofRun),
    ...(envFrom.length > 0 && { envFrom }),
    ...(mounts.length > 0 && { volumeMounts: [...(base.volumeMounts ?? []), ...mounts] }),
  };
}

function variableList(variables: Record<string, string>): EnvVar[] {
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

/**
 * `args` of an LshJob is a whole command line; a container’s field for it is `command`. A field that is undefined
 * removes the template’s.
 */
function commandOf({
  command,
  args,
  shell = DEFAULT_SHELL,
  job,
}: JobSpec): Pick<Container, 'command' | 'args'> {
  if (command !== undefined) return { command: [shell, '-c', command], args: undefined };
  if (args !== undefined) return { command: args, args: undefined };
  const { entrypointArgs = [] } = job ?? {};
  return { command: undefined, args: entrypointArgs.length > 0 ? entrypointArgs : undefined };
}

function envFromSource({
  configMapRef,
  secretRef,
  prefix,
  optional,
}: NonNullable<JobSpec['envFrom']>[number]): Wire<V1EnvFromSource> {
  const withOptional = (reference: object | undefined) =>
    reference && { ...reference, ...withoutUndefined({ optional }) };
  return withoutUndefined({
    prefix,
    configMapRef: withOptional(configMapRef),
    secretRef: withOptional(secretRef),
  });
}

/** Both lists as one. An entry of the second list replaces its namesake in the first, in place. */
function byName<T extends { name: string }>(first: readonly T[] | undefined, second: readonly T[]): T[] {
  // A template may hold null for an absent list.
  return [...new Map([...(first ?? []), ...second].map((entry) => [entry.name, entry])).values()];
}

/** Drops undefined fields: they would hide those of the template. */
function withoutUndefined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
