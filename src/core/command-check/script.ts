// A shell script as the command check sees it: enough structure to know each program, its arguments and its input.

/** One word without its quotes. Expansions are written `${NAME}` and `$()`, process substitutions `<()`. */
export interface Word {
  text: string;
  quoted: boolean;
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
  notes: ParseNotes;
}

/** Constructs that the parser could not read. */
export interface ParseNotes {
  unterminated: boolean;
  tooDeep: boolean;
}

/** The parser follows nested scripts and nested expansions this far. */
export const MAX_DEPTH = 16;
