// Finds the body of a here-document. The lines of a text are indexed once, so that many here-documents without an end
// take no quadratic time.
import type { Cursor, Word } from './script.ts';

/** The body up to the delimiter’s line, behind which the cursor then stands; undefined without such a line. */
export function hereDocumentBody(cursor: Cursor, delimiter: Word, stripTabs: boolean): string | undefined {
  const { text, at } = cursor;
  const starts = linesOf(cursor, stripTabs).get(delimiter.text) ?? [];
  const start = firstFrom(starts, at);
  if (start === undefined) return undefined;
  const end = text.indexOf('\n', start);
  cursor.at = end === -1 ? text.length : end;
  return text.slice(at, start);
}

function linesOf({ text, memo }: Cursor, stripTabs: boolean): Map<string, number[]> {
  if (stripTabs) return (memo.strippedLines ??= index(text, (line) => line.replace(/^\t+/, '')));
  return (memo.lines ??= index(text, (line) => line));
}

function index(text: string, keyOf: (line: string) => string): Map<string, number[]> {
  const lines = new Map<string, number[]>();
  let start = 0;
  for (const line of text.split('\n')) {
    const key = keyOf(line);
    const starts = lines.get(key);
    if (starts) starts.push(start);
    else lines.set(key, [start]);
    start += line.length + 1;
  }
  return lines;
}

/** The first of the ascending numbers that is at least `least`. */
function firstFrom(numbers: readonly number[], least: number): number | undefined {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return numbers[low];
}
