// What the record of a slot says: how it ran, or why it did not.
import type { RunDocument, SlotDocument } from '../../document.ts';
import { formatDuration } from '../../duration.ts';
import { isOfSlot } from '../../run.ts';
import { zonedInstant } from '../../schedule/zone/zoned-instant.ts';
import type { Question } from './question.ts';
import { causeText } from './causes.ts';
import { courseOf, lineOf } from './course.ts';

export function explainRecord(record: SlotDocument, question: Question): string[] {
  if (record.outcome === 'Ran') return explainRun(record, question);
  const say = (instant: number | string) => zonedInstant(instant, question.job.spec.timeZone);
  const why = causeText(record);
  const outcome = `The slot ${say(question.at)} did not run (${record.outcome}): ${why}.`;
  const stretch = `It is one of ${record.count} slots from ${say(record.from)} to ${say(record.to)} with the same outcome.`;
  return [
    outcome,
    ...(record.count === 1 ? [] : [stretch]),
    ...(record.cause === 'RunActive' ? explainActive(question) : []),
    ...(record.recordedAt === undefined ? [] : explainLate(record, Date.parse(record.recordedAt), question)),
  ];
}

/** The run in the way, if it still is. A pending one needs help: it ends by itself only when its time is up. */
function explainActive({ at, group, job: { spec, status } }: Question): string[] {
  const runs = status?.active ?? [];
  const active = runs.find(({ phase }) => phase === 'Pending' || phase === 'Running') ?? (group && runs[0]);
  if (active === undefined || Date.parse(active.createdAt) > at) return [];
  return [`The active run is ${active.name}; it ${courseOf(active, spec.timeZone)}${lineOf(active, group)}.`];
}

/** How late lsh found the slot, and what missedRunPolicy says about late slots. */
function explainLate({ outcome, cause }: SlotDocument, recordedAt: number, question: Question): string[] {
  // The clock was wrong before or after, so the lateness that it shows means nothing.
  if (cause === 'ClockSetAhead') return outcome === 'Missed' ? [policyOnLate(recordedAt, question)] : [];
  const found = `lsh found it ${formatDuration(recordedAt - question.at)} late, at ${zonedInstant(recordedAt, question.job.spec.timeZone)}`;
  if (outcome === 'DeadlineExceeded') return [`${found}.`];
  return outcome === 'Missed' ? [`${found}. ${policyOnLate(recordedAt, question)}`] : [];
}

function policyOnLate(recordedAt: number, { at, job: { spec }, schedule }: Question): string {
  if (spec.missedRunPolicy === 'Skip') return 'missedRunPolicy is Skip: no late slot runs.';
  if (spec.missedRunPolicy === 'All')
    return `missedRunPolicy is All: the newest ${spec.maxMissedRuns} late slots run (maxMissedRuns).`;
  const newest = schedule.previous(recordedAt, at);
  const instead = newest === undefined ? '' : `, ${zonedInstant(newest, spec.timeZone)}`;
  return `missedRunPolicy is Latest: of the slots due then, only the newest runs${instead}.`;
}

function explainRun(record: SlotDocument, question: Question): string[] {
  const { runs, at, job } = question;
  const first = runs.find(({ name }) => name === record.run);
  if (!first) {
    return [
      `The slot ${zonedInstant(at, job.spec.timeZone)} ran as ${record.run ?? 'a run'}, whose record is no longer kept.`,
    ];
  }
  const attempts = runs
    .filter((run) => run.slot === first.slot && run.pass === first.pass && isOfSlot(run))
    .sort((a, b) => a.attempt - b.attempt)
    .map((attempt) => attemptSentence(attempt, question));
  return first.trigger === 'CatchUp' ? [...attempts, catchUpSentence(first, question)] : attempts;
}

function catchUpSentence({ slot, createdAt }: RunDocument, { job: { spec } }: Question): string {
  const late = formatDuration(Date.parse(createdAt) - Date.parse(slot));
  const policy = {
    Latest: ', and missedRunPolicy is Latest: the newest late slot runs',
    All: `, and missedRunPolicy is All: the newest ${spec.maxMissedRuns} late slots run`,
    Skip: '', // the policy has been edited since
  }[spec.missedRunPolicy];
  return `lsh found the slot ${late} late${policy}.`;
}

function attemptSentence(run: RunDocument, { job, group }: Question): string {
  const { name, attempt, trigger, startedAt, finishedAt } = run;
  const ran = trigger === 'CatchUp' ? 'It ran late' : 'It ran';
  const subject = attempt > 1 ? `Attempt ${attempt}` : ran;
  if (startedAt !== undefined) return `${subject}: ${name} ${courseOf(run, job.spec.timeZone)}.`;
  const verb = finishedAt === undefined ? 'has not run yet' : 'did not run';
  const running = job.status?.active.find(({ phase }) => phase === 'Running' || phase === 'Pending');
  const queued = run.phase === 'Created' && run.startAfter === undefined && running !== undefined;
  const reason = queued ? `; it starts after the end of ${running.name}` : lineOf(run, group);
  return `${attempt > 1 ? `Attempt ${attempt}` : 'It'} ${verb}: ${name} ${courseOf(run, job.spec.timeZone)}${reason}.`;
}
