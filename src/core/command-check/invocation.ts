// One program that a command would run, with its known context, and the findings of rules about it.

export const LEVELS = ['none', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** A remark about a command; `high` and `critical` refuse it. */
export interface Finding {
  rule: string;
  level: Level;
  /** A sentence. */
  message: string;
  /** The part of the command, cut short. */
  excerpt: string;
}

/** Known facts about the bytes that flow out of commands. */
export interface Flow {
  downloaded: boolean;
  decoded: boolean;
  /** A shell that reads its commands from its input wrote them. */
  shell: boolean;
  /** Literal texts, as far as known. */
  texts: string[];
  /** Words that xargs would pass on as arguments. */
  words: string[];
}

export const NO_FLOW: Flow = { downloaded: false, decoded: false, shell: false, texts: [], words: [] };

export interface Invocation {
  /** Name without directory and without prefixes such as sudo and env. */
  program: string;
  /** The program as the command names it. */
  path: string;
  /** Arguments with known variables filled in. */
  args: string[];
  redirects: { operator: string; target: string }[];
  /** Output of the substitutions in the program’s name, or the known content of its file. */
  programFlow: Flow;
  /** The same for each argument. */
  argFlows: Flow[];
  /** The bytes on standard input. */
  input: Flow;
  /** The bytes that the program runs as code. */
  code: Flow;
  /** The texts that an interpreter of another language runs. */
  foreignCode: string[];
  /** Working directory, resolved. */
  cwd: string;
  /** Behind sudo or doas. */
  elevated: boolean;
  source: string;
}

export type Rule = (invocation: Invocation) => Finding[];

/** Combines two flows. */
export function mergeFlows(a: Flow, b: Flow): Flow {
  if (a === NO_FLOW || b === NO_FLOW) return a === NO_FLOW ? b : a;
  return {
    downloaded: a.downloaded || b.downloaded,
    decoded: a.decoded || b.decoded,
    shell: a.shell || b.shell,
    texts: [...a.texts, ...b.texts].slice(0, 8),
    words: [...a.words, ...b.words].slice(0, 64),
  };
}

const MAX_EXCERPT = 80;

/** A finding with an excerpt of the source. */
export function finding(source: string, rule: string, level: Level, message: string): Finding {
  const start = source.slice(0, 5 * MAX_EXCERPT);
  const flat = start.replaceAll(/\s+/g, ' ').replaceAll(/\p{C}/gu, '?').trim();
  const excerpt = flat.length > MAX_EXCERPT ? `${flat.slice(0, MAX_EXCERPT - 1)}…` : flat;
  return { rule, level, message, excerpt };
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

/** Text of a command for a message. */
export function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
