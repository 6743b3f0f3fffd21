// Runs, slots and figures from the status of an LshJob.
import { describe, expect, test } from 'vitest';
import {
  runDocuments,
  slotDocuments,
  statsDocuments,
} from '../../../src/kubernetes/verbs/status-documents.ts';
import type { LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import type { RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';

const at = (minute: number, second = 0) =>
  `2026-01-01T00:${String(minute).padStart(2, '0')}:${String(second).padStart(2, '0')}Z`;

function aRun(minute: number, more: Partial<RunEntry> = {}): RunEntry {
  return {
    name: `job-${minute}`,
    job: 'job',
    slot: at(minute),
    trigger: 'Schedule',
    attempt: 1,
    executor: 'Job',
    phase: 'Completed',
    createdAt: at(minute),
    startedAt: at(minute),
    finishedAt: at(minute, minute),
    ...more,
  };
}

const object: LshJob = {
  apiVersion: 'lsh.dev/v1alpha1',
  kind: 'LshJob',
  metadata: { name: 'job', namespace: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: at(0) },
  spec: {},
  status: {
    active: [aRun(9, { phase: 'Running', finishedAt: undefined })],
    recentRuns: [
      aRun(8, { name: 'job-m1', trigger: 'Manual', phase: 'Killed' }),
      aRun(7, { name: 'job-7-2', attempt: 2 }),
      aRun(7, { phase: 'Failed' }),
      aRun(2),
    ],
    recentOutcomes: [
      { from: at(3), to: at(5), count: 3, outcome: 'Missed', cause: 'NotEvaluated' },
      { from: at(1), to: at(1), count: 1, outcome: 'Suspended' },
    ],
    totals: { completed: 40, failed: 3, killed: 1, missed: 12 },
  },
};

describe('the history in the status of an LshJob', () => {
  test('runs come newest first, and are filtered by phase, time and number', () => {
    const names = (query: Parameters<typeof runDocuments>[1]) =>
      runDocuments([object], query).map(({ name }) => name);
    expect(names({})).toEqual(['job-9', 'job-m1', 'job-7-2', 'job-7', 'job-2']);
    expect(names({ phases: ['Failed', 'Killed'] })).toEqual(['job-m1', 'job-7']);
    expect(names({ since: at(8) })).toEqual(['job-9', 'job-m1']);
    expect(names({ limit: 1 })).toEqual(['job-9']);
  });

  test('a slot counts once for all its attempts, manual runs have no slot, and stretches that overlap the range are found', () => {
    const slots = (from: number, to: number) =>
      slotDocuments(object, { name: 'job', from: at(from), to: at(to) }).map(({ from, outcome, run }) => [
        from,
        outcome,
        run,
      ]);
    expect(slots(0, 59)).toEqual([
      [at(9), 'Ran', 'job-9'],
      [at(7), 'Ran', 'job-7'],
      [at(3), 'Missed', undefined],
      [at(2), 'Ran', 'job-2'],
      [at(1), 'Suspended', undefined],
    ]);
    expect(slots(4, 4)).toEqual([[at(3), 'Missed', undefined]]);
    expect(slots(8, 8)).toEqual([]);
  });

  test('figures are the totals; since an instant they count the kept runs', () => {
    const [all] = statsDocuments([object]);
    expect(all).toEqual({
      job: 'job',
      completed: 40,
      failed: 3,
      killed: 1,
      missed: 12,
      recentDurationsMs: [2000, 7000, 7000, 8000],
      averageMs: 6000,
      p95Ms: 8000,
      firstRunAt: at(2),
      lastRunAt: at(9),
    });
    expect(statsDocuments([object], at(4))[0]).toMatchObject({
      completed: 1,
      failed: 1,
      killed: 1,
      missed: 3,
    });
  });

  test('a job without history has no figures', () => {
    expect(statsDocuments([{ ...object, status: undefined }])).toEqual([]);
  });
});
