// A CronJob of Kubernetes as an LshJob that runs the same pods at the same times. Pure. What has no place in an
// LshJob, or means something else there, is a note; what would come out as another job is refused.
import { carriedMetadata } from './metadata.ts';
import { carriedPod } from './pod.ts';
import {
  leaveOut,
  newReading,
  type CronJobSpec,
  type KubernetesJobSpec,
  type Metadata,
  type Reading,
} from './reading.ts';
import { carriedRetry } from './retry.ts';
import { carriedSchedule } from './schedule.ts';
import { LshError } from '../../../core/errors.ts';
import { API_VERSION, KIND, type JobManifest, type JobSpecInput } from '../../../core/job.ts';
import { isMapping } from '../../../core/validate/structure.ts';

export interface CronJobImport {
  job: JobManifest;
  /** What became different or was left out, a sentence each. */
  notes: string[];
}

const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';
const SPEC_FIELDS = [
  'schedule',
  'timeZone',
  'startingDeadlineSeconds',
  'concurrencyPolicy',
  'suspend',
  'successfulJobsHistoryLimit',
  'failedJobsHistoryLimit',
  'jobTemplate',
];
const JOB_FIELDS = [
  'parallelism',
  'completions',
  'completionMode',
  'activeDeadlineSeconds',
  'backoffLimit',
  'podFailurePolicy',
  'template',
];

/** Whether the document is a CronJob of either version. */
export function isCronJob(value: unknown): boolean {
  return isMapping(value) && value.kind === 'CronJob' && String(value.apiVersion).startsWith('batch/v1');
}

/** The LshJob; JOB_NOT_CARRIED with every reason where there is none that means the same. */
export function fromCronJob(value: unknown): CronJobImport {
  const { metadata = {}, spec = {} } = value as { metadata?: Metadata; spec?: CronJobSpec };
  const { metadata: marks = {}, spec: kubernetesJob = {} } = spec.jobTemplate ?? {};
  const reading = newReading();
  leaveOut(reading, 'spec', spec, SPEC_FIELDS);
  leaveOut(reading, 'spec.jobTemplate.spec', kubernetesJob, JOB_FIELDS);
  const pod = carriedPod(reading, kubernetesJob);
  assertOnePod(reading, kubernetesJob);
  const carried: JobSpecInput = {
    ...carriedSchedule(reading, spec),
    ...carriedRetry(reading, kubernetesJob, pod.container),
    ...pod.spec,
    executor: 'Job',
    job: { ...pod.spec.job, ...queue(reading, marks) },
  };
  const job = {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: carriedMetadata(reading, metadata),
    spec: carried,
  } as const;
  refuse(reading, metadata.name ?? '');
  return { job, notes: reading.notes };
}

/** More pods than one do more than one command. */
function assertOnePod({ problems }: Reading, job: KubernetesJobSpec): void {
  for (const field of ['parallelism', 'completions'] as const) {
    const count = job[field] ?? 1;
    if (count === 1) continue;
    const message = `is ${count}: a run of an LshJob is one pod, which would do a part of the work only`;
    problems.push({ path: `spec.jobTemplate.spec.${field}`, message });
  }
  if ((job.completionMode ?? 'NonIndexed') === 'NonIndexed') return;
  const message = `is ${job.completionMode}: the command would find no JOB_COMPLETION_INDEX`;
  problems.push({ path: 'spec.jobTemplate.spec.completionMode', message });
}

function queue(reading: Reading, { labels = {}, annotations = {} }: Metadata): { queueName?: string } {
  const { [QUEUE_LABEL]: queueName, ...others } = labels;
  leaveOut(reading, 'spec.jobTemplate.metadata', { labels: others, annotations }, []);
  return queueName === undefined ? {} : { queueName };
}

function refuse({ problems }: Reading, name: string): void {
  if (problems.length === 0) return;
  const detail = problems.map(({ path, message }) => `${path} ${message}.`).join(' ');
  throw new LshError('JOB_NOT_CARRIED', { name, detail }, { problems });
}
