// `lsh cron at` and `lsh cron in`: a job that runs once. They take the flags of add, and derive the name.
import type { Command } from 'commander';
import { stableId } from '../../../../core/hash.ts';
import type { Context } from '../../../context.ts';
import { withExamples, type Wanted } from '../../../define.ts';
import { usage } from '../../../failure.ts';
import { withBounds } from '../../../input/bounds.ts';
import { add, assertSeparated, rawArguments, withSpecFlags, type AddFlags } from '../add.ts';

type OnceFlags = Omit<AddFlags, 'name'> & { name?: string };

/** Longest part of a derived name that comes from the command. */
const WORD_MAX_LENGTH = 30;

/** The program that the command begins with, as a part of a job’s name. */
function wordOf({ command = '' }: OnceFlags, words: readonly string[]): string {
  const first =
    words[0] ??
    command
      .trim()
      .split(/\s+/)
      .find((word) => !/^\w+=/.test(word)) ??
    '';
  const name = first.split('/').at(-1)!.toLowerCase();
  const word = name
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, WORD_MAX_LENGTH)
    .replaceAll(/^-+|-+$/g, '');
  return word === '' ? 'once' : word;
}

/** `backup-1224-1000-x7fa`: the same command at the same time has the same name, so that a repeated call changes nothing. */
export function derivedName(at: string, flags: OnceFlags, words: readonly string[]): string {
  const [, month, day, hour, minute] = /^\d+-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(at) ?? [];
  const id = stableId([at, flags.command ?? '', ...words].join('\n'), 4);
  return [wordOf(flags, words), `${month}${day}`, `${hour}${minute}`, id].join('-');
}

async function once(context: Context, at: string, words: string[], flags: OnceFlags): Promise<void> {
  const given = flags.schedule ?? flags.interval ?? flags.atDaemonStart ?? flags.at;
  if (given !== undefined)
    throw usage(
      'A job that runs once has no schedule.',
      'Leave --schedule, --interval, --at-daemon-start and --at out.',
    );
  const bounded = await withBounds(context, { ...flags, at });
  const name = flags.name ?? derivedName(bounded.at, flags, words);
  await add(context, words, { ...flags, at: bounded.at, name });
}

function withOnceFlags(command: Command, below: Wanted): Command {
  return withSpecFlags(
    command
      .argument('[program...]', 'after --: a program and its arguments, run without a shell')
      .option('-n, --name <name>', 'name of the job; default: derived from the command and the time'),
    below,
  );
}

export function addAt(cron: Command, context: Context, below: Wanted): void {
  const command = withOnceFlags(
    cron
      .command('at')
      .description(
        'Add a job that runs once, at a time. Then it is gone from the list, and its history stays.',
      )
      .argument('<time>', '"2026-12-24 10:00", "tomorrow 8:00", 22:30; in the zone of --tz'),
    below,
  ).action((time: string, words: string[], flags: OnceFlags, { parent }: Command) => {
    assertSeparated(words, rawArguments(parent));
    return once(context, time, words, flags);
  });
  withExamples(
    command,
    ["lsh cron at '2026-12-24 10:00' --command 'make release'", 'Run once, in the zone of this machine'],
    [
      'lsh cron at tomorrow --tz Asia/Tokyo --retries 3 --cluster -- psql -f close.sql',
      'Run once in a cluster',
    ],
  );
}

export function addIn(cron: Command, context: Context, below: Wanted): void {
  const command = withOnceFlags(
    cron
      .command('in')
      .description(
        'Add a job that runs once, after a time. Then it is gone from the list, and its history stays.',
      )
      .argument('<duration>', '90s, 15m, 2h, 3d'),
    below,
  ).action((duration: string, words: string[], flags: OnceFlags, { parent }: Command) => {
    assertSeparated(words, rawArguments(parent));
    return once(context, `in ${duration}`, words, flags);
  });
  withExamples(command, ["lsh cron in 90m --command 'make release'", 'Run once, in an hour and a half']);
}
