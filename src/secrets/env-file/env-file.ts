// A .env file as text with its variables: reads exactly what the package dotenv reads, and changes a variable without
// touching comments, order or quoting of the others.
import { LshError } from '../../core/errors.ts';

/** One assignment of the file. Offsets count characters of EnvFile.text. */
interface Assignment {
  key: string;
  value: string;
  /** Start of the key, or of `export`. */
  start: number;
  /** The value as written, with its quotes. */
  valueStart: number;
  valueEnd: number;
}

/**
 * dotenv's expression for an assignment, without the white space before it. It reads a quoted value over several lines, and
 * a value that begins on a later line.
 */
const ASSIGNMENT =
  /(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/dmy;
/** An assignment begins on a line of its own; JavaScript knows two further ends of lines. */
const LINE_END = /\r\n|[\r\n\u2028\u2029]/g;
const SPACE = /\s*/y;
/** What a shell, a container and Kubernetes accept as the name of a variable. */
export const KEY = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

export class EnvFile {
  readonly text: string;
  /** `\r\n` if the first line of the file ends with it. */
  readonly #lineEnd: '\n' | '\r\n';
  readonly #assignments: readonly Assignment[];
  readonly #lasts: ReadonlyMap<string, Assignment>;
  /** The values by name; of a name that the file has twice, the last one, as in dotenv. */
  readonly values: ReadonlyMap<string, string>;

  constructor(text: string) {
    this.text = text;
    this.#lineEnd = /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n';
    this.#assignments = assignmentsIn(text);
    this.#lasts = new Map(this.#assignments.map((assignment) => [assignment.key, assignment]));
    this.values = new Map(this.#assignments.map(({ key, value }) => [key, value]));
  }

  /** Names that the file has more than once, with the number of the line that counts: the last. */
  duplicates(): { key: string; line: number }[] {
    const count = new Map<string, number>();
    for (const { key } of this.#assignments) count.set(key, (count.get(key) ?? 0) + 1);
    const repeated = this.#assignments.filter(
      (assignment) => count.get(assignment.key)! > 1 && this.#lasts.get(assignment.key) === assignment,
    );
    let line = 1;
    let counted = 0;
    return repeated.map(({ key, start }) => {
      line += (this.text.slice(counted, start).match(/\r\n|\r|\n/g) ?? []).length;
      counted = start;
      return { key, line };
    });
  }

  /** The file with the variable. Throws SECRET_KEY_INVALID, SECRET_VALUE_UNWRITABLE. */
  with(key: string, value: string): EnvFile {
    if (!KEY.test(key)) throw new LshError('SECRET_KEY_INVALID', { key });
    if (this.values.get(key) === value) return this;
    const wanted = new Map(this.values).set(key, value);
    for (const written of spellings(value)) {
      const file = new EnvFile(this.#withWritten(key, written));
      if (areEqual(file.values, wanted)) return file;
    }
    throw new LshError('SECRET_VALUE_UNWRITABLE', { key });
  }

  /** The file without the variable: its lines go, all other lines stay. Throws SECRET_VALUE_UNWRITABLE. */
  without(key: string): EnvFile {
    if (!this.values.has(key)) return this;
    const kept: string[] = [];
    let at = 0;
    for (const { key: name, start, valueEnd } of this.#assignments) {
      if (name !== key) continue;
      kept.push(this.text.slice(at, start).replace(/[ \t]+$/, ''));
      at = lineStartAfter(this.text, valueEnd) ?? this.text.length;
    }
    const file = new EnvFile(kept.join('') + this.text.slice(at));
    const wanted = new Map(this.values);
    wanted.delete(key);
    if (!areEqual(file.values, wanted)) throw new LshError('SECRET_VALUE_UNWRITABLE', { key });
    return file;
  }

  #withWritten(key: string, written: string): string {
    const { text } = this;
    const known = this.#lasts.get(key);
    if (known) {
      const { valueStart, valueEnd } = known;
      // `A:` needs a space before its value.
      const space =
        /^[ \t]*/.exec(text.slice(valueStart, valueEnd))![0] || (text[valueStart - 1] === ':' ? ' ' : '');
      const gap = text[valueEnd] === '#' ? ' ' : '';
      return `${text.slice(0, valueStart)}${space}${written}${gap}${text.slice(valueEnd)}`;
    }
    const separator = text === '' || /[\r\n]$/.test(text) ? '' : this.#lineEnd;
    return `${text}${separator}${key}=${written}${this.#lineEnd}`;
  }
}

/** A file of these variables, in their order. */
export function envFileOf(values: Iterable<readonly [string, string]>): EnvFile {
  const lines = [];
  for (const [key, value] of values) {
    const written = spellings(value).find((spelling) => {
      const read = new EnvFile(`${key}=${spelling}\n`).values;
      return read.size === 1 && read.get(key) === value;
    });
    if (!KEY.test(key)) throw new LshError('SECRET_KEY_INVALID', { key });
    if (written === undefined) throw new LshError('SECRET_VALUE_UNWRITABLE', { key });
    lines.push(`${key}=${written}\n`);
  }
  return new EnvFile(lines.join(''));
}

/**
 * Takes the same steps as dotenv's search, in linear time: where an assignment begins after white space, every line start in
 * that white space leads to the same one.
 */
function assignmentsIn(text: string): Assignment[] {
  const { unified, offsetOf } = unifyLineEnds(text);
  const found: Assignment[] = [];
  let at: number | undefined = 0;
  while (at !== undefined && at < unified.length) {
    SPACE.lastIndex = at;
    SPACE.test(unified);
    const start = SPACE.lastIndex;
    ASSIGNMENT.lastIndex = start;
    const match = ASSIGNMENT.exec(unified);
    if (match === null) {
      at = lineStartAfter(unified, start);
      continue;
    }
    const [, key = '', written = ''] = match;
    const end = ASSIGNMENT.lastIndex;
    const [valueStart, valueEnd] = match.indices![2] ?? emptyValue(match);
    const trimmedEnd = valueEnd - (written.length - written.trimEnd().length);
    found.push({
      key,
      value: valueOf(written),
      start: offsetOf(start),
      valueStart: offsetOf(valueStart),
      valueEnd: offsetOf(trimmedEnd),
    });
    at = isLineStart(unified, end) ? end : lineStartAfter(unified, end);
  }
  return found;
}

/** The place behind `KEY=` of an assignment without a value. */
function emptyValue(match: RegExpExecArray): [number, number] {
  const keyEnd = match.indices![1]![1];
  const sign = /^\s*[=:]/.exec(match[0].slice(keyEnd - match.index))![0].length;
  return [keyEnd + sign, keyEnd + sign];
}

/** As dotenv: trims, takes a pair of quotes away, and reads \n and \r in double quotes. */
function valueOf(written: string): string {
  const trimmed = written.trim();
  const value = unquote(trimmed);
  return trimmed.startsWith('"') ? value.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : value;
}

/**
 * dotenv replaces /^(['"`])([\s\S]*)\1$/gm by its middle: from a quote at the start of a line to the last such quote at the
 * end of a line. The expression itself takes quadratic time.
 */
function unquote(text: string): string {
  if (!/['"`]/.test(text)) return text;
  const closings = new Map<string, number>();
  for (const match of text.matchAll(/['"`]$/gm)) closings.set(match[0], match.index);
  let value = '';
  let copied = 0;
  for (const { index, 0: quote } of text.matchAll(/^['"`]/gm)) {
    const closing = closings.get(quote) ?? 0;
    if (index < copied || closing <= index) continue;
    value += text.slice(copied, index) + text.slice(index + 1, closing);
    copied = closing + 1;
  }
  return value + text.slice(copied);
}

function isLineStart(text: string, at: number): boolean {
  return at === 0 || /[\n\u2028\u2029]/.test(text[at - 1]!);
}

function lineStartAfter(text: string, at: number): number | undefined {
  LINE_END.lastIndex = at;
  return LINE_END.test(text) ? LINE_END.lastIndex : undefined;
}

/** dotenv reads \r\n and \r as \n. `offsetOf` leads from the unified text back to the given one. */
function unifyLineEnds(text: string): { unified: string; offsetOf: (at: number) => number } {
  const unified = text.replaceAll(/\r\n?/g, '\n');
  if (unified.length === text.length) return { unified, offsetOf: (at) => at };
  const pairs: number[] = [];
  for (const { index } of text.matchAll(/\r\n/g)) pairs.push(index - pairs.length);
  let passed = 0;
  let last = 0;
  return {
    unified,
    // Callers ask in ascending order, but for the start of the next assignment.
    offsetOf: (at) => {
      if (at < last) while (passed > 0 && pairs[passed - 1]! >= at) passed -= 1;
      while (passed < pairs.length && pairs[passed]! < at) passed += 1;
      last = at;
      return at + passed;
    },
  };
}

/** How the value can be written, the plainest first. The caller takes the first that reads back. */
function spellings(value: string): string[] {
  const plain = /^[^\s'"`#$\\]*$/.test(value) ? [value] : [];
  const escaped = `"${value.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
  const quoted = (quotes: string[]) => quotes.map((quote) => `${quote}${value}${quote}`);
  const { free = [], used = [] } = Object.groupBy(["'", '"', '`'], (quote) =>
    value.includes(quote) ? 'used' : 'free',
  );
  // dotenv reads even 'it's', which other programs do not.
  return [...plain, ...quoted(free), escaped, ...quoted(used)];
}

function areEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
