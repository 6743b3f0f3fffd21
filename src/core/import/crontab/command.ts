// Converts the command of a crontab line: flags before it, escaped percent signs, and the input behind the first one.
import { shellQuote } from '../../command-check/shell/shell-quote.ts';
import { nameOfCommand } from './job-name.ts';

export interface ConvertedCommand {
  command: string;
  /** The shell of the crontab, or undefined where /bin/sh starts it. */
  shell?: string | undefined;
  /** Derived from the command. */
  name: string;
  notes: string[];
}

/** What OpenBSD and FreeBSD mean by a flag, and what lsh does instead. */
const FLAGS: Record<string, string> = {
  n: 'lsh keeps the output of every run and sends no mail',
  q: 'lsh records every run',
  s: 'concurrencyPolicy Forbid keeps a job to one run at a time',
};
/** Shells that read `{ …; } <<'END'`. */
const BOURNE_SHELL = /(?:^|\/)(?:r?ba|da|a|k|mk|pdk|z|ya|po)?sh$|\/busybox$/;

/** Converts the command as it stands behind the schedule and the user. */
export function convertCommand(written: string, shell: string | undefined): ConvertedCommand {
  const { flags, rest } = splitFlags(written);
  const { command, input } = splitInput(rest);
  const notes = flags.map((flag) => `The flag -${flag} was left out: ${FLAGS[flag]}.`);
  const name = nameOfCommand(command);
  if (input === undefined) return { command, shell, name, notes };
  if (shell === undefined || BOURNE_SHELL.test(shell)) {
    return { command: withInput(`{\n${command}\n}`, input), shell, name, notes };
  }
  notes.push(`${shell} reads no here-document of sh, so /bin/sh starts it and passes the input behind %.`);
  return { command: withInput(`${shellQuote(shell)} -c ${shellQuote(command)}`, input), name, notes };
}

function splitFlags(written: string): { flags: string[]; rest: string } {
  const [, flags = '', rest = written] = /^((?:-[nqs]+\s+)+)(\S.*)$/.exec(written) ?? [];
  return { flags: [...new Set(flags.replaceAll(/[\s-]/g, ''))], rest };
}

/**
 * Splits at the first percent sign that no backslash escapes. A backslash escapes the next character, so an even
 * number of them escapes no percent sign; only `\%` loses its backslash.
 */
function splitInput(text: string): { command: string; input?: string[] } {
  const [command = ''] = /^(?:\\.|[^%\\]|\\$)*/s.exec(text) ?? [];
  const unescaped = command.replaceAll(/\\(.)/gs, (pair, char: string) => (char === '%' ? '%' : pair));
  if (command.length === text.length) return { command: unescaped };
  // In the input a backslash right before a percent sign escapes it, whatever stands before the backslash.
  const input = text.slice(command.length + 1).split(/(?<!\\)%/);
  return { command: unescaped, input: input.map((line) => line.replaceAll(String.raw`\%`, '%')) };
}

function withInput(command: string, input: readonly string[]): string {
  const delimiter = freeDelimiter(input);
  return `${command} <<'${delimiter}'\n${input.join('\n')}\n${delimiter}`;
}

/** A delimiter that equals no line of the input. */
function freeDelimiter(lines: readonly string[]): string {
  let delimiter = 'END_OF_INPUT';
  while (lines.includes(delimiter)) delimiter += '_';
  return delimiter;
}
