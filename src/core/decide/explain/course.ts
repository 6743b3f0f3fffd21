// What happened to a run, as a part of a sentence.
import type { RunDocument } from '../../document.ts';
import { formatDuration } from '../../duration.ts';
import { zonedInstant } from '../../schedule/zone/zoned-instant.ts';
import { groupText, type GroupView } from '../related/group-view.ts';

/** What happened to the run, as a predicate without a full stop; instants in the zone. */
export function courseOf(run: RunDocument, timeZone: string): string {
  const say = (instant: string) => zonedInstant(instant, timeZone);
  if (run.phase === 'Pending') return pendingCourse(run, timeZone);
  const { createdAt, startAfter, startedAt, finishedAt, phase, reason, message, exitCode } = run;
  const secrets = run.secretsVersion === undefined ? '' : ` with the secrets ${run.secretsVersion}`;
  if (startedAt === undefined && finishedAt === undefined) {
    return `waits since ${say(createdAt)}${startAfter === undefined ? '' : `, not to start before ${say(startAfter)}`}`;
  }
  const start = startedAt === undefined ? 'never started' : `started at ${say(startedAt)}${secrets}`;
  if (finishedAt === undefined) return `${start} and is still running`;
  const length =
    startedAt === undefined ? '' : ` after ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
  const details = [reason, exitCode === undefined ? undefined : `exit code ${exitCode}`, message];
  const why = phase === 'Completed' ? '' : details.filter((detail) => detail !== undefined).join(', ');
  return `${start} and ended as ${phase}${length}${why === '' ? '' : ` (${why.replace(/\.$/, '')})`}`;
}

function pendingCourse(
  { createdAt, startAfter = createdAt, message }: RunDocument,
  timeZone: string,
): string {
  const why = message === undefined ? '' : ` (${message.replace(/\.$/, '')})`;
  return `is Pending since ${zonedInstant(startAfter, timeZone)}: its command has not begun${why}`;
}

/** What a run waits for that waits in a concurrency group, as the rest of a sentence. */
export function lineOf({ phase, message }: RunDocument, group: GroupView | undefined): string {
  return phase === 'Created' && message !== undefined && group ? `; it waits for ${groupText(group)}` : '';
}
