// Explains in sentences why a job ran or did not run at an instant. It reads the documents that the daemon and a
// cluster both show: the job, its slot records and its runs.
import { type JobDocument, type RunDocument, type SlotDocument } from '../document.ts';
import { rfc3339 } from '../rfc3339.ts';
import { formatDuration } from '../duration.ts';
import { isOfSlot, type SlotCause } from '../run.ts';
import { nextStarts } from '../schedule/expression/start-macros.ts';
import { afterText, pendingStarts } from '../schedule/job-schedule.ts';
import { EXCEPT_DATES } from '../schedule/days/day-rules.ts';
import { allSlots } from '../schedule/days/limited-schedule.ts';
import { instantOfAt } from '../schedule/one-shot.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { isSuspended } from '../schedule/suspension.ts';
import { groupText, type GroupView } from './related/group-view.ts';

export interface Question {
  job: JobDocument;
  /** The instant to explain, milliseconds. */
  at: number;
  now: number;
  schedule: Schedule;
  /** The slots that are to come, if the clock was set; default: the schedule. */
  coming?: Schedule;
  /** Slot records that cover the instant. */
  slots: readonly SlotDocument[];
  /** Runs of the job around the instant. */
  runs: readonly RunDocument[];
  /** The concurrency group in which a run of the job waits now. */
  group?: GroupView;
}

/** A slot without a record may still be evaluated for this many milliseconds: two evaluation intervals. */
const UNRECORDED_AFTER_MS = 120_000;

const CAUSES: Record<SlotCause, string> = {
  NotEvaluated: 'lsh did not evaluate schedules then: the daemon was not running, or no operator was leading',
  EvaluatedLate: 'lsh evaluated it late: its process was stopped or busy, or the machine slept',
  LedgerFailed: 'lsh could not write its records then: the disk was full, or the API server did not answer',
  ClockSetAhead: 'the clock was set ahead and jumped over it',
  StartingDeadline: 'lsh found it later than startingDeadlineSeconds allows',
  Suspended: 'the job was suspended',
  RunActive: 'another run of the job was active, and concurrencyPolicy is Forbid',
  QueueFull: 'too many runs of the job were waiting already',
};

/** Returns the explanation as sentences, the answer first. */
export function explainInstant(question: Question): string[] {
  const at = Math.floor(question.at / 1000) * 1000;
  const rounded = { ...question, at };
  const covering = question.slots
    .filter(({ from, to }) => Date.parse(from) <= at && at <= Date.parse(to))
    .filter((record) => covers(record, rounded));
  const records = covering
    .filter((record) => isOfDay(record, covering))
    .toSorted((a, b) => (b.pass ?? 1) - (a.pass ?? 1));
  const answer =
    records.length === 0 ? explainUnrecorded(rounded) : records.flatMap((each) => explainPass(each, rounded));
  const others = [...afterRuns(rounded), ...backfillRuns(rounded)];
  const unrecorded = records.length === 0 && others.length > 0;
  return [
    ...(unrecorded ? [] : answer),
    ...manualRuns(rounded),
    ...others,
    ...waitingNow(rounded),
    ...clockSetBack(rounded),
    ...outlook(rounded),
  ];
}

/** The answer for one pass of the clock over the slot, the newest pass first. */
function explainPass(record: SlotDocument, question: Question): string[] {
  const { pass = 1 } = record;
  const passes = Math.max(...question.slots.map((slot) => slot.pass ?? 1));
  const which = passes === 1 ? [] : [`Pass ${pass} of the clock over this time (it was set back):`];
  return [...which, ...explainRecord(record, question)];
}

/** What a schedule does while the clock shows times again. */
function clockSetBack({ job: { status }, now }: Question): string[] {
  const { passUntil = '' } = status?.clockEffect ?? {};
  if (!(Date.parse(passUntil) > now)) return [];
  return [
    `The clock was set back and shows times again until ${passUntil}: fixed times that ran do not run again if it was set back by at most three hours.`,
  ];
}

/** Whether the expressions have a slot at the instant, be its day left out or not. */
function isSlot({ schedule, at }: Question): boolean {
  return allSlots(schedule).previous(at, at - 1) === at;
}

/** A stretch of other slots also spans the days between them that were left out: these have a record of their own. */
function isOfDay({ outcome, pass, count }: SlotDocument, covering: readonly SlotDocument[]): boolean {
  const isExcluded = (record: SlotDocument) => record.outcome === 'Excluded' && record.pass === pass;
  return outcome === 'Excluded' || count === 1 || !covering.some(isExcluded);
}

/** Whether the record is about the instant. A stretch also spans instants that are not slots; they have no outcome. */
function covers({ from, to }: SlotDocument, question: Question): boolean {
  const at = rfc3339(question.at);
  return from === at || to === at || isSlot(question);
}

function explainRecord(record: SlotDocument, question: Question): string[] {
  if (record.outcome === 'Ran') return explainRun(record, question);
  const time = rfc3339(question.at);
  const why = causeText(record);
  const outcome = `The slot ${time} did not run (${record.outcome}): ${why}.`;
  const stretch = `It is one of ${record.count} slots from ${record.from} to ${record.to} with the same outcome.`;
  return [
    outcome,
    ...(record.count === 1 ? [] : [stretch]),
    ...(record.cause === 'RunActive' ? explainActive(question) : []),
    ...(record.recordedAt === undefined ? [] : explainLate(record, Date.parse(record.recordedAt), question)),
  ];
}

/** The run in the way, if it still is. A pending one needs help: it ends by itself only when its time is up. */
function explainActive({ at, group, job: { status } }: Question): string[] {
  const runs = status?.active ?? [];
  const active = runs.find(({ phase }) => phase === 'Pending' || phase === 'Running') ?? (group && runs[0]);
  if (active === undefined || Date.parse(active.createdAt) > at) return [];
  return [`The active run is ${active.name}; it ${courseOf(active)}${lineOf(active, group)}.`];
}

/** What a run waits for that waits in a concurrency group, as the rest of a sentence. */
function lineOf({ phase, message }: RunDocument, group: GroupView | undefined): string {
  return phase === 'Created' && message !== undefined && group ? `; it waits for ${groupText(group)}` : '';
}

/** The run that waits in a concurrency group, if the question is about a later slot. */
function waitingNow({ at, now, group, job: { status } }: Question): string[] {
  const waiting = at > now ? status?.active.find((run) => lineOf(run, group) !== '') : undefined;
  return waiting === undefined ? [] : [`${waiting.name} ${courseOf(waiting)}${lineOf(waiting, group)}.`];
}

/** How late lsh found the slot, and what missedRunPolicy says about late slots. */
function explainLate({ outcome, cause }: SlotDocument, recordedAt: number, question: Question): string[] {
  // The clock was wrong before or after, so the lateness that it shows means nothing.
  if (cause === 'ClockSetAhead') return outcome === 'Missed' ? [policyOnLate(recordedAt, question)] : [];
  const found = `lsh found it ${formatDuration(recordedAt - question.at)} late, at ${rfc3339(recordedAt)}`;
  if (outcome === 'DeadlineExceeded') return [`${found}.`];
  return outcome === 'Missed' ? [`${found}. ${policyOnLate(recordedAt, question)}`] : [];
}

function policyOnLate(recordedAt: number, { at, job: { spec }, schedule }: Question): string {
  if (spec.missedRunPolicy === 'Skip') return 'missedRunPolicy is Skip: no late slot runs.';
  if (spec.missedRunPolicy === 'All')
    return `missedRunPolicy is All: the newest ${spec.maxMissedRuns} late slots run (maxMissedRuns).`;
  const newest = schedule.previous(recordedAt, at);
  const instead = newest === undefined ? '' : `, ${rfc3339(newest)}`;
  return `missedRunPolicy is Latest: of the slots due then, only the newest runs${instead}.`;
}

function explainRun(record: SlotDocument, question: Question): string[] {
  const { runs, at } = question;
  const first = runs.find(({ name }) => name === record.run);
  if (!first) {
    return [`The slot ${rfc3339(at)} ran as ${record.run ?? 'a run'}, whose record is no longer kept.`];
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
  if (startedAt !== undefined) return `${subject}: ${name} ${courseOf(run)}.`;
  const verb = finishedAt === undefined ? 'has not run yet' : 'did not run';
  const running = job.status?.active.find(({ phase }) => phase === 'Running' || phase === 'Pending');
  const queued = run.phase === 'Created' && run.startAfter === undefined && running !== undefined;
  const reason = queued ? `; it starts after the end of ${running.name}` : lineOf(run, group);
  return `${attempt > 1 ? `Attempt ${attempt}` : 'It'} ${verb}: ${name} ${courseOf(run)}${reason}.`;
}

/** What happened to the run, as a predicate without a full stop. */
function courseOf(run: RunDocument): string {
  if (run.phase === 'Pending') return pendingCourse(run);
  const { createdAt, startAfter, startedAt, finishedAt, phase, reason, message, exitCode } = run;
  const secrets = run.secretsVersion === undefined ? '' : ` with the secrets ${run.secretsVersion}`;
  if (startedAt === undefined && finishedAt === undefined) {
    return `waits since ${createdAt}${startAfter === undefined ? '' : `, not to start before ${startAfter}`}`;
  }
  const start = startedAt === undefined ? 'never started' : `started at ${startedAt}${secrets}`;
  if (finishedAt === undefined) return `${start} and is still running`;
  const length =
    startedAt === undefined ? '' : ` after ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
  const details = [reason, exitCode === undefined ? undefined : `exit code ${exitCode}`, message];
  const why = phase === 'Completed' ? '' : details.filter((detail) => detail !== undefined).join(', ');
  return `${start} and ended as ${phase}${length}${why === '' ? '' : ` (${why.replace(/\.$/, '')})`}`;
}

function pendingCourse({ createdAt, startAfter = createdAt, message }: RunDocument): string {
  const why = message === undefined ? '' : ` (${message.replace(/\.$/, '')})`;
  return `is Pending since ${startAfter}: its command has not begun${why}`;
}

/** Why a slot has no run, in words. Returns an unknown cause as it is: a newer lsh may have recorded it. */
export function causeText({ outcome, cause }: Pick<SlotDocument, 'outcome' | 'cause'>): string {
  if (cause === undefined) return 'the cause was not recorded';
  if (outcome === 'Excluded') return takenText(cause);
  return cause in CAUSES ? CAUSES[cause as SlotCause] : cause;
}

/** What leaves out a day, as a clause. */
export function takenText(by: string): string {
  return by === EXCEPT_DATES
    ? 'exceptDates of the job names its day'
    : `the calendar ${by} leaves its day out`;
}

function explainUnrecorded(question: Question): string[] {
  const { job, at, now } = question;
  const time = rfc3339(at);
  const created = Date.parse(job.metadata.creationTimestamp);
  if (at < created) {
    return [
      `${time} is before the job was created (${job.metadata.creationTimestamp}), so lsh kept no record.`,
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
  if (job.spec.after !== undefined && !hasOwnSchedule(job.spec))
    return [`No run of this job follows a run of the slot ${rfc3339(at)}.`];
  const expressions = job.spec.schedules ?? [job.spec.schedule ?? job.spec.at ?? ''];
  const written = expressions.map((expression) => `"${expression}"`).join(', ');
  const before = schedule.previous(at, created);
  const next = schedule.next(at);
  const answer = `${rfc3339(at)} is not a slot of ${written} in ${job.spec.timeZone}.`;
  if (before === undefined && next === undefined && nextStarts(expressions).length > 0) return [answer];
  return [
    answer,
    `${before === undefined ? 'There is no slot before it' : `The slot before it is ${rfc3339(before)}`}, ${next === undefined ? 'and none after it' : `the next one ${rfc3339(next)}`}.`,
  ];
}

function manualRuns({ runs, at, group }: Question): string[] {
  return runs
    .filter(({ trigger, slot }) => trigger === 'Manual' && Date.parse(slot) === at)
    .map(
      (run) =>
        `${run.requestedBy ?? 'A user'} requested a run then: ${run.name} ${courseOf(run)}${lineOf(run, group)}.`,
    );
}

function hasOwnSchedule({ schedule, schedules, at }: JobDocument['spec']): boolean {
  return (schedule ?? schedules ?? at) !== undefined;
}

/** The runs that follow runs of that slot: each attempt of them. */
function afterRuns({ runs, at, group }: Question): string[] {
  return runs
    .filter(({ trigger, slot }) => trigger === 'After' && Date.parse(slot) === at)
    .toSorted((a, b) => a.attempt - b.attempt)
    .map((run) => {
      const { job = 'another job', run: cause = 'a run' } = run.cause ?? {};
      const which = run.attempt > 1 ? `, attempt ${run.attempt}` : '';
      return `The end of ${cause} of job ${job} started a run${which}: ${run.name} ${courseOf(run)}${lineOf(run, group)}.`;
    });
}

/** The runs that a backfill gave to the slot: each attempt of them. */
function backfillRuns({ runs, at, group }: Question): string[] {
  return runs
    .filter(({ trigger, slot }) => trigger === 'Backfill' && Date.parse(slot) === at)
    .toSorted((a, b) => a.attempt - b.attempt)
    .map((run) => {
      const which = run.attempt > 1 ? `, as attempt ${run.attempt}` : '';
      const whose = run.requestedBy === undefined ? '' : ` of ${run.requestedBy}`;
      return `A backfill${whose} ran the slot ${rfc3339(at)}${which}: ${run.name} ${courseOf(run)}${lineOf(run, group)}.`;
    });
}

/** The jobs that this one follows, and those of them that do not exist. */
function follows({ spec, status }: JobDocument): string[] {
  if (spec.after === undefined) return [];
  const following = status?.conditions.find(({ type }) => type === 'Following');
  const unknown = following?.status === 'False' ? [following.message] : [];
  return [`The job runs ${afterText(spec)}.`, ...unknown];
}

function suspendedText({ metadata, spec: { resumeAt = 'now' } }: JobDocument): string {
  const until = resumeAt === 'now' ? resumeAt : `until ${resumeAt}`;
  return `The job is suspended ${until}: \`lsh cron resume ${metadata.name}\` lets it run again.`;
}

/** Why a job that runs once never does; undefined if no day rule keeps it from its instant. */
function takenInstant({ spec: { at, timeZone } }: JobDocument, { limits }: Schedule, now: number) {
  const instant = at === undefined ? undefined : instantOfAt(at, timeZone);
  const taker = instant !== undefined && instant > now ? limits?.takenBy(instant) : undefined;
  return taker && `The job is not due at ${at}: ${takenText(taker)}.`;
}

/** What the job waits for while its schedule has no slot to come. */
function outlookWithoutSlot({ job, now, schedule }: Question): string[] {
  if (job.spec.after !== undefined) return follows(job);
  const starts = pendingStarts(job.spec, now).map((start) => `The job is due at ${start}.`);
  if (starts.length > 0) return starts;
  const taken = takenInstant(job, schedule, now);
  if (taken !== undefined) return [taken];
  const { notAfter } = job.spec;
  return [`The schedule has no further slot${notAfter === undefined ? '' : `; notAfter is ${notAfter}`}.`];
}

/** When the job runs next, or why it does not. */
function outlook(question: Question): string[] {
  const { job, now, at, schedule, coming = schedule } = question;
  if (isSuspended(job.spec, now)) return [suspendedText(job)];
  const next = coming.next(now);
  if (next === undefined) return outlookWithoutSlot(question);
  const { notBefore } = job.spec;
  const begins = notBefore !== undefined && Date.parse(notBefore) > now;
  return [
    ...(begins ? [`The schedule begins at ${notBefore} (notBefore).`] : []),
    ...(next === at ? [] : [`The next slot is ${rfc3339(next)}.`]),
    ...follows(job),
  ];
}
