// The one instant of a job that runs once: a civil time in the zone of the job, or an instant with an offset.
import type { JobStatus } from '../job.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { DAY_SECONDS } from './calendar.ts';
import { dayOfDate } from './days/dates.ts';
import { takenText } from './days/day-rules.ts';
import type { LimitedSchedule } from './days/limited-schedule.ts';
import { segmentAt, segmentEnd, zoneNamed, type Zone } from './zone/zone.ts';

const FORM = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d)?$/;

/**
 * Milliseconds of `2026-12-24T10:00:00`, with or without an offset; undefined for a text of another form, or a time that
 * no day has. The zone must be valid. As for fixed hours of a schedule, a time that a clock change skips is the first
 * instant after it, and of a time that it repeats the first one counts.
 */
export function instantOfAt(text: string, timeZone: string): number | undefined {
  const [, date = '', hour, minute, second = '0', offset] = FORM.exec(text) ?? [];
  const day = dayOfDate(date);
  if (day === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const wall = day * DAY_SECONDS + Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  if (offset !== undefined) return withOffset(wall, offset);
  return firstInstant(zoneNamed(timeZone), wall) * 1000;
}

function withOffset(wall: number, offset: string): number | undefined {
  if (offset === 'Z') return wall * 1000;
  const [hours, minutes] = offset.slice(1).split(':').map(Number) as [number, number];
  if (hours > 23 || minutes > 59) return undefined;
  return (wall - (offset.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60)) * 1000;
}

/** The first instant at which the clock of the zone shows the time (both in seconds), or has jumped over it. */
function firstInstant(zone: Zone, wall: number): number {
  // No clock is further from UTC than a day.
  for (let segment = segmentAt(zone, wall - DAY_SECONDS); ; segment++) {
    const instant = wall - zone.offsets[segment]!;
    if (instant < zone.starts[segment]!) return zone.starts[segment]!;
    if (instant < segmentEnd(zone, segment)) return instant;
  }
}

/** Whether the one slot of the job still has no outcome; false for a job with a schedule. */
export function awaitsInstant({ at, timeZone }: JobSpec, accountedUntil: number): boolean {
  return at !== undefined && accountedUntil < (instantOfAt(at, timeZone) ?? 0);
}

/**
 * Why a job that runs once would never run; undefined if no day rule takes its coming instant. A calendar may give the day
 * back until then.
 */
export function takenInstant(
  { at, timeZone }: Pick<JobSpec, 'at' | 'timeZone'>,
  limits: Pick<LimitedSchedule, 'takenBy'> | undefined,
  now: number,
): string | undefined {
  const instant = at === undefined ? undefined : instantOfAt(at, timeZone);
  const taker = instant !== undefined && instant > now ? limits?.takenBy(instant) : undefined;
  return taker && `The job is not due at ${at}: ${takenText(taker)}.`;
}

/** Whether a job that runs once is over: its slot has its outcome, and no run of it is active or to come. */
export function isOver({ spec, status }: { spec: JobSpec; status?: JobStatus | undefined }): boolean {
  if (spec.at === undefined || status?.phase !== 'Ended') return false;
  return !awaitsInstant(spec, status.accountedUntil);
}
