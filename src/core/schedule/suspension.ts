// Whether a job is suspended: `suspend`, until `resumeAt` where the spec has one.
import type { JobSpec } from '../spec/job-spec.ts';

type Suspension = Pick<JobSpec, 'suspend' | 'resumeAt'>;

export function isSuspended(spec: Suspension, now: number): boolean {
  return spec.suspend && now < resumesAt(spec);
}

/** When a suspended job resumes by itself, milliseconds since the epoch; Infinity if it waits for a person. */
export function resumesAt({ resumeAt }: Suspension): number {
  return resumeAt === undefined ? Infinity : Date.parse(resumeAt);
}
