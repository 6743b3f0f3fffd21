// Parts that the definitions of commands share: tables of commands, examples, repeatable options.
import type { Command } from 'commander';
import type { Context } from './context.ts';

/**
 * The commands to add below a parent: `all`, for the docs; `none`; or those that the words of a command line name.
 * Where the words name none, all of one level are added, for help and completion.
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
