// The dead man's switch: a job is overdue if it has not completed in time. Facts and the clock alone decide, so a job is overdue
// as well while its slots are forbidden, its runs are stuck, or a person has forgotten that it is paused.
import { wakeBy, type Draft } from '../draft.ts';
import { parseDuration } from '../../duration.ts';
import type { Condition, Job } from '../../job.ts';
import { zonedInstant } from '../../schedule/zone/zoned-instant.ts';
import { pendingStarts } from '../../schedule/job-schedule.ts';
import type { Schedule } from '../../schedule/schedule.ts';
import { retryDelayMs } from '../retry.ts';

/** What `auto` adds to the usual duration, for what delays every start now and then. */
const AUTO_SLACK_MS = 5 * 60_000;
/** How much longer than usual a run may take before `auto` calls it late. */
const AUTO_FACTOR = 2;

export interface Expectation {
  /** The last success; without one, the creation of the job. */
  since: number;
  /** When the next success is due, milliseconds since the epoch. */
  by: number;
}

interface Facts {
  now: number;
  lastSuccessAt: number | undefined;
  /** Median duration of the completed runs, milliseconds; undefined before the first. */
  usualMs: number | undefined;
  /** Undefined for a job whose spec is invalid. */
  schedule: Schedule | undefined;
}

/** Undefined if the spec expects nothing, if no slot is to come that could succeed, or if `auto` finds no slot. */
export function expectedSuccess(job: Job, facts: Facts): Expectation | undefined {
  const { expectSuccessWithin: within, notBefore } = job.spec;
  if (within === undefined) return undefined;
  const { now, lastSuccessAt, schedule } = facts;
  // A success ahead of now is from before the clock was set back.
  const since = Math.min(now, lastSuccessAt ?? job.createdAt);
  const from = Math.max(since, instant(notBefore), instant(resumeOf(job)));
  const nextSlot = schedule?.next(from);
  if (schedule !== undefined && nextSlot === undefined && !mayStart(job, now)) return undefined;
  if (within !== 'auto') {
    const ms = parseDuration(within);
    return ms === undefined ? undefined : { since, by: from + ms };
  }
  return nextSlot === undefined ? undefined : { since, by: nextSlot + autoMs(job, facts.usualMs) };
}

/** Whether something else than a slot may start a run: the machine, the daemon, or the end of another job. */
function mayStart({ spec }: Job, now: number): boolean {
  if (pendingStarts(spec, now).length > 0) return true;
  return spec.after !== undefined && (spec.notAfter === undefined || Date.parse(spec.notAfter) >= now);
}

/** A pause with an end is meant: the job is expected again from then on. */
function resumeOf({ spec: { suspend, resumeAt } }: Job): string | undefined {
  return suspend ? resumeAt : undefined;
}

function instant(text: string | undefined): number {
  return text === undefined ? -Infinity : Date.parse(text) || -Infinity;
}

/** How long after its slot a run that needs all its attempts has completed. Before the first success its timeout stands for the duration. */
function autoMs({ name, spec }: Job, usualMs: number | undefined): number {
  const { retry, jitterSeconds, timeoutSeconds = 0 } = spec;
  const attemptMs = usualMs === undefined ? timeoutSeconds * 1000 : AUTO_FACTOR * usualMs;
  let ms = jitterSeconds * 1000 + attemptMs + AUTO_SLACK_MS;
  for (let failure = 1; failure <= retry.limit; failure++)
    ms += attemptMs + retryDelayMs(name, failure, { ...retry, jitter: 0 }) * (1 + retry.jitter);
  return ms;
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/**
 * The condition Overdue after this evaluation, with an event when it becomes true. Undefined where nothing is expected. Call it
 * after the ends of this evaluation are known.
 */
export function overdueVerdict(draft: Draft, facts: Omit<Facts, 'now'>): Verdict | undefined {
  const { job, now } = draft;
  const expectation = expectedSuccess(job, { ...facts, now });
  if (expectation === undefined) return undefined;
  const { by } = expectation;
  const say = (instant: number) => zonedInstant(instant, job.spec.timeZone);
  if (now < by) {
    wakeBy(draft, by);
    return { status: 'False', reason: 'InTime', message: `A run is to complete by ${say(by)}.` };
  }
  const last =
    facts.lastSuccessAt === undefined
      ? 'none has completed yet'
      : `the last one completed at ${say(facts.lastSuccessAt)}`;
  const message = `A run was to complete by ${say(by)}; ${last}.`;
  const before = job.status?.conditions.find(({ type }) => type === 'Overdue');
  if (before?.status !== 'True') draft.events.push({ kind: 'JobOverdue', since: by, message });
  return { status: 'True', reason: 'NoSuccess', message };
}
