// The metrics of each job, in the text format of Prometheus. Written here and not by prom-client, which the daemon does
// not load, and which would keep the series of a job that is gone.
import type { Logger } from '../control/ports.ts';
import type { ConditionType, Job, JobKey } from '../core/job.ts';
import { isActive, isFinished, type Run } from '../core/run.ts';

/** Where the metrics find jobs and their runs; reading changes nothing. */
export interface MeasuredJobs {
  keys: () => Iterable<JobKey>;
  /** Undefined for a job that is gone but has active runs. */
  jobOf: (key: JobKey) => Job | undefined;
  runsOf: (key: JobKey) => readonly Run[];
}

/** A job with the runs that the ledger shows. */
interface Measured {
  job: Job;
  runs: readonly Run[];
}

interface Sample {
  value: number;
  labels?: Record<string, string>;
}

interface Family {
  name: string;
  help: string;
  /** Undefined if the job has no such value. */
  read: (measured: Measured) => Sample | undefined;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'lsh_job_created_timestamp_seconds',
    help: 'When the job was created.',
    read: ({ job }) => instant(job.createdAt),
  },
  {
    name: 'lsh_job_last_success_timestamp_seconds',
    help: 'When a run of the job last completed.',
    read: ({ job }) => instant(job.status?.lastSuccessAt),
  },
  {
    name: 'lsh_job_last_end_timestamp_seconds',
    help: 'When a run of the job last ended, and in which phase.',
    read: lastEnd,
  },
  {
    name: 'lsh_job_next_slot_timestamp_seconds',
    help: 'The next slot of the job; absent while it has none or is suspended.',
    read: ({ job }) => instant(job.status?.nextScheduleAt),
  },
  {
    name: 'lsh_job_active_runs',
    help: 'Runs of the job that have not ended, including waiting ones.',
    read: ({ runs }) => ({ value: runs.filter(isActive).length }),
  },
  condition('lsh_job_failing', 'Whether the last run of the job failed.', 'Failing'),
  condition('lsh_job_overdue', 'Whether no run has completed within expectSuccessWithin.', 'Overdue'),
  condition('lsh_job_slow', 'Whether the newest run takes longer than slowAfter allows.', 'Slow'),
];

/** Whether a condition of the job is true; absent before its first evaluation. */
function condition(name: string, help: string, type: ConditionType): Family {
  return {
    name,
    help,
    read: ({ job }) => {
      const found = job.status?.conditions.find((known) => known.type === type);
      return found && { value: found.status === 'True' ? 1 : 0 };
    },
  };
}

function instant(ms: number | undefined): Sample | undefined {
  return ms === undefined ? undefined : { value: ms / 1000 };
}

/** Of the newest finished run that is kept; with history limits of 0, what the status says. */
function lastEnd({ job, runs }: Measured): Sample | undefined {
  const { lastSuccessAt = -1, lastFailureAt = -1 } = job.status ?? {};
  const recorded = {
    phase: lastSuccessAt >= lastFailureAt ? 'Completed' : 'Failed',
    finishedAt: Math.max(lastSuccessAt, lastFailureAt),
  };
  const { phase, finishedAt = -1 } = runs
    .filter(isFinished)
    .reduce<Pick<Run, 'phase' | 'finishedAt'>>(
      (newest, run) => ((run.finishedAt ?? -1) >= (newest.finishedAt ?? -1) ? run : newest),
      recorded as Pick<Run, 'phase' | 'finishedAt'>,
    );
  return finishedAt < 0 ? undefined : { value: finishedAt / 1000, labels: { phase } };
}

/** The series of jobs, and how many jobs they cover. */
export interface JobSeries {
  /** Lines of the text format. */
  lines: string[];
  jobs: number;
  /** Jobs beyond the limit, which have no series. */
  leftOut: number;
}

/**
 * Writes the series of at most `limit` jobs, the first in the order of their keys: the same ones at each call. Two more
 * metrics count the jobs and those without series.
 */
export function jobSeries(source: MeasuredJobs, limit: number): JobSeries {
  const keys = [...source.keys()].filter((key) => source.jobOf(key) !== undefined).sort();
  const measured = keys.slice(0, limit).flatMap((key) => {
    const job = source.jobOf(key);
    return job === undefined ? [] : [{ job, runs: source.runsOf(key) }];
  });
  const leftOut = keys.length - measured.length;
  const lines = [
    ...single('lsh_jobs', 'Jobs that this process evaluates.', keys.length),
    ...single('lsh_jobs_without_metrics', 'Jobs beyond LSH_METRICS_PER_JOB, without series.', leftOut),
    ...FAMILIES.flatMap((family) => familyLines(family, measured)),
  ];
  return { lines, jobs: keys.length, leftOut };
}

function familyLines({ name, help, read }: Family, measured: readonly Measured[]): string[] {
  const samples = measured.flatMap((one) => {
    const sample = read(one);
    return sample === undefined ? [] : [sampleLine(name, one.job, sample)];
  });
  return samples.length === 0 ? [] : [...head(name, help), ...samples];
}

function sampleLine(name: string, { name: job, namespace }: Job, { value, labels }: Sample): string {
  const pairs = Object.entries({ job, namespace, ...labels }).map(
    ([key, text]) => `${key}="${escaped(text)}"`,
  );
  return `${name}{${pairs.join(',')}} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function single(name: string, help: string, value: number): string[] {
  return [...head(name, help), `${name} ${value}`];
}

export function head(name: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`];
}

/** Writes the series of jobs for a process, and logs each change of the number of jobs without series. */
export class JobMetrics {
  readonly #logger: Pick<Logger, 'warn'>;
  #leftOut = 0;

  constructor(logger: Pick<Logger, 'warn'>) {
    this.#logger = logger;
  }

  /** As jobSeries(). */
  series(source: MeasuredJobs, limit: number): JobSeries {
    const series = jobSeries(source, limit);
    const { jobs, leftOut } = series;
    if (leftOut > 0 && leftOut !== this.#leftOut)
      this.#logger.warn(
        { jobs, leftOut, limit },
        'jobs beyond LSH_METRICS_PER_JOB have no metrics of their own',
      );
    this.#leftOut = leftOut;
    return series;
  }
}
