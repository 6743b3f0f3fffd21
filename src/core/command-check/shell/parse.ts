// A small parser for shell scripts: lists, pipelines, groups, redirections, here-documents. It runs nothing and
// expands nothing; it continues after what a shell calls a syntax error. Never throws.
import {
  CLOSED_BY,
  closeGroup,
  dropPattern,
  emptySimple,
  endCommand,
  endPipeline,
  hasContent,
  openGroup,
  type Builder,
} from './builder.ts';
import { hereDocumentBody } from './here-document.ts';
import { newCursor, type Cursor, type ParseNotes, type Script, type Word } from './script.ts';
import { isProcessSubstitution, readText, readWord } from './words.ts';

const CLOSERS = new Set(['}', 'fi', 'done', 'esac']);
/** Reserved words in front of a command. */
const SKIPPED = new Set(['then', 'do', 'else', 'elif', '!']);
/** Openers in front of names and values, not of a command. */
const HEADS = new Set(['for', 'select', 'case']);

/** Parses the whole text. */
export function parseScript(text: string): { script: Script; notes: ParseNotes } {
  const notes: ParseNotes = { unterminated: false, tooDeep: false };
  const cursor = newCursor(text, 0, notes);
  const script: Script = [];
  // A stray closing parenthesis ends one script; the rest of the text is another.
  while (cursor.at < text.length) script.push(...readScript(cursor));
  return { script, notes };
}

function readScript(cursor: Cursor): Script {
  const builder: Builder = {
    cursor,
    script: [],
    frames: [],
    simple: emptySimple(),
    start: cursor.at,
    hereDocuments: [],
    piped: false,
  };
  while (cursor.at < cursor.text.length) {
    if (!readNext(builder)) return builder.script;
  }
  endPipeline(builder, false);
  if (cursor.depth > cursor.base || builder.frames.length > 0) cursor.notes.unterminated = true;
  return builder.script;
}

/** Reads one token. Returns false if it closed the script. */
function readNext(builder: Builder): boolean {
  const { cursor } = builder;
  const char = cursor.text[cursor.at]!;
  if (char === ' ' || char === '\t' || char === '\r' || cursor.text.startsWith('\\\n', cursor.at)) {
    cursor.at += char === '\\' ? 2 : 1;
  } else if (char === '#') {
    const end = cursor.text.indexOf('\n', cursor.at);
    cursor.at = end === -1 ? cursor.text.length : end;
  } else if (readRedirect(builder)) {
    return true;
  } else if ('\n;&|'.includes(char)) {
    readOperator(builder, char);
  } else if (char === '(') {
    openParenthesis(builder);
  } else if (char === ')') {
    return closeParenthesis(builder);
  } else {
    const start = cursor.at;
    addWord(builder, readWord(cursor, readScript), start);
  }
  return true;
}

function readOperator(builder: Builder, char: string): void {
  const { cursor } = builder;
  const doubled = cursor.text[cursor.at + 1] === char;
  if (char === '|' && !doubled) {
    endCommand(builder);
    builder.piped = true;
    cursor.at += cursor.text[cursor.at + 1] === '&' ? 2 : 1;
    return;
  }
  // A newline after `|` continues the pipeline.
  const continues = char === '\n' && builder.piped && !hasContent(builder.simple);
  if (!continues) endPipeline(builder, char === '&' && !doubled);
  cursor.at += doubled && char !== '\n' ? 2 : 1;
  if (char === '\n') readHereDocuments(builder);
}

function openParenthesis(builder: Builder): void {
  const { cursor, simple } = builder;
  const empty = /^\(\s{0,20}\)/.exec(cursor.text.slice(cursor.at, cursor.at + 22));
  if (empty && (simple.words.length === 1 || builder.functionName !== undefined)) {
    builder.functionName ??= simple.words[0]!.text;
    builder.simple = emptySimple();
    cursor.at += empty[0].length;
    return;
  }
  endCommand(builder);
  openGroup(builder, '(');
  cursor.at++;
}

/** Inside `case` the parenthesis ends a pattern; without an open group it ends the script (returns false). */
function closeParenthesis(builder: Builder): boolean {
  const closesGroup = builder.frames.length > 0;
  const isPattern = builder.frames.at(-1)?.closedBy === 'esac' && builder.simple.words.length === 1;
  if (isPattern) dropPattern(builder);
  else if (closesGroup) closeGroup(builder, ')');
  else endPipeline(builder, false);
  builder.cursor.at++;
  return closesGroup;
}

function addWord(builder: Builder, word: Word, start: number): void {
  if (word.text === '' && !word.quoted) return;
  if (!hasContent(builder.simple)) {
    if (builder.functionName !== undefined && word.text.startsWith('{')) {
      // The classic fork bomb omits the blank that a shell requires here.
      openGroup(builder, '{');
      builder.cursor.at = start + 1;
      return;
    }
    if (!word.quoted && isReserved(builder, word.text)) return;
    builder.start = start;
  }
  const { words, assignments } = builder.simple;
  const assigns = words.length === 0 && /^[A-Za-z_]\w*(\[[^\]]*\])?\+?=/.test(word.text);
  if (assigns && word.text.endsWith('=')) readElements(builder.cursor, word);
  (assigns ? assignments : words).push(word);
}

/** Reads the words of `NAME=( … )`. */
function readElements(cursor: Cursor, word: Word): void {
  if (cursor.text[cursor.at] !== '(') return;
  word.elements = [];
  cursor.at++;
  while (cursor.at < cursor.text.length) {
    const start = cursor.at;
    const element = readWord(cursor, readScript);
    if (cursor.at > start) word.elements.push(element);
    else if (cursor.text[cursor.at++] === ')') return;
  }
  cursor.notes.unterminated = true;
}

/** Acts on a reserved word. Returns false if the word belongs to a command. */
function isReserved(builder: Builder, text: string): boolean {
  if (SKIPPED.has(text)) return true;
  if (CLOSERS.has(text)) {
    closeGroup(builder, text);
    return true;
  }
  if (text === 'function') {
    readBlanks(builder.cursor);
    builder.functionName = readWord(builder.cursor, readScript).text;
    return true;
  }
  if (!CLOSED_BY.has(text)) return false;
  openGroup(builder, text);
  return !HEADS.has(text);
}

function readBlanks(cursor: Cursor): void {
  while (cursor.text[cursor.at] === ' ' || cursor.text[cursor.at] === '\t') cursor.at++;
}

function readRedirect(builder: Builder): boolean {
  const { cursor, simple } = builder;
  if (isProcessSubstitution(cursor)) return false;
  const head = cursor.text.slice(cursor.at, cursor.at + 8);
  const match = /^\d{0,4}(&>>|&>|<<<|<<-|<<|<>|<&|>>|>\||>&|<|>)/.exec(head);
  if (!match) return false;
  if (!hasContent(simple)) builder.start = cursor.at;
  cursor.at += match[0].length;
  readBlanks(cursor);
  const operator = match[1]!;
  const redirect = { operator: operator === '<<-' ? '<<' : operator, target: readWord(cursor, readScript) };
  if (redirect.operator === '<<') builder.hereDocuments.push({ redirect, stripTabs: operator === '<<-' });
  simple.redirects.push(redirect);
  return true;
}

function readHereDocuments(builder: Builder): void {
  for (const { redirect, stripTabs } of builder.hereDocuments) {
    redirect.target = readHereDocument(builder.cursor, redirect.target, stripTabs);
  }
  builder.hereDocuments = [];
}

/** Reads the body up to the delimiter’s line. Without such a line it reads nothing. */
function readHereDocument(cursor: Cursor, delimiter: Word, stripTabs: boolean): Word {
  const body = hereDocumentBody(cursor, delimiter, stripTabs);
  if (body === undefined) cursor.notes.unterminated = true;
  if (body === undefined || delimiter.quoted) return { text: body ?? '', quoted: true, scripts: [] };
  return readText(newCursor(body, cursor.depth, cursor.notes), readScript);
}
