// Jobs, runs and slots as kubectl, `-o json`, the socket and `lsh cron export` show them. Instants are RFC 3339;
// everywhere else in the program they are numbers.
import { API_VERSION, KIND } from './api-version.ts';
import { rfc3339 } from './rfc3339.ts';
import {
  backfillDocument,
  rangeDocument,
  type BackfillDocument,
  type RangeDocument,
} from './backfill/backfill-document.ts';
import type { NoticeMemory } from './notices/notice.ts';
import type { ClockEffect, Condition, Followed, Job, JobPhase, RunTotals, ShownCalendar } from './job.ts';
import type { JobSpec } from './spec/job-spec.ts';
import { splitKey } from './naming.ts';
import type { AllFields, Run, RunCause, RunPhase, RunTrigger, SlotOutcome, SlotRecord } from './run.ts';
import { isActive } from './run.ts';

export interface RunDocument {
  name: string;
  job: string;
  slot: string;
  pass?: number;
  trigger: RunTrigger;
  requestedBy?: string;
  /** The run whose end started an After run. */
  cause?: RunCause;
  attempt: number;
  executor: string;
  phase: RunPhase;
  reason?: string;
  message?: string;
  createdAt: string;
  startAfter?: string;
  startedAt?: string;
  finishedAt?: string;
  exitCode?: number;
  signal?: string;
  outputTail?: string;
  outputBytes?: number;
  secretsVersion?: string;
}

export interface SlotDocument {
  job: string;
  from: string;
  to: string;
  count: number;
  pass?: number;
  outcome: SlotOutcome;
  cause?: string;
  run?: string;
  /** When lsh evaluated the slots; absent where an older operator recorded them. */
  recordedAt?: string;
}

interface ConditionDocument extends Omit<Condition, 'lastTransitionAt'> {
  lastTransitionTime: string;
}

interface StatusDocument {
  observedGeneration: number;
  phase: JobPhase;
  conditions: ConditionDocument[];
  nextScheduleTime?: string;
  lastScheduleTime?: string;
  lastSuccessfulTime?: string;
  lastFailureTime?: string;
  durationsMs?: number[];
  active: RunDocument[];
  recentRuns: RunDocument[];
  totals: RunTotals;
  lastHandledTrigger?: string;
  clockEffect?: ClockEffectDocument;
  backfill?: BackfillDocument;
  backfilled?: RangeDocument[];
  ends?: number;
  after?: Followed[];
  notices?: NoticeMemoryDocument;
  calendars?: ShownCalendar[];
}

/** Failures in a row, and when each channel last heard of them. */
interface NoticeMemoryDocument {
  failures: number;
  told?: Record<string, string>;
  stuck?: string;
}

/** What steps of the clock did to the schedule; a field without effect is absent. */
interface ClockEffectDocument {
  shiftSeconds?: number;
  intervalsAfter?: string;
  wildcardsAfter?: string;
  fixedTimesAfter?: string;
  pass?: number;
  passUntil?: string;
}

export interface JobDocument {
  apiVersion: typeof API_VERSION;
  kind: typeof KIND;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    generation: number;
    creationTimestamp: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: JobSpec;
  status?: StatusDocument;
}

function time(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : rfc3339(ms);
}

/** Copies the object without undefined values: JSON would drop their keys, YAML would print them. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

export function runDocument(run: Run): RunDocument {
  return compact({
    name: run.name,
    job: splitKey(run.job).name,
    slot: rfc3339(run.slot),
    pass: run.pass,
    trigger: run.trigger,
    requestedBy: run.requestedBy,
    cause: run.cause,
    attempt: run.attempt,
    executor: run.executor,
    phase: run.phase,
    reason: run.reason ?? (isActive(run) ? run.stopCause : undefined),
    message: run.message,
    createdAt: rfc3339(run.createdAt),
    startAfter:
      run.startedAt === undefined && run.startAfter > run.createdAt ? rfc3339(run.startAfter) : undefined,
    startedAt: time(run.startedAt),
    finishedAt: time(run.finishedAt),
    exitCode: run.exitCode,
    signal: run.signal,
    outputTail: run.outputTail,
    outputBytes: run.outputBytes,
    secretsVersion: run.secretsVersion,
  } satisfies AllFields<RunDocument>);
}

export function slotDocument(slot: SlotRecord): SlotDocument {
  return compact({
    job: splitKey(slot.job).name,
    from: rfc3339(slot.from),
    to: rfc3339(slot.to),
    count: slot.count,
    pass: slot.pass,
    outcome: slot.outcome,
    cause: slot.cause,
    run: slot.run,
    recordedAt: rfc3339(slot.recordedAt),
  } satisfies AllFields<SlotDocument>);
}

function clockEffectDocument(effect: ClockEffect | undefined): ClockEffectDocument | undefined {
  if (effect === undefined) return undefined;
  const instant = (ms: number) => (ms === 0 ? undefined : rfc3339(ms));
  return compact({
    shiftSeconds: effect.shiftMs === 0 ? undefined : effect.shiftMs / 1000,
    intervalsAfter: instant(effect.intervalsAfter),
    wildcardsAfter: instant(effect.wildcardsAfter),
    fixedTimesAfter: instant(effect.fixedAfter),
    pass: effect.pass === 1 ? undefined : effect.pass,
    passUntil: instant(effect.passUntil),
  } satisfies AllFields<ClockEffectDocument>);
}

export function readClockEffect(effect: ClockEffectDocument | undefined): ClockEffect | undefined {
  if (effect === undefined) return undefined;
  const { shiftSeconds = 0, intervalsAfter, wildcardsAfter, fixedTimesAfter, pass = 1, passUntil } = effect;
  // A hand edit can leave a text that is no instant.
  const instant = (text = '') => Date.parse(text) || 0;
  return {
    shiftMs: shiftSeconds * 1000,
    intervalsAfter: instant(intervalsAfter),
    startsAfter: 0, // a document has no starts
    wildcardsAfter: instant(wildcardsAfter),
    fixedAfter: instant(fixedTimesAfter),
    pass,
    passUntil: instant(passUntil),
  };
}

function noticeMemoryDocument(memory: NoticeMemory | undefined): NoticeMemoryDocument | undefined {
  if (memory === undefined) return undefined;
  const told = Object.entries(memory.told).map(([channel, at]) => [channel, rfc3339(at)] as const);
  return compact({
    failures: memory.failures,
    told: told.length > 0 ? Object.fromEntries(told) : undefined,
    stuck: memory.stuck,
  } satisfies AllFields<NoticeMemoryDocument>);
}

export function readNoticeMemory(
  memory: Partial<NoticeMemoryDocument> | undefined,
): NoticeMemory | undefined {
  if (memory === undefined) return undefined;
  const told = Object.entries(memory.told ?? {}).map(
    ([channel, at]) => [channel, Date.parse(at) || 0] as const,
  );
  const { failures = 0, stuck } = memory;
  return { failures, told: Object.fromEntries(told), ...(stuck !== undefined && { stuck }) };
}

/** Returns the job and its runs as one document; `runs` are newest first. */
export function jobDocument(job: Job, runs: readonly Run[]): JobDocument {
  const { status } = job;
  return compact({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: compact({
      name: job.name,
      namespace: job.namespace,
      uid: job.uid,
      generation: job.generation,
      creationTimestamp: rfc3339(job.createdAt),
      labels: job.labels,
      annotations: job.annotations,
    }),
    spec: job.spec,
    status:
      status &&
      compact({
        observedGeneration: status.observedGeneration,
        phase: status.phase,
        conditions: status.conditions.map(({ lastTransitionAt, ...rest }) => ({
          ...rest,
          lastTransitionTime: rfc3339(lastTransitionAt),
        })),
        nextScheduleTime: time(status.nextScheduleAt),
        lastScheduleTime: time(status.lastScheduleAt),
        lastSuccessfulTime: time(status.lastSuccessAt),
        lastFailureTime: time(status.lastFailureAt),
        durationsMs: status.durationsMs,
        active: runs.filter(isActive).map(runDocument),
        recentRuns: runs.filter((run) => !isActive(run)).map(runDocument),
        totals: status.totals,
        lastHandledTrigger: status.lastHandledTrigger,
        clockEffect: clockEffectDocument(status.clockEffect),
        backfill: status.backfill && backfillDocument(status.backfill),
        backfilled: status.backfilled?.map(rangeDocument),
        ends: status.ends,
        after: status.after,
        notices: noticeMemoryDocument(status.notices),
        calendars: status.calendars,
      } satisfies AllFields<StatusDocument>),
  });
}
