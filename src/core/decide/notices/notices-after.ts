// The notices that an evaluation owes: its events as the rules of core/notices see them.
import { isRetried } from '../retry.ts';
import type { Draft } from '../draft.ts';
import type { JobEvent } from '../events.ts';
import { parseDuration } from '../../duration.ts';
import type { JobSpec } from '../../spec/job-spec.ts';
import { noticesDue, type NoticeAnswer } from '../../notices/due.ts';
import { USUAL_KINDS, type Happening, type NoticeHome, type NoticeRule } from '../../notices/notice.ts';
import type { SlotOutcome, SlotRecord } from '../../run.ts';

/** Outcomes that mean that lsh was too late; the others are the policy of the job. */
const LATE: ReadonlySet<SlotOutcome> = new Set(['Missed', 'DeadlineExceeded']);

export function noticesAfter(draft: Draft, home: NoticeHome | undefined): NoticeAnswer {
  const { job, events, now } = draft;
  const rules = job.spec.notify === undefined ? (home?.rules ?? []) : rulesOf(job.spec.notify);
  const happenings = events
    .map((event) => happeningOf(event, job.spec))
    .filter((happening) => happening !== undefined);
  const answer = noticesDue({ uid: job.uid, rules, memory: job.status?.notices, happenings, now });
  const { groups = {} } = home ?? {};
  for (const notice of answer.notices) {
    const group = groups[notice.kind];
    if (group !== undefined) notice.group = group;
  }
  return answer;
}

/** The rules as a document writes them, with their defaults. */
export function rulesOf(rules: NonNullable<JobSpec['notify']>): NoticeRule[] {
  return rules.map(({ channels, events, after, repeat }) => ({
    channels,
    on: events ?? USUAL_KINDS,
    after: after ?? 1,
    repeatMs: repeat === undefined ? undefined : parseDuration(repeat),
  }));
}

/** Undefined for what is no fault, and for what the owner of the job sees at once. */
function happeningOf(event: JobEvent, { retry }: JobSpec): Happening | undefined {
  if (event.kind === 'RunFinished')
    return isRetried(event.run, retry) ? undefined : { kind: 'Ended', run: event.run };
  if (event.kind === 'RunStuck' || event.kind === 'RunSlow')
    return { kind: event.kind === 'RunStuck' ? 'Stuck' : 'Slow', run: event.run, message: event.message };
  if (event.kind === 'RunStarted')
    return event.run.attempt === 1 ? { kind: 'Started', run: event.run } : undefined;
  if (event.kind === 'JobOverdue') return { kind: 'Overdue', since: event.since, message: event.message };
  return event.kind === 'SlotsNotRun' ? missed(event.slots) : undefined;
}

function missed({ outcome, from: slot, pass, count, cause }: SlotRecord): Happening | undefined {
  return LATE.has(outcome) ? { kind: 'Missed', slot, pass, count, cause: cause ?? outcome } : undefined;
}
