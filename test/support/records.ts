// Builders of jobs, runs and slots for tests of stores: whole records, with the fields that matter given.
import { jobKey, type Job, type JobStatus } from '../../src/core/job.ts';
import type { LedgerChange } from '../../src/core/decide/decide.ts';
import type { Run, SlotRecord } from '../../src/core/run.ts';
import { aSpec } from './builders.ts';

/** A Tuesday at midnight. */
export const T0 = Date.UTC(2026, 5, 2);
export const SECOND = 1000;

export function aJob(name: string, changes: Partial<Job> = {}): Job {
  const key = jobKey('local', name);
  const spec = aSpec({ command: `echo ${name}` });
  return {
    key,
    namespace: 'local',
    name,
    uid: `uid-${name}`,
    generation: 1,
    createdAt: T0,
    spec,
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

export function aRun(job: string, second: number, changes: Partial<Run> = {}): Run {
  const slot = T0 + second * SECOND;
  const phase = changes.phase ?? 'Completed';
  const started = phase === 'Created' ? {} : { startedAt: slot + 1 };
  const finished = phase === 'Created' || phase === 'Running' ? {} : { finishedAt: slot + 101, exitCode: 0 };
  return {
    name: `${job}-${second}`,
    job: jobKey('local', job),
    jobUid: `uid-${job}`,
    trigger: 'Schedule',
    slot,
    attempt: 1,
    executor: 'Shell',
    phase,
    createdAt: slot,
    startAfter: slot,
    ...started,
    ...finished,
    ...changes,
  };
}

export function aSlot(job: string, second: number, changes: Partial<SlotRecord> = {}): SlotRecord {
  const slot = T0 + second * SECOND;
  return {
    job: jobKey('local', job),
    from: slot,
    to: slot,
    count: 1,
    outcome: 'Ran',
    run: `${job}-${second}`,
    recordedAt: slot,
    ...changes,
  };
}

export function aChange(changes: Partial<LedgerChange>): LedgerChange {
  return { runs: [], slots: [], forget: [], ...changes };
}
