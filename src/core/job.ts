// A job: its spec, its status and its identity. The schemas below are the only source: they give the types, the check
// of input, the CRD, the JSON schema and the reference page.
import * as v from 'valibot';
import type { Backfill, BackfillRequest, SlotRange } from './backfill/backfill.ts';
import type { LshError } from './errors.ts';
import { EXECUTOR_NAMES, type Executor } from './executor.ts';
import type { API_VERSION, KIND } from './api-version.ts';
import { CHANNEL_NAME, NOTICE_KINDS, type NoticeMemory } from './notices/notice.ts';

/** Longest job name: a DNS label, so that the same name works as a Kubernetes object. */
export const NAME_MAX_LENGTH = 63;
/** Longest command of a shell run, in characters. */
export const COMMAND_MAX_LENGTH = 10_000;
/** Longest command of a Kubernetes Job, in bytes: the kernel’s limit for one argument. */
export const KUBE_COMMAND_MAX_LENGTH = 131_071;
/** Most waiting runs of a job under `concurrencyPolicy: Queue`. A slot beyond them is recorded as Forbidden. */
export const QUEUE_MAX_LENGTH = 20;
/** Shell of a command if the spec names no shell. */
export const DEFAULT_SHELL = '/bin/sh';
export const DEFAULT_PRIORITY = 5;
/** Default of `job.pendingTimeoutSeconds`, also without `job`. Longer than a cluster takes to add a node. */
export const PENDING_TIMEOUT_SECONDS = 900;

const seconds = (max: number, min = 0) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const nonEmpty = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
const described = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description));
const freeForm = () => v.record(v.string(), v.unknown());

const DAY_SECONDS = 86_400;

const ExitCodes = v.pipe(
  v.array(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(255))),
  v.maxLength(255),
);

export const RetrySchema = v.strictObject({
  limit: v.optional(described(seconds(100), 'Attempts after the first one.'), 0),
  initialSeconds: v.optional(
    described(seconds(DAY_SECONDS), 'Delay before the second attempt, in seconds.'),
    10,
  ),
  factor: v.optional(
    described(
      v.pipe(v.number(), v.minValue(1), v.maxValue(10)),
      'Each delay is the previous delay times this factor.',
    ),
    2,
  ),
  maxSeconds: v.optional(described(seconds(7 * DAY_SECONDS), 'Longest delay, in seconds.'), 300),
  jitter: v.optional(
    described(
      v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      'Share by which each delay may vary, 0 to 1. A hash of the run decides, so the delay is stable.',
    ),
    0.1,
  ),
  onExitCodes: v.optional(described(ExitCodes, 'If not empty, lsh retries only these exit codes.'), []),
  notOnExitCodes: v.optional(described(ExitCodes, 'lsh never retries these exit codes.'), []),
  disruptions: v.optional(
    described(
      seconds(100),
      'Further attempts for those whose Pod the cluster took away (reason Disrupted: a drained, lost or reclaimed node, an eviction, a preemption). They do not count against limit, and no exit code matters. Only for executor Job.',
    ),
    3,
  ),
});

const EnvVarSchema = v.strictObject({
  name: described(
    v.pipe(
      v.string(),
      v.regex(
        /^[A-Za-z_][A-Za-z0-9_]*$/,
        'must be letters, digits and underscores, not starting with a digit',
      ),
      v.maxLength(256),
    ),
    'Name of the variable: letters, digits and underscores, not starting with a digit.',
  ),
  value: v.optional(described(text(131_072), 'Literal value of the variable.')),
  valueFrom: v.optional(
    described(freeForm(), 'A Kubernetes EnvVarSource; only in a cluster and only with executor Job.'),
  ),
});

const EnvFromSchema = v.strictObject({
  file: v.optional(described(nonEmpty(4096), 'Path of an env file; only in the local daemon.')),
  configMapRef: v.optional(described(freeForm(), 'A ConfigMap of the job’s namespace; only in a cluster.')),
  secretRef: v.optional(described(freeForm(), 'A Secret of the job’s namespace; only in a cluster.')),
  prefix: v.optional(described(text(256), 'Prefix of every variable name.')),
  optional: v.optional(described(v.boolean(), 'Whether the file may be missing.')),
});

/** The operator records the end before, and meanwhile the name keeps a late request from starting the run again. */
export const JOB_TTL_MIN_SECONDS = 60;
export const JOB_TTL_MAX_SECONDS = 365 * DAY_SECONDS;

const KubernetesJobSchema = v.strictObject({
  image: v.optional(described(nonEmpty(1024), 'Image of the container that runs the command.')),
  entrypointArgs: v.optional(
    described(
      v.pipe(v.array(text(KUBE_COMMAND_MAX_LENGTH)), v.maxLength(256)),
      'Arguments of the image’s own entrypoint, which runs in place of command and args. An empty list keeps the image’s arguments too.',
    ),
  ),
  imagePullPolicy: v.optional(described(v.picklist(['Always', 'IfNotPresent', 'Never']), 'As in a Pod.')),
  resources: v.optional(described(freeForm(), 'Requests and limits, as in a Pod’s container.')),
  serviceAccountName: v.optional(described(nonEmpty(253), 'Service account of the Pod.')),
  nodeSelector: v.optional(described(v.record(v.string(), v.string()), 'As in a Pod.')),
  tolerations: v.optional(described(v.array(freeForm()), 'As in a Pod.')),
  affinity: v.optional(described(freeForm(), 'As in a Pod.')),
  volumes: v.optional(described(v.array(freeForm()), 'As in a Pod.')),
  volumeMounts: v.optional(described(v.array(freeForm()), 'As in a Pod’s container.')),
  securityContext: v.optional(described(freeForm(), 'Security context of the container.')),
  podTemplate: v.optional(
    described(freeForm(), 'A PodTemplateSpec; the other fields of job are merged over it.'),
  ),
  pendingTimeoutSeconds: v.optional(
    described(
      seconds(30 * DAY_SECONDS),
      'After this many seconds without a Pod, or without an image, a container, a volume or a node for it, the attempt fails. The time in a queue does not count. 0: no limit.',
    ),
    PENDING_TIMEOUT_SECONDS,
  ),
  ttlSecondsAfterFinished: v.optional(
    described(
      seconds(JOB_TTL_MAX_SECONDS, JOB_TTL_MIN_SECONDS),
      'Kubernetes deletes the Kubernetes Job, its Pod and the log this many seconds after their end. The record of the run stays; an operator that is down for longer records the run as Lost. Default: the history limits decide.',
    ),
  ),
  queueName: v.optional(described(nonEmpty(253), 'Kueue queue: sets the label kueue.x-k8s.io/queue-name.')),
});

export const CONCURRENCY_POLICIES = ['Forbid', 'Allow', 'Replace', 'Queue'] as const;
/** What happens to processes that outlive the command in its process group. */
export const BACKGROUND_CHILDREN = ['stop', 'keep'] as const;
export const MISSED_RUN_POLICIES = ['Latest', 'Skip', 'All'] as const;

/** How a job uses a calendar: its days have no slot, or are the only days that have slots. */
const CALENDAR_DAYS = ['Exclude', 'Only'] as const;
/** Names of calendars are DNS labels: they are names of files, and keys of a ConfigMap. */
export const CALENDAR_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const CalendarUseSchema = v.strictObject({
  name: described(
    v.pipe(v.string(), v.regex(CALENDAR_NAME, 'must be lower-case letters, digits and hyphens')),
    'Name of the calendar: of `lsh calendar add`, in a cluster of the chart’s value calendars.',
  ),
  days: v.optional(
    described(
      v.picklist(CALENDAR_DAYS),
      'Exclude: the days of the calendar have no slot. Only: no other days have slots.',
    ),
    'Exclude',
  ),
});
export type CalendarUse = v.InferOutput<typeof CalendarUseSchema>;

const ChannelName = v.pipe(
  v.string(),
  v.regex(CHANNEL_NAME, 'must be lower-case letters, digits and dashes'),
  v.maxLength(63),
);

const NotifySchema = v.strictObject({
  channels: described(
    v.pipe(v.array(ChannelName), v.minLength(1), v.maxLength(16)),
    'Names of channels: of `lsh channel list`, in a cluster of the operator’s Secret.',
  ),
  // Not `on`: a parser of YAML 1.1, as in kubectl and Helm, reads that key as true.
  events: v.optional(
    described(
      v.pipe(v.array(v.picklist(NOTICE_KINDS)), v.minLength(1), v.maxLength(NOTICE_KINDS.length)),
      'What the channels hear of. Failed: a slot failed with its last attempt, once for a streak of failures. Recovered: the first run that completed after them. Missed: lsh was too late for slots. Stuck: a run cannot begin. Overdue: the job has not completed within expectSuccessWithin. Slow: a run takes longer than slowAfter. Started: each run, at its first attempt. Succeeded: each run that completed. Default: Failed and Recovered.',
    ),
  ),
  after: v.optional(described(seconds(1000, 1), 'Failures in a row until Failed. Default: 1.')),
  repeat: v.optional(
    described(
      nonEmpty(32),
      'While the job keeps failing, a further failure this long after the last notice brings another, such as 24h. Default: one notice for a streak.',
    ),
  ),
});

/** Which ends of a job start another. */
const FOLLOWED_ENDS = ['Completed', 'Failed', 'Ended'] as const;

const AfterSchema = v.strictObject({
  job: described(nonEmpty(NAME_MAX_LENGTH), 'Name of the other job; in a cluster, of the same namespace.'),
  // Not `on`: a parser of YAML 1.1, as in kubectl and Helm, reads that key as true.
  when: v.optional(
    described(
      v.picklist(FOLLOWED_ENDS),
      'Completed: its last attempt completed. Failed: its last attempt failed or was killed. Ended: either.',
    ),
    'Completed',
  ),
});
export type After = v.InferOutput<typeof AfterSchema>;

/** A name as in Kubernetes: a DNS label. */
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

const ConcurrencyGroupSchema = v.strictObject({
  name: described(
    v.pipe(v.string(), v.regex(LABEL, 'must be lower-case letters, digits and hyphens')),
    'Name of the group. In a cluster each namespace has groups of its own.',
  ),
  max: v.optional(
    described(
      seconds(1000, 1),
      'Most runs of the group that are active at a time. If the jobs of a group name different numbers, the smallest applies.',
    ),
    1,
  ),
});

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

/** `namespace/name`: the key of the workqueue. The daemon has one namespace, `local`. */
export type JobKey = string;

/** The document that kubectl, `lsh apply` and `lsh cron export` share. */
export interface JobManifest {
  apiVersion: typeof API_VERSION;
  kind: typeof KIND;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: JobSpecInput;
}

export const JOB_PHASES = [
  'Scheduled',
  'Failing', // scheduled, and its last run failed
  'Pending', // a run’s command has not begun
  'Running',
  'Suspended',
  'Ended',
  'Invalid',
] as const;
export type JobPhase = (typeof JOB_PHASES)[number];

export type ConditionType =
  | 'Ready'
  | 'Following'
  | 'Scheduled'
  | 'Failing'
  | 'Overdue'
  | 'Slow'
  | 'HistorySynced';

/** A Kubernetes condition; instants are milliseconds since the epoch inside the program. */
export interface Condition {
  type: ConditionType;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionAt: number;
  observedGeneration: number;
}

export interface RunTotals {
  completed: number;
  failed: number;
  killed: number;
  missed: number;
}

export const NO_TOTALS: Readonly<RunTotals> = { completed: 0, failed: 0, killed: 0, missed: 0 };

/**
 * How far the wall clock is ahead of a clock that never steps. `id` names that clock: one boot of one machine. The
 * difference changes only when the wall clock is set.
 */
export interface ClockReference {
  id: string;
  offsetMs: number;
}

/** What the steps of the clock did to the slots of a job. Milliseconds, in whole seconds. */
export interface ClockEffect {
  /** Intervals count from the job’s creation plus this. */
  shiftMs: number;
  /** No slot of an interval lies at or before this instant. */
  intervalsAfter: number;
  /** Nor, in this boot of the machine, a start of the machine or of the daemon. */
  startsAfter: number;
  /** No slot of a pattern that follows real time lies at or before this instant. */
  wildcardsAfter: number;
  /** No slot of a fixed time lies at or before this instant. */
  fixedAfter: number;
  /** Which time the clock passes the slots up to `passUntil`: 2 for the first repetition. */
  pass: number;
  passUntil: number;
}

/** The days of a calendar as the status shows them: dates, and ranges of dates with a slash. */
export interface ShownCalendar {
  name: string;
  dates: string[];
}

/** How far a job has followed the ends of another. */
export interface Followed {
  job: string;
  /** Of the other job; undefined if there was none. */
  uid?: string;
  /** Its ends up to this number need no run any more. */
  handled: number;
}

/**
 * The memory between two evaluations, and the state that users see. All instants are milliseconds since the epoch;
 * slots are whole seconds. The ledger holds the runs.
 */
export interface JobStatus {
  observedGeneration: number;
  phase: JobPhase;
  conditions: Condition[];
  /** The cursor: every slot at or before it has an outcome, so no slot is lost without a record. */
  accountedUntil: number;
  /** The newest slot with a run. */
  lastScheduleAt?: number;
  /** The next slot; undefined if the schedule has no further slot. */
  nextScheduleAt?: number;
  lastSuccessAt?: number;
  lastFailureAt?: number;
  /** Durations of the newest completed runs, at most 20, oldest first (milliseconds). */
  durationsMs?: number[];
  /** Fingerprint of the schedule that the cursor belongs to. A changed schedule owes no slot of its past. */
  observedSchedule: string;
  totals: RunTotals;
  /** Id of the last handled manual trigger, so that no trigger is handled twice. */
  lastHandledTrigger?: string;
  /** The newest backfill. */
  backfill?: Backfill;
  /** Ranges whose slots have had their backfill, oldest first. */
  backfilled?: SlotRange[];
  /** How many ends of this job have numbers; undefined until a job follows it. */
  ends?: number;
  /** The jobs of spec.after. */
  after?: Followed[];
  /** What steps of the wall clock did to the schedule; undefined if that no longer matters. */
  clockEffect?: ClockEffect;
  /** The setting of the clock at the last evaluation that changed the status. */
  clock?: ClockReference;
  /** What the job remembers of its notices; undefined while there is nothing to remember. */
  notices?: NoticeMemory | undefined;
  /** The days of its calendars in this year and the next; undefined for none. */
  calendars?: ShownCalendar[];
}

/** A request to run now, in addition to the schedule. */
export interface TriggerRequest {
  /** Unique per request. A repeated id is the same request. */
  id: string;
  requestedBy?: string;
}

/** A job at one evaluation. It is the cache’s object, so callers must not change it. */
export interface Job {
  key: JobKey;
  namespace: string;
  name: string;
  uid: string;
  /** Counts changes of the spec, from 1. */
  generation: number;
  createdAt: number;
  /** When the spec last changed; undefined if the platform does not know. */
  specChangedAt?: number;
  /** For users and tools; decide() does not read them. Absent in the operator’s cache. */
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec: JobSpec;
  /** Why the spec is invalid, if the platform could not refuse it at admission. The job waits for an edit. */
  invalid?: LshError;
  /** The platform is deleting the job and waits for something else to be gone first: no run starts any more. */
  terminating?: true;
  /** The pending manual trigger. */
  trigger?: TriggerRequest;
  /** The backfill that a user wants. Without it, one that is under way is cancelled. */
  backfill?: BackfillRequest;
  /** Names of runs that a user asked to stop. Names of finished runs have no effect. */
  stop?: readonly string[];
  /** Undefined until the first evaluation. */
  status?: JobStatus;
}
