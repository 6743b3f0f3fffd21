// When a CronJob is due, and what it does while a run is active or after one was missed.
import type { JobSpecInput } from '../../../core/job.ts';
import { within, type CronJobSpec, type Reading } from './reading.ts';

const YEAR_SECONDS = 365 * 86_400;
/** Accepted by older servers only, and never documented. */
const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;

/** The fields that decide when it runs. */
export function carriedSchedule(reading: Reading, spec: CronJobSpec): JobSpecInput {
  const { schedule = '', startingDeadlineSeconds, suspend } = spec;
  const history = (field: 'successfulJobsHistoryLimit' | 'failedJobsHistoryLimit', standard: number) =>
    within(reading, field, spec[field] ?? standard, [0, 100]);
  if (schedule.includes('@every')) {
    reading.notes.push('schedule: @every counts from the creation of the LshJob.');
  }
  if (spec.concurrencyPolicy === 'Forbid') {
    reading.notes.push(
      'concurrencyPolicy: a slot that Forbid skips stays skipped; a CronJob starts the newest one when its Job ends. With Queue it waits.',
    );
  }
  if (suspend) {
    reading.notes.push(
      'suspend: slots that pass meanwhile are not run when it is resumed; a CronJob may run the newest one.',
    );
  }
  return {
    // A question mark is the star of some crons.
    schedule: schedule.replace(ZONE_PREFIX, '').replaceAll('?', '*'),
    timeZone: timeZone(reading, spec),
    // Theirs is Allow, ours Forbid.
    concurrencyPolicy: spec.concurrencyPolicy ?? 'Allow',
    ...(suspend && { suspend }),
    ...(typeof startingDeadlineSeconds === 'number' && {
      startingDeadlineSeconds: within(reading, 'startingDeadlineSeconds', startingDeadlineSeconds, [
        1,
        YEAR_SECONDS,
      ]),
    }),
    successfulRunsHistoryLimit: history('successfulJobsHistoryLimit', 3),
    failedRunsHistoryLimit: history('failedJobsHistoryLimit', 1),
  };
}

function timeZone({ notes }: Reading, spec: CronJobSpec): string {
  const named = spec.timeZone ?? ZONE_PREFIX.exec(spec.schedule ?? '')?.[1];
  if (named === undefined) {
    notes.push('timeZone: none is set, so that kube-controller-manager’s own counted; UTC is taken.');
  } else if (spec.timeZone === undefined) {
    notes.push(`timeZone: ${named} was taken from the schedule.`);
  }
  return named ?? 'UTC';
}
