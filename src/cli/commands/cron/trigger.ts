// `lsh cron trigger|stop`: start a run now, stop the active runs.
// Loads the wait for a run's end only with --wait.
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { loadConfig } from '../../../config.ts';
import type { RunDocument } from '../../../core/document.ts';
import { EXIT } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { print, printDocument } from '../../output/print.ts';

interface TriggerFlags {
  wait?: true;
  id?: string;
  output?: Format;
}

async function trigger(context: Context, name: string, flags: TriggerFlags): Promise<void> {
  const api = await context.api();
  const { user, logname } = loadConfig();
  const requestedBy = user ?? logname;
  const id = flags.id ?? randomUUID();
  const start = () => api.trigger({ name, id, ...(requestedBy === undefined ? {} : { requestedBy }) });
  if (!flags.wait) {
    const started = await start();
    return printRun(context, started, `run "${started.name}" started`, flags.output);
  }
  const { waitForRun } = await import('./wait.ts');
  const end = await waitForRun(context, { job: name, id, start });
  if (end === undefined) return;
  await printRun(context, end.run, end.line, flags.output);
  context.status = end.status;
  if (flags.output === undefined) end.explain();
}

async function printRun({ io }: Context, run: RunDocument, line: string, output?: Format): Promise<void> {
  if (isDocumentFormat(output)) return printDocument(io, run, output);
  print(io, output === 'name' ? run.name : line);
}

export function addTrigger(cron: Command, context: Context): void {
  const command = cron
    .command('trigger')
    .alias('start')
    .description('Start a run now, in addition to the schedule. The concurrency policy of the job applies.')
    .argument('<name>', 'the job')
    .option(
      '--wait',
      'wait until the run and its retries end; exit with the code of the last attempt, or 125 if lsh fails',
    )
    .option('--id <id>', 'id of the request; a second request with the same id starts no second run')
    .addOption(formatOption('table', 'json', 'yaml', 'name'))
    .action((name: string, flags: TriggerFlags) => trigger(context, name, flags));
  // Also for a mistake in the options after it.
  command.on('option:wait', () => (context.failureStatus = EXIT.ownFailure));
  withExamples(
    command,
    ['lsh cron trigger rotate-secrets', 'Start a run and return'],
    [
      'lsh cron trigger report --cluster --namespace ops --wait',
      'Start a run in a cluster, and wait until it ends',
    ],
    [
      'lsh cron trigger rotate-secrets --wait && lsh cron logs rotate-secrets',
      'Start a run, wait, and print its output',
    ],
  );
}

async function stop({ io, api }: Context, name: string, run?: string): Promise<void> {
  const { stopped } = await (await api()).stop({ name, ...(run === undefined ? {} : { run }) });
  if (stopped.length === 0) return print(io, `job "${name}" has no active run`);
  print(io, ...stopped.map((name) => `run "${name}" stopping`));
}

export function addStop(cron: Command, context: Context): void {
  const command = cron
    .command('stop')
    .description(
      'Stop the active runs of a job: TERM to the process group, then KILL. The schedule continues.',
    )
    .argument('<name>', 'the job')
    .argument('[run]', 'only this run')
    .action((name: string, run: string | undefined) => stop(context, name, run));
  withExamples(command, ['lsh cron stop rotate-secrets', 'Stop every active run of the job']);
}
