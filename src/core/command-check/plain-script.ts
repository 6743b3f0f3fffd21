// Reads a script in the part of the shell language that every POSIX shell reads the same way, and lists its commands. It
// refuses the rest: an allow-list of programs holds only if the script starts no program that its reader does not see.

/** A program with its arguments, and the variables that are assigned beside it. */
export interface PlainCommand {
  /** Without quotes. QUOTED and UNQUOTED stand for expansions. */
  words: string[];
  assigned: string[];
}

/** An expansion in quotes: one word, of unknown text. */
export const QUOTED = '\u0000';
/** An expansion outside of quotes: any number of words. */
export const UNQUOTED = '\u0001';

/** Returns the commands, also those of substitutions; or what is not plain about the script. */
export function readPlainScript(text: string): PlainCommand[] | { notPlain: string } {
  try {
    const reader = new Reader(text);
    reader.readScript();
    return reader.commands;
  } catch (error) {
    if (error instanceof NotPlain) return { notPlain: error.message };
    throw error;
  }
}

class NotPlain extends Error {}

interface Word {
  text: string;
  quoted: boolean;
}

const BLANK = /(?:[ \t]|\\\n)+/y;
const OPERATOR = /&&|\|\||\|&|;(?![;&])|&(?!>)|\||\n/y;
const REDIRECT = /\d*(?:>>|>\||<>|>&|<&|>(?!\()|<(?![<(]))/y;
const PARAMETER =
  /\$(?:([A-Za-z_]\w*|[0-9@*-])|([!?$#])|\{#[A-Za-z_]\w*\}|\{([A-Za-z_]\w*|[0-9]+|[@*])(?:(:?[-+?=]|%%?|##?)(?:[\w./:@%+,*? =-]|\$[A-Za-z_]\w*)*)?\})/y;
const ENDS_WORD = new Set(' \t\n;&|()<>');
/** In front of a command. */
const RESERVED = new Set('if then elif else while until do ! { fi done }'.split(' '));
const REFUSED = new Set('case esac select function coproc [[ in'.split(' '));
const MAX_DEPTH = 16;

class Reader {
  readonly commands: PlainCommand[] = [];
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #command: PlainCommand = { words: [], assigned: [] };

  constructor(text: string) {
    this.#text = text;
    if (/[^\P{C}\t\n]|(?! )\p{Z}/u.test(text)) throw new NotPlain('a control character or an unusual blank');
  }

  /** Reads to the closing parenthesis, or to the end of the text. */
  readScript(closer?: ')'): void {
    const outer = this.#command;
    this.#command = { words: [], assigned: [] };
    if (++this.#depth > MAX_DEPTH) throw new NotPlain('substitutions in substitutions');
    while (this.#readToken());
    this.#endCommand();
    this.#depth--;
    if (this.#text[this.#at] !== closer) throw new NotPlain('a parenthesis without its partner');
    if (closer !== undefined) this.#at++;
    this.#command = outer;
  }

  /** Returns false at the end of the script. */
  #readToken(): boolean {
    this.#take(BLANK);
    const char = this.#text[this.#at];
    if (char === undefined || char === ')') return false;
    if (char === '#') this.#skipComment();
    else if (this.#take(OPERATOR) !== undefined) this.#endCommand();
    else if (char === '(') this.#readSubshell();
    else if (this.#take(REDIRECT) !== undefined) this.#readTarget();
    else if (ENDS_WORD.has(char))
      throw new NotPlain(`the operator ${this.#text.slice(this.#at, this.#at + 2)}`);
    else this.#addWord(this.#readWord());
    return true;
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match) this.#at = pattern.lastIndex;
    return match;
  }

  #skipComment(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  #endCommand(): void {
    const { words, assigned } = this.#command;
    if (words.length + assigned.length > 0) this.commands.push(this.#command);
    this.#command = { words: [], assigned: [] };
  }

  #readSubshell(): void {
    const { words, assigned } = this.#command;
    if (words.length + assigned.length > 0) throw new NotPlain('the definition of a function or an array');
    this.#at++;
    if (this.#text[this.#at] === '(') throw new NotPlain('arithmetic');
    this.readScript(')');
  }

  #readTarget(): void {
    this.#take(BLANK);
    if (ENDS_WORD.has(this.#text[this.#at] ?? ' ')) throw new NotPlain('a redirection without a file');
    this.#readWord();
  }

  #addWord({ text, quoted }: Word): void {
    const { words, assigned } = this.#command;
    if (words.length > 0) words.push(text);
    else if (!quoted && REFUSED.has(text)) throw new NotPlain(`the shell’s own word ${text}`);
    else if (!quoted && text === 'for') this.#readLoopHead();
    else if (!quoted && text === 'time') this.commands.push({ words: [text], assigned: [] });
    else if (quoted || !RESERVED.has(text) || assigned.length > 0) this.#addFirst(text);
  }

  #addFirst(text: string): void {
    const [, name] = /^([A-Za-z_]\w*)=/.exec(text) ?? [];
    if (name === undefined) this.#command.words.push(text);
    else this.#command.assigned.push(name);
  }

  /** `for NAME in WORDS`: the words are values, and start nothing. */
  #readLoopHead(): void {
    const [name = '', keyword = 'in'] = this.#readWords();
    if (keyword !== 'in') throw new NotPlain('a loop without `in`');
    this.#command.assigned.push(name);
  }

  #readWords(): string[] {
    const words: string[] = [];
    for (;;) {
      this.#take(BLANK);
      if (ENDS_WORD.has(this.#text[this.#at] ?? '\n')) return words;
      words.push(this.#readWord().text);
    }
  }

  #readWord(): Word {
    const word: Word = { text: '', quoted: false };
    let hasBrace = false;
    for (
      let char = this.#text[this.#at];
      char !== undefined && !ENDS_WORD.has(char);
      char = this.#text[this.#at]
    ) {
      if (char === '\\') this.#readEscape(word);
      else if (char === "'") this.#readSingleQuoted(word);
      else if (char === '"') this.#readDoubleQuoted(word);
      else if (char === '$') word.text += this.#readDollar(UNQUOTED);
      else {
        hasBrace ||= char === '{';
        word.text += this.#readPlain();
      }
    }
    // bash writes the number of the file to this variable.
    if (hasBrace && '<>'.includes(this.#text[this.#at] ?? ' '))
      throw new NotPlain('a variable for a redirection');
    return word;
  }

  #readPlain(): string {
    const char = this.#text[this.#at++]!;
    if (char === '`') throw new NotPlain('backticks: write $(…)');
    return char;
  }

  #readEscape(word: Word): void {
    const next = this.#text[this.#at + 1];
    if (next === undefined) throw new NotPlain('a backslash at the end');
    this.#at += 2;
    if (next === '\n') return;
    word.text += next;
    word.quoted = true;
  }

  #readSingleQuoted(word: Word): void {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end === -1) throw new NotPlain('a quote without an end');
    word.text += this.#text.slice(this.#at + 1, end);
    word.quoted = true;
    this.#at = end + 1;
  }

  #readDoubleQuoted(word: Word): void {
    word.quoted = true;
    this.#at++;
    for (let char = this.#text[this.#at]; char !== '"'; char = this.#text[this.#at]) {
      if (char === undefined) throw new NotPlain('a quote without an end');
      if (char === '$') word.text += this.#readDollar(QUOTED);
      else if (char === '\\') word.text += this.#readQuotedEscape();
      else word.text += this.#readPlain();
    }
    this.#at++;
  }

  #readQuotedEscape(): string {
    const next = this.#text[this.#at + 1] ?? '';
    this.#at += 2;
    if (next === '\n') return '';
    return '$`"\\'.includes(next) ? next : `\\${next}`;
  }

  /** Returns what stands for the expansion. */
  #readDollar(expansion: string): string {
    const next = this.#text[this.#at + 1] ?? '';
    if (next === '(') return this.#readSubstitution(expansion);
    const parameter = this.#take(PARAMETER);
    if (parameter) return this.#expanded(parameter, expansion);
    if (next !== '' && '{[\\'.includes(next))
      throw new NotPlain('an expansion other than ${NAME}, with a plain default or pattern');
    if (expansion === UNQUOTED && (next === "'" || next === '"'))
      throw new NotPlain(`the quotes $${next}…${next}`);
    this.#at++;
    return '$';
  }

  #expanded(
    [, plainName = '', number, name = plainName, operator]: RegExpExecArray,
    expansion: string,
  ): string {
    if (number !== undefined) return '0';
    if (operator?.endsWith('=')) this.#command.assigned.push(name);
    return name === '@' || name === '*' ? UNQUOTED : expansion;
  }

  #readSubstitution(expansion: string): string {
    this.#at += 2;
    if (this.#text[this.#at] === '(') throw new NotPlain('arithmetic');
    this.readScript(')');
    return expansion;
  }
}
