// `lsh cron history`: runs with their start, duration and result, or slots with what became of them.
import type { Command } from 'commander';
import type { JobApi } from '../../../contracts/job-api.ts';
import type { RunDocument, SlotDocument } from '../../../core/document.ts';
import type { RunPhase } from '../../../core/run.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { parseLimit } from '../../input/flags.ts';
import { SINCE, sinceOf } from '../../input/since.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, printDocument, printTable } from '../../output/print.ts';
import { printRuns, RUN_COLUMNS } from '../../output/run-table.ts';
import { requireRemote, withOriginOption } from '../../remote-options.ts';

export interface HistoryFlags {
  limit: number;
  failed?: true;
  since?: string;
  slots?: true;
  missed?: true;
  origin?: string;
  follow?: true;
  output?: Format;
}

const UNSUCCESSFUL: RunPhase[] = ['Failed', 'Killed'];

async function history(context: Context, name: string | undefined, flags: HistoryFlags): Promise<void> {
  requireRemote(context, '--origin', flags.origin);
  requireRemote(context, '--follow', flags.follow);
  if (context.isRemote) {
    const { teamHistory } = await import('./remote/history.ts');
    return teamHistory(context, name, flags);
  }
  if (flags.limit === Infinity) throw usage('-n all is for the team’s record: give it with --remote.');
  if (flags.slots || flags.missed) return slotHistory(context, name, flags);
  const jobs = await context.api();
  // A removed job keeps its history, so only a name without runs can be unknown.
  const runs = await jobs.runs({
    ...(name === undefined ? {} : { name }),
    ...(flags.failed ? { phases: UNSUCCESSFUL } : {}),
    ...(await sinceOf(flags.since, context.io)),
    limit: flags.limit,
  });
  if (runs.length === 0 && name !== undefined) await jobs.get({ name });
  const { output } = flags;
  return printRuns(context.io, [runs], { output, columns: RUN_COLUMNS, empty: 'No runs yet.' });
}

/** No slot is older. */
const EARLIEST = '1970-01-01T00:00:00Z';
const MAX_RUNS = 1000;

/** The runs of the slots, as far as they are kept. */
async function runsOf(
  jobs: JobApi,
  name: string | undefined,
  slots: readonly SlotDocument[],
): Promise<RunDocument[]> {
  const [since] = slots
    .filter(({ outcome }) => outcome === 'Ran')
    .map(({ from }) => from)
    .sort();
  if (since === undefined) return [];
  return jobs.runs({ ...(name === undefined ? {} : { name }), since, limit: MAX_RUNS });
}

async function slotHistory(
  { io, api }: Context,
  name: string | undefined,
  { limit, since, missed, failed, output }: HistoryFlags,
): Promise<void> {
  if (failed) throw usage('--failed chooses runs: give it without --slots and --missed.');
  const jobs = await api();
  const names = name === undefined ? (await jobs.list({})).map(({ metadata }) => metadata.name) : [name];
  const { since: from = EARLIEST } = await sinceOf(since, io);
  const span = { from, to: new Date(io.now()).toISOString(), limit, notRun: missed === true };
  const each: SlotDocument[] = [];
  for (const job of names) each.push(...(await jobs.slots({ name: job, ...span })));
  const slots = each.toSorted((a, b) => Date.parse(b.to) - Date.parse(a.to)).slice(0, limit);
  if (slots.length === 0 && name !== undefined) await jobs.get({ name });
  if (isDocumentFormat(output)) return printDocument(io, slots, output);
  if (output === 'name' || output === 'csv')
    throw usage(`Slots have no -o ${output}: give \`-o json\` or \`-o yaml\`.`);
  if (slots.length === 0) return note(io, missed ? 'No slot was missed.' : 'No slots yet.');
  const runs = await runsOf(jobs, name, slots);
  const { SLOT_HEADS, slotRow } = await import('../../output/slot-table.ts');
  printTable(
    io,
    SLOT_HEADS,
    slots.map((slot) => slotRow(slot, runs)),
  );
}

export function addHistory(cron: Command, context: Context): void {
  const command = withOriginOption(cron.command('history'))
    .description(
      'Show the runs of a job, or of all jobs, newest first; with --slots what became of each slot, run or not.',
    )
    .argument('[name]', 'the job; default: all jobs')
    .option(
      '-n, --limit <count>',
      'number of runs, or of rows of slots; with --remote also all; default: 20',
      parseLimit,
      20,
    )
    .option(
      '-f, --follow',
      'with --remote: then show each run when it arrives; -o json prints a line for each',
    )
    .option('--failed', 'only runs that failed or were killed')
    .option(
      '--slots',
      'slots instead of runs: those that ran, and those that did not with the reason (a cluster keeps the newest of each job)',
    )
    .option('--missed', 'only slots that did not run, with the reason')
    .option('--since <when>', `only runs or slots since ${SINCE}`)
    .addOption(formatOption('table', 'wide', 'json', 'yaml', 'csv', 'name'))
    .action((name: string | undefined, flags: HistoryFlags) => history(context, name, flags));
  withExamples(
    command,
    ['lsh cron history rotate-secrets', 'Show the last 20 runs of one job'],
    ['lsh cron history --failed --since 1d', 'Show the failed runs of the last day'],
    ['lsh cron history --missed --since yesterday', 'Show what did not run since yesterday, and why'],
    ['lsh cron history --remote --follow', 'Watch the runs of all machines and clusters'],
    ['lsh cron history --remote --failed', 'Show the newest failed runs of the whole team'],
    [
      'lsh cron history --remote --since 30d -n all -o csv > runs.csv',
      'Write the runs of 30 days, of all machines and clusters, for a spreadsheet',
    ],
  );
}
