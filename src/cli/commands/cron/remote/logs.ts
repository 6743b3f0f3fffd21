// `lsh cron logs --remote`: what the team's record has of the output of runs.
import type { TeamRecord, TeamRunDocument, TeamRunQuery } from '../../../../contracts/team-record.ts';
import { LshError } from '../../../../core/errors.ts';
import { teamRecord } from '../../../../processes/supabase/team-record.ts';
import type { Context } from '../../../context.ts';
import { usage } from '../../../failure.ts';
import { sinceOf } from '../../../input/since.ts';
import { resultText } from '../../../output/job-words.ts';
import { note, printParts } from '../../../output/print.ts';
import { calendar, relative } from '../../../output/when.ts';
import { lastLines, MAX_RUNS, printHead, type LogsFlags } from '../logs.ts';
import { jobsNamed } from './team-jobs.ts';

export async function teamLogs(
  context: Context,
  [word, run]: readonly (string | undefined)[],
  { origin, follow, since, lines }: LogsFlags,
): Promise<void> {
  const { io } = context;
  if (follow) throw usage('--follow has no --remote: the output of a run reaches the record after its end.');
  if (since !== undefined && run !== undefined) throw usage('--since chooses the runs: give no run with it.');
  const record = teamRecord();
  const place = origin === undefined ? {} : { origin };
  if (since !== undefined) return logsSince(context, record, { ...place, job: word, since, lines });
  const chosen = await chosenRun(record, [word, run], place);
  const ago = relative(Date.parse(chosen.finishedAt ?? chosen.createdAt), io.now());
  note(io, `${chosen.name}${onOrigin(chosen)}: ${resultText(chosen)}, ${ago}`);
  if ((await printOutput(context, record, { run: chosen, lines })) === 0)
    note(io, `The team’s record has no output of ${chosen.name}.`);
}

/** The output of every run since the instant, oldest run first. */
async function logsSince(
  context: Context,
  record: TeamRecord,
  asked: { origin?: string; job: string | undefined; since: string; lines: number | undefined },
): Promise<void> {
  const { job, since, lines, ...place } = asked;
  const from = await sinceOf(since, context.io);
  const runs = await all(record, { ...place, ...(job !== undefined && { job }), ...from, limit: MAX_RUNS });
  if (runs.length === 0 && job !== undefined) await jobsNamed(record, job, place);
  if (runs.length === 0) return note(context.io, `No run since ${calendar(Date.parse(from.since!))}.`);
  for (const run of runs.toReversed()) {
    printHead(context, run, onOrigin(run));
    await printOutput(context, record, { run, lines });
  }
}

function onOrigin({ origin }: TeamRunDocument): string {
  return origin === undefined ? '' : ` on ${origin.name}`;
}

/** A single word names a job or a run. Without a word, the newest run of all jobs is meant. */
async function chosenRun(
  record: TeamRecord,
  [word, run]: readonly (string | undefined)[],
  place: { origin?: string },
): Promise<TeamRunDocument> {
  if (word !== undefined && run !== undefined) return runNamed(record, { ...place, job: word, run });
  const [newest] = await all(record, { ...place, ...(word !== undefined && { job: word }), limit: 1 });
  if (newest !== undefined) return newest;
  if (word !== undefined) return runNamed(record, { ...place, run: word });
  throw new LshError('RUN_NOT_FOUND', { name: 'any' }, { hint: 'The team’s record has no run yet.' });
}

/** Throws RUN_NOT_FOUND, and USAGE where several origins have a run of the name. */
async function runNamed(record: TeamRecord, query: TeamRunQuery & { run: string }): Promise<TeamRunDocument> {
  const found = await all(record, query);
  const [first, ...others] = found;
  const hint = 'List the runs of the team with `lsh cron history --remote`.';
  if (first === undefined) throw new LshError('RUN_NOT_FOUND', { name: query.run }, { hint });
  if (others.length === 0) return first;
  const names = found.map(({ origin }) => origin?.name ?? 'an unknown one').join(', ');
  throw usage(`Several origins have a run named ${query.run}: ${names}.`, 'Choose one with --origin.');
}

async function all(record: TeamRecord, query: TeamRunQuery): Promise<TeamRunDocument[]> {
  const runs: TeamRunDocument[] = [];
  for await (const page of record.runs(query)) runs.push(...page);
  return runs;
}

/** Returns the number of bytes. */
async function printOutput(
  { io }: Context,
  record: TeamRecord,
  { run, lines }: { run: TeamRunDocument; lines: number | undefined },
): Promise<number> {
  const output = record.output(run);
  if (lines === undefined) return printParts(io, output);
  return printParts(io, toAsync((await lastLines(output, lines)).tail));
}

async function* toAsync(part: Uint8Array): AsyncIterable<Uint8Array> {
  yield part;
}
