// Parts that the definitions of commands share: examples and repeatable options.
import type { Command } from 'commander';

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
