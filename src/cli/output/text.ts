// Width of text on a terminal: measures, cuts and pads. Knows no tables and no colours.

const BARS = ['▁', '▂', '▃', '▅', '▇'] as const;

/** The patterns stand here because V8 takes about 1 ms for the first, which few commands need. */
function columnsOf(character: string): number {
  if (character <= '\u007e') return 1;
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return 0;
  const isWide =
    /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
  return isWide.test(character) ? 2 : 1;
}

/** Columns that the text takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** The text, cut to `columns` with an ellipsis if it is longer. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += columnsOf(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The text, padded with spaces to `columns`. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}

/** One bar for each value, scaled to the largest; empty without values. */
export function sparkline(values: readonly number[]): string {
  const highest = Math.max(...values);
  return values
    .map((value) => BARS[highest <= 0 ? 0 : Math.round((value / highest) * (BARS.length - 1))])
    .join('');
}

/** `1 run`, `2 runs`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
