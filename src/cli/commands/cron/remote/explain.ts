// `lsh cron explain --remote`: what the team's record says about an instant, for each origin that has the job. The record has
// runs alone, so it cannot say why a slot did not run.
import type { RecordedJob, TeamRecord, TeamRunDocument } from '../../../../contracts/team-record.ts';
import { API_VERSION, KIND } from '../../../../core/api-version.ts';
import { explainInstant } from '../../../../core/decide/explain/explain-instant.ts';
import type { JobDocument, SlotDocument } from '../../../../core/document.ts';
import { rfc3339 } from '../../../../core/rfc3339.ts';
import { jobSchedule } from '../../../../core/schedule/job-schedule.ts';
import { isSuspended } from '../../../../core/schedule/suspension.ts';
import { zonedInstant } from '../../../../core/schedule/zone/zoned-instant.ts';
import { teamRecord } from '../../../../processes/supabase/team-record.ts';
import type { Context } from '../../../context.ts';
import { isDocumentFormat } from '../../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../../output/print.ts';
import { calendar, relative } from '../../../output/when.ts';
import { atOf, type ExplainFlags } from '../explain.ts';
import { jobsNamed } from './team-jobs.ts';

/** As of the local verb. */
const MAX_RUNS = 1000;

export async function teamExplain({ io }: Context, name: string, flags: ExplainFlags): Promise<void> {
  const record = teamRecord();
  const jobs = await jobsNamed(record, name, flags.origin === undefined ? {} : { origin: flags.origin });
  const now = io.now();
  const answers = [];
  for (const job of jobs) answers.push({ job, ...(await answerFor(record, job, { at: flags.at, now })) });
  if (isDocumentFormat(flags.output)) {
    const documents = answers.map(({ job, at, answer, slots }) => {
      const { id, name: origin, kind } = job.origin;
      return { job: name, origin: { id, name: origin, kind }, at: rfc3339(at), answer, slots };
    });
    return printDocument(io, documents, flags.output);
  }
  const paint = paintFor(io.stdout);
  for (const [index, { job, at, answer }] of answers.entries()) {
    const zone = job.spec.timeZone;
    const head = `${name} on ${job.origin.name} at ${calendar(at, zone)} (${zone}, ${relative(at, now)})`;
    print(io, ...(index === 0 ? [] : ['']), paint('head', head), ...answer);
  }
}

interface Answer {
  /** Milliseconds. */
  at: number;
  answer: string[];
  slots: SlotDocument[];
}

async function answerFor(
  record: TeamRecord,
  job: RecordedJob,
  { at: text, now }: { at: string | undefined; now: number },
): Promise<Answer> {
  const document = documentOf(job);
  const schedule = jobSchedule({ key: `${job.namespace}/${job.name}`, spec: job.spec, createdAt: 0 });
  const last = job.lastRun === undefined ? undefined : Date.parse(job.lastRun.slot);
  // The record does not say when the job was created, and so not when its intervals began.
  const known = isAnchored(job) ? schedule.previous(now, 0) : undefined;
  const at = text === undefined ? (known ?? last ?? now) : await atOf(text, now, document);
  const runs = await runsSince(record, job, at);
  const slots = slotsOf(job, runs, at);
  const isSlot = isAnchored(job) ? schedule.previous(at, at - 1) === at : slots.length > 0;
  if (isSlot && slots.length === 0 && at <= now) return { at, slots, answer: withoutRun(job, { at, now }) };
  return { at, slots, answer: explainInstant({ job: document, at, now, schedule, slots, runs }) };
}

/** Whether the slots follow from the schedule alone. */
function isAnchored({ spec }: RecordedJob): boolean {
  return ![spec.schedule ?? '', ...(spec.schedules ?? [])].some((each) =>
    /^\s*@(?:every|reboot|daemon-start)/.test(each),
  );
}

function documentOf({ name, namespace, uid, spec }: RecordedJob): JobDocument {
  const metadata = { name, namespace, uid, generation: 0, creationTimestamp: rfc3339(0) };
  return { apiVersion: API_VERSION, kind: KIND, metadata, spec };
}

async function runsSince(record: TeamRecord, job: RecordedJob, at: number): Promise<TeamRunDocument[]> {
  const runs: TeamRunDocument[] = [];
  const since = rfc3339(at);
  const query = { job: job.name, origin: job.origin.id, since, limit: MAX_RUNS };
  for await (const page of record.runs(query)) runs.push(...page);
  return runs.filter(({ namespace }) => namespace === job.namespace);
}

/** The slot of the instant, as its first run tells it. */
function slotsOf(job: RecordedJob, runs: readonly TeamRunDocument[], at: number): SlotDocument[] {
  const [first] = runs
    .filter(({ trigger, slot }) => trigger !== 'Manual' && Date.parse(slot) === at)
    .toSorted((a, b) => a.attempt - b.attempt);
  if (first === undefined) return [];
  return [{ job: job.name, from: first.slot, to: first.slot, count: 1, outcome: 'Ran', run: first.name }];
}

function withoutRun(
  { name, origin, spec, changedAt }: RecordedJob,
  { at, now }: { at: number; now: number },
): string[] {
  const say = (instant: number | string) => zonedInstant(instant, spec.timeZone);
  const time = say(at);
  const heard = Date.parse(origin.lastSeenAt) < at;
  return [
    `The schedule has a slot at ${time}, and the team’s record has no run of it from ${origin.name}.`,
    ...(Date.parse(changedAt) > at
      ? [`The job changed at ${say(changedAt)}, after the slot: it may have had another schedule then.`]
      : []),
    ...(isSuspended(spec, now) ? [`The job is suspended now.`] : []),
    heard
      ? `${origin.name} last wrote at ${say(origin.lastSeenAt)}, before the slot: its run may not have arrived yet.`
      : `A run arrives after its end, and a slot that did not run never: \`lsh cron explain ${name} --at ${time}\` on ${origin.name} says why.`,
  ];
}
