// Jobs and runs with everything filled in that a test does not care about.
import * as v from 'valibot';
import {
  jobKey,
  JobSpecSchema,
  LOCAL_NAMESPACE,
  type Job,
  type JobSpec,
  type JobSpecInput,
} from '../../src/core/job.ts';
import type { Run } from '../../src/core/run.ts';
import { withPlatformDefaults } from '../../src/core/validate/defaults.ts';

/** Milliseconds of an RFC 3339 instant. */
export function at(instant: string): number {
  return Date.parse(instant);
}

/** A resolved spec of the local daemon, due each minute. */
export function aSpec(spec: JobSpecInput = {}): JobSpec {
  const schedule = spec.schedules === undefined ? { schedule: '* * * * *' } : {};
  const command = spec.args === undefined ? { command: 'true' } : {};
  const checked = v.parse(JobSpecSchema, { ...command, ...schedule, ...spec });
  return withPlatformDefaults(checked, 'local', { timeZone: 'UTC' });
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
    spec: aSpec(spec),
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
