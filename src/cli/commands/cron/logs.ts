// `lsh cron logs`: the output of a run; with --since, of each run since an instant. A pipe or a file gets it byte for byte,
// a terminal its text and colours.
import type { Command } from 'commander';
import type { JobApi, LogQuery } from '../../../contracts/job-api.ts';
import type { RunDocument } from '../../../core/document.ts';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { parseCount } from '../../input/flags.ts';
import { SINCE, sinceOf } from '../../input/since.ts';
import { resultText } from '../../output/job-words.ts';
import { note, print, printParts } from '../../output/print.ts';
import { calendar, relative } from '../../output/when.ts';
import { requireRemote, withOriginOption } from '../../remote-options.ts';

type Query = Pick<LogQuery, 'name' | 'run'>;

export interface LogsFlags {
  follow?: true;
  origin?: string;
  lines?: number;
  since?: string;
}

/** Bounds what one command reads. */
export const MAX_RUNS = 1000;
/** More runs than can wait before the newest that has begun. */
const MAX_WAITING = 200;

/**
 * A single word names a job or a run. Without a word, the newest run of all jobs is meant. Returns undefined if no run
 * has begun, and so none has output.
 */
async function runOf(
  context: Context,
  [name, run]: readonly (string | undefined)[],
  follow: boolean,
): Promise<Query | undefined> {
  if (name !== undefined && run !== undefined) return { name, run };
  const api = await context.api();
  const runs = await api.runs({ ...(name !== undefined && { name }), limit: MAX_WAITING });
  if (runs.length > 0) return newestOutput(context, runs, follow);
  if (name === undefined) {
    const hint = 'Start one with `lsh cron trigger NAME`.';
    throw new LshError('RUN_NOT_FOUND', { name: 'any' }, { hint });
  }
  return (await runNamed(api, name)) ?? { name };
}

/** The newest run, if it is followed or has begun, else the newest that has; a note says which. */
function newestOutput({ io }: Context, runs: readonly RunDocument[], follow: boolean): Query | undefined {
  const newest = runs[0]!;
  const begun = runs.find(({ startedAt, finishedAt }) => startedAt !== undefined || finishedAt !== undefined);
  const chosen = follow ? newest : begun;
  if (begun !== newest) {
    const which = chosen === newest ? 'its output follows' : begun && `this is the output of ${begun.name}`;
    note(io, `${waitingText(newest, io.now())}; ${which ?? 'so there is no output yet'}.`);
  }
  return chosen && { name: chosen.job, run: chosen.name };
}

function waitingText({ name, attempt, startAfter, message }: RunDocument, now: number): string {
  const what = attempt > 1 ? `Attempt ${attempt} (${name})` : `The run ${name}`;
  const at = startAfter === undefined ? 0 : Date.parse(startAfter);
  const why = message === undefined ? '' : `: ${message.replace(/\.$/, '')}`;
  return `${what} has not begun${at > now ? `: it starts ${relative(at, now)}` : why}`;
}

async function runNamed(api: JobApi, name: string): Promise<Query | undefined> {
  try {
    const { job } = await api.run({ run: name });
    return { name: job, run: name };
  } catch (error) {
    if (error instanceof LshError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

async function logs(
  context: Context,
  [name, run]: readonly (string | undefined)[],
  flags: LogsFlags,
): Promise<void> {
  requireRemote(context, '--origin', flags.origin);
  if (context.isRemote) {
    const { teamLogs } = await import('./remote/logs.ts');
    return teamLogs(context, [name, run], flags);
  }
  if (flags.since === undefined) {
    const query = await runOf(context, [name, run], flags.follow === true);
    if (query && (await printLog(context, query, flags)) === 0)
      note(context.io, `No output of ${query.run ?? query.name}.`);
    return;
  }
  const api = await context.api();
  if (run !== undefined) throw usage('--since chooses the runs: give no run with it.');
  const since = await sinceOf(flags.since, context.io);
  const runs = await api.runs({ ...(name !== undefined && { name }), ...since, limit: MAX_RUNS });
  if (runs.length === 0 && name !== undefined) await api.get({ name });
  if (runs.length === 0) return note(context.io, `No run since ${calendar(Date.parse(since.since!))}.`);
  for (const each of runs.toReversed()) {
    printHead(context, each);
    await printLog(context, { name: each.job, run: each.name }, flags);
  }
}

/** As `tail` heads several files. */
export function printHead({ io }: Context, run: RunDocument, origin = ''): void {
  const at = calendar(Date.parse(run.startedAt ?? run.createdAt));
  print(io, `==> ${run.name}${origin}: ${at}, ${resultText(run)} <==`);
}

/** Returns the number of bytes of the output. */
async function printLog(context: Context, query: Query, flags: LogsFlags): Promise<number> {
  const { lines } = flags;
  const follow = flags.follow === true;
  const api = await context.api();
  if (lines === undefined) return printParts(context.io, api.log({ ...query, follow }));
  // The stored output ends somewhere in the stream that follows it, so it is read alone first.
  const { tail, bytes } = await lastLines(api.log({ ...query, follow: false }), lines);
  const rest = follow ? after(bytes, api.log({ ...query, follow })) : [];
  return printParts(context.io, inOrder(tail, rest));
}

async function* inOrder(first: Uint8Array, rest: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  yield first;
  yield* rest;
}

const NEWLINE = 10;

/** The last lines of the output, and the size of the whole output in bytes. */
export async function lastLines(
  chunks: AsyncIterable<Uint8Array>,
  lines: number,
): Promise<{ tail: Uint8Array; bytes: number }> {
  let tail: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    // What the last lines so far do not hold, the last lines of the whole do not hold either.
    tail = tailOf(Buffer.concat([tail, chunk]), lines);
  }
  return { tail, bytes };
}

function tailOf(output: Buffer, lines: number): Buffer {
  // A last line without a newline is a line, too.
  let start = output.at(-1) === NEWLINE ? output.length - 1 : output.length;
  for (let left = lines; left > 0; left--) {
    start = start === 0 ? -1 : output.lastIndexOf(NEWLINE, start - 1);
    if (start === -1) return output;
  }
  return output.subarray(start + 1);
}

/** The chunks without the first bytes. */
async function* after(bytes: number, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let skip = bytes;
  for await (const chunk of chunks) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}

export function addLogs(cron: Command, context: Context): void {
  const command = withOriginOption(cron.command('logs'))
    .description(
      'Print the output of the newest run of a job, of a named run, or of all runs since an instant; with --remote, what the team’s record has of it. A terminal shows its text and colours; a pipe or a file gets every byte.',
    )
    .argument('[name]', 'a job or a run; default: the newest run of all jobs')
    .argument('[run]', 'a run of the job, as `lsh cron history` names it')
    .option('-f, --follow', 'keep printing until the run ends')
    .option('-n, --lines <count>', 'only the last lines of each output', parseCount)
    .option('--since <when>', `the output of every run since ${SINCE}; oldest run first`)
    .action((name: string | undefined, run: string | undefined, flags: LogsFlags) =>
      logs(context, [name, run], flags),
    );
  withExamples(
    command,
    ['lsh cron logs rotate-secrets', 'Print the output of the newest run of a job'],
    [
      'lsh cron logs rotate-secrets --remote --origin build-server',
      'Print the output of the newest run on another machine',
    ],
    ['lsh cron logs -f rotate-secrets', 'Follow the output live'],
    [
      'lsh cron logs rotate-secrets --since yesterday -n 20',
      'Print the last 20 lines of each run since yesterday',
    ],
  );
}
