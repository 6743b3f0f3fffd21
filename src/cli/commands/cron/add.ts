// `lsh cron add`: a job from flags. A second call with the same name changes the job.
import type { Command } from 'commander';
import { platformOf, type Context } from '../../context.ts';
import { repeatable, withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { withBounds } from '../../input/bounds.ts';
import { manifestFor, specFromFlags, type SpecFlags } from '../../input/spec-from-flags.ts';
import { formatOption, type Format } from '../../output/format-option.ts';
import { printPutAs } from '../../output/put.ts';

export interface AddFlags extends SpecFlags {
  name: string;
  dryRun?: true;
  output?: Format;
}

/** Adds the flags of a spec, which `add` and `create-from-template` share. */
export function withSpecFlags(command: Command): Command {
  return command
    .option('-s, --schedule <expr>', 'cron expression, @daily, @every 90s, @reboot (repeatable)', repeatable)
    .option('-i, --interval <duration>', 'short for --schedule "@every <duration>"')
    .option(
      '--at-daemon-start',
      'short for --schedule @daemon-start; @reboot runs once per boot of the machine',
    )
    .option(
      '--at <instant>',
      'run once, at this instant, in place of a schedule: "2026-12-24 10:00", tomorrow, "in 90m"',
    )
    .option(
      '--after <job[:end]>',
      'run after each Completed (default), Failed or Ended run of another job, also without a schedule (repeatable)',
      repeatable,
    )
    .option('-c, --command <line>', 'command line for a shell; or give a program and its arguments after --')
    .option(
      '--tz <zone>',
      'IANA time zone of the schedule; default: the zone of this machine, or UTC in a cluster',
    )
    .option('--timeout <duration>', 'stop a run that takes longer, such as 90s, 15m, 2h')
    .option(
      '--expect-success-within <duration>',
      'say that the job is overdue if no run completes for so long, whatever the cause: 26h, or auto',
    )
    .option(
      '--slow-after <limit>',
      'say that a run is slow if it takes longer: 90s, or 2x the usual duration',
    )
    .option('--grace <duration>', 'time between TERM and KILL; default: 10s')
    .option('--retries <count>', 'how often to retry a failed run; default: 0')
    .option(
      '--retry-delay <duration>',
      'delay before the first retry, doubled before each further one; default: 10s',
    )
    .option('--retry-factor <number>', 'each delay is the one before times this; default: 2')
    .option('--retry-max-delay <duration>', 'longest delay between two attempts; default: 5m')
    .option('--retry-jitter <0-1>', 'share by which each delay may vary; default: 0.1')
    .option('--retry-on <codes>', 'retry only these exit codes, separated by commas')
    .option(
      '--retry-disruptions <count>',
      'how often to retry a run whose Pod a drain, an eviction or a preemption ended; default: 3',
    )
    .option('--never-retry-on <codes>', 'never retry these exit codes, separated by commas')
    .option(
      '--concurrency <policy>',
      'for a run that is due while another is active: forbid (default), allow, replace, queue',
    )
    .option(
      '--concurrency-group <name[:max]>',
      'jobs of one group have at most max active runs together, the others wait; default of max: 1',
    )
    .option('--missed <policy>', 'slots to make up for after a downtime: latest (default), skip (none), all')
    .option('--max-missed <count>', 'most slots that --missed all makes up for; default: 10')
    .option('--deadline <duration>', 'do not run a slot that is older than this')
    .option('-e, --env <name=value>', 'environment variable (repeatable)', repeatable)
    .option(
      '--record-env',
      'record the values of --env in the team’s history; by default it has the names alone and masks the values',
    )
    .option('--env-file <file>', 'file with environment variables, read at each run (repeatable)', repeatable)
    .option(
      '--secrets-env <env>',
      'environment of lsh secrets, such as prod: each run gets its variables; the job then starts in the current directory unless --working-dir is given',
    )
    .option(
      '-t, --tag <tag>',
      'tag for `lsh cron list --tag` (repeatable, or separated by commas)',
      repeatable,
    )
    .option('-d, --description <text>', 'text that `lsh cron get` shows')
    .option(
      '-w, --working-dir <dir>',
      'directory in which the command starts; default: the home directory; for `lsh push` and other commands about secrets, this directory',
    )
    .option('--shell <path>', 'shell for --command; default: /bin/sh')
    .option(
      '--background-children <stop|keep>',
      'for processes that outlive the command in its process group: stop (default) or keep them',
    )
    .option(
      '-p, --priority <0-10>',
      '10 starts first when more jobs are due than may run at once; default: 5',
    )
    .option('--keep-successful <count>', 'completed runs that the job shows; default: 3')
    .option('--keep-failed <count>', 'failed and killed runs that the job shows; default: 3')
    .option('--no-capture-output', 'keep no end of the output with the runs')
    .option('--jitter <duration>', 'delay each slot by up to this; the same slot always has the same delay')
    .option('--suspend', 'add the job paused')
    .option('--resume-at <instant>', 'with --suspend: resume the job at this instant')
    .option(
      '--not-before <instant>',
      'no slot before this instant, in the zone of the schedule: 2027-01-01, "2027-01-01 14:00", tomorrow, "in 2h"',
    )
    .option('--not-after <instant>', 'no slot after this instant')
    .option(
      '--except-date <date>',
      'no slot on this day, in the zone of the schedule, such as 2026-12-25 (repeatable, or separated by commas)',
      repeatable,
    )
    .option(
      '--notify <channel[:kinds]>',
      'who hears of the job (repeatable): a channel, such as team, or with what it hears of, such as team:Failed,Recovered,Missed; none: no one',
      repeatable,
    )
    .option('--notify-after <count>', 'failures in a row until Failed; default: 1')
    .option('--notify-repeat <duration>', 'tell of further failures after this long, such as 24h')
    .option(
      '--calendar <name>',
      'no slot on the days of this calendar; `lsh calendar add` adds one (repeatable)',
      repeatable,
    )
    .option('--only-calendar <name>', 'slots on the days of this calendar alone (repeatable)', repeatable)
    .option('--executor <shell|job>', 'shell: a subprocess; job: a Kubernetes Job, the default in a cluster')
    .option('--image <image>', 'image of the Kubernetes Job');
}

/** Throws USAGE for words that are not after `--`: most often they are a schedule without quotes. */
export function assertSeparated(words: readonly string[], argv: readonly string[]): void {
  if (words.length === 0 || argv.includes('--')) return;
  throw usage(
    `Unexpected argument "${words[0]}".`,
    'Put quotes around the schedule and the command; put a program and its arguments after --.',
  );
}

export async function add(context: Context, words: string[], flags: AddFlags): Promise<void> {
  const bounded = await withBounds(context, flags);
  const job = manifestFor(flags.name, specFromFlags(bounded, words, platformOf(context)));
  const api = await context.api();
  const result = await api.put({ job, dryRun: flags.dryRun === true });
  await printPutAs(context.io, result, flags);
}

export function addAdd(cron: Command, context: Context): void {
  const command = cron
    .command('add')
    .description('Add a job, or change the job of that name. An option that you leave out takes its default.')
    .argument('[program...]', 'after --: a program and its arguments, run without a shell')
    .requiredOption('-n, --name <name>', 'name of the job: lower-case letters, digits and dashes');
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
      'lsh cron add --name rotate-secrets --schedule "0 2 * * 0" --command "lsh push --env prod"',
      'Run each Sunday at two, in this directory',
    ],
    [
      'lsh cron add --name backup --schedule "30 1 * * *" --tz Europe/Berlin --retries 3 --timeout 1h -- pg_dump -f /backups/db app',
      'Run each night, without a shell, with retries and a time limit',
    ],
    [
      'lsh cron add --name ping --interval 90s --command "curl -fsS https://example.org" --dry-run',
      'Check a job without adding it',
    ],
    [
      'lsh cron add --cluster --name report --schedule "H 6 * * 1-5" --image postgres:17 -- psql -c "call report()"',
      'Run a Kubernetes Job each working day after six, at a minute that lsh derives from the name',
    ],
  );
}

export function rawArguments(command: Command | null): readonly string[] {
  let root = command;
  while (root?.parent) root = root.parent;
  return (root as { rawArgs?: string[] } | null)?.rawArgs ?? [];
}
