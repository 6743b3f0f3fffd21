// What should happen: the LshJob spec, its status and the job around them. Written once: the types, the
// boundary check, the CRD, the JSON schema and the reference page all come from the schemas below.
import * as v from 'valibot';
import type { LshError } from './errors.ts';
import { EXECUTOR_NAMES, type Executor } from './executor.ts';
import { API_VERSION, KIND } from './api-version.ts';

export { API_VERSION, KIND };

/** Longest job name: a DNS label, so that the same name works as a Kubernetes object. */
export const NAME_MAX_LENGTH = 63;
/** Longest command, in characters; far above any sane one-liner and below the kernel's argument limit. */
export const COMMAND_MAX_LENGTH = 10_000;
/** Queued runs a job may hold under `concurrencyPolicy: Queue`; a slot past it is recorded as Forbidden. */
export const QUEUE_MAX_LENGTH = 20;
/** Shell of a `command` whose spec names none. */
export const DEFAULT_SHELL = '/bin/sh';
export const DEFAULT_PRIORITY = 5;
/** Default of `job.pendingTimeoutSeconds`, also where there is no `job`: longer than a cluster takes to add a node. */
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
  limit: v.optional(
    described(seconds(100), 'Attempts after the first one. The trace called it maxRetries.'),
    0,
  ),
  initialSeconds: v.optional(
    described(seconds(DAY_SECONDS), 'Delay before the second attempt, in seconds.'),
    10,
  ),
  factor: v.optional(
    described(
      v.pipe(v.number(), v.minValue(1), v.maxValue(10)),
      'What each delay is multiplied by to give the next.',
    ),
    2,
  ),
  maxSeconds: v.optional(
    described(seconds(7 * DAY_SECONDS), 'No delay is longer than this, in seconds.'),
    300,
  ),
  jitter: v.optional(
    described(
      v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      'Share of each delay that is spread by a stable hash of the run, 0 to 1.',
    ),
    0.1,
  ),
  onExitCodes: v.optional(described(ExitCodes, 'When not empty, only these exit codes are retried.'), []),
  notOnExitCodes: v.optional(described(ExitCodes, 'These exit codes are never retried.'), []),
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
  value: v.optional(described(text(131_072), 'Its literal value.')),
  valueFrom: v.optional(
    described(freeForm(), 'A Kubernetes EnvVarSource; only in a cluster and only with executor Job.'),
  ),
});

const EnvFromSchema = v.strictObject({
  file: v.optional(described(nonEmpty(4096), 'Path of an env file; only in the local daemon.')),
  configMapRef: v.optional(described(freeForm(), 'A ConfigMap of the job’s namespace; only in a cluster.')),
  secretRef: v.optional(described(freeForm(), 'A Secret of the job’s namespace; only in a cluster.')),
  prefix: v.optional(described(text(256), 'Put in front of every variable name.')),
  optional: v.optional(described(v.boolean(), 'Whether the file may be missing.')),
});

const KubernetesJobSchema = v.strictObject({
  image: v.optional(described(nonEmpty(1024), 'Image of the container that runs the command.')),
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
    described(freeForm(), 'A PodTemplateSpec; everything else here is merged over it.'),
  ),
  pendingTimeoutSeconds: v.optional(
    described(
      seconds(30 * DAY_SECONDS),
      'A Pod that gets no image, no container or no node for so many seconds is given up, and the attempt has failed; 0 for never.',
    ),
    PENDING_TIMEOUT_SECONDS,
  ),
  queueName: v.optional(described(nonEmpty(253), 'Kueue queue: sets the label kueue.x-k8s.io/queue-name.')),
});

export const CONCURRENCY_POLICIES = ['Forbid', 'Allow', 'Replace', 'Queue'] as const;
export const MISSED_RUN_POLICIES = ['Latest', 'Skip', 'All'] as const;

const Rfc3339 = v.pipe(v.string(), v.isoTimestamp());
const Schedule = nonEmpty(256);

export const JobSpecSchema = v.strictObject({
  schedule: v.optional(
    described(
      Schedule,
      'When the job is due: 5 cron fields, 6 with seconds first, a macro such as @daily, @every 90s, or @reboot (local daemon only).',
    ),
  ),
  schedules: v.optional(
    described(
      v.pipe(v.array(Schedule), v.minLength(1), v.maxLength(32)),
      'Several schedules; the job is due whenever one of them is. Give this or schedule, not both.',
    ),
  ),
  timeZone: v.optional(
    described(
      nonEmpty(64),
      'IANA time zone of the schedule. Default: UTC in a cluster, the host’s zone locally.',
    ),
  ),
  command: v.optional(described(nonEmpty(COMMAND_MAX_LENGTH), 'Run by a shell. Give this or args.')),
  args: v.optional(
    described(
      v.pipe(v.array(text(COMMAND_MAX_LENGTH)), v.minLength(1), v.maxLength(256)),
      'Run as they are, without a shell.',
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
  envFrom: v.optional(
    described(v.pipe(v.array(EnvFromSchema), v.maxLength(64)), 'Sources of further variables; env wins.'),
  ),
  secretsEnv: v.optional(
    described(nonEmpty(63), 'Name of the lsh secrets environment given to this run and to nothing else.'),
  ),
  captureOutput: v.optional(
    described(
      v.boolean(),
      'Whether the end of the output is kept with the run. Default: true; false in a cluster when secrets are given.',
    ),
  ),
  workingDir: v.optional(
    described(nonEmpty(4096), 'Directory the command starts in. Default: the home directory.'),
  ),
  shell: v.optional(
    described(nonEmpty(4096), `Shell that runs command, called with -c. Default: ${DEFAULT_SHELL}.`),
  ),
  suspend: v.optional(
    described(v.boolean(), 'When true, slots pass without a run and are recorded as Suspended.'),
    false,
  ),
  concurrencyPolicy: v.optional(
    described(
      v.picklist(CONCURRENCY_POLICIES),
      'What a due run does while another of this job is active: Forbid drops it, Allow starts it, Replace stops the other, Queue waits.',
    ),
    'Forbid',
  ),
  startingDeadlineSeconds: v.optional(
    described(seconds(365 * DAY_SECONDS, 1), 'A slot older than this many seconds is not run any more.'),
  ),
  missedRunPolicy: v.optional(
    described(
      v.picklist(MISSED_RUN_POLICIES),
      'What happens to slots that fell while nothing was evaluating: Latest runs the newest, Skip none, All the newest maxMissedRuns.',
    ),
    'Latest',
  ),
  maxMissedRuns: v.optional(described(seconds(1000, 1), 'How many missed slots All runs at the most.'), 10),
  timeoutSeconds: v.optional(
    described(
      seconds(30 * DAY_SECONDS, 1),
      'After this many seconds the run is ended: TERM to its process group, then KILL.',
    ),
  ),
  terminationGracePeriodSeconds: v.optional(described(seconds(3600), 'Seconds between TERM and KILL.'), 10),
  retry: v.optional(described(RetrySchema, 'What follows a failed attempt.'), {}),
  jitterSeconds: v.optional(
    described(seconds(DAY_SECONDS), 'Each slot is delayed by a stable share of this many seconds.'),
    0,
  ),
  successfulRunsHistoryLimit: v.optional(described(seconds(100), 'Completed runs kept on the status.'), 3),
  failedRunsHistoryLimit: v.optional(
    described(seconds(100), 'Failed and killed runs kept on the status.'),
    3,
  ),
  description: v.optional(described(text(1024), 'For people.')),
  tags: v.optional(
    described(v.pipe(v.array(nonEmpty(63)), v.maxLength(32)), 'For people and for lsh cron list --tag.'),
    [],
  ),
  priority: v.optional(
    described(seconds(10), 'Starts come in this order, highest first, when more are due than may start.'),
    DEFAULT_PRIORITY,
  ),
  notBefore: v.optional(described(Rfc3339, 'No slot before this instant (RFC 3339).')),
  notAfter: v.optional(described(Rfc3339, 'No slot after this instant (RFC 3339).')),
  job: v.optional(
    described(KubernetesJobSchema, 'Only for executor Job: what the Kubernetes Job looks like.'),
  ),
});

/** A checked spec: it has every default but those that differ between the platforms. */
export type CheckedSpec = v.InferOutput<typeof JobSpecSchema>;
/** A resolved spec: it has the defaults of its platform too, so that no reader falls back to one of its own. */
export interface JobSpec extends CheckedSpec {
  timeZone: string;
  executor: Executor;
  captureOutput: boolean;
}
/** A spec as people write it. */
export type JobSpecInput = v.InferInput<typeof JobSpecSchema>;
export type Retry = JobSpec['retry'];

/** `namespace/name`: the workqueue's key. The local daemon has one namespace, `local`. */
export type JobKey = string;

export const LOCAL_NAMESPACE = 'local';

export function jobKey(namespace: string, name: string): JobKey {
  return `${namespace}/${name}`;
}

/** The parts of a `namespace/name`. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

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

export const JOB_PHASES = ['Scheduled', 'Running', 'Suspended', 'Invalid'] as const;
export type JobPhase = (typeof JOB_PHASES)[number];

export type ConditionType = 'Ready' | 'Scheduled' | 'Failing' | 'HistorySynced';

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

/**
 * What was observed and what is remembered between two evaluations. All instants are milliseconds since the
 * epoch; slots are whole seconds of it. Run lists live in the ledger, not here.
 */
export interface JobStatus {
  observedGeneration: number;
  phase: JobPhase;
  conditions: Condition[];
  /** Every slot at or before this instant has its outcome: the cursor that makes a lost slot visible. */
  accountedUntil: number;
  /** The newest slot that was given a run. */
  lastScheduleAt?: number;
  /** The next slot, or undefined when none will come. */
  nextScheduleAt?: number;
  lastSuccessAt?: number;
  lastFailureAt?: number;
  /** Fingerprint of the schedule that the cursor belongs to; a changed schedule owes nothing for its past. */
  observedSchedule: string;
  totals: RunTotals;
  /** Id of the last manual trigger that was acted upon, so that none is handled twice. */
  lastHandledTrigger?: string;
}

/** A request to run now, beside the schedule. */
export interface TriggerRequest {
  /** Unique per request: the same id again is the same request. */
  id: string;
  requestedBy?: string;
}

/** Everything known of one job at one evaluation; the cache’s object, never to be mutated. */
export interface Job {
  key: JobKey;
  namespace: string;
  name: string;
  uid: string;
  /** Counts changes of the spec, from 1. */
  generation: number;
  createdAt: number;
  /** When the spec last changed, where the platform knows it. */
  specChangedAt?: number;
  spec: JobSpec;
  /** Why the spec cannot be carried out, where the platform could not refuse it: the job waits for an edit. */
  invalid?: LshError;
  /** The pending manual trigger, if any. */
  trigger?: TriggerRequest;
  /** Names of runs that somebody asked to end; names of finished runs are ignored. */
  stop?: readonly string[];
  /** Undefined until the first evaluation. */
  status?: JobStatus;
}
