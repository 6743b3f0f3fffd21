// Explains in sentences why a job ran or did not run at an instant. It reads the documents that the daemon and a
// cluster both show: the job, its slot records and its runs.
import type { SlotDocument } from '../../document.ts';
import { rfc3339 } from '../../rfc3339.ts';
import { zonedInstant } from '../../schedule/zone/zoned-instant.ts';
import { courseOf, lineOf } from './course.ts';
import { outlook } from './outlook.ts';
import { isSlot, type Question } from './question.ts';
import { explainRecord } from './recorded.ts';
import { explainUnrecorded } from './unrecorded.ts';

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
function clockSetBack({ job: { spec, status }, now }: Question): string[] {
  const { passUntil = '' } = status?.clockEffect ?? {};
  if (!(Date.parse(passUntil) > now)) return [];
  return [
    `The clock was set back and shows times again until ${zonedInstant(passUntil, spec.timeZone)}: fixed times that ran do not run again if it was set back by at most three hours.`,
  ];
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

/** The run that waits in a concurrency group, if the question is about a later slot. */
function waitingNow({ at, now, group, job: { spec, status } }: Question): string[] {
  const waiting = at > now ? status?.active.find((run) => lineOf(run, group) !== '') : undefined;
  return waiting === undefined
    ? []
    : [`${waiting.name} ${courseOf(waiting, spec.timeZone)}${lineOf(waiting, group)}.`];
}

function manualRuns({ runs, at, group, job }: Question): string[] {
  return runs
    .filter(({ trigger, slot }) => trigger === 'Manual' && Date.parse(slot) === at)
    .map(
      (run) =>
        `${run.requestedBy ?? 'A user'} requested a run then: ${run.name} ${courseOf(run, job.spec.timeZone)}${lineOf(run, group)}.`,
    );
}

/** The runs that follow runs of that slot: each attempt of them. */
function afterRuns({ runs, at, group, job: { spec } }: Question): string[] {
  return runs
    .filter(({ trigger, slot }) => trigger === 'After' && Date.parse(slot) === at)
    .toSorted((a, b) => a.attempt - b.attempt)
    .map((run) => {
      const { job = 'another job', run: cause = 'a run' } = run.cause ?? {};
      const which = run.attempt > 1 ? `, attempt ${run.attempt}` : '';
      return `The end of ${cause} of job ${job} started a run${which}: ${run.name} ${courseOf(run, spec.timeZone)}${lineOf(run, group)}.`;
    });
}

/** The runs that a backfill gave to the slot: each attempt of them. */
function backfillRuns({ runs, at, group, job: { spec } }: Question): string[] {
  return runs
    .filter(({ trigger, slot }) => trigger === 'Backfill' && Date.parse(slot) === at)
    .toSorted((a, b) => a.attempt - b.attempt)
    .map((run) => {
      const which = run.attempt > 1 ? `, as attempt ${run.attempt}` : '';
      const whose = run.requestedBy === undefined ? '' : ` of ${run.requestedBy}`;
      return `A backfill${whose} ran the slot ${zonedInstant(at, spec.timeZone)}${which}: ${run.name} ${courseOf(run, spec.timeZone)}${lineOf(run, group)}.`;
    });
}
