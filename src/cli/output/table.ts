// Tables for people, aligned and cut to the width of the terminal. Colours come last: they have no width.
import { oneLine } from '../../core/printable.ts';
import { displayWidth, pad, truncate } from './text.ts';

/** A cell with a style, or plain text. */
export type Cell = string | { text: string; style: Style };
export type Style = 'good' | 'bad' | 'warn' | 'dim' | 'head';
export type Paint = (style: Style, text: string) => string;

const GAP = 2;
const MIN_WIDTH = 8;

const textOf = (cell: Cell) => oneLine(typeof cell === 'string' ? cell : cell.text);

/**
 * Column widths that fit into `available` columns: shrinks the widest column again and again. Keeps the first column
 * whole: it is the name, which people copy into their next command.
 */
function fit(natural: number[], available: number): number[] {
  const [name = 0, ...rest] = natural;
  let excess = natural.reduce((sum, width) => sum + width, GAP * (natural.length - 1)) - available;
  while (excess > 0) {
    const widest = Math.max(...rest);
    if (widest <= MIN_WIDTH) break;
    rest[rest.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return [name, ...rest];
}

/** Share of the width up to which a name has its place in the column. */
const NAME_SHARE = 0.4;

/**
 * Width of the first column where a few long names would squeeze all others: each of these stands on a line of its own.
 * Where most names are long, the column keeps them all.
 */
function nameWidth(widths: number[], excess: number, columns: number): number {
  const longest = Math.max(...widths);
  const usual = widths.filter((width) => width <= columns * NAME_SHARE);
  return excess <= 0 || usual.length * 2 <= widths.length ? longest : Math.max(...usual);
}

/** A table whose rows come in parts: each part is aligned as those before it, or wider. */
export class Table {
  readonly #heads: string[];
  readonly #columns: number;
  readonly #paint: Paint;
  #natural: number[] = [];
  #first = 0;

  /** At most `columns` wide; Infinity cuts nothing. */
  constructor(heads: string[], columns: number, paint: Paint) {
    this.#heads = heads;
    this.#columns = columns;
    this.#paint = paint;
  }

  /** Lines of the rows; the heads come before the first. */
  lines(rows: Cell[][]): string[] {
    const isBegun = this.#natural.length > 0;
    const natural = this.#heads.map((head, index) =>
      Math.max(
        this.#natural[index] ?? displayWidth(head),
        ...rows.map((row) => displayWidth(textOf(row[index] ?? ''))),
      ),
    );
    const names = [this.#heads[0] ?? '', ...rows.map(([name = '']) => textOf(name))].map(displayWidth);
    const excess = natural.reduce((sum, width) => sum + width, GAP * (natural.length - 1)) - this.#columns;
    this.#first = Math.max(this.#first, nameWidth(names, excess, this.#columns));
    this.#natural = natural;
    const widths = fit([this.#first, ...natural.slice(1)], this.#columns);
    const heads = isBegun
      ? []
      : [
          this.#line(
            this.#heads.map((text) => ({ text, style: 'head' })),
            widths,
          ),
        ];
    return [...heads, ...rows.flatMap((row) => this.#rowLines(row, widths))];
  }

  #rowLines([name = '', ...rest]: Cell[], widths: number[]): string[] {
    if (displayWidth(textOf(name)) <= this.#first) return [this.#line([name, ...rest], widths)];
    return [textOf(name), this.#line(['', ...rest], widths)];
  }

  #line(cells: Cell[], widths: number[]): string {
    return cells
      .map((cell, index) => {
        const shown = truncate(textOf(cell), widths[index] ?? 0);
        const padded = index === cells.length - 1 ? shown : pad(shown, widths[index] ?? 0);
        return typeof cell === 'string' ? padded : this.#paint(cell.style, padded);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  }
}
