// The requests that create the Kubernetes Job of a run, or only ask whether the server would. Pure.
import { LshError } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { manualRunName } from '../../core/naming.ts';
import type { Run, StartingRun } from '../../core/run.ts';
import type { KubeRequest } from '../api/client.ts';
import { kubeJobManifest, kubeJobPath, type KubeJobDefaults } from './kube-job.ts';

/** A request to create the Kubernetes Job. A server since 1.25 refuses an unknown field, such as a typo in podTemplate. */
export function createRequest(job: Job, run: StartingRun, defaults: KubeJobDefaults): KubeRequest {
  return {
    method: 'POST',
    path: kubeJobPath(job.namespace),
    query: { fieldValidation: 'Strict' },
    body: kubeJobManifest(job, run, defaults),
  };
}

/** The same request for no run in particular, which creates nothing. */
export function dryRunRequest(job: Job, defaults: KubeJobDefaults): KubeRequest {
  const { key, uid, createdAt } = job;
  const run: Run = {
    name: manualRunName(job.name, `dry run of generation ${job.generation}`, 1),
    job: key,
    jobUid: uid,
    trigger: 'Manual',
    slot: createdAt,
    attempt: 1,
    executor: 'Job',
    phase: 'Created',
    createdAt,
    startAfter: createdAt,
  };
  const request = createRequest(job, run, defaults);
  return { ...request, query: { ...request.query, dryRun: 'All' } };
}

/** The answer of the server to a dry run: `detail` says why the Kubernetes Job is invalid. */
export function kubeJobInvalid(detail: string, cause: unknown): LshError {
  const sentence = `the API server refuses its Kubernetes Job: ${detail}`;
  return new LshError('JOB_INVALID', { detail: sentence }, { cause });
}

/** Whether the Kubernetes Job has parts that only the server can check: those that the spec passes on. */
export function hasUncheckedParts({ executor, job, env = [], envFrom = [] }: JobSpec): boolean {
  if (executor !== 'Job') return false;
  return job !== undefined || envFrom.length > 0 || env.some(({ valueFrom }) => valueFrom !== undefined);
}
