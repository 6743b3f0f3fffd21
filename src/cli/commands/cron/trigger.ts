// `lsh cron trigger|stop`: start a run now, stop the active runs.
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

/** The exit code of the run, so that a script sees the same status as without lsh. */
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
  if (!flags.wait) return printRun(context, started, `run "${started.name}" started`, flags.output);
  const ended = await withProgress(io, `${started.name} running`, api.run({ run: started.name, wait: true }));
  const ms = runMs(ended, io.now());
  const took = ms === undefined ? '' : ` after ${formatDuration(ms)}`;
  await printRun(context, ended, `run "${ended.name}" ${resultText(ended)}${took}`, flags.output);
  context.status = statusOf(ended);
  if (context.status !== EXIT.ok && flags.output === undefined) {
    note(io, `hint: Read its output with \`lsh cron logs ${name} ${ended.name}${targetFlags(context)}\`.`);
  }
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
    .option('--wait', 'wait until the run ends, and exit with its exit code')
    .option('--id <id>', 'id of the request; a second request with the same id starts no second run')
    .addOption(formatOption('table', 'json', 'yaml', 'name'))
    .action((name: string, flags: TriggerFlags) => trigger(context, name, flags));
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
