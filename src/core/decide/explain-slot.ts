// Why a job did or did not run at an instant, in sentences, from what both homes can show: the job, the records
// of its slots and runs, and its schedule.
import { type JobDocument, type RunDocument, type SlotDocument } from '../document.ts';
import { rfc3339 } from '../rfc3339.ts';
import { formatDuration } from '../duration.ts';
import type { SlotCause } from '../run.ts';
import type { Schedule } from '../schedule/schedule.ts';

export interface Question {
  job: JobDocument;
  /** The instant that is asked about, milliseconds. */
  at: number;
  now: number;
  schedule: Schedule;
  /** Records that touch the instant. */
  slots: readonly SlotDocument[];
  /** Runs of the job around the instant. */
  runs: readonly RunDocument[];
}

/** A slot without a record that is younger than this (two evaluation intervals) may still be evaluated. */
const UNRECORDED_AFTER_MS = 120_000;

const CAUSES: Record<SlotCause, string> = {
  NotEvaluated: 'nothing evaluated schedules then: lsh was not running, or the machine slept',
  StartingDeadline: 'it was found later than startingDeadlineSeconds allows',
  Suspended: 'the job was suspended',
  RunActive: 'another run of the job was active, and concurrencyPolicy is Forbid',
  QueueFull: 'too many runs of the job were waiting already',
};

/** The answer, a sentence each, the most telling first. */
export function explainInstant(question: Question): string[] {
  const at = Math.floor(question.at / 1000) * 1000;
  const asked = { ...question, at };
  const record = question.slots.find(({ from, to }) => Date.parse(from) <= at && at <= Date.parse(to));
  const answer = record && covers(record, asked) ? recorded(record, asked) : unrecorded(asked);
  return [...answer, ...manualRuns(asked), ...standing(asked)];
}

function isSlot({ schedule, at }: Question): boolean {
  return schedule.previous(at, at - 1) === at;
}

/** A stretch of slots covers the instants between them too; those are no slots. */
function covers({ from, to }: SlotDocument, question: Question): boolean {
  const at = rfc3339(question.at);
  return from === at || to === at || isSlot(question);
}

function recorded(record: SlotDocument, question: Question): string[] {
  if (record.outcome === 'Ran') return ran(record, question);
  const time = rfc3339(question.at);
  const why = causeText(record.cause);
  const outcome = `The slot ${time} did not run (${record.outcome}): ${why}.`;
  if (record.count === 1) return [outcome];
  return [
    outcome,
    `It is one of ${record.count} slots from ${record.from} to ${record.to} with the same fate.`,
  ];
}

function ran(record: SlotDocument, { runs, at }: Question): string[] {
  const first = runs.find(({ name }) => name === record.run);
  if (!first) {
    return [`The slot ${rfc3339(at)} ran as ${record.run ?? 'a run'}, whose record is no longer kept.`];
  }
  return runs
    .filter(({ slot, trigger }) => slot === first.slot && trigger !== 'Manual')
    .sort((a, b) => a.attempt - b.attempt)
    .map(attempt);
}

function attempt(run: RunDocument): string {
  const what =
    run.attempt > 1 ? `Attempt ${run.attempt}` : run.trigger === 'CatchUp' ? 'It ran late' : 'It ran';
  return `${what}: ${run.name} ${story(run)}.`;
}

function story({
  createdAt,
  startAfter,
  startedAt,
  finishedAt,
  phase,
  reason,
  message,
  exitCode,
}: RunDocument): string {
  if (startedAt === undefined && finishedAt === undefined) {
    return `waits since ${createdAt}${startAfter === undefined ? '' : `, not to start before ${startAfter}`}`;
  }
  const start = startedAt === undefined ? 'never started' : `started at ${startedAt}`;
  if (finishedAt === undefined) return `${start} and is still running`;
  const length =
    startedAt === undefined ? '' : ` after ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
  const details = [reason, exitCode === undefined ? undefined : `exit code ${exitCode}`, message];
  const why = phase === 'Completed' ? '' : details.filter((detail) => detail !== undefined).join(', ');
  return `${start} and ended as ${phase}${length}${why === '' ? '' : ` (${why.replace(/\.$/, '')})`}`;
}

/** A newer lsh may have recorded a cause that this one does not know. */
function causeText(cause: string | undefined): string {
  if (cause === undefined) return 'the cause was not recorded';
  return cause in CAUSES ? CAUSES[cause as SlotCause] : cause;
}

function unrecorded(question: Question): string[] {
  const { job, at, now } = question;
  const time = rfc3339(at);
  const created = Date.parse(job.metadata.creationTimestamp);
  if (at < created) {
    return [
      `${time} is before the job was created (${job.metadata.creationTimestamp}): no account was kept.`,
    ];
  }
  if (!isSlot(question)) return notDue(question, created);
  if (at > now) return [`${time} is still to come; the job is due then.`];
  if (job.spec.suspend) {
    return [
      `The slot ${time} did not run: the job is suspended. It is written down when the job is resumed.`,
    ];
  }
  if (now - at < UNRECORDED_AFTER_MS) {
    return [
      `The slot ${time} is only ${formatDuration(now - at)} old and not evaluated yet; ask again shortly.`,
    ];
  }
  return [
    `The schedule has a slot at ${time}, but no record of it is kept.`,
    'Either the schedule was another one then, or nothing has evaluated it since, or its history is older than what is kept.',
  ];
}

function notDue({ job, schedule, at }: Question, created: number): string[] {
  const expressions = job.spec.schedules ?? [job.spec.schedule ?? ''];
  const written = expressions.map((expression) => `"${expression}"`).join(', ');
  const before = schedule.previous(at, created);
  const next = schedule.next(at);
  return [
    `${rfc3339(at)} is not a slot of ${written} in ${job.spec.timeZone}.`,
    `${before === undefined ? 'There is no slot before it' : `The slot before it is ${rfc3339(before)}`}, ${next === undefined ? 'and none after it' : `the next one ${rfc3339(next)}`}.`,
  ];
}

function manualRuns({ runs, at }: Question): string[] {
  return runs
    .filter(({ trigger, slot }) => trigger === 'Manual' && Date.parse(slot) === at)
    .map((run) => `${run.requestedBy ?? 'Somebody'} asked for a run then: ${run.name} ${story(run)}.`);
}

/** How the job stands now, where that matters for what comes. */
function standing({ job, now, at, schedule }: Question): string[] {
  if (job.spec.suspend)
    return [`The job is suspended now: \`lsh cron resume ${job.metadata.name}\` lets it run again.`];
  const next = schedule.next(now);
  if (next === undefined) return ['No slot will come any more.'];
  return next === at ? [] : [`The next slot is ${rfc3339(next)}.`];
}
