// A run as the Kubernetes Job that carries it out. Pure. Retries are the core’s, so the Job itself has none.
import type {
  V1Container,
  V1EnvFromSource,
  V1EnvVar,
  V1Job,
  V1PodSpec,
  V1PodTemplateSpec,
} from '@kubernetes/client-node';
import { rfc3339 } from '../../core/document.ts';
import { API_VERSION, DEFAULT_SHELL, KIND, type Job, type JobSpec } from '../../core/job.ts';
import type { Run } from '../../core/run.ts';
import type { Wire } from '../api/objects.ts';
import { runEntry } from './lsh-job-status.ts';

type PodTemplate = Wire<V1PodTemplateSpec>;
type PodSpec = Wire<V1PodSpec>;
type Container = Wire<V1Container>;
type EnvVar = Wire<V1EnvVar>;

/** On the Job and the Pod of a run; its value is the job’s name. */
export const JOB_LABEL = 'lsh.dev/job';
/** On both too; its value is the run’s name. */
export const RUN_LABEL = 'lsh.dev/run';
/** The slot that a Job is for, RFC 3339. */
export const SLOT_ANNOTATION = 'lsh.dev/slot';
const TRIGGER_KIND_ANNOTATION = 'lsh.dev/run-trigger';
const ATTEMPT_ANNOTATION = 'lsh.dev/attempt';
/** The run as it was started, as JSON: who it is, should nobody have recorded it. */
export const RECORD_ANNOTATION = 'lsh.dev/record';
/** The container whose end is the end of the run. */
export const RUN_CONTAINER = 'run';

const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

export interface KubeJobDefaults {
  /** Image of a job that names none. */
  image: string;
}

/** The Kubernetes Job of a run: named after it, owned by the LshJob, tried once. */
export function kubeJobManifest(job: Job, run: Run, defaults: KubeJobDefaults): Wire<V1Job> {
  const { spec } = job;
  const labels = { [MANAGED_BY_LABEL]: 'lsh', [JOB_LABEL]: job.name, [RUN_LABEL]: run.name };
  const queue = spec.job?.queueName;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: run.name,
      namespace: job.namespace,
      labels: queue === undefined ? labels : { ...labels, [QUEUE_LABEL]: queue },
      annotations: {
        [SLOT_ANNOTATION]: rfc3339(run.slot),
        [TRIGGER_KIND_ANNOTATION]: run.trigger,
        [ATTEMPT_ANNOTATION]: String(run.attempt),
        [RECORD_ANNOTATION]: JSON.stringify(runEntry(run)),
      },
      ownerReferences: [
        { apiVersion: API_VERSION, kind: KIND, name: job.name, uid: job.uid, controller: true },
      ],
    },
    spec: {
      backoffLimit: 0,
      ...(spec.timeoutSeconds !== undefined && { activeDeadlineSeconds: spec.timeoutSeconds }),
      template: podTemplate(job, run, { labels, image: defaults.image }),
    },
  };
}

interface PodParts {
  labels: Record<string, string>;
  image: string;
}

/** The user’s template with what the spec says laid over it; lists grow, maps are merged, the rest is replaced. */
function podTemplate(job: Job, run: Run, { labels, image }: PodParts): PodTemplate {
  const template = (job.spec.job?.podTemplate ?? {}) as Partial<PodTemplate>;
  const containers = template.spec?.containers ?? [];
  const own = containers.find(({ name }) => name === RUN_CONTAINER);
  return {
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
    spec: {
      ...podSpec(template.spec, job.spec),
      terminationGracePeriodSeconds: job.spec.terminationGracePeriodSeconds,
      restartPolicy: 'Never',
      containers: [container(job, run, { image, ...own }), ...containers.filter((one) => one !== own)],
    },
  };
}

function podSpec(base: Partial<PodSpec> = {}, { job }: JobSpec): Partial<PodSpec> {
  const { serviceAccountName, nodeSelector, tolerations, affinity, volumes } = job ?? {};
  return {
    ...base,
    ...given({ serviceAccountName, affinity }),
    ...(nodeSelector && { nodeSelector: { ...base.nodeSelector, ...nodeSelector } }),
    ...(tolerations && { tolerations: [...(base.tolerations ?? []), ...tolerations] }),
    ...(volumes && { volumes: byName(base.volumes, volumes as { name: string }[]) }),
  };
}

function container(job: Job, run: Run, base: Partial<Container>): Container {
  const { spec } = job;
  const { image, imagePullPolicy, resources, securityContext, volumeMounts } = spec.job ?? {};
  const mounts = (volumeMounts ?? []) as { name: string; mountPath: string }[];
  const envFrom = [...(base.envFrom ?? []), ...(spec.envFrom ?? []).map(source)];
  return {
    ...base,
    ...given({ image, imagePullPolicy, resources, securityContext, workingDir: spec.workingDir }),
    name: RUN_CONTAINER,
    command: commandOf(spec),
    args: undefined,
    env: byName(byName(base.env, (spec.env ?? []) as EnvVar[]), runVariables(job, run)),
    ...(envFrom.length > 0 && { envFrom }),
    ...(mounts.length > 0 && { volumeMounts: [...(base.volumeMounts ?? []), ...mounts] }),
  };
}

// `args` of an LshJob is a whole command line, which is what a container calls `command`.
function commandOf(spec: JobSpec): string[] {
  return spec.command === undefined ? (spec.args ?? []) : [spec.shell ?? DEFAULT_SHELL, '-c', spec.command];
}

/** What tells the command about itself, the same names as a shell run gets. */
function runVariables(job: Job, run: Run): EnvVar[] {
  return [
    { name: 'LSH_JOB', value: job.name },
    { name: 'LSH_RUN', value: run.name },
    { name: 'LSH_SLOT', value: rfc3339(run.slot) },
    { name: 'LSH_ATTEMPT', value: String(run.attempt) },
    { name: 'LSH_SCHEDULED_AT', value: rfc3339(run.startAfter) },
  ];
}

function source({
  configMapRef,
  secretRef,
  prefix,
  optional,
}: NonNullable<JobSpec['envFrom']>[number]): Wire<V1EnvFromSource> {
  const withOptional = (reference: object | undefined) =>
    reference && { ...reference, ...given({ optional }) };
  return given({ prefix, configMapRef: withOptional(configMapRef), secretRef: withOptional(secretRef) });
}

/** Both lists as one; of two entries with the same name the later one stays, in the earlier one’s place. */
function byName<T extends { name: string }>(first: readonly T[] = [], second: readonly T[] = []): T[] {
  return [...new Map([...first, ...second].map((entry) => [entry.name, entry])).values()];
}

/** Without the fields that were not given, so that they do not hide the template’s. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
