// `lsh cron add`: a job from flags. The same name again changes the job, or leaves it as it is.
import type { Command } from 'commander';
import { platformOf, type Context } from '../../context.ts';
import { repeatable, withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { manifestFor, specFromFlags, type SpecFlags } from '../../input/spec-from-flags.ts';
import { formatOption, type Format } from '../../output/format-option.ts';
import { printPutAs } from '../../output/put.ts';

interface AddFlags extends SpecFlags {
  name: string;
  dryRun?: true;
  output?: Format;
}

/** The flags that say what a job is; `create-from-template` has them too. */
export function withSpecFlags(command: Command): Command {
  return command
    .option('-s, --schedule <expr>', 'cron expression, @daily, @every 90s, @reboot (repeatable)', repeatable)
    .option('-i, --interval <duration>', 'short for --schedule "@every <duration>"')
    .option('-c, --command <line>', 'run by a shell; or give a program and its arguments after --')
    .option('--tz <zone>', 'IANA time zone of the schedule; default: this machine’s, in a cluster UTC')
    .option('--timeout <duration>', 'end a run that takes longer, such as 90s, 15m, 2h')
    .option('--grace <duration>', 'time between TERM and KILL; default: 10s')
    .option('--retries <count>', 'attempts after a failed one')
    .option('--retry-delay <duration>', 'before the first retry, doubling after that; default: 10s')
    .option('--concurrency <policy>', 'while a run is active: forbid (default), allow, replace, queue')
    .option('--missed <policy>', 'slots missed while nothing ran: latest (default), skip, all')
    .option('--deadline <duration>', 'do not run a slot that is older than this')
    .option('-e, --env <name=value>', 'environment variable (repeatable)', repeatable)
    .option('--env-file <file>', 'file with environment variables, read at each run (repeatable)', repeatable)
    .option('-t, --tag <tag>', 'for `lsh cron list --tag` (repeatable, or separated by commas)', repeatable)
    .option('-d, --description <text>', 'for people')
    .option('-w, --working-dir <dir>', 'where the command starts; default: the home directory')
    .option('--shell <path>', 'shell for --command; default: /bin/sh')
    .option('-p, --priority <0-10>', 'who starts first when more are due than may start; default: 5')
    .option('--jitter <duration>', 'delay each slot by a stable share of this')
    .option('--suspend', 'add it paused')
    .option('--not-before <instant>', 'no slot before this (RFC 3339)')
    .option('--not-after <instant>', 'no slot after this (RFC 3339)')
    .option(
      '--executor <shell|job>',
      'what runs it: a subprocess, or in a cluster (default) a Kubernetes Job',
    )
    .option('--image <image>', 'image of the Kubernetes Job');
}

/** Words that are not behind `--` are most often a schedule without quotes. */
function assertSeparated(words: readonly string[], argv: readonly string[]): void {
  if (words.length === 0 || argv.includes('--')) return;
  throw usage(
    `Unexpected argument "${words[0]}".`,
    'Put quotes around the schedule and the command; put a program and its arguments after --.',
  );
}

async function add(context: Context, words: string[], flags: AddFlags): Promise<void> {
  const job = manifestFor(flags.name, specFromFlags(flags, words, platformOf(context)));
  const api = await context.api();
  const result = await api.put({ job, dryRun: flags.dryRun === true });
  await printPutAs(context.io, result, flags);
}

export function addAdd(cron: Command, context: Context): void {
  const command = cron
    .command('add')
    .description('Add a job, or change the one of that name. Fields that are not given take their defaults.')
    .argument('[program...]', 'after --: run this without a shell')
    .requiredOption('-n, --name <name>', 'lower-case letters, digits and dashes');
  withSpecFlags(command)
    .option('--dry-run', 'only say what would change')
    .addOption(formatOption('json', 'yaml', 'name'))
    .action((words: string[], flags: AddFlags, { parent }: Command) => {
      assertSeparated(words, rawArguments(parent));
      return add(context, words, flags);
    });
  withExamples(
    command,
    [
      'lsh cron add --name rotate-secrets --schedule "0 2 * * 0" --command "make rotate"',
      'Each Sunday at two',
    ],
    [
      'lsh cron add --name backup --schedule "30 1 * * *" --tz Europe/Berlin --retries 3 --timeout 1h -- pg_dump -f /backups/db app',
      'Each night, without a shell, with retries and a time limit',
    ],
    [
      'lsh cron add --name ping --interval 90s --command "curl -fsS https://example.org" --dry-run',
      'Try it first',
    ],
    [
      'lsh cron add --cluster --name report --schedule "H 6 * * 1-5" --image postgres:17 -- psql -c "call report()"',
      'A Kubernetes Job each working day, at a minute of its own after six',
    ],
  );
}

function rawArguments(command: Command | null): readonly string[] {
  let root = command;
  while (root?.parent) root = root.parent;
  return (root as { rawArgs?: string[] } | null)?.rawArgs ?? [];
}
