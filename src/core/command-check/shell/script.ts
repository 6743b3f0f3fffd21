// A shell script as the command check sees it: enough structure to know each program, its arguments and its input.

/** One word without its quotes. Expansions are written `${NAME}` and `$()`, process substitutions `<()`. */
export interface Word {
  text: string;
  quoted: boolean;
  /** Whether a brace stands outside quotes, so that the shell may make several words of this one. */
  braces?: true;
  /** The words of `NAME=( … )`. */
  elements?: Word[];
  /** The scripts inside `$(…)`, backticks and `<(…)`. */
  scripts: Script[];
}

export interface Redirect {
  /** `<`, `>`, `>>`, `<<<`, `<<`, …, without a file descriptor. */
  operator: string;
  /** The file, or the text of `<<<` and `<<`. */
  target: Word;
}

/** A program with its words; both lists may be empty. */
export interface Simple {
  kind: 'simple';
  assignments: Word[];
  words: Word[];
  redirects: Redirect[];
  /** The text of the command. */
  source: string;
}

/** `( … )`, `{ … }`, a loop, a condition or the body of a function. */
export interface Group {
  kind: 'group';
  body: Script;
  /** Whether its variables and its directory end with it: `( … )`. */
  subshell: boolean;
  /** The redirections behind it, as a command without words. */
  redirects?: Simple;
  /** Set for the body of a function. */
  functionName?: string;
}

export interface Pipeline {
  commands: (Simple | Group)[];
  background: boolean;
}

export type Script = Pipeline[];

/** The position of a parse; the parser and the word reader share it. */
export interface Cursor {
  readonly text: string;
  at: number;
  /** Number of scripts and expansions around this position. */
  depth: number;
  /** Depth at the start of this text: only a deeper script needs a closing parenthesis. */
  readonly base: number;
  /** Number of attempts to read arithmetic around this position. */
  readonly attempts: number;
  notes: ParseNotes;
  readonly memo: Memo;
}

/** Facts about a text that would take quadratic time if each reader found them again. */
export interface Memo {
  /** Positions of `$((` that turned out to be a substitution. */
  notArithmetic: Set<number>;
  /** Starts of the lines of each content, ascending; made when the first here-document needs it. */
  lines?: Map<string, number[]>;
  /** The same for lines without their leading tabs. */
  strippedLines?: Map<string, number[]>;
}

/** Constructs that the parser could not read. */
export interface ParseNotes {
  unterminated: boolean;
  tooDeep: boolean;
}

/** The parser follows nested scripts and nested expansions this far. */
export const MAX_DEPTH = 16;

/** The start of a text. */
export function newCursor(text: string, depth: number, notes: ParseNotes): Cursor {
  return { text, at: 0, depth, base: depth, attempts: 0, notes, memo: { notArithmetic: new Set() } };
}
