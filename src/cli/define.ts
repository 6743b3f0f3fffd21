// Parts that the definitions of commands share: tables of commands and of options, examples, repeatable options.
import { Option, type Command } from 'commander';
import type { Context } from './context.ts';

/**
 * The commands to add below a parent: `all`, for the docs; `none`; or those that the words of a command line name.
 * Where the words name none, all of one level are added, for help and completion. See addOptions() for options.
 */
export type Wanted = 'all' | 'none' | readonly string[];

type AddCommand = (parent: Command, context: Context, below: Wanted) => void | Promise<void>;

/** Commands by name. A call loads the files of its own commands alone. */
export type Commands = Record<string, () => Promise<AddCommand>>;

/** Loads the wanted commands and adds them to their parent. */
export async function addCommands(
  parent: Command,
  context: Context,
  commands: Commands,
  wanted: Wanted,
): Promise<void> {
  if (wanted === 'none') return;
  const words = wanted === 'all' ? [] : wanted;
  const [name = '', ...rest] = words[0] === '--' ? words.slice(1) : words;
  const called = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const below = called ? rest : wanted === 'all' ? 'all' : 'none';
  const loads = called ? [called] : Object.values(commands);
  for (const add of await Promise.all(loads.map((load) => load()))) await add(parent, context, below);
}

/** An option, or what to create it from. */
export type OptionDefinition =
  | Option
  | readonly [flags: string, description: string, parse?: typeof repeatable];

/**
 * Adds the options that the words of a command line name: commander takes milliseconds for dozens. Adds all where the
 * words have a flag that neither these options nor those of the command and its parents know, for help and errors.
 */
export function addOptions(
  command: Command,
  definitions: readonly OptionDefinition[],
  wanted: Wanted,
): Command {
  const added = typeof wanted === 'string' ? definitions : namedBy(wanted, command, definitions);
  for (const definition of added) command.addOption(optionOf(definition));
  return command;
}

function namedBy(
  words: readonly string[],
  command: Command,
  definitions: readonly OptionDefinition[],
): Iterable<OptionDefinition> {
  const byFlag = new Map(definitions.flatMap((each) => flagsOf(each).map((flag) => [flag, each])));
  const named = new Set<OptionDefinition>();
  for (const word of flagsIn(words)) {
    const [flag = ''] = word.split('=', 1);
    const definition = byFlag.get(flag);
    if (definition) named.add(definition);
    else if (!knows(command, flag)) return definitions;
  }
  return named;
}

/** The words that may be flags. */
function flagsIn(words: readonly string[]): string[] {
  // Directly behind a flag, `--` may be its value.
  const end = words.findIndex((word, index) => word === '--' && !words[index - 1]?.startsWith('-'));
  return words.slice(0, end === -1 ? undefined : end).filter((word) => word.startsWith('-'));
}

/** Whether the command or a parent has the option. */
function knows(command: Command | null, flag: string): boolean {
  if (command === null) return false;
  return (
    command.options.some(({ short, long }) => flag === short || flag === long) || knows(command.parent, flag)
  );
}

/** `-s` and `--schedule` of `-s, --schedule <expr>`. */
function flagsOf(definition: OptionDefinition): string[] {
  const flags = definition instanceof Option ? definition.flags : definition[0];
  return flags.split(/[ ,]+/).filter((part) => part.startsWith('-'));
}

function optionOf(definition: OptionDefinition): Option {
  if (definition instanceof Option) return definition;
  const [flags, description, parse] = definition;
  const option = new Option(flags, description);
  return parse ? option.argParser(parse) : option;
}

export interface Example {
  line: string;
  purpose: string;
}

const examples = new WeakMap<Command, readonly Example[]>();

/** Adds examples to the help of a command; each is `[command line, purpose]`. */
export function withExamples(
  command: Command,
  ...pairs: readonly [line: string, purpose: string][]
): Command {
  examples.set(
    command,
    pairs.map(([line, purpose]) => ({ line, purpose })),
  );
  const text = pairs.map(([line, purpose]) => `  # ${purpose}\n  ${line}`).join('\n');
  return command.addHelpText('after', `\nExamples:\n${text}`);
}

/** The examples of a command, for docs/cli.md. */
export function examplesOf(command: Command): readonly Example[] {
  return examples.get(command) ?? [];
}

/** Parser of an option that a command line may repeat: collects the values. */
export function repeatable(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
