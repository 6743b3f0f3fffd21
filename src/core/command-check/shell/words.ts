// Reads one word of a shell script: quotes, escapes, variables, substitutions. Never throws; notes missing ends.
import { MAX_DEPTH, newCursor, type Cursor, type Script, type Word } from './script.ts';

/** Reads the script inside a substitution, including its closing parenthesis. */
export type ReadScript = (cursor: Cursor) => Script;

/** Arithmetic inside arithmetic is read this far: an attempt that fails reads its text again. */
const MAX_ATTEMPTS = 4;

const STOPS = new Set([' ', '\t', '\r', '\n', ';', '&', '|', '(', ')', '<', '>']);

/** Reads the word at the cursor. An unquoted `$IFS` ends the word, as in a shell. */
export function readWord(cursor: Cursor, readScript: ReadScript): Word {
  const word: Word = { text: '', quoted: false, scripts: [] };
  readTilde(cursor, word);
  while (cursor.at < cursor.text.length) {
    const char = cursor.text[cursor.at]!;
    if (isProcessSubstitution(cursor)) {
      cursor.at += 2;
      word.text += `${char}()`;
      readNested(cursor, word, readScript);
    } else if (STOPS.has(char)) {
      break;
    } else if (readSeparator(cursor)) {
      if (word.text !== '') break;
    } else {
      readPiece(cursor, word, readScript);
    }
  }
  return word;
}

/** Reads the body of a here-document or here-string, with its expansions; quotes have no meaning there. */
export function readText(cursor: Cursor, readScript: ReadScript): Word {
  const word: Word = { text: '', quoted: true, scripts: [] };
  while (cursor.at < cursor.text.length) readDoubleQuoted(cursor, word, readScript);
  return word;
}

export function isProcessSubstitution({ text, at }: Cursor): boolean {
  return (text[at] === '<' || text[at] === '>') && text[at + 1] === '(';
}

function readTilde(cursor: Cursor, word: Word): void {
  if (cursor.text[cursor.at] !== '~') return;
  const next = cursor.text[cursor.at + 1];
  if (next !== undefined && next !== '/' && !STOPS.has(next)) return;
  word.text = '${HOME}';
  cursor.at++;
}

function readSeparator(cursor: Cursor): boolean {
  if (cursor.text[cursor.at] !== '$') return false;
  const length = /^\$(IFS(?!\w)|\{IFS\})/.exec(cursor.text.slice(cursor.at, cursor.at + 7))?.[0].length ?? 0;
  cursor.at += length;
  return length > 0;
}

function readPiece(cursor: Cursor, word: Word, readScript: ReadScript): void {
  const char = cursor.text[cursor.at]!;
  const next = cursor.text[cursor.at + 1];
  if (char === '\\') {
    if (next !== '\n') word.text += next ?? '';
    word.quoted = true;
    cursor.at += 2;
  } else if (char === "'") {
    readSingleQuoted(cursor, word);
  } else if (char === '"' || (char === '$' && next === '"')) {
    cursor.at += char === '"' ? 1 : 2;
    readQuoted(cursor, word, readScript);
  } else if (char === '$' && next === "'") {
    readAnsiQuoted(cursor, word);
  } else {
    if (char === '{') word.braces = true;
    readPlain(cursor, word, readScript);
  }
}

function readSingleQuoted(cursor: Cursor, word: Word): void {
  const end = cursor.text.indexOf("'", cursor.at + 1);
  if (end === -1) cursor.notes.unterminated = true;
  word.text += cursor.text.slice(cursor.at + 1, end === -1 ? undefined : end);
  word.quoted = true;
  cursor.at = end === -1 ? cursor.text.length : end + 1;
}

function readAnsiQuoted(cursor: Cursor, word: Word): void {
  const start = cursor.at + 2;
  let end = start;
  while (end < cursor.text.length && cursor.text[end] !== "'") end += cursor.text[end] === '\\' ? 2 : 1;
  if (end >= cursor.text.length) cursor.notes.unterminated = true;
  word.text += decodeEscapes(cursor.text.slice(start, end));
  word.quoted = true;
  cursor.at = end + 1;
}

/** Decodes the backslash escapes of `$'…'`, printf and `echo -e`. */
export function decodeEscapes(text: string): string {
  return text.replaceAll(/\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,4}|.)/g, (_, code: string) => {
    if (/^[xu]./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return { n: '\n', t: '\t', r: '\r' }[code] ?? code;
  });
}

function readQuoted(cursor: Cursor, word: Word, readScript: ReadScript): void {
  word.quoted = true;
  while (cursor.at < cursor.text.length) {
    if (cursor.text[cursor.at] === '"') {
      cursor.at++;
      return;
    }
    readDoubleQuoted(cursor, word, readScript);
  }
  cursor.notes.unterminated = true;
}

/** Reads one piece between double quotes. */
function readDoubleQuoted(cursor: Cursor, word: Word, readScript: ReadScript): void {
  if (cursor.text[cursor.at] !== '\\') {
    readPlain(cursor, word, readScript);
    return;
  }
  const next = cursor.text[cursor.at + 1] ?? '';
  if (next !== '\n') word.text += '$`"\\'.includes(next) ? next : `\\${next}`;
  cursor.at += 2;
}

/** Reads an expansion, or one literal character. */
function readPlain(cursor: Cursor, word: Word, readScript: ReadScript): void {
  const char = cursor.text[cursor.at]!;
  if (char === '`') {
    readBackticks(cursor, word, readScript);
  } else if (char === '$') {
    readDollar(cursor, word, readScript);
  } else {
    word.text += char;
    cursor.at++;
  }
}

function readDollar(cursor: Cursor, word: Word, readScript: ReadScript): void {
  const { text, at } = cursor;
  if (text.startsWith('$((', at) && readArithmetic(cursor, word, readScript)) {
    word.text += '0';
  } else if (text[at + 1] === '(') {
    cursor.at += 2;
    word.text += '$()';
    readNested(cursor, word, readScript);
  } else if (text[at + 1] === '{') {
    cursor.at += 2;
    readBraces(cursor, word, readScript);
  } else {
    const name = /^\$([A-Za-z_]\w{0,254}|[0-9@*#?!$-])/.exec(text.slice(at, at + 256))?.[1];
    word.text += name === undefined ? '$' : `\${${name}}`;
    cursor.at += 1 + (name?.length ?? 0);
  }
}

/**
 * Reads `$((…))`, a number, and follows the substitutions in it. Returns false if no `))` closes it: then it is a
 * substitution. The memo remembers that, or nested attempts would double the work at each level.
 */
function readArithmetic(cursor: Cursor, word: Word, readScript: ReadScript): boolean {
  const { at: start, depth, attempts, memo, notes } = cursor;
  if (memo.notArithmetic.has(start) || depth >= MAX_DEPTH || attempts >= MAX_ATTEMPTS) return false;
  const inner: Word = { text: '', quoted: true, scripts: [] };
  const ownNotes = { unterminated: false, tooDeep: false };
  const position = { at: start + 3, depth: depth + 1, attempts: attempts + 1 };
  const attempt: Cursor = { ...cursor, ...position, notes: ownNotes };
  if (!readToDoubleParenthesis(attempt, inner, readScript)) {
    memo.notArithmetic.add(start);
    return false;
  }
  word.scripts.push(...inner.scripts);
  notes.unterminated ||= ownNotes.unterminated;
  notes.tooDeep ||= ownNotes.tooDeep;
  cursor.at = attempt.at;
  return true;
}

/** Reads up to the `))` that closes two parentheses. Returns false without it. */
function readToDoubleParenthesis(cursor: Cursor, word: Word, readScript: ReadScript): boolean {
  let open = 2;
  while (cursor.at < cursor.text.length && open > 1) {
    const char = cursor.text[cursor.at]!;
    if (char === '(' || char === ')') {
      open += char === '(' ? 1 : -1;
      cursor.at++;
    } else {
      readDoubleQuoted(cursor, word, readScript);
    }
  }
  return open === 1 && cursor.text[cursor.at++] === ')';
}

/** Reads `${NAME}` and its forms; keeps the text after the name, and follows its substitutions. */
function readBraces(cursor: Cursor, word: Word, readScript: ReadScript): void {
  const inner: Word = { text: '', quoted: false, scripts: word.scripts };
  if (isTooDeep(cursor)) return;
  cursor.depth++;
  while (cursor.at < cursor.text.length && cursor.text[cursor.at] !== '}')
    readPiece(cursor, inner, readScript);
  cursor.depth--;
  if (cursor.at >= cursor.text.length) cursor.notes.unterminated = true;
  cursor.at++;
  word.text += `\${${inner.text}}`;
}

/** At the deepest level the parse ends: the command is refused whatever follows. */
function isTooDeep(cursor: Cursor): boolean {
  if (cursor.depth < MAX_DEPTH) return false;
  cursor.notes.tooDeep = true;
  cursor.at = cursor.text.length;
  return true;
}

function readNested(cursor: Cursor, word: Word, readScript: ReadScript): void {
  if (isTooDeep(cursor)) return;
  cursor.depth++;
  word.scripts.push(readScript(cursor));
  cursor.depth--;
}

function readBackticks(cursor: Cursor, word: Word, readScript: ReadScript): void {
  const start = cursor.at + 1;
  let end = start;
  while (end < cursor.text.length && cursor.text[end] !== '`') end += cursor.text[end] === '\\' ? 2 : 1;
  if (end >= cursor.text.length) cursor.notes.unterminated = true;
  cursor.at = end + 1;
  word.text += '$()';
  if (isTooDeep(cursor)) return;
  const text = cursor.text.slice(start, end).replaceAll(/\\([`$\\])/g, '$1');
  // The script has its own text: its end closes it, and a closing parenthesis in it ends nothing outside.
  const inner = newCursor(text, cursor.depth + 1, cursor.notes);
  while (inner.at < text.length) word.scripts.push(readScript(inner));
}
