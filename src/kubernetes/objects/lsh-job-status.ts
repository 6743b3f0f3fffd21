// The status of an LshJob <-> the core's status and runs. Pure. Everything that must outlive a restart of the
// operator is in it.
import * as v from 'valibot';
import {
  jobDocument,
  rfc3339,
  runDocument,
  type JobDocument,
  type RunDocument,
  type SlotDocument,
} from '../../core/document.ts';
import { EXECUTOR_NAMES } from '../../core/executor.ts';
import type { Condition, Job, JobStatus } from '../../core/job.ts';
import { isRunName } from '../../core/naming.ts';
import { beyondHistory } from '../../core/decide/retention.ts';
import {
  isActive,
  type AllFields,
  RUN_PHASES,
  RUN_TRIGGERS,
  STOP_CAUSES,
  type Run,
  type RunReason,
  type SlotRecord,
} from '../../core/run.ts';
import type { ClosedStretch, Correction } from '../../core/run.ts';

/** Bytes of a run’s output that the status shows. */
const OUTPUT_TAIL_MAX_BYTES = 1024;

/** Characters of the message of a run that is kept for the team’s history only. */
const KEPT_MESSAGE_MAX_LENGTH = 100;

/** Stretches of slots without a run that the status shows. */
export const OUTCOMES_SHOWN = 20;

/** Fields of a run that only the operator needs, to continue it after a restart. */
type OperatorFields = Omit<Run, keyof RunDocument | 'jobUid'>;

/** A run in the status: the document that people see, and the operator’s own fields. */
export type RunEntry = RunDocument & OperatorFields;

/** A stretch of slots that ended without a run. */
export type OutcomeEntry = Omit<SlotDocument, 'job' | 'run'>;

type ShownStatus = NonNullable<JobDocument['status']>;

/** The status as the API server keeps it. */
export interface LshJobStatus extends Omit<ShownStatus, 'active' | 'recentRuns'> {
  active: RunEntry[];
  recentRuns: RunEntry[];
  /** Every slot at or before this instant has its outcome. */
  accountedUntil: string;
  observedSchedule: string;
  /** Newest first. */
  recentOutcomes: OutcomeEntry[];
}

/** The status of the object; undefined until the first evaluation has written one. */
export function readStatus(status: Partial<LshJobStatus> | undefined): JobStatus | undefined {
  // A status that somebody wrote by hand, without the cursor, is none: the next evaluation writes a whole one.
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
    observedSchedule: status.observedSchedule ?? '',
    totals: { completed: 0, failed: 0, killed: 0, missed: 0, ...status.totals },
    lastHandledTrigger: status.lastHandledTrigger,
  };
  return read;
}

/** Undefined for one without its time, which a hand has written and which cannot be written again. */
function readCondition({
  lastTransitionTime,
  ...condition
}: LshJobStatus['conditions'][number]): Condition | undefined {
  const lastTransitionAt = instant(lastTransitionTime);
  if (lastTransitionAt === undefined) return undefined;
  // In the order in which people read them; the server sorts by name.
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

/** Without these nobody can tell what run it is. */
const Identity = v.object({
  name: v.pipe(v.string(), v.check(isRunName)),
  slot: instantText,
  trigger: v.picklist(RUN_TRIGGERS),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  executor: v.picklist(EXECUTOR_NAMES),
  phase: v.picklist(RUN_PHASES),
  createdAt: instantText,
});

/**
 * A run out of the status of its job’s object. Undefined for what is none: somebody wrote it by hand, and it would go
 * with the runs of others to where one that cannot be understood holds up all.
 */
export function readRun(entry: RunEntry, owner: Pick<Run, 'job' | 'jobUid'>): Run | undefined {
  if (!v.is(Identity, entry)) return undefined;
  const createdAt = Date.parse(entry.createdAt);
  const run: AllFields<Run> = {
    ...owner,
    name: entry.name,
    trigger: entry.trigger,
    slot: Date.parse(entry.slot),
    triggerId: entry.triggerId,
    requestedBy: entry.requestedBy,
    attempt: entry.attempt,
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
  };
  return run;
}

/** A run as the status keeps it, with the end of its output only. */
export function runEntry(run: Run): RunEntry {
  const { triggerId, stopCause, host, startAfter, createdAt, outputTail } = run;
  return withoutEmpty({
    ...runDocument(run),
    ...({ triggerId, stopCause, host } satisfies AllFields<OperatorFields>),
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

/** What the ledger holds of a job: `runs` newest first, the active ones and those that are still shown. */
export interface LedgerView {
  runs: readonly Run[];
  outcomes: OutcomeEntry[];
}

/** The status as it is to be written. */
export function writeStatus(job: Job, status: JobStatus, { runs, outcomes }: LedgerView): LshJobStatus {
  const shown = jobDocument({ ...job, status }, []).status!;
  return {
    ...shown,
    recentOutcomes: outcomes,
    accountedUntil: rfc3339(status.accountedUntil),
    observedSchedule: status.observedSchedule,
    active: runs.filter(isActive).map(runEntry),
    recentRuns: shownEnds(job, runs),
  };
}

/** What is kept beyond the limits waits for the team’s history only: a hundred of the whole would be too much. */
function shownEnds({ spec }: Job, runs: readonly Run[]): RunEntry[] {
  const beyond = new Set(beyondHistory(spec, runs));
  return runs.filter((run) => !isActive(run)).map((run) => runEntry(beyond.has(run) ? shortened(run) : run));
}

function shortened(run: Run): Run {
  return { ...run, message: run.message?.slice(0, KEPT_MESSAGE_MAX_LENGTH), outputTail: undefined };
}

/**
 * The outcomes with those of newer slots, bounded. A stretch that goes on where the newest known one of the same
 * fate ended, with no run in between, makes it longer; `ranAt` is the newest slot with a run before these slots.
 */
export function withOutcomes(
  known: readonly OutcomeEntry[],
  slots: readonly SlotRecord[],
  ranAt: number | undefined,
): OutcomeEntry[] {
  const outcomes = [...known];
  let ran = ranAt ?? -Infinity;
  for (const slot of slots.toSorted((a, b) => a.from - b.from)) {
    const newest = outcomes[0];
    if (slot.outcome === 'Ran') ran = Math.max(ran, slot.to);
    else if (newest && sameFate(newest, slot) && ran < Date.parse(newest.to)) {
      outcomes[0] = { ...newest, to: rfc3339(slot.to), count: newest.count + slot.count };
    } else outcomes.unshift(outcomeEntry(slot));
  }
  return outcomes.slice(0, OUTCOMES_SHOWN);
}

/** The outcomes without slots that ran after all. */
export function corrected(
  outcomes: readonly OutcomeEntry[],
  corrections: readonly Correction[],
): OutcomeEntry[] {
  let entries = [...outcomes];
  for (const { slot, left } of corrections) {
    const parts = left.toReversed().map(outcomeEntry);
    entries = entries.flatMap((entry) => (contains(entry, slot) ? parts : [entry]));
  }
  return entries;
}

function contains({ from, to }: OutcomeEntry, slot: number): boolean {
  return Date.parse(from) <= slot && slot <= Date.parse(to);
}

/** The outcomes as the core knows them. */
export function readOutcomes(outcomes: readonly OutcomeEntry[]): ClosedStretch[] {
  return outcomes.map(({ from, to, ...fate }) => ({ ...fate, from: Date.parse(from), to: Date.parse(to) }));
}

function sameFate(entry: OutcomeEntry, slot: SlotRecord): boolean {
  return entry.outcome === slot.outcome && entry.cause === slot.cause && Date.parse(entry.to) < slot.from;
}

function outcomeEntry({ from, to, count, outcome, cause }: ClosedStretch): OutcomeEntry {
  return { from: rfc3339(from), to: rfc3339(to), count, outcome, ...(cause !== undefined && { cause }) };
}

function lastBytes(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  let start = whole.length - bytes;
  // Not in the middle of a character.
  while ((whole[start]! & 0xc0) === 0x80) start++;
  return whole.subarray(start).toString();
}

/** None before 1970: nothing that happened here did. */
function instant(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return ms >= 0 ? ms : undefined;
}
