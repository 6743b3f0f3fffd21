// The only writers to stdout and stderr: lines, tables, documents, and the output of commands. Here, and nowhere else, text
// from elsewhere loses what would control the terminal. Colour follows NO_COLOR, FORCE_COLOR and whether the stream is a
// terminal.
import { once } from 'node:events';
import { styleText } from 'node:util';
import { printable, withEscapes } from '../../core/printable.ts';
import type { Io } from '../io.ts';
import { ColoursOnly } from './colours-only.ts';
import { Table, type Cell, type Paint, type Style } from './table.ts';

export type DocumentFormat = 'json' | 'yaml';

const STYLES = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  head: 'bold',
} as const satisfies Record<Style, Parameters<typeof styleText>[0]>;

/** Stands for ESC in a line until it is written: a text from elsewhere cannot know it, so no such text has colours. */
const STYLED = `\u{F0000}${Math.random()}`;

/** Colours text, if the stream shows colours. */
export function paintFor(stream: NodeJS.WritableStream): Paint {
  return (style, text) => styleText(STYLES[style], printable(text), { stream }).replaceAll('\u001B', STYLED);
}

function writeLine(stream: NodeJS.WritableStream, line: string): void {
  stream.write(`${printable(line).replaceAll(STYLED, '\u001B')}\n`);
}

/** Prints lines on stdout; each text is one line, whatever it holds. */
export function print(io: Io, ...lines: string[]): void {
  for (const line of lines) writeLine(io.stdout, line);
}

/** Prints lines on stderr: notes that are not part of the answer. */
export function note(io: Io, ...lines: string[]): void {
  for (const line of lines) writeLine(io.stderr, line);
}

/** The lines of a text. Those after the first are indented: none can pass for a line of lsh. */
export function linesOf(text: string): string[] {
  const [first = '', ...rest] = text.trimEnd().split(/\r?\n/);
  return [first, ...rest.map((line) => `  ${line}`)];
}

/** What comes in parts, such as the pages of a long history. */
export type Pages<T> = AsyncIterable<T[]> | Iterable<T[]>;

/** Prints a table on stdout. Cuts it to the width of a terminal, and leaves it whole otherwise. */
export function printTable(io: Io, heads: string[], rows: Cell[][]): void {
  print(io, ...tableFor(io, heads).lines(rows));
}

/** As printTable(), each page when it comes. Prints nothing without rows. Returns their number. */
export async function printTablePages(io: Io, heads: string[], pages: Pages<Cell[]>): Promise<number> {
  const table = tableFor(io, heads);
  let count = 0;
  for await (const rows of pages) {
    if (rows.length === 0) continue;
    count += rows.length;
    print(io, ...table.lines(rows));
    if (io.stdout.writableNeedDrain) await once(io.stdout, 'drain');
  }
  return count;
}

function tableFor(io: Io, heads: string[]): Table {
  const columns = io.stdout.isTTY ? (io.stdout.columns ?? 80) : Infinity;
  return new Table(heads, columns, paintFor(io.stdout));
}

/** The value as JSON or YAML, with a final newline; control characters in it are escape sequences. */
export async function serialize(value: unknown, format: DocumentFormat): Promise<string> {
  if (format === 'json') return `${withEscapes(JSON.stringify(value, null, 2))}\n`;
  const { toYaml } = await import('./yaml.ts');
  return toYaml(value);
}

/** Prints the value on stdout as JSON or YAML. */
export async function printDocument(io: Io, value: unknown, format: DocumentFormat): Promise<void> {
  io.stdout.write(await serialize(value, format));
}

/** Prints the values as one list, each page when it comes: the text is that of printDocument(). */
export async function printList(io: Io, pages: Pages<unknown>, format: DocumentFormat): Promise<void> {
  let isEmpty = true;
  for await (const page of pages) {
    if (page.length === 0) continue;
    const text = await serialize(page, format);
    // Of JSON, the text is `[`, the values, `]`.
    const values = format === 'json' ? text.slice(1, -3) : text;
    await printOutput(io, format === 'yaml' ? values : `${isEmpty ? '[' : ','}${values}`);
    isEmpty = false;
  }
  if (isEmpty) return printDocument(io, [], format);
  if (format === 'json') await printOutput(io, '\n]\n');
}

/** Prints each value on stdout as JSON in a line of its own. */
export async function printJsonLines(io: Io, pages: Pages<unknown>): Promise<void> {
  for await (const page of pages)
    await printOutput(io, page.map((value) => `${withEscapes(JSON.stringify(value))}\n`).join(''));
}

/** Prints each value on stdout as a document of its own. */
export async function printYaml(io: Io, values: readonly unknown[]): Promise<void> {
  const documents = await Promise.all(values.map((value) => serialize(value, 'yaml')));
  io.stdout.write(documents.join('---\n'));
}

/** Prints text of lsh itself as it is: help, a script, a service file. */
export function printText(io: Io, text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
  io[stream].write(text.replaceAll(STYLED, '\u001B'));
}

/** Prints a part of the output of a command; resolves when the stream takes more. */
export async function printOutput(io: Io, part: Uint8Array | string): Promise<void> {
  if (part.length > 0 && !io.stdout.write(part)) await once(io.stdout, 'drain');
}

/** Prints the output of a command, on a terminal without what would control it. Returns its size in bytes. */
export async function printParts(io: Io, parts: AsyncIterable<Uint8Array>): Promise<number> {
  const filter = io.stdout.isTTY ? new ColoursOnly() : undefined;
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.length;
    await printOutput(io, filter?.pass(part) ?? part);
  }
  if (filter !== undefined) await printOutput(io, filter.end());
  return bytes;
}

/** Begins a cell that a spreadsheet would compute: a job or its message could hold a formula. */
const FORMULA = /^[=+\-@]/;

/**
 * Prints rows on stdout as CSV (RFC 4180, with the line ends of Unix), heads first, each page when it comes. A text that a spreadsheet would take for a
 * formula gets an apostrophe in front; a number does not.
 */
export async function printCsv(
  io: Io,
  heads: string[],
  pages: Pages<(string | number | undefined)[]>,
): Promise<void> {
  const field = (value: string | number | undefined) => {
    const text = printable(String(value ?? ''));
    const safe = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
    return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = (rows: (string | number | undefined)[][]) =>
    rows.map((row) => `${row.map(field).join(',')}\n`).join('');
  let isHeaded = false;
  for await (const rows of pages) {
    await printOutput(io, (isHeaded ? '' : lines([heads])) + lines(rows));
    isHeaded = true;
  }
  if (!isHeaded) await printOutput(io, lines([heads]));
}
