// Jobs and runs with everything filled in that a test does not care about.
import * as v from 'valibot';
import { jobKey, JobSpecSchema, LOCAL_NAMESPACE, type Job, type JobSpecInput } from '../../src/core/job.ts';
import type { Run } from '../../src/core/run.ts';

/** Milliseconds of an RFC 3339 instant. */
export function at(instant: string): number {
  return Date.parse(instant);
}

export function aJob(spec: JobSpecInput = {}, job: Partial<Omit<Job, 'spec'>> = {}): Job {
  const name = job.name ?? 'backup';
  return {
    key: jobKey(LOCAL_NAMESPACE, name),
    namespace: LOCAL_NAMESPACE,
    name,
    uid: `uid-of-${name}`,
    generation: 1,
    createdAt: at('2026-01-01T00:00:00Z'),
    spec: v.parse(JobSpecSchema, {
      command: 'true',
      timeZone: 'UTC',
      executor: 'Shell',
      captureOutput: true,
      ...(spec.schedules === undefined ? { schedule: '* * * * *' } : {}),
      ...spec,
    }),
    ...job,
  };
}

export function aRun(run: Partial<Run> = {}): Run {
  const slot = run.slot ?? at('2026-01-01T00:01:00Z');
  return {
    name: 'backup-1',
    job: jobKey(LOCAL_NAMESPACE, 'backup'),
    jobUid: 'uid-of-backup',
    trigger: 'Schedule',
    slot,
    attempt: 1,
    executor: 'Shell',
    phase: 'Created',
    createdAt: slot,
    startAfter: slot,
    ...run,
  };
}
