// Converts a CronJob into an LshJob that runs the same pods at the same times. Pure. A field that an LshJob lacks or
// reads differently becomes a note; a CronJob that would become a different job is refused.
import { convertMetadata } from './metadata.ts';
import { convertPod } from './pod.ts';
import {
  clamp,
  noteUnknownFields,
  newFindings,
  type CronJobSpec,
  type KubernetesJobSpec,
  type Metadata,
  type Findings,
} from './findings.ts';
import { convertRetry } from './retry.ts';
import { convertSchedule } from './schedule.ts';
import { LshError } from '../../../core/errors.ts';
import { API_VERSION, KIND } from '../../../core/api-version.ts';
import type { JobManifest } from '../../../core/job.ts';
import { JOB_TTL_MAX_SECONDS, JOB_TTL_MIN_SECONDS } from '../../../core/spec/blocks.ts';
import type { JobSpecInput } from '../../../core/spec/job-spec.ts';
import { isMapping } from '../../../core/validate/structure.ts';

export interface CronJobImport {
  job: JobManifest;
  /** Identifies the CronJob across imports. */
  source: string;
  /** Sentences about changed or dropped fields. */
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
  'ttlSecondsAfterFinished',
  'template',
];

/** Whether the document is a CronJob of either version. */
export function isCronJob(value: unknown): boolean {
  return isMapping(value) && value.kind === 'CronJob' && String(value.apiVersion).startsWith('batch/v1');
}

/** Converts the CronJob. Throws JOB_NOT_CARRIED with every reason if no LshJob means the same. */
export function fromCronJob(value: unknown, { prefix = '' } = {}): CronJobImport {
  const { metadata = {}, spec = {} } = value as { metadata?: Metadata; spec?: CronJobSpec };
  const { metadata: jobMetadata = {}, spec: jobSpec = {} } = spec.jobTemplate ?? {};
  const findings = newFindings();
  const source = `CronJob/${metadata.name ?? ''}`;
  noteUnknownFields(findings, 'spec', spec, SPEC_FIELDS);
  noteUnknownFields(findings, 'spec.jobTemplate.spec', jobSpec, JOB_FIELDS);
  const pod = convertPod(findings, jobSpec);
  refuseSeveralPods(findings, jobSpec);
  const converted: JobSpecInput = {
    ...convertSchedule(findings, spec),
    ...convertRetry(findings, jobSpec, pod.container),
    ...pod.spec,
    executor: 'Job',
    job: { ...pod.spec.job, ...timeToLive(findings, jobSpec), ...queue(findings, jobMetadata) },
  };
  const job = {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: convertMetadata(findings, metadata, { source, prefix }),
    spec: converted,
  } as const;
  throwProblems(findings, metadata.name ?? '');
  return { job, notes: findings.notes, source };
}

/** An LshJob’s run is one pod. */
function refuseSeveralPods({ problems }: Findings, job: KubernetesJobSpec): void {
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

function timeToLive(
  findings: Findings,
  { ttlSecondsAfterFinished: ttl }: KubernetesJobSpec,
): { ttlSecondsAfterFinished?: number } {
  if (ttl === undefined) return {};
  const bounds = [JOB_TTL_MIN_SECONDS, JOB_TTL_MAX_SECONDS] as const;
  return { ttlSecondsAfterFinished: clamp(findings, 'ttlSecondsAfterFinished', ttl, bounds) };
}

function queue(findings: Findings, { labels = {}, ...rest }: Metadata): { queueName?: string } {
  const { [QUEUE_LABEL]: queueName, ...otherLabels } = labels;
  noteUnknownFields(findings, 'spec.jobTemplate.metadata', { labels: otherLabels, ...rest }, [
    'creationTimestamp',
  ]);
  return queueName === undefined ? {} : { queueName };
}

function throwProblems({ problems }: Findings, name: string): void {
  if (problems.length === 0) return;
  const detail = problems.map(({ path, message }) => `${path} ${message}.`).join(' ');
  throw new LshError('JOB_NOT_CARRIED', { name, detail }, { problems });
}
