// The blocks of a spec: retries, environment, the Kubernetes Job, calendars, notices, jobs that it follows, its group.
import * as v from 'valibot';
import { CHANNEL_NAME, NOTICE_KINDS } from '../notices/notice.ts';

/** Longest job name: a DNS label, so that the same name works as a Kubernetes object. */
export const NAME_MAX_LENGTH = 63;
/** Longest command of a Kubernetes Job, in bytes: the kernel’s limit for one argument. */
export const KUBE_COMMAND_MAX_LENGTH = 131_071;
/** Default of `job.pendingTimeoutSeconds`, also without `job`. Longer than a cluster takes to add a node. */
export const PENDING_TIMEOUT_SECONDS = 900;

export const seconds = (max: number, min = 0) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
export const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
export const nonEmpty = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
export const described = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description));
const freeForm = () => v.record(v.string(), v.unknown());

export const DAY_SECONDS = 86_400;

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

export const EnvVarSchema = v.strictObject({
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

export const EnvFromSchema = v.strictObject({
  file: v.optional(described(nonEmpty(4096), 'Path of an env file; only in the local daemon.')),
  configMapRef: v.optional(described(freeForm(), 'A ConfigMap of the job’s namespace; only in a cluster.')),
  secretRef: v.optional(described(freeForm(), 'A Secret of the job’s namespace; only in a cluster.')),
  prefix: v.optional(described(text(256), 'Prefix of every variable name.')),
  optional: v.optional(described(v.boolean(), 'Whether the file may be missing.')),
});

/** The operator records the end before, and meanwhile the name keeps a late request from starting the run again. */
export const JOB_TTL_MIN_SECONDS = 60;
export const JOB_TTL_MAX_SECONDS = 365 * DAY_SECONDS;

export const KubernetesJobSchema = v.strictObject({
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

/** How a job uses a calendar: its days have no slot, or are the only days that have slots. */
const CALENDAR_DAYS = ['Exclude', 'Only'] as const;
/** Names of calendars are DNS labels: they are names of files, and keys of a ConfigMap. */
export const CALENDAR_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export const CalendarUseSchema = v.strictObject({
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

export const NotifySchema = v.strictObject({
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

export const AfterSchema = v.strictObject({
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

export const ConcurrencyGroupSchema = v.strictObject({
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
