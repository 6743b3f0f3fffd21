// The status of an LshJob <-> the core’s status and runs. Pure. The status holds everything that must outlive a
// restart of the operator.
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { runsBeyondLimits } from '../../core/decide/retention.ts';
import {
  jobDocument,
  readClockEffect,
  readNoticeMemory,
  runDocument,
  type JobDocument,
  type RunDocument,
} from '../../core/document.ts';
import { readBackfill, readRanges } from '../../core/backfill/backfill-document.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import { EXECUTOR_NAMES } from '../../core/executor.ts';
import { NO_TOTALS, type Condition, type Followed, type Job, type JobStatus } from '../../core/job.ts';
import { NOTICE_KINDS, type Notice } from '../../core/notices/notice.ts';
import { isRunName } from '../../core/naming.ts';
import {
  isActive,
  RUN_PHASES,
  RUN_TRIGGERS,
  STOP_CAUSES,
  type AllFields,
  type Run,
  type RunReason,
} from '../../core/run.ts';
import type { OutcomeEntry } from './lsh-job-outcomes.ts';

/** Bytes of a run’s output that the status shows. */
const OUTPUT_TAIL_MAX_BYTES = 1024;

/** Notices of a job that wait; an outage of a channel must not fill the object. */
const PENDING_NOTICES_MAX = 50;

/** Characters of the message of a run beyond the history limits. */
const KEPT_MESSAGE_MAX_LENGTH = 100;

/** Fields of a run that only the operator needs, to continue it after a restart. */
type OperatorFields = Omit<Run, keyof RunDocument | 'jobUid'>;

/** A run in the status: the document that people see, and the operator’s own fields. */
export type RunEntry = RunDocument & OperatorFields;

type ShownStatus = NonNullable<JobDocument['status']>;

/** The status as the API server stores it. */
export interface LshJobStatus extends Omit<ShownStatus, 'active' | 'recentRuns'> {
  active: RunEntry[];
  recentRuns: RunEntry[];
  /** Every slot at or before this instant has its outcome. */
  accountedUntil: string;
  observedSchedule: string;
  /** Newest first. */
  recentOutcomes: OutcomeEntry[];
  /** Notices that channels have still to hear of, oldest first; the operator’s own. */
  pendingNotices?: Notice[];
}

/** The core’s status; undefined before the first evaluation, and for a status without a valid cursor. */
export function readStatus(status: Partial<LshJobStatus> | undefined): JobStatus | undefined {
  // A hand-edited status can lack the cursor; the next evaluation then writes a whole status.
  const accountedUntil = instant(status?.accountedUntil);
  if (!status || accountedUntil === undefined) return undefined;
  const read: AllFields<JobStatus> = {
    observedGeneration: status.observedGeneration ?? 0,
    phase: status.phase ?? 'Scheduled',
    conditions: (status.conditions ?? []).map(readCondition).filter((condition) => condition !== undefined),
    accountedUntil,
    lastScheduleAt: instant(status.lastScheduleTime),
    nextScheduleAt: instant(status.nextScheduleTime),
    lastSuccessAt: instant(status.lastSuccessfulTime),
    lastFailureAt: instant(status.lastFailureTime),
    durationsMs: status.durationsMs,
    observedSchedule: status.observedSchedule ?? '',
    totals: { ...NO_TOTALS, ...status.totals },
    lastHandledTrigger: status.lastHandledTrigger,
    clockEffect: readClockEffect(status.clockEffect),
    // Another leader has another clock, so the operator keeps the setting of its clock in memory.
    clock: undefined,
    notices: readNoticeMemory(status.notices),
    calendars: status.calendars,
    backfill: readBackfill(status.backfill),
    backfilled: readRanges(status.backfilled),
    ends: status.ends,
    after: status.after?.map(readFollowed),
  };
  return read;
}

/** The API server sorts the fields by name. */
function readFollowed({ job, uid, handled }: Followed): Followed {
  return { job, ...(uid !== undefined && { uid }), handled };
}

/** Returns undefined for a (hand-edited) condition without a time: the API server refuses to store it again. */
function readCondition({
  lastTransitionTime,
  ...condition
}: LshJobStatus['conditions'][number]): Condition | undefined {
  const lastTransitionAt = instant(lastTransitionTime);
  if (lastTransitionAt === undefined) return undefined;
  // The order in which people read the fields; the API server sorts them by name.
  const { type, status, reason, message, observedGeneration } = condition;
  return {
    type,
    status,
    reason,
    message,
    observedGeneration,
    lastTransitionAt,
  };
}

const instantText = v.pipe(
  v.string(),
  v.check((text) => instant(text) !== undefined),
);

/** Of a name of Kubernetes. */
const JOB_NAME_MAX_LENGTH = 253;

/** The fields that identify a run; an entry without them is malformed. */
const IdentitySchema = v.object({
  name: v.pipe(v.string(), v.check(isRunName)),
  slot: instantText,
  trigger: v.picklist(RUN_TRIGGERS),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  executor: v.picklist(EXECUTOR_NAMES),
  phase: v.picklist(RUN_PHASES),
  createdAt: instantText,
});

/** Returns undefined for a malformed (hand-edited) entry: one bad row would block its whole history batch. */
export function readRun(entry: RunEntry, owner: Pick<Run, 'job' | 'jobUid'>): Run | undefined {
  if (!v.is(IdentitySchema, entry)) return undefined;
  const createdAt = Date.parse(entry.createdAt);
  const run: AllFields<Run> = {
    ...owner,
    name: entry.name,
    trigger: entry.trigger,
    slot: Date.parse(entry.slot),
    pass: entry.pass,
    triggerId: entry.triggerId,
    requestedBy: entry.requestedBy,
    cause: readCause(entry.cause),
    endNumber: entry.endNumber,
    attempt: entry.attempt,
    firstAttempt: entry.firstAttempt,
    disruptions: entry.disruptions,
    specChanges: entry.specChanges,
    executor: entry.executor,
    host: entry.host,
    phase: entry.phase,
    // An active run’s entry shows its stop cause as the reason.
    reason: isActive(entry) ? undefined : (entry.reason as RunReason | undefined),
    message: entry.message,
    createdAt,
    startAfter: instant(entry.startAfter) ?? createdAt,
    startedAt: instant(entry.startedAt),
    finishedAt: instant(entry.finishedAt),
    exitCode: entry.exitCode,
    signal: entry.signal,
    stopCause: STOP_CAUSES.find((cause) => cause === entry.stopCause),
    outputTail: entry.outputTail,
    outputBytes: entry.outputBytes,
    secretsVersion: entry.secretsVersion,
  };
  return run;
}

const CauseSchema = v.object({
  job: v.pipe(v.string(), v.maxLength(JOB_NAME_MAX_LENGTH)),
  run: v.pipe(v.string(), v.check(isRunName)),
});

/** Drops a malformed (hand-edited) cause: a runner hangs up on a message with it, and all shell runs would wait. */
function readCause(cause: RunEntry['cause']): Run['cause'] {
  return v.is(CauseSchema, cause) ? cause : undefined;
}

/** The run as the status stores it: only the end of its output. */
export function runEntry(run: Run): RunEntry {
  const {
    triggerId,
    endNumber,
    firstAttempt,
    disruptions,
    specChanges,
    stopCause,
    host,
    startAfter,
    createdAt,
    outputTail,
  } = run;
  return withoutEmpty({
    ...runDocument(run),
    ...({
      triggerId,
      endNumber,
      firstAttempt,
      disruptions,
      specChanges,
      stopCause,
      host,
    } satisfies AllFields<OperatorFields>),
    // The document omits startAfter once the run has started; the next attempt’s delay counts from it.
    startAfter: startAfter === createdAt ? undefined : rfc3339(startAfter),
    outputTail: outputTail && lastBytes(outputTail, OUTPUT_TAIL_MAX_BYTES),
  });
}

/** Drops absent and empty fields: servers up to 1.20 refuse an empty text. */
function withoutEmpty<T extends object>(fields: T): T {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(present) as T;
}

/** The ledger of a job: its active runs and those that the status shows, newest first. */
export interface LedgerView {
  runs: readonly Run[];
  outcomes: OutcomeEntry[];
  notices?: readonly Notice[];
}

/** The status in the form that the API server stores. */
export function writeStatus(
  job: Job,
  status: JobStatus,
  { runs, outcomes, notices = [] }: LedgerView,
): LshJobStatus {
  const shown = jobDocument({ ...job, status }, []).status!;
  return {
    ...shown,
    recentOutcomes: outcomes,
    accountedUntil: rfc3339(status.accountedUntil),
    observedSchedule: status.observedSchedule,
    active: runs.filter(isActive).map(runEntry),
    recentRuns: finishedEntries(job, runs),
    ...(notices.length > 0 && { pendingNotices: notices.slice(-PENDING_NOTICES_MAX) }),
  };
}

/**
 * Finished runs. Those beyond the history limits only wait until the team’s history has them, and are shortened: up to
 * a hundred of them in full would make the object too large.
 */
function finishedEntries({ spec }: Job, runs: readonly Run[]): RunEntry[] {
  const beyond = new Set(runsBeyondLimits(spec, runs));
  return runs.filter((run) => !isActive(run)).map((run) => runEntry(beyond.has(run) ? shortened(run) : run));
}

function shortened(run: Run): Run {
  return { ...run, message: run.message?.slice(0, KEPT_MESSAGE_MAX_LENGTH), outputTail: undefined };
}

/** The notices in a status; none of a (hand-edited) one without an id or channels. */
export function readPendingNotices(status: Partial<LshJobStatus> | undefined): Notice[] {
  const isSound = ({ id, channels, kind }: Partial<Notice>) =>
    typeof id === 'string' && Array.isArray(channels) && NOTICE_KINDS.some((known) => known === kind);
  return (status?.pendingNotices ?? []).filter(isSound);
}

/** A merge patch from one status to the next: null for a removed field, undefined if nothing changes. */
export function statusPatch(
  before: Partial<LshJobStatus> | undefined,
  after: LshJobStatus | undefined,
): Record<string, unknown> | undefined {
  if (after === undefined) return undefined;
  const patch = mergePatch({ ...before }, { ...after });
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Also inside of objects: the server merges them, and would keep what the next one lacks. */
function mergePatch(old: Record<string, unknown>, next: Record<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const [before, after] = [old[name], next[name]];
    if (isDeepStrictEqual(before, after)) continue;
    patch[name] = isRecord(before) && isRecord(after) ? mergePatch(before, after) : (after ?? null);
  }
  return patch;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lastBytes(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  let start = whole.length - bytes;
  // Skip the rest of a character that the cut divides.
  while ((whole[start]! & 0xc0) === 0x80) start++;
  return whole.subarray(start).toString();
}

/** Milliseconds since the epoch; undefined for a malformed text and for instants before 1970. */
function instant(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return ms >= 0 ? ms : undefined;
}
