// One program that a command would run, with what is known about it, and what a rule says of it.

export const LEVELS = ['none', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** Something that deserves a word; `high` and `critical` refuse the command. */
export interface Finding {
  rule: string;
  level: Level;
  /** A sentence. */
  message: string;
  /** The part of the command, cut short. */
  excerpt: string;
}

/** What is known of the bytes that flow out of commands. */
export interface Flow {
  downloaded: boolean;
  decoded: boolean;
  /** A shell that takes its commands from its input wrote them. */
  shell: boolean;
  /** Literal texts, as far as known. */
  texts: string[];
  /** Words that would be arguments behind xargs. */
  words: string[];
}

export const NO_FLOW: Flow = { downloaded: false, decoded: false, shell: false, texts: [], words: [] };

export interface Invocation {
  /** Name without directory; prefixes such as sudo and env are taken off. */
  program: string;
  /** The program as it was named. */
  path: string;
  /** Arguments with known variables filled in. */
  args: string[];
  redirects: { operator: string; target: string }[];
  /** What the program’s name, its arguments and redirections were computed from. */
  programFlow: Flow;
  argsFlow: Flow;
  /** What arrives on standard input. */
  input: Flow;
  /** Working directory, resolved. */
  cwd: string;
  /** Behind sudo or doas. */
  elevated: boolean;
  source: string;
}

export type Rule = (invocation: Invocation) => Finding[];

/** What flows when both do. */
export function mergeFlows(a: Flow, b: Flow): Flow {
  if (a === NO_FLOW || b === NO_FLOW) return a === NO_FLOW ? b : a;
  return {
    downloaded: a.downloaded || b.downloaded,
    decoded: a.decoded || b.decoded,
    shell: a.shell || b.shell,
    texts: [...a.texts, ...b.texts].slice(0, 8),
    words: [...a.words, ...b.words].slice(0, 256),
  };
}

/** A finding about this invocation. */
export function finding(source: string, rule: string, level: Level, message: string): Finding {
  const flat = source.replaceAll(/\s+/g, ' ').replaceAll(/\p{C}/gu, '?').trim();
  return { rule, level, message, excerpt: flat.length > 80 ? `${flat.slice(0, 79)}…` : flat };
}

/** Letters of the short options and names of the long ones, up to `--`. */
export function optionsOf(args: readonly string[]): { letters: string; long: string[]; operands: string[] } {
  const end = args.indexOf('--');
  const before = end === -1 ? args : args.slice(0, end);
  const isOption = (arg: string) => arg.length > 1 && arg.startsWith('-');
  return {
    letters: before
      .filter((arg) => /^-[^-]/.test(arg))
      .map((arg) => arg.slice(1))
      .join(''),
    long: before.filter((arg) => arg.startsWith('--')),
    operands: [...before.filter((arg) => !isOption(arg)), ...(end === -1 ? [] : args.slice(end + 1))],
  };
}
