// Markdown of generated pages.

/** First line of each generated page. */
export const GENERATED = '<!-- Made by npm run gen. Change the code it is made from instead. -->';

/** A table; a cell may hold any text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}
