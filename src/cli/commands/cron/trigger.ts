// `lsh cron trigger|stop`: start a run now, end the active ones.
import { formatDuration } from '../../../core/duration.ts';
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { loadConfig } from '../../../config.ts';
import type { RunDocument } from '../../../core/document.ts';
import { EXIT } from '../../../core/errors.ts';
import { targetFlags, type Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { resultText, runMs } from '../../output/job-words.ts';
import { note, print, printDocument } from '../../output/print.ts';
import { withProgress } from '../../output/progress.ts';

interface TriggerFlags {
  wait?: true;
  id?: string;
  output?: Format;
}

/** The command’s own exit code, so that a script sees what it would see without lsh. */
function statusOf(run: RunDocument): number {
  if (run.phase === 'Completed') return EXIT.ok;
  return run.exitCode === undefined || run.exitCode === 0 ? EXIT.failure : run.exitCode;
}

async function trigger(context: Context, name: string, flags: TriggerFlags): Promise<void> {
  const { io } = context;
  const api = await context.api();
  const { user, logname } = loadConfig();
  const requestedBy = user ?? logname;
  const id = flags.id ?? randomUUID();
  const started = await api.trigger({ name, id, ...(requestedBy === undefined ? {} : { requestedBy }) });
  if (!flags.wait) return show(context, started, `run "${started.name}" started`, flags.output);
  const ended = await withProgress(io, `${started.name} running`, api.run({ run: started.name, wait: true }));
  const ms = runMs(ended, io.now());
  const took = ms === undefined ? '' : ` after ${formatDuration(ms)}`;
  await show(context, ended, `run "${ended.name}" ${resultText(ended)}${took}`, flags.output);
  context.status = statusOf(ended);
  if (context.status !== EXIT.ok && flags.output === undefined) {
    note(io, `hint: See what it wrote with \`lsh cron logs ${name} ${ended.name}${targetFlags(context)}\`.`);
  }
}

async function show({ io }: Context, run: RunDocument, line: string, output?: Format): Promise<void> {
  if (isDocumentFormat(output)) return printDocument(io, run, output);
  print(io, output === 'name' ? run.name : line);
}

export function addTrigger(cron: Command, context: Context): void {
  const command = cron
    .command('trigger')
    .alias('start')
    .description('Start a run now, beside the schedule. The concurrency policy of the job applies.')
    .argument('<name>', 'the job')
    .option('--wait', 'wait for the end; exit with the exit code of the run')
    .option('--id <id>', 'identity of the request: the same id again starts nothing new')
    .addOption(formatOption('table', 'json', 'yaml', 'name'))
    .action((name: string, flags: TriggerFlags) => trigger(context, name, flags));
  withExamples(
    command,
    ['lsh cron trigger rotate-secrets', 'Start it and go on'],
    ['lsh cron trigger report --cluster --namespace ops --wait', 'The same in a cluster, to its end'],
    [
      'lsh cron trigger rotate-secrets --wait && lsh cron logs rotate-secrets',
      'Start it, wait, see what it wrote',
    ],
  );
}

async function stop({ io, api }: Context, name: string, run?: string): Promise<void> {
  const { stopped } = await (await api()).stop({ name, ...(run === undefined ? {} : { run }) });
  if (stopped.length === 0) return print(io, `job "${name}" has no active run`);
  print(io, ...stopped.map((one) => `run "${one}" stopping`));
}

export function addStop(cron: Command, context: Context): void {
  const command = cron
    .command('stop')
    .description('End the active runs of a job: TERM to the process group, then KILL. The schedule goes on.')
    .argument('<name>', 'the job')
    .argument('[run]', 'only this run')
    .action((name: string, run: string | undefined) => stop(context, name, run));
  withExamples(command, ['lsh cron stop rotate-secrets', 'End what is running of this job now']);
}
