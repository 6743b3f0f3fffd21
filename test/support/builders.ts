// Jobs, runs and slots with defaults for the fields that a test does not set.
import * as v from 'valibot';
import type { Job, JobStatus } from '../../src/core/job.ts';
import { JobSpecSchema, type JobSpec, type JobSpecInput } from '../../src/core/spec/job-spec.ts';
import { jobKey, LOCAL_NAMESPACE } from '../../src/core/naming.ts';
import type { LedgerChange } from '../../src/core/decide/decide.ts';
import type { Run, SlotRecord } from '../../src/core/run.ts';
import { withPlatformDefaults } from '../../src/core/validate/defaults.ts';

/** Milliseconds of an RFC 3339 instant. */
export function at(instant: string): number {
  return Date.parse(instant);
}

/** A resolved spec of the local daemon, due each minute. */
export function aSpec(spec: JobSpecInput = {}): JobSpec {
  const hasOwn = spec.schedules !== undefined || spec.after !== undefined;
  const schedule = hasOwn ? {} : { schedule: '* * * * *' };
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

let unique = 0;

/** Named uniquely on this machine: tests look for the processes of a run by its name. */
export function aUniqueJob(spec: JobSpecInput = {}): Job {
  return aJob(spec, { name: `job-${process.pid}-${++unique}` });
}

/** A Running run of the job, with a unique name. */
export function aRunOf(job: Job, run: Partial<Run> = {}): Run {
  const name = `${job.name}-${++unique}`;
  return aRun({ name, job: job.key, jobUid: job.uid, phase: 'Running', ...run });
}

/** A Tuesday at midnight. */
export const T0 = Date.UTC(2026, 5, 2);
export const SECOND = 1000;

/** A run of the named job in a second after T0: Completed, or with the timestamps of its phase. */
export function aRunAt(job: string, second: number, run: Partial<Run> = {}): Run {
  const slot = T0 + second * SECOND;
  const phase = run.phase ?? 'Completed';
  const started = phase === 'Created' ? {} : { startedAt: slot + 1 };
  const finished = phase === 'Created' || phase === 'Running' ? {} : { finishedAt: slot + 101, exitCode: 0 };
  return aRun({
    name: `${job}-${second}`,
    job: jobKey(LOCAL_NAMESPACE, job),
    jobUid: `uid-of-${job}`,
    slot,
    phase,
    ...started,
    ...finished,
    ...run,
  });
}

/** The slot of the named job in a second after T0. */
export function aSlotAt(job: string, second: number, changes: Partial<SlotRecord> = {}): SlotRecord {
  const slot = T0 + second * SECOND;
  return {
    job: jobKey(LOCAL_NAMESPACE, job),
    from: slot,
    to: slot,
    count: 1,
    outcome: 'Ran',
    run: `${job}-${second}`,
    recordedAt: slot,
    ...changes,
  };
}

export function aStatus(changes: Partial<JobStatus> = {}): JobStatus {
  return {
    observedGeneration: 1,
    phase: 'Scheduled',
    conditions: [],
    accountedUntil: T0,
    observedSchedule: 'abc',
    totals: { completed: 0, failed: 0, killed: 0, missed: 0 },
    ...changes,
  };
}

export function aChange(changes: Partial<LedgerChange>): LedgerChange {
  return { runs: [], slots: [], forget: [], ...changes };
}
