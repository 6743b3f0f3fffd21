// The status after an evaluation, and whether it differs from the recorded one.
import { lastingEffect } from './clock-step.ts';
import { activeRuns, changedRuns, isOwn, type Draft } from './draft.ts';
import { scheduleFingerprint } from './due.ts';
import { endsAfter, newest } from './expectations/ends.ts';
import type { Expectations } from './expectations/judge.ts';
import type { LshError } from '../errors.ts';
import { historyVerdict, type HistoryProgress } from './history-sync.ts';
import {
  NO_TOTALS,
  type Condition,
  type ConditionType,
  type Job,
  type JobPhase,
  type JobStatus,
  type ShownCalendar,
} from '../job.ts';
import type { NoticeMemory } from '../notices/notice.ts';
import { isActive, type Run } from '../run.ts';
import { afterText, pendingStarts } from '../schedule/job-schedule.ts';
import { awaitsInstant } from '../schedule/one-shot.ts';
import { isSuspended } from '../schedule/suspension.ts';

interface Outlook {
  hasIntervals: boolean;
  /** The days of the calendars, if the job has any. */
  calendars?: ShownCalendar[] | undefined;
  /** Undefined for a job that is being deleted. */
  expectations: Expectations | undefined;
  nextScheduleAt: number | undefined;
  lastHandledTrigger: string | undefined;
  history: HistoryProgress | undefined;
  notices: NoticeMemory | undefined;
  /** How far the job has followed the ends of others. */
  followed: JobStatus['after'];
}

export function statusAfter(draft: Draft, outlook: Outlook): JobStatus {
  const { job } = draft;
  const before = job.status;
  const conditions = conditionsAfter(draft, outlook);
  return {
    observedGeneration: job.generation,
    phase: phaseOf(draft, outlook.nextScheduleAt, conditions),
    conditions,
    accountedUntil: draft.accountedUntil,
    lastScheduleAt: newestSlot(draft, before),
    nextScheduleAt: isSuspended(job.spec, draft.now) ? undefined : outlook.nextScheduleAt,
    ...endsAfter(draft, before),
    observedSchedule: scheduleFingerprint(job.spec),
    totals: draft.totals,
    lastHandledTrigger: outlook.lastHandledTrigger,
    ...clockAfter(draft, outlook),
    notices: outlook.notices,
    ...(outlook.calendars && { calendars: outlook.calendars }),
    ...numbersAfter(draft),
    ...backfillAfter(draft),
    ...(outlook.followed && { after: outlook.followed }),
  };
}

/** The number of the newest end, if jobs follow this one. */
function numbersAfter({ ends }: Draft): Pick<JobStatus, 'ends'> {
  return ends === undefined ? {} : { ends };
}

function backfillAfter({ backfill, backfilled }: Draft): Pick<JobStatus, 'backfill' | 'backfilled'> {
  return { ...(backfill && { backfill }), ...(backfilled && { backfilled }) };
}

/** The setting of the clock as this evaluation took it in; the same object while the clock is not set. */
function clockAfter(draft: Draft, { hasIntervals }: Outlook): Pick<JobStatus, 'clockEffect' | 'clock'> {
  const { job, now, accountedUntil, clock } = draft;
  const known = job.status?.clock;
  const { reference } = clock;
  const clockEffect = lastingEffect(draft.clockEffect, { now, accountedUntil, hasIntervals });
  return {
    ...(clockEffect && { clockEffect }),
    clock: known?.id === reference.id ? known : reference,
  };
}

/** Returns the status of a job whose spec is invalid: the job waits for an edit. */
export function invalidStatus(
  draft: Draft,
  { reason, message }: LshError,
  { history, expectations }: Pick<Outlook, 'history' | 'expectations'>,
): JobStatus {
  const { job, now, totals } = draft;
  const before = job.status;
  return {
    ...(before ?? notEvaluated(job)),
    observedGeneration: job.generation,
    phase: 'Invalid',
    totals,
    nextScheduleAt: undefined,
    conditions: [
      condition(job, now, { type: 'Ready', status: 'False', reason, message }),
      ...(before?.conditions ?? []).filter(({ type }) => type === 'Scheduled' || type === 'Failing'),
      ...expectationConditions(draft, expectations),
      ...historyConditions(draft, history),
    ],
    ...numbersAfter(draft),
    ...backfillAfter(draft),
  };
}

/** The status after the end of a run, without what only the leader decides. */
export function endStatus(draft: Draft, before: JobStatus): JobStatus {
  const { job, now, totals } = draft;
  const failing = condition(job, now, { type: 'Failing', ...failingCondition(draft) });
  return {
    ...before,
    ...endsAfter(draft, before),
    totals,
    conditions: before.conditions.map((known) => (known.type === 'Failing' ? failing : known)),
    ...numbersAfter(draft),
    ...backfillAfter(draft),
  };
}

/** Returns the status of a job whose evaluations keep failing: all but its condition Ready is as it was. */
export function failingStatus(job: Job, { reason, message }: LshError, now: number): JobStatus {
  const before = job.status ?? notEvaluated(job);
  const ready = condition(job, now, { type: 'Ready', status: 'False', reason, message });
  return { ...before, conditions: [ready, ...before.conditions.filter(({ type }) => type !== 'Ready')] };
}

/** The status before the first evaluation. */
function notEvaluated(job: Job): JobStatus {
  return {
    observedGeneration: 0,
    phase: 'Scheduled',
    conditions: [],
    accountedUntil: job.createdAt,
    observedSchedule: scheduleFingerprint(job.spec),
    totals: NO_TOTALS,
  };
}

/** Whether the two statuses are equal, so that no write is needed. */
export function sameStatus(a: JobStatus | undefined, b: JobStatus): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

function phaseOf(
  draft: Draft,
  nextScheduleAt: number | undefined,
  conditions: readonly Condition[],
): JobPhase {
  const { spec } = draft.job;
  if (isSuspended(spec, draft.now)) return 'Suspended';
  const active = activeRuns(draft);
  if (active.some(({ phase }) => phase === 'Running')) return 'Running';
  if (active.some(({ phase }) => phase === 'Pending')) return 'Pending';
  const isAwaited = pendingStarts(spec, draft.now).length > 0 || awaitsInstant(spec, draft.accountedUntil);
  const hasEnded = nextScheduleAt === undefined && !isAwaited && !mayFollow(draft);
  if (hasEnded && active.length === 0) return 'Ended';
  return conditions.some(({ type, status }) => type === 'Failing' && status === 'True')
    ? 'Failing'
    : 'Scheduled';
}

function conditionsAfter(draft: Draft, { nextScheduleAt, history, expectations }: Outlook): Condition[] {
  const { job, now } = draft;
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'Accepted',
    message: 'The job is valid, and lsh evaluates its schedule.',
  } as const;
  return [
    condition(job, now, ready),
    condition(job, now, { type: 'Scheduled', ...scheduledCondition(draft, nextScheduleAt) }),
    condition(job, now, { type: 'Failing', ...failingCondition(draft) }),
    ...followingConditions(draft),
    ...expectationConditions(draft, expectations),
    ...historyConditions(draft, history),
  ];
}

/** Whether the ends of other jobs may start runs. */
function mayFollow({ job: { spec }, now }: Pick<Draft, 'job' | 'now'>): boolean {
  if (spec.after === undefined) return false;
  return spec.notAfter === undefined || Date.parse(spec.notAfter) >= now;
}

/** Whether the jobs exist that this one follows. */
function followingConditions({ job, now, after }: Draft): Condition[] {
  if (job.spec.after === undefined) return [];
  const unknown = job.spec.after.filter(
    (one) => !after.some((other) => other.job === one.job && other.known),
  );
  const verdict = unknown.length === 0 ? FOLLOWS : notFollowed(unknown.map((one) => one.job));
  return [condition(job, now, { type: 'Following', ...verdict })];
}

const FOLLOWS = {
  status: 'True',
  reason: 'PredecessorsKnown',
  message: 'The jobs exist that this one follows.',
} as const;

function notFollowed(jobs: readonly string[]): Verdict {
  const names = jobs.map((name) => `"${name}"`).join(', ');
  return { status: 'False', reason: 'PredecessorUnknown', message: `There is no job ${names} to follow.` };
}

/** The conditions that only some jobs have. */
function expectationConditions({ job, now }: Draft, expectations: Expectations | undefined): Condition[] {
  return (['Overdue', 'Slow'] as const).flatMap((type) => {
    const verdict = expectations?.[type];
    return verdict === undefined ? [] : [condition(job, now, { type, ...verdict })];
  });
}

function historyConditions(draft: Draft, history: HistoryProgress | undefined): Condition[] {
  if (history === undefined) return [];
  return [condition(draft.job, draft.now, { type: 'HistorySynced', ...historyVerdict(history, draft) })];
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

function scheduledCondition({ job, now }: Draft, nextScheduleAt: number | undefined): Verdict {
  const { notBefore, notAfter, resumeAt } = job.spec;
  if (job.terminating)
    return { status: 'False', reason: 'Terminating', message: 'The job is being deleted, so no run starts.' };
  if (isSuspended(job.spec, now)) {
    const until = resumeAt === undefined ? '' : ` until ${resumeAt}`;
    return { status: 'False', reason: 'Suspended', message: `The job is suspended${until}.` };
  }
  const [start] = pendingStarts(job.spec, now);
  if (nextScheduleAt === undefined && mayFollow({ job, now }))
    return { status: 'True', reason: 'AfterJobs', message: `The job runs ${afterText(job.spec)}.` };
  if (nextScheduleAt === undefined && start !== undefined)
    return { status: 'True', reason: 'DueAtStart', message: `The job is due at ${start}.` };
  if (nextScheduleAt === undefined) {
    const end = notAfter === undefined ? '' : `; notAfter is ${notAfter}`;
    return { status: 'False', reason: 'NoFurtherSlot', message: `The schedule has no further slot${end}.` };
  }
  if (notBefore !== undefined && Date.parse(notBefore) > now)
    return { status: 'True', reason: 'NotBefore', message: `The schedule begins at ${notBefore}.` };
  return { status: 'True', reason: 'NextSlotKnown', message: 'The next slot is known.' };
}

/** The newest finished run decides. Without one in this evaluation, the recorded condition stays. */
function failingCondition(draft: Draft): Verdict {
  const newest = newestFinished(draft);
  if (newest === undefined) {
    const before = draft.job.status?.conditions.find(({ type }) => type === 'Failing');
    return before ?? { status: 'False', reason: 'NoRunYet', message: 'No run has finished yet.' };
  }
  if (newest.phase === 'Completed') {
    return { status: 'False', reason: 'LastRunCompleted', message: 'The last run completed.' };
  }
  return {
    status: 'True',
    reason: newest.reason ?? newest.phase,
    message: 'The last run was not successful.',
  };
}

/** Returns the newest run that finished in this evaluation, without those that were stopped before their start. */
function newestFinished(draft: Draft): Run | undefined {
  return changedRuns(draft)
    .filter((run) => isOwn(draft, run) && !isActive(run) && hasResult(run))
    .reduce<Run | undefined>((a, b) => ((a?.finishedAt ?? 0) > (b.finishedAt ?? 0) ? a : b), undefined);
}

/** A run that failed without a start is a failure; one that was killed before its start says nothing about the job. */
function hasResult({ startedAt, phase }: Run): boolean {
  return startedAt !== undefined || phase !== 'Killed';
}

function condition(
  job: Job,
  now: number,
  wanted: { type: ConditionType; status: Condition['status']; reason: string; message: string },
): Condition {
  const before = job.status?.conditions.find(({ type }) => type === wanted.type);
  return {
    type: wanted.type,
    status: wanted.status,
    reason: wanted.reason,
    message: wanted.message,
    lastTransitionAt: before?.status === wanted.status ? before.lastTransitionAt : now,
    observedGeneration: job.generation,
  };
}

function newestSlot(draft: Draft, before: JobStatus | undefined): number | undefined {
  const ran = draft.slots.filter(({ outcome }) => outcome === 'Ran').map(({ to }) => to);
  return newest(draft, ran, before?.lastScheduleAt);
}
