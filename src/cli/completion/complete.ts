// Candidates for the word at the cursor: subcommands, options, their values, names of jobs and runs. Prints one candidate per
// line, then a tab and its description. Without a candidate the shell completes file names.
import { setTimeout as delay } from 'node:timers/promises';
import type { Command, Option } from 'commander';
import { EXIT } from '../../core/errors.ts';
import { oneLine } from '../../core/printable.ts';
import { chosenCluster } from '../cluster-options.ts';
import type { ClusterChoice, Context } from '../context.ts';
import { printText } from '../output/print.ts';
import { buildProgram } from '../program.ts';

type Candidate = [value: string, description: string];

/** Names of arguments that are names of jobs. */
const JOB_ARGUMENTS = new Set(['name', 'name|expr']);

/** Prints the candidates for the last of the words (which may be empty). */
export async function complete(context: Context, words: readonly string[]): Promise<number> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  // As for help: with every option of the command.
  const program = await buildProgram(context, [...before, '--help']);
  const candidates = await candidatesFor(context, program, before, current);
  for (const [value, description] of candidates) {
    if (value.startsWith(current)) printText(context.io, `${oneLine(value)}\t${oneLine(description)}\n`);
  }
  return EXIT.ok;
}

async function candidatesFor(
  context: Context,
  program: Command,
  before: readonly string[],
  current: string,
): Promise<Candidate[]> {
  const { command, rest } = descend(program, before);
  const option = optionNamed(command, before.at(-1));
  if (option?.required) return valuesOf(option).map((choice) => [choice, option.description]);
  if (before.includes('--')) return [];
  if (current.startsWith('-')) return optionsOf(command);
  if (command.commands.length > 0)
    return command.commands.map((child) => [child.name(), child.description()]);
  context.cluster = clusterOf(command, before);
  return argumentValues(context, command, rest);
}

/** Values of options whose check is not commander’s: validation names their problems. */
const OPTION_VALUES: Record<string, () => readonly string[]> = {
  '--concurrency': () => ['forbid', 'allow', 'replace', 'queue'],
  '--missed': () => ['latest', 'skip', 'all'],
  '--executor': () => ['shell', 'job'],
  '--background-children': () => ['stop', 'keep'],
  '--tz': () => ['UTC', ...Intl.supportedValuesOf('timeZone')],
};

function valuesOf({ argChoices, long }: Option): readonly string[] {
  return argChoices ?? OPTION_VALUES[long ?? '']?.() ?? [];
}

/** The cluster that the words choose: commander parses no incomplete command line. */
function clusterOf(command: Command, words: readonly string[]): ClusterChoice | undefined {
  const flags: Record<string, unknown> = {};
  for (const [index, word] of words.entries()) {
    const [name, inline] = word.split('=', 2);
    const option = optionNamed(command, name);
    if (option) flags[option.attributeName()] = option.required ? (inline ?? words[index + 1]) : true;
  }
  return chosenCluster(flags);
}

/** The command that the words name, and its arguments so far. */
function descend(program: Command, words: readonly string[]): { command: Command; rest: string[] } {
  let command = program;
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const next = command.commands.find((child) => child.name() === word || child.aliases().includes(word));
    if (next) command = next;
    else if (optionNamed(command, word)?.required) index += 1;
    else if (!word.startsWith('-')) rest.push(word);
  }
  return { command, rest };
}

function optionNamed(command: Command, word: string | undefined): Option | undefined {
  const named = ({ short, long }: Option) => word !== undefined && (word === short || word === long);
  const own = command.options.find(named);
  return own ?? (command.parent ? optionNamed(command.parent, word) : undefined);
}

function optionsOf(command: Command): Candidate[] {
  const help = command.createHelp();
  const shared = help.showGlobalOptions ? help.visibleGlobalOptions(command) : [];
  return [...help.visibleOptions(command), ...shared].map(({ long, short, description }) => [
    long ?? short ?? '',
    description,
  ]);
}

async function argumentValues(context: Context, command: Command, given: string[]): Promise<Candidate[]> {
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[given.length] ?? (last?.variadic ? last : undefined);
  if (!argument) return [];
  if (argument.argChoices) return argument.argChoices.map((choice) => [choice, argument.description]);
  const [job] = given;
  if (argument.name() === 'run' && job !== undefined) return runNames(context, job);
  if (!JOB_ARGUMENTS.has(argument.name())) return [];
  return jobNames(context, new Set(given));
}

/** Shorter than the notice about a silent daemon: a notice would break the command line that a person types. */
const LOCAL_LIMIT_MS = 1_500;

/** A frozen daemon must not block the command line that a person types: then there are no names. */
function inTime<T>(answer: Promise<T[]>, local: boolean): Promise<T[]> {
  return local ? Promise.race([answer, delay(LOCAL_LIMIT_MS, [])]) : answer;
}

async function jobNames(context: Context, given: ReadonlySet<string>): Promise<Candidate[]> {
  try {
    const jobs = await inTime((await context.api()).list({}), context.cluster === undefined);
    return jobs
      .filter(({ metadata }) => !given.has(metadata.name))
      .map(({ metadata, spec }) => [metadata.name, spec.description ?? spec.schedule ?? '']);
  } catch {
    // Without a daemon there are no names, and a completion cannot show the error.
    return [];
  }
}

/** The newest runs of the job. */
async function runNames(context: Context, name: string): Promise<Candidate[]> {
  try {
    const runs = (await context.api()).runs({ name, limit: 20 });
    return (await inTime(runs, context.cluster === undefined)).map((run) => [run.name, run.phase]);
  } catch {
    return [];
  }
}
