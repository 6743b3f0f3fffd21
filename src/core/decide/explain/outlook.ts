// When a job runs next, or why it does not.
import type { JobDocument } from '../../document.ts';
import { afterText, pendingStarts } from '../../schedule/job-schedule.ts';
import { takenInstant } from '../../schedule/one-shot.ts';
import { isSuspended } from '../../schedule/suspension.ts';
import { zonedInstant } from '../../schedule/zone/zoned-instant.ts';
import type { Question } from './question.ts';

/** When the job runs next, or why it does not. */
export function outlook(question: Question): string[] {
  const { job, now, at, schedule, coming = schedule } = question;
  if (isSuspended(job.spec, now)) return [suspendedText(job)];
  const next = coming.next(now);
  if (next === undefined) return outlookWithoutSlot(question);
  const { notBefore } = job.spec;
  const begins = notBefore !== undefined && Date.parse(notBefore) > now;
  return [
    ...(begins ? [`The schedule begins at ${zonedInstant(notBefore, job.spec.timeZone)} (notBefore).`] : []),
    ...(next === at ? [] : [`The next slot is ${zonedInstant(next, job.spec.timeZone)}.`]),
    ...follows(job),
  ];
}

/** What the job waits for while its schedule has no slot to come. */
function outlookWithoutSlot({ job, now, schedule }: Question): string[] {
  if (job.spec.after !== undefined) return follows(job);
  const starts = pendingStarts(job.spec, now).map((start) => `The job is due at ${start}.`);
  if (starts.length > 0) return starts;
  const taken = takenInstant(job.spec, schedule.limits, now);
  if (taken !== undefined) return [taken];
  const { notAfter } = job.spec;
  return [
    `The schedule has no further slot${notAfter === undefined ? '' : `; notAfter is ${zonedInstant(notAfter, job.spec.timeZone)}`}.`,
  ];
}

function suspendedText({ metadata, spec: { resumeAt, timeZone } }: JobDocument): string {
  const until = resumeAt === undefined ? 'now' : `until ${zonedInstant(resumeAt, timeZone)}`;
  return `The job is suspended ${until}: \`lsh cron resume ${metadata.name}\` lets it run again.`;
}

/** The jobs that this one follows, and those of them that do not exist. */
function follows({ spec, status }: JobDocument): string[] {
  if (spec.after === undefined) return [];
  const following = status?.conditions.find(({ type }) => type === 'Following');
  const unknown = following?.status === 'False' ? [following.message] : [];
  return [`The job runs ${afterText(spec)}.`, ...unknown];
}
