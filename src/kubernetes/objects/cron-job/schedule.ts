// Converts when a CronJob is due, and its policies for overlapping and missed runs.
import { LshError } from '../../../core/errors.ts';
import type { JobSpecInput } from '../../../core/spec/job-spec.ts';
import { convertExpression } from './expression.ts';
import { clamp, type CronJobSpec, type Findings } from './findings.ts';

const YEAR_SECONDS = 365 * 86_400;
/** Servers before 1.25 accept it, and every server keeps it. It wins over timeZone. */
const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S*)\s+/;

/** Converts the fields that decide when the job runs. */
export function convertSchedule(findings: Findings, spec: CronJobSpec): JobSpecInput {
  const { startingDeadlineSeconds, suspend } = spec;
  const history = (field: 'successfulJobsHistoryLimit' | 'failedJobsHistoryLimit', standard: number) =>
    clamp(findings, field, spec[field] ?? standard, [0, 100]);
  const schedule = expression(findings, spec);
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
    schedule,
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

function expression({ notes, problems }: Findings, { schedule = '' }: CronJobSpec): string {
  const written = schedule.replace(ZONE_PREFIX, '').trim();
  try {
    const { expression, note } = convertExpression(written);
    if (note !== undefined) notes.push(note);
    if (expression.startsWith('@every')) {
      notes.push('schedule: @every counts from the creation of the LshJob.');
    }
    return expression;
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    problems.push({ path: 'spec.schedule', message: `is "${schedule}": ${String(error.fields.detail)}` });
    return written;
  }
}

function timeZone({ notes, problems }: Findings, spec: CronJobSpec): string {
  const prefix = ZONE_PREFIX.exec(spec.schedule ?? '')?.[1];
  if (prefix === 'Local') {
    const message = 'has the zone Local, that of kube-controller-manager: name the zone in spec.timeZone';
    problems.push({ path: 'spec.schedule', message });
  }
  if (prefix !== undefined) {
    // Go reads an empty zone as UTC.
    const zone = prefix === '' ? 'UTC' : prefix;
    const loser =
      spec.timeZone === undefined || spec.timeZone === zone ? '' : `, which wins over ${spec.timeZone}`;
    notes.push(`timeZone: ${zone} was taken from the schedule${loser}.`);
    return zone;
  }
  if (spec.timeZone === undefined) {
    notes.push('timeZone: none is set, so the zone of kube-controller-manager counted; UTC is taken.');
  }
  return spec.timeZone ?? 'UTC';
}
