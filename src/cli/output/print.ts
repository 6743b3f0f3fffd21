// The only writers to stdout: lines, tables and documents. Colour follows NO_COLOR, FORCE_COLOR and whether
// the stream is a terminal.
import { styleText } from 'node:util';
import type { Io } from '../io.ts';
import { renderTable, type Cell, type Paint, type Style } from './table.ts';

export type DocumentFormat = 'json' | 'yaml';

const STYLES = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  head: 'bold',
} as const satisfies Record<Style, Parameters<typeof styleText>[0]>;

/** Colours text, if the stream shows colours. */
export function paintFor(stream: NodeJS.WritableStream): Paint {
  return (style, text) => styleText(STYLES[style], text, { stream });
}

/** Prints lines on stdout. */
export function print(io: Io, ...lines: string[]): void {
  for (const line of lines) io.stdout.write(`${line}\n`);
}

/** Prints a line on stderr: a note that is not part of the answer. */
export function note(io: Io, line: string): void {
  io.stderr.write(`${line}\n`);
}

/** Prints a table on stdout. Cuts it to the width of a terminal, and leaves it whole otherwise. */
export function printTable(io: Io, heads: string[], rows: Cell[][]): void {
  const columns = io.stdout.isTTY ? (io.stdout.columns ?? 80) : Infinity;
  print(io, ...renderTable(heads, rows, columns, paintFor(io.stdout)));
}

/** The value as JSON or YAML, with a final newline. */
export async function serialize(value: unknown, format: DocumentFormat): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  const { toYaml } = await import('./yaml.ts');
  return toYaml(value);
}

/** Prints the value on stdout as JSON or YAML. */
export async function printDocument(io: Io, value: unknown, format: DocumentFormat): Promise<void> {
  io.stdout.write(await serialize(value, format));
}

/** Rows as CSV (RFC 4180), heads first. */
export function csv(heads: string[], rows: (string | number | undefined)[][]): string {
  const field = (value: string | number | undefined) => {
    const text = String(value ?? '');
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [heads, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');
}
