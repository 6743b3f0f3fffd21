// A shell script as the command check sees it: enough structure to know what runs, with what, fed by what.

/** One word after quotes were removed. Expansions are written `${NAME}` and `$()`, process substitutions `<()`. */
export interface Word {
  text: string;
  quoted: boolean;
  /** The scripts inside `$(…)`, backticks and `<(…)`. */
  scripts: Script[];
}

export interface Redirect {
  /** `<`, `>`, `>>`, `<<<`, `<<`, …, without the number in front. */
  operator: string;
  /** The file, or the text given by `<<<` and `<<`. */
  target: Word;
}

/** A program with its words; both lists may be empty. */
export interface Simple {
  kind: 'simple';
  assignments: Word[];
  words: Word[];
  redirects: Redirect[];
  /** As it was written. */
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

/** Where a parse stands. Shared by everything that reads one text. */
export interface Cursor {
  readonly text: string;
  at: number;
  /** How many scripts and expansions this one is inside of. */
  depth: number;
  notes: ParseNotes;
}

/** What a parse could not make sense of. */
export interface ParseNotes {
  unterminated: boolean;
  tooDeep: boolean;
}

/** Scripts inside scripts, and expansions inside expansions, are followed this far. */
export const MAX_DEPTH = 16;
