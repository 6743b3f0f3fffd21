// What a step of the wall clock means for one job. Instants that measure a delay or a duration move with the clock, so
// that what is left of them stays the same. Slots that the clock passes again are slots of the next pass.
//
// A step back of at most three hours is a correction: patterns in real time follow the clock at once, and fixed times
// that ran do not come back. Beyond that the new time counts as it is.
import type { ClockEffect, ClockReference, Job, JobStatus } from '../job.ts';
import { isActive, type Run } from '../run.ts';
import { NO_EFFECT } from '../schedule/clock-effect.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { scheduleFingerprint } from './due.ts';

/**
 * The wall clock is behind its own past by more than this many milliseconds: the new time counts. A recorded instant
 * that is ahead by less, and no known step, is another machine’s clock.
 */
export const CLOCK_CORRECTION_MS = 3 * 3_600_000;
/** A clock that is behind by less repeats no slot of a schedule whose slots are farther apart: it waits instead. */
const SMALL_STEP_MS = 60_000;

/** The wall clock was set. */
export interface ClockStep {
  /** What it showed before, milliseconds. */
  at: number;
  /** By how much it moved: whole seconds, in milliseconds; negative if it was set back. */
  byMs: number;
  /** Set if lsh did not run then; `at` is the last time that it recorded. */
  whileAway?: true;
}

/** The setting of the wall clock, and its steps that this process has noticed, oldest first. */
export interface ClockReading {
  reference: ClockReference;
  steps: readonly ClockStep[];
}

/** A job that has not been evaluated since a step, as the step leaves it. */
export interface SteppedJob {
  job: Job;
  /** By how much the clock moved since the last evaluation, milliseconds; 0 for no step. */
  byMs: number;
  /** The instants that the clock jumped over while this process watched it. */
  jumpedOver?: { after: number; until: number };
}

interface Step {
  byMs: number;
  /** What the clock showed after the step: every later slot passes in real time. */
  resumedAt: number;
  noticed: boolean;
}

/** Moves the cursor and the schedule of the job with the clock. `schedule` is undefined for an invalid spec. */
export function afterStep(
  job: Job,
  { now, clock, schedule }: { now: number; clock: ClockReading; schedule?: Schedule },
): SteppedJob {
  const { status } = job;
  const step = status && stepSince(status, now, clock);
  if (step === undefined) return { job: inThisBoot(job, clock.reference), byMs: 0 };
  const { byMs, resumedAt, noticed } = step;
  const moved = byMs > 0 ? aheadBy(status!, byMs) : setBack(status!, step, { now, schedule });
  return {
    job: { ...job, status: { ...status!, ...moved, clock: clock.reference } },
    byMs,
    ...(byMs > 0 && noticed && { jumpedOver: { after: resumedAt - byMs, until: resumedAt } }),
  };
}

/** A new boot has starts of its own, whatever the clock showed before. */
function inThisBoot(job: Job, reference: ClockReference): Job {
  const { clockEffect, clock } = job.status ?? {};
  if (!clockEffect?.startsAfter || clock?.id === reference.id) return job;
  return { ...job, status: { ...job.status!, clockEffect: { ...clockEffect, startsAfter: 0 } } };
}

/** The step between the last evaluation and now. Clocks of two boots or two machines cannot be compared. */
function stepSince(
  { clock: known, accountedUntil }: JobStatus,
  now: number,
  clock: ClockReading,
): Step | undefined {
  const { reference, steps } = clock;
  const byMs = known?.id === reference.id ? reference.offsetMs - known.offsetMs : 0;
  if (byMs !== 0) {
    const last = steps.at(-1) ?? { at: now - byMs, byMs, whileAway: true };
    return { byMs, resumedAt: last.at + last.byMs, noticed: last.whileAway !== true };
  }
  const aheadMs = accountedUntil - now;
  if (aheadMs <= CLOCK_CORRECTION_MS) return undefined;
  return { byMs: -Math.ceil(aheadMs / 1000) * 1000, resumedAt: now, noticed: false };
}

type Moved = Pick<JobStatus, 'accountedUntil' | 'clockEffect'>;

/** Intervals go on; every other slot that the clock jumped over is still to be accounted for. */
function aheadBy({ accountedUntil, clockEffect = NO_EFFECT }: JobStatus, byMs: number): Moved {
  return { accountedUntil, clockEffect: withIntervals(clockEffect, accountedUntil, byMs) };
}

function withIntervals(effect: ClockEffect, accountedUntil: number, byMs: number): ClockEffect {
  return {
    ...effect,
    shiftMs: effect.shiftMs + byMs,
    intervalsAfter: wholeSeconds(Math.max(accountedUntil, effect.intervalsAfter) + byMs),
    startsAfter: wholeSeconds(Math.max(accountedUntil, effect.startsAfter) + byMs),
  };
}

function setBack(
  status: JobStatus,
  { byMs, resumedAt }: Step,
  { now, schedule }: { now: number; schedule?: Schedule },
): Moved {
  const { accountedUntil, clockEffect = NO_EFFECT } = status;
  const effect = withIntervals(clockEffect, accountedUntil, byMs);
  /** The latest time that the clock has ever shown. */
  const passUntil = Math.max(clockEffect.passUntil, wholeSeconds(now - byMs));
  const isCorrection = passUntil - now <= CLOCK_CORRECTION_MS;
  const repeatsOne = schedule?.under(clockEffect).previous(accountedUntil - 1, resumedAt) === undefined;
  const wildcardsAfter =
    passUntil - now <= SMALL_STEP_MS && repeatsOne
      ? accountedUntil
      : Math.min(accountedUntil, wholeSeconds(resumedAt));
  /** No slot between the newest slot with a run and the cursor has run. */
  const ranUntil = Math.max(clockEffect.fixedAfter, Math.min(accountedUntil, status.lastScheduleAt ?? 0));
  const fixedAfter = isCorrection ? Math.max(wildcardsAfter, ranUntil) : wildcardsAfter;
  return {
    accountedUntil:
      schedule?.hasIntervals === false ? wildcardsAfter : Math.min(wildcardsAfter, effect.intervalsAfter),
    clockEffect: { ...effect, wildcardsAfter, fixedAfter, pass: clockEffect.pass + 1, passUntil },
  };
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** The run after the step: what measures from its instants, such as a delay or a timeout, is not affected. */
export function movedRun(run: Run, byMs: number, isOfThisClock: (run: Run) => boolean): Run {
  if (byMs === 0 || !isActive(run) || !isOfThisClock(run)) return run;
  const { createdAt, startAfter, startedAt } = run;
  return {
    ...run,
    createdAt: createdAt + byMs,
    startAfter: startAfter + byMs,
    ...(startedAt !== undefined && { startedAt: startedAt + byMs }),
  };
}

/** The effect on the schedule as it is now: an edited schedule has passed none of its slots yet. */
export function effectOn(
  { spec, status, createdAt }: Pick<Job, 'spec' | 'status' | 'createdAt'>,
  { steps }: Pick<ClockReading, 'steps'>,
): ClockEffect | undefined {
  if (status === undefined) return effectOnNew(createdAt, steps);
  const effect = status.clockEffect;
  if (effect === undefined || status.observedSchedule === scheduleFingerprint(spec)) return effect;
  const { shiftMs, pass, passUntil } = effect;
  return { ...NO_EFFECT, shiftMs, pass, passUntil };
}

/**
 * A job that is added while the clock shows times again has names of their own for them: a removed job of its name may
 * have run their slots. Every job has passed at most one more time than the clock was set back.
 */
function effectOnNew(createdAt: number, steps: readonly ClockStep[]): ClockEffect | undefined {
  const back = steps.filter(({ byMs }) => byMs < 0);
  const passUntil = Math.max(0, ...back.map(({ at }) => wholeSeconds(at)));
  return passUntil > createdAt ? { ...NO_EFFECT, pass: back.length + 1, passUntil } : undefined;
}

/**
 * The part of the effect that still matters. The number of the pass stays for good: the clock may be set back again to
 * slots of this pass.
 */
export function lastingEffect(
  effect: ClockEffect | undefined,
  { now, accountedUntil, hasIntervals }: { now: number; accountedUntil: number; hasIntervals: boolean },
): ClockEffect | undefined {
  if (effect === undefined) return undefined;
  const shiftMs = hasIntervals ? effect.shiftMs : 0;
  const { pass, passUntil } = effect;
  const newest = Math.max(
    effect.intervalsAfter,
    effect.startsAfter,
    effect.wildcardsAfter,
    effect.fixedAfter,
  );
  if (passUntil > now || newest > accountedUntil) return { ...effect, shiftMs };
  return shiftMs === 0 && pass === 1 ? undefined : { ...NO_EFFECT, shiftMs, pass, passUntil };
}
