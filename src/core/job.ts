// A job: its document, its status and its identity. Its spec is in spec/job-spec.ts.
import type { Backfill, BackfillRequest, SlotRange } from './backfill/backfill.ts';
import type { LshError } from './errors.ts';
import type { API_VERSION, KIND } from './api-version.ts';
import type { NoticeMemory } from './notices/notice.ts';
import type { JobSpec, JobSpecInput } from './spec/job-spec.ts';

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
