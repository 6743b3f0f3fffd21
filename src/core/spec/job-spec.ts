// The spec of a job. The schemas here and in blocks.ts are the only source: they give the types, the check of input, the CRD,
// the JSON schema and the reference page.
import * as v from 'valibot';
import { EXECUTOR_NAMES, type Executor } from '../executor.ts';
import {
  AfterSchema,
  DAY_SECONDS,
  KUBE_COMMAND_MAX_LENGTH,
  CalendarUseSchema,
  ConcurrencyGroupSchema,
  described,
  EnvFromSchema,
  EnvVarSchema,
  KubernetesJobSchema,
  nonEmpty,
  NotifySchema,
  RetrySchema,
  seconds,
  text,
} from './blocks.ts';

/** Longest command of a shell run, in characters. */
export const COMMAND_MAX_LENGTH = 10_000;
/** Most waiting runs of a job under `concurrencyPolicy: Queue`. A slot beyond them is recorded as Forbidden. */
export const QUEUE_MAX_LENGTH = 20;
/** Shell of a command if the spec names no shell. */
export const DEFAULT_SHELL = '/bin/sh';
export const DEFAULT_PRIORITY = 5;

export const CONCURRENCY_POLICIES = ['Forbid', 'Allow', 'Replace', 'Queue'] as const;
/** What happens to processes that outlive the command in its process group. */
export const BACKGROUND_CHILDREN = ['stop', 'keep'] as const;
export const MISSED_RUN_POLICIES = ['Latest', 'Skip', 'All'] as const;

const Rfc3339 = v.pipe(v.string(), v.isoTimestamp());
const Schedule = nonEmpty(256);

export const JobSpecSchema = v.strictObject({
  schedule: v.optional(
    described(
      Schedule,
      'When the job is due: 5 cron fields, 6 with seconds first, a macro such as @daily, @every 90s, or @reboot and @daemon-start (local daemon only). docs/schedules.md has the grammar.',
    ),
  ),
  schedules: v.optional(
    described(
      v.pipe(v.array(Schedule), v.minLength(1), v.maxLength(32)),
      'Several schedules; the job is due whenever one of them is due. Set this or schedule, not both.',
    ),
  ),
  at: v.optional(
    described(
      v.pipe(
        v.string(),
        v.regex(
          /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/,
          'must be a time such as 2026-12-24T10:00:00, with an offset or without',
        ),
      ),
      'When a job without a schedule runs, once: 2026-12-24T10:00:00 in the time zone of the job, or with an offset. Then the local daemon removes the job and keeps its history; an LshJob stays, with the phase Ended.',
    ),
  ),
  after: v.optional(
    described(
      v.pipe(v.array(AfterSchema), v.minLength(1), v.maxLength(16)),
      'Jobs whose ends start a run of this one, in place of a schedule or beside it: one run for each slot or request of theirs, once no retry follows.',
    ),
  ),
  timeZone: v.optional(
    described(
      nonEmpty(64),
      'IANA time zone of the schedule. Default: UTC in a cluster, the host’s zone locally.',
    ),
  ),
  command: v.optional(
    described(nonEmpty(KUBE_COMMAND_MAX_LENGTH), 'Command line for a shell. Set this or args.'),
  ),
  args: v.optional(
    described(
      v.pipe(v.array(text(KUBE_COMMAND_MAX_LENGTH)), v.minLength(1), v.maxLength(256)),
      'Program and its arguments, run without a shell.',
    ),
  ),
  executor: v.optional(
    described(
      v.picklist(EXECUTOR_NAMES),
      'Shell: a subprocess. Job: a Kubernetes Job. Default: Job in a cluster, Shell locally.',
    ),
  ),
  env: v.optional(
    described(v.pipe(v.array(EnvVarSchema), v.maxLength(1000)), 'Environment variables of the command.'),
  ),
  recordEnv: v.optional(
    described(
      v.boolean(),
      'Whether the team’s history records the values of env. By default it has their names alone, and masks the values in texts and output of the job.',
    ),
  ),
  envFrom: v.optional(
    described(
      v.pipe(v.array(EnvFromSchema), v.maxLength(64)),
      'Sources of more variables; env overrides them.',
    ),
  ),
  secretsEnv: v.optional(
    described(
      nonEmpty(63),
      'Name of an lsh secrets environment, such as prod. Each run of this job gets its variables: locally from the project of workingDir, in a cluster from the Kubernetes Secret lsh-secrets-NAME of the job’s namespace (executor Shell: only those that the chart mounts). docs/secrets.md says more.',
    ),
  ),
  captureOutput: v.optional(
    described(
      v.boolean(),
      'Whether lsh keeps the end of the output with the run, and records the output in the team’s history. Default: true; false in a cluster if the job uses secrets.',
    ),
  ),
  workingDir: v.optional(
    described(nonEmpty(4096), 'Directory the command starts in. Default: the home directory.'),
  ),
  shell: v.optional(
    described(nonEmpty(4096), `Shell that runs command, called with -c. Default: ${DEFAULT_SHELL}.`),
  ),
  backgroundChildren: v.optional(
    described(
      v.picklist(BACKGROUND_CHILDREN),
      'What happens to processes that outlive the command in its process group: stop ends them a second after the command, keep lets them live. Only for executor Shell. Default: stop.',
    ),
  ),
  suspend: v.optional(
    described(v.boolean(), 'If true, no slot runs; lsh records the slots as Suspended.'),
    false,
  ),
  resumeAt: v.optional(
    described(Rfc3339, 'With suspend: the job is suspended until this instant (RFC 3339), and no longer.'),
  ),
  concurrencyPolicy: v.optional(
    described(
      v.picklist(CONCURRENCY_POLICIES),
      'What happens to a due run while another run of the job is active: Forbid drops it, Allow starts it, Replace stops the other run first, Queue lets it wait.',
    ),
    'Forbid',
  ),
  concurrencyGroup: v.optional(
    described(
      ConcurrencyGroupSchema,
      'Jobs of one group share a number of active runs. A run beyond it waits: the older slot starts first, then the higher priority.',
    ),
  ),
  startingDeadlineSeconds: v.optional(
    described(seconds(365 * DAY_SECONDS, 1), 'lsh does not run a slot that is older than this many seconds.'),
  ),
  missedRunPolicy: v.optional(
    described(
      v.picklist(MISSED_RUN_POLICIES),
      'What happens to slots that lsh finds late: Latest runs the newest, Skip runs none, All runs the newest maxMissedRuns. Of several slots that are due at once, all but the newest are late.',
    ),
    'Latest',
  ),
  maxMissedRuns: v.optional(
    described(seconds(1000, 1), 'Most late slots that missedRunPolicy All runs.'),
    10,
  ),
  timeoutSeconds: v.optional(
    described(
      seconds(30 * DAY_SECONDS, 1),
      'After this many seconds the run is stopped: its process group gets TERM, then KILL. Of a Pod it is the deadline, which counts from its start on a node.',
    ),
  ),
  terminationGracePeriodSeconds: v.optional(described(seconds(3600), 'Seconds between TERM and KILL.'), 10),
  slowAfter: v.optional(
    described(
      nonEmpty(64),
      'A run that takes longer is slow: the condition Slow and an event say so. A duration such as 90s, or a multiple such as 2x of the median of the last 20 completed runs.',
    ),
  ),
  expectSuccessWithin: v.optional(
    described(
      nonEmpty(64),
      'The job is overdue if no run completes for so long: the condition Overdue and an event say so, whatever the cause. A duration such as 26h, or auto: after the next slot, the usual duration and all retries.',
    ),
  ),
  retry: v.optional(described(RetrySchema, 'Whether and when lsh repeats a failed attempt.'), {}),
  jitterSeconds: v.optional(
    described(
      seconds(DAY_SECONDS),
      'Each start is delayed by up to this many seconds. A hash of job and slot decides, so the delay is stable.',
    ),
    0,
  ),
  successfulRunsHistoryLimit: v.optional(
    described(
      seconds(100),
      'How many completed runs the job shows. In a cluster lsh deletes the others, with their Kubernetes Jobs and output; on a laptop `lsh cron history` and `logs` have them for `LSH_HISTORY_DAYS`.',
    ),
    3,
  ),
  failedRunsHistoryLimit: v.optional(
    described(
      seconds(100),
      'How many failed and killed runs the job shows; the others as with successfulRunsHistoryLimit.',
    ),
    3,
  ),
  description: v.optional(described(text(1024), 'Free text for readers.')),
  tags: v.optional(
    described(
      v.pipe(v.array(nonEmpty(63)), v.maxLength(32)),
      'Words for readers and for lsh cron list --tag.',
    ),
    [],
  ),
  priority: v.optional(
    described(seconds(10), 'Order of starts if more runs are due than may start, highest first.'),
    DEFAULT_PRIORITY,
  ),
  notBefore: v.optional(described(Rfc3339, 'No slot before this instant (RFC 3339).')),
  notAfter: v.optional(described(Rfc3339, 'No slot after this instant (RFC 3339).')),
  exceptDates: v.optional(
    described(
      v.pipe(
        v.array(v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d$/, 'must be a date such as 2026-12-25'))),
        v.minLength(1),
        v.maxLength(366),
      ),
      'Dates, such as 2026-12-25, without slots: days in the zone of the schedule. lsh records the slots as Excluded.',
    ),
  ),
  notify: v.optional(
    described(
      v.pipe(v.array(NotifySchema), v.maxLength(16)),
      'Who hears of what happens to the job; an empty list for no one. Default: the channels that the daemon or the operator names for all jobs. docs/notices.md says more.',
    ),
  ),
  calendars: v.optional(
    described(
      v.pipe(v.array(CalendarUseSchema), v.minLength(1), v.maxLength(16)),
      'Calendars whose days have no slot, or are the only days with slots. lsh records the other slots as Excluded.',
    ),
  ),
  job: v.optional(described(KubernetesJobSchema, 'Fields of the Kubernetes Job; only for executor Job.')),
});

/** A checked spec. It has every default except the defaults that differ between the platforms. */
export type CheckedSpec = v.InferOutput<typeof JobSpecSchema>;
/** A resolved spec. It has the defaults of its platform too, so no reader needs a default of its own. */
export interface JobSpec extends CheckedSpec {
  timeZone: string;
  executor: Executor;
  captureOutput: boolean;
}
/** A spec as users write it. */
export type JobSpecInput = v.InferInput<typeof JobSpecSchema>;
export type Retry = JobSpec['retry'];
