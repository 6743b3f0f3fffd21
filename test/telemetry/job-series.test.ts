import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Run } from '../../src/core/run.ts';
import { JobMetrics, jobSeries, type MeasuredJobs } from '../../src/telemetry/job-series.ts';
import { aJob, aRun, aStatus, SECOND, T0 } from '../support/builders.ts';
import { keptLogger } from '../support/kept-logger.ts';

function sourceOf(jobs: readonly Job[], runs: readonly Run[] = []): MeasuredJobs {
  const known = new Map(jobs.map((job) => [job.key, job]));
  return {
    keys: () => known.keys(),
    jobOf: (key) => known.get(key),
    runsOf: (key) => runs.filter(({ job }) => job === key),
  };
}

/** The samples of one metric, as written. */
function samples(lines: readonly string[], name: string): string[] {
  return lines.filter((line) => line.startsWith(name) && !line.startsWith('#'));
}

const named = (name: string, status = aStatus()) => aJob({}, { name, key: `local/${name}`, status });

describe('the series of a job', () => {
  test('tell the last success, the last end with its phase, the next slot and the active runs', () => {
    const status = aStatus({
      lastSuccessAt: T0,
      lastFailureAt: T0 + 60 * SECOND,
      nextScheduleAt: T0 + 90 * SECOND,
    });
    const runs = [
      aRun({ name: 'a', phase: 'Failed', finishedAt: T0 + 60 * SECOND }),
      aRun({ name: 'b', phase: 'Completed', finishedAt: T0 }),
      aRun({ name: 'c', phase: 'Running' }),
      aRun({ name: 'd', phase: 'Created' }),
    ];
    const { lines } = jobSeries(sourceOf([named('backup', status)], runs), 10);
    const of = 'job="backup",namespace="local"';
    expect(samples(lines, 'lsh_job_')).toEqual([
      `lsh_job_created_timestamp_seconds{${of}} ${Date.UTC(2026, 0, 1) / 1000}`,
      `lsh_job_last_success_timestamp_seconds{${of}} ${T0 / 1000}`,
      `lsh_job_last_end_timestamp_seconds{${of},phase="Failed"} ${T0 / 1000 + 60}`,
      `lsh_job_next_slot_timestamp_seconds{${of}} ${T0 / 1000 + 90}`,
      `lsh_job_active_runs{${of}} 2`,
    ]);
  });

  test('tell the last end without any kept run, and nothing that did not happen', () => {
    const ended = named('ended', aStatus({ lastSuccessAt: T0, lastFailureAt: T0 - SECOND }));
    const { lines } = jobSeries(sourceOf([ended, aJob({}, { name: 'fresh', key: 'local/fresh' })]), 10);
    expect(samples(lines, 'lsh_job_last_end')).toEqual([
      `lsh_job_last_end_timestamp_seconds{job="ended",namespace="local",phase="Completed"} ${T0 / 1000}`,
    ]);
    expect(samples(lines, 'lsh_job_last_success').length).toBe(1);
    expect(samples(lines, 'lsh_job_next_slot')).toEqual([]);
  });

  test.each([
    ['failed', 'Failing', 'lsh_job_failing'],
    ['is overdue', 'Overdue', 'lsh_job_overdue'],
    ['is slow', 'Slow', 'lsh_job_slow'],
  ] as const)('tell whether the job %s, where it has the condition', (_, type, metric) => {
    const condition = { reason: 'r', message: '', lastTransitionAt: 0, observedGeneration: 1 };
    const with_ = (status: 'True' | 'False') => aStatus({ conditions: [{ type, status, ...condition }] });
    const jobs = [named('bad', with_('True')), named('good', with_('False')), named('none', aStatus({}))];
    const { lines } = jobSeries(sourceOf(jobs), 10);
    expect(samples(lines, metric).map((line) => line.slice(-1))).toEqual(['1', '0']);
  });

  test('are a text that Prometheus reads: a help and a type for each metric, quoted labels', () => {
    const { lines } = jobSeries(sourceOf([aJob({}, { name: 'a"b\\c\nd' })]), 10);
    expect(lines.join('')).toContain('job="a\\"b\\\\c\\nd"');
    for (const line of lines)
      expect(line).toMatch(
        /^(# HELP \w+ .+|# TYPE \w+ gauge|\w+(\{(\w+="([^"\\]|\\.)*",?)+\})? -?[\d.e+]+)$/,
      );
  });
});

describe('the bound', () => {
  test('keeps the first jobs by their keys, at each call the same, and counts the others', () => {
    const jobs = ['c', 'a', 'd', 'b'].map((name) => named(name));
    const { lines, leftOut } = jobSeries(sourceOf(jobs), 2);
    const shown = samples(lines, 'lsh_job_created').map((line) => /job="(.)"/.exec(line)![1]);
    expect({ shown, leftOut }).toEqual({ shown: ['a', 'b'], leftOut: 2 });
    expect(samples(lines, 'lsh_jobs')).toEqual(['lsh_jobs 4', 'lsh_jobs_without_metrics 2']);
    expect(samples(jobSeries(sourceOf(jobs), 0).lines, 'lsh_job_')).toEqual([]);
  });

  test('leaves out jobs that are gone', () => {
    const gone = { ...sourceOf([]), keys: () => ['local/gone'] };
    expect(samples(jobSeries(gone, 10).lines, 'lsh_job')).toEqual([
      'lsh_jobs 0',
      'lsh_jobs_without_metrics 0',
    ]);
  });

  test('is logged once for each number of jobs without metrics', () => {
    const logger = keptLogger();
    const metrics = new JobMetrics(logger);
    const jobs = ['a', 'b', 'c'].map((name) => named(name));
    for (const limit of [3, 2, 2, 1, 3, 2]) metrics.series(sourceOf(jobs), limit);
    expect(logger.lines.map((line) => JSON.stringify(line)).length).toBe(3);
  });
});
