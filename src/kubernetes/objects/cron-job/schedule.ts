// Converts when a CronJob is due, and its policies for overlapping and missed runs.
import type { JobSpecInput } from '../../../core/job.ts';
import { clamp, type CronJobSpec, type Findings } from './findings.ts';

const YEAR_SECONDS = 365 * 86_400;
/** Servers before 1.25 accept it. */
const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;

/** Converts the fields that decide when the job runs. */
export function convertSchedule(findings: Findings, spec: CronJobSpec): JobSpecInput {
  const { schedule = '', startingDeadlineSeconds, suspend } = spec;
  const history = (field: 'successfulJobsHistoryLimit' | 'failedJobsHistoryLimit', standard: number) =>
    clamp(findings, field, spec[field] ?? standard, [0, 100]);
  if (schedule.includes('@every')) {
    findings.notes.push('schedule: @every counts from the creation of the LshJob.');
  }
  if (spec.concurrencyPolicy === 'Forbid') {
    findings.notes.push(
      'concurrencyPolicy: a slot that Forbid skips stays skipped; a CronJob starts the newest one when its Job ends. With Queue it waits.',
    );
  }
  if (suspend) {
    findings.notes.push(
      'suspend: slots that pass meanwhile are not run when it is resumed; a CronJob may run the newest one.',
    );
  }
  return {
    // A question mark is the star of some crons.
    schedule: schedule.replace(ZONE_PREFIX, '').replaceAll('?', '*'),
    timeZone: timeZone(findings, spec),
    // The default of a CronJob is Allow, that of an LshJob Forbid.
    concurrencyPolicy: spec.concurrencyPolicy ?? 'Allow',
    ...(suspend && { suspend }),
    ...(typeof startingDeadlineSeconds === 'number' && {
      startingDeadlineSeconds: clamp(findings, 'startingDeadlineSeconds', startingDeadlineSeconds, [
        1,
        YEAR_SECONDS,
      ]),
    }),
    successfulRunsHistoryLimit: history('successfulJobsHistoryLimit', 3),
    failedRunsHistoryLimit: history('failedJobsHistoryLimit', 1),
  };
}

function timeZone({ notes }: Findings, spec: CronJobSpec): string {
  const named = spec.timeZone ?? ZONE_PREFIX.exec(spec.schedule ?? '')?.[1];
  if (named === undefined) {
    notes.push('timeZone: none is set; kube-controller-manager’s zone counted; UTC is taken.');
  } else if (spec.timeZone === undefined) {
    notes.push(`timeZone: ${named} was taken from the schedule.`);
  }
  return named ?? 'UTC';
}
