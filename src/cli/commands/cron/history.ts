// `lsh cron history`: runs with their start, duration and result.
import type { Command } from 'commander';
import type { RunPhase } from '../../../core/run.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { parseCount } from '../../input/flags.ts';
import { SINCE, sinceOf } from '../../input/since.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, print, printDocument, printTable } from '../../output/print.ts';
import { RUN_HEADS, runRow } from '../../output/run-table.ts';

interface HistoryFlags {
  limit: number;
  failed?: true;
  since?: string;
  output?: Format;
}

const UNSUCCESSFUL: RunPhase[] = ['Failed', 'Killed'];

async function history({ io, api }: Context, name: string | undefined, flags: HistoryFlags): Promise<void> {
  const jobs = await api();
  // A removed job keeps its history, so only a name without runs can be unknown.
  const runs = await jobs.runs({
    ...(name === undefined ? {} : { name }),
    ...(flags.failed ? { phases: UNSUCCESSFUL } : {}),
    ...(await sinceOf(flags.since, io)),
    limit: flags.limit,
  });
  if (runs.length === 0 && name !== undefined) await jobs.get({ name });
  if (isDocumentFormat(flags.output)) return printDocument(io, runs, flags.output);
  if (flags.output === 'name') return print(io, ...runs.map((run) => run.name));
  if (runs.length === 0) return note(io, 'No runs yet.');
  const now = io.now();
  printTable(
    io,
    RUN_HEADS,
    runs.map((run) => runRow(run, now)),
  );
}

export function addHistory(cron: Command, context: Context): void {
  const command = cron
    .command('history')
    .description('Show the runs of a job, or of all jobs, newest first.')
    .argument('[name]', 'the job; default: all jobs')
    .option('-n, --limit <count>', 'number of runs; default: 20', parseCount, 20)
    .option('--failed', 'only runs that failed or were killed')
    .option('--since <when>', `only runs since ${SINCE}`)
    .addOption(formatOption('table', 'json', 'yaml', 'name'))
    .action((name: string | undefined, flags: HistoryFlags) => history(context, name, flags));
  withExamples(
    command,
    ['lsh cron history rotate-secrets', 'Show the last 20 runs of one job'],
    ['lsh cron history --failed --since 1d', 'Show the failed runs of the last day'],
  );
}
