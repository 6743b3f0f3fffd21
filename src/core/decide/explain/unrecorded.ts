// Why there is no record of an instant.
import type { JobDocument } from '../../document.ts';
import { formatDuration } from '../../duration.ts';
import { takenText } from '../../schedule/days/day-rules.ts';
import { nextStarts } from '../../schedule/expression/start-macros.ts';
import { isSuspended } from '../../schedule/suspension.ts';
import { zonedInstant } from '../../schedule/zone/zoned-instant.ts';
import { isSlot, type Question } from './question.ts';

/** A slot without a record may still be evaluated for this many milliseconds: two evaluation intervals. */
const UNRECORDED_AFTER_MS = 120_000;

export function explainUnrecorded(question: Question): string[] {
  const { job, at, now } = question;
  const say = (instant: number | string) => zonedInstant(instant, job.spec.timeZone);
  const time = say(at);
  const created = Date.parse(job.metadata.creationTimestamp);
  if (at < created) {
    return [
      `${time} is before the job was created (${say(job.metadata.creationTimestamp)}), so lsh kept no record.`,
    ];
  }
  if (!isSlot(question)) return explainNonSlot(question, created);
  const taker = question.schedule.limits?.takenBy(at);
  if (at > now && taker !== undefined)
    return [`${time} is in the future, and the job is not due then: ${takenText(taker)}.`];
  if (at > now && isSuspended(job.spec, at))
    return [
      `${time} is in the future; the schedule has a slot then, and the job does not run while it is suspended.`,
    ];
  if (at > now) return [`${time} is in the future; the job is due then${invalidText(job)}.`];
  if (taker !== undefined) {
    return [
      `The slot ${time} did not run: ${takenText(taker)}. lsh records the slots of a day that is left out with the last of them.`,
    ];
  }
  if (isSuspended(job.spec, now)) {
    return [`The slot ${time} did not run: the job is suspended. lsh records the slot when the job resumes.`];
  }
  if (now - at < UNRECORDED_AFTER_MS) {
    return [
      `The slot ${time} is only ${formatDuration(now - at)} old, and lsh has not evaluated it yet; ask again shortly.`,
    ];
  }
  return [
    `The schedule has a slot at ${time}, but lsh has no record of it.`,
    'The schedule has changed since, lsh has not evaluated the job since, or the record was too old to keep.',
  ];
}

/** Why an invalid job starts nothing, as the rest of a sentence. */
function invalidText({ status }: JobDocument): string {
  const ready = status?.conditions.find(({ type }) => type === 'Ready');
  if (status?.phase !== 'Invalid' || ready === undefined) return '';
  return `, and does not start before this is corrected: ${ready.message.replace(/\.$/, '')}`;
}

function explainNonSlot({ job, schedule, at }: Question, created: number): string[] {
  const say = (instant: number) => zonedInstant(instant, job.spec.timeZone);
  if (job.spec.after !== undefined && !hasOwnSchedule(job.spec))
    return [`No run of this job follows a run of the slot ${say(at)}.`];
  const expressions = job.spec.schedules ?? [job.spec.schedule ?? job.spec.at ?? ''];
  const written = expressions.map((expression) => `"${expression}"`).join(', ');
  const before = schedule.previous(at, created);
  const next = schedule.next(at);
  const answer = `${say(at)} is not a slot of ${written} in ${job.spec.timeZone}.`;
  if (before === undefined && next === undefined && nextStarts(expressions).length > 0) return [answer];
  return [
    answer,
    `${before === undefined ? 'There is no slot before it' : `The slot before it is ${say(before)}`}, ${next === undefined ? 'and none after it' : `the next one ${say(next)}`}.`,
  ];
}

function hasOwnSchedule({ schedule, schedules, at }: JobDocument['spec']): boolean {
  return (schedule ?? schedules ?? at) !== undefined;
}
