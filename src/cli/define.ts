// How a command is written down: what it does, its options, and the examples that its help ends with.
import type { Command } from 'commander';

export interface Example {
  line: string;
  what: string;
}

const examples = new WeakMap<Command, readonly Example[]>();

/** Gives a command its examples; each is `[command line, what it does]`. */
export function withExamples(command: Command, ...pairs: readonly [line: string, what: string][]): Command {
  examples.set(
    command,
    pairs.map(([line, what]) => ({ line, what })),
  );
  const text = pairs.map(([line, what]) => `  # ${what}\n  ${line}`).join('\n');
  return command.addHelpText('after', `\nExamples:\n${text}`);
}

/** The examples of a command, for the page made from the tree. */
export function examplesOf(command: Command): readonly Example[] {
  return examples.get(command) ?? [];
}

/** Collects an option that may be given several times. */
export function repeatable(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
