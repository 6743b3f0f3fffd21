// From a job to its slots: which parts of the spec decide them.
import type { Job, JobSpec } from '../job.ts';
import { compileSchedule, type Schedule } from './schedule.ts';

/**
 * The schedule of a job. `startedAt` is the one slot of `@reboot`: when the local daemon started (milliseconds),
 * undefined in a cluster. Throws SCHEDULE_INVALID or TIMEZONE_INVALID.
 */
export function jobSchedule(
  { key, spec, createdAt }: Pick<Job, 'key' | 'spec' | 'createdAt'>,
  startedAt?: number,
): Schedule {
  return compileSchedule({
    expressions: expressionsOf(spec),
    timeZone: spec.timeZone,
    seed: key,
    anchor: createdAt,
    startedAt,
    notBefore: spec.notBefore === undefined ? undefined : Date.parse(spec.notBefore),
    notAfter: spec.notAfter === undefined ? undefined : Date.parse(spec.notAfter),
  });
}

function expressionsOf({ schedule, schedules }: JobSpec): readonly string[] {
  return schedules ?? (schedule === undefined ? [] : [schedule]);
}

/**
 * Since when the slots of a job are evaluated by a process that began to do so at the given instant
 * (milliseconds). The slot of `@reboot` is the second in which the process started, and nobody was late for it;
 * any other slot of that second fell while nobody looked.
 */
export function evaluatedSince(spec: JobSpec, evaluatingSince: number): number {
  const atStart = expressionsOf(spec).some((expression) => expression.trim().toLowerCase() === '@reboot');
  return atStart ? Math.floor(evaluatingSince / 1000) * 1000 : evaluatingSince;
}
