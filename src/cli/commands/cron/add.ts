// `lsh cron add`: a job from flags. A second call with the same name changes the job.
import type { Command } from 'commander';
import { platformOf, type Context } from '../../context.ts';
import { addOptions, repeatable, withExamples, type OptionDefinition, type Wanted } from '../../define.ts';
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

/** The flags of a spec, which `add`, `at`, `in` and `create-from-template` share. */
const SPEC_OPTIONS: readonly OptionDefinition[] = [
  ['-s, --schedule <expr>', 'cron expression, @daily, @every 90s, @reboot (repeatable)', repeatable],
  ['-i, --interval <duration>', 'short for --schedule "@every <duration>"'],
  ['--at-daemon-start', 'short for --schedule @daemon-start; @reboot runs once per boot of the machine'],
  [
    '--at <instant>',
    'run once, at this instant, in place of a schedule: "2026-12-24 10:00", tomorrow, "in 90m"',
  ],
  [
    '--after <job[:end]>',
    'run after each Completed (default), Failed or Ended run of another job, also without a schedule (repeatable)',
    repeatable,
  ],
  ['-c, --command <line>', 'command line for a shell; or give a program and its arguments after --'],
  ['--tz <zone>', 'IANA time zone of the schedule; default: the zone of this machine, or UTC in a cluster'],
  ['--timeout <duration>', 'stop a run that takes longer, such as 90s, 15m, 2h'],
  [
    '--expect-success-within <duration>',
    'say that the job is overdue if no run completes for so long, whatever the cause: 26h, or auto',
  ],
  ['--slow-after <limit>', 'say that a run is slow if it takes longer: 90s, or 2x the usual duration'],
  ['--grace <duration>', 'time between TERM and KILL; default: 10s'],
  ['--retries <count>', 'how often to retry a failed run; default: 0'],
  ['--retry-delay <duration>', 'delay before the first retry, doubled before each further one; default: 10s'],
  ['--retry-factor <number>', 'each delay is the one before times this; default: 2'],
  ['--retry-max-delay <duration>', 'longest delay between two attempts; default: 5m'],
  ['--retry-jitter <0-1>', 'share by which each delay may vary; default: 0.1'],
  ['--retry-on <codes>', 'retry only these exit codes, separated by commas'],
  [
    '--retry-disruptions <count>',
    'how often to retry a run whose Pod a drain, an eviction or a preemption ended; default: 3',
  ],
  ['--never-retry-on <codes>', 'never retry these exit codes, separated by commas'],
  [
    '--concurrency <policy>',
    'for a run that is due while another is active: forbid (default), allow, replace, queue',
  ],
  [
    '--concurrency-group <name[:max]>',
    'jobs of one group have at most max active runs together, the others wait; default of max: 1',
  ],
  ['--missed <policy>', 'slots to make up for after a downtime: latest (default), skip (none), all'],
  ['--max-missed <count>', 'most slots that --missed all makes up for; default: 10'],
  ['--deadline <duration>', 'do not run a slot that is older than this'],
  ['-e, --env <name=value>', 'environment variable (repeatable)', repeatable],
  [
    '--record-env',
    'record the values of --env in the team’s history; by default it has the names alone and masks the values',
  ],
  ['--env-file <file>', 'file with environment variables, read at each run (repeatable)', repeatable],
  [
    '--secrets-env <env>',
    'environment of lsh secrets, such as prod: each run gets its variables; the job then starts in the current directory unless --working-dir is given',
  ],
  ['-t, --tag <tag>', 'tag for `lsh cron list --tag` (repeatable, or separated by commas)', repeatable],
  ['-d, --description <text>', 'text that `lsh cron get` shows'],
  [
    '-w, --working-dir <dir>',
    'directory in which the command starts; default: the home directory; for `lsh push` and other commands about secrets, this directory',
  ],
  ['--shell <path>', 'shell for --command; default: /bin/sh'],
  [
    '--background-children <stop|keep>',
    'for processes that outlive the command in its process group: stop (default) or keep them',
  ],
  ['-p, --priority <0-10>', '10 starts first when more jobs are due than may run at once; default: 5'],
  ['--keep-successful <count>', 'completed runs that the job shows; default: 3'],
  ['--keep-failed <count>', 'failed and killed runs that the job shows; default: 3'],
  ['--no-capture-output', 'keep no end of the output with the runs'],
  ['--jitter <duration>', 'delay each slot by up to this; the same slot always has the same delay'],
  ['--suspend', 'add the job paused'],
  ['--resume-at <instant>', 'with --suspend: resume the job at this instant'],
  [
    '--not-before <instant>',
    'no slot before this instant, in the zone of the schedule: 2027-01-01, "2027-01-01 14:00", tomorrow, "in 2h"',
  ],
  ['--not-after <instant>', 'no slot after this instant'],
  [
    '--except-date <date>',
    'no slot on this day, in the zone of the schedule, such as 2026-12-25 (repeatable, or separated by commas)',
    repeatable,
  ],
  [
    '--notify <channel[:kinds]>',
    'who hears of the job (repeatable): a channel, such as team, or with what it hears of, such as team:Failed,Recovered,Missed; none: no one',
    repeatable,
  ],
  ['--notify-after <count>', 'failures in a row until Failed; default: 1'],
  ['--notify-repeat <duration>', 'tell of further failures after this long, such as 24h'],
  [
    '--calendar <name>',
    'no slot on the days of this calendar; `lsh calendar add` adds one (repeatable)',
    repeatable,
  ],
  ['--only-calendar <name>', 'slots on the days of this calendar alone (repeatable)', repeatable],
  ['--executor <shell|job>', 'shell: a subprocess; job: a Kubernetes Job, the default in a cluster'],
  ['--image <image>', 'image of the Kubernetes Job'],
  ['--dry-run', 'only say what would change'],
];

/** Adds those flags that the command line needs. */
export function withSpecFlags(command: Command, below: Wanted): Command {
  return addOptions(command, [...SPEC_OPTIONS, formatOption('json', 'yaml', 'name')], below);
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

export function addAdd(cron: Command, context: Context, below: Wanted): void {
  const command = cron
    .command('add')
    .description('Add a job, or change the job of that name. An option that you leave out takes its default.')
    .argument('[program...]', 'after --: a program and its arguments, run without a shell')
    .requiredOption('-n, --name <name>', 'name of the job: lower-case letters, digits and dashes');
  withSpecFlags(command, below).action((words: string[], flags: AddFlags, { parent }: Command) => {
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
