// Key-set paging: each page begins behind the last row of the one before. An offset would read all rows before it again, and
// would show a row twice when another arrives meanwhile.

/** Rows of one request. The project may answer with fewer: its setting max-rows is 1000 by default. */
const PAGE_ROWS = 500;

/** Reads pages until one is empty, or until `limit` rows are read. */
export async function* pages<Row>(
  read: (rows: number, last: Row | undefined) => PromiseLike<Row[]>,
  limit = Infinity,
): AsyncGenerator<Row[]> {
  let last: Row | undefined;
  for (let left = limit; left > 0;) {
    const page = await read(Math.min(left, PAGE_ROWS), last);
    if (page.length === 0) return;
    yield page;
    last = page.at(-1);
    left -= page.length;
  }
}

/** A column of a sort order, with the value of the last row that was read. */
type Key = readonly [column: string, order: 'gt' | 'lt', value: string];

/** A filter `or` of PostgREST: the rows behind the keys, the first column before the others. */
export function behind(keys: readonly Key[]): string {
  return keys
    .map(([column, order, value], index) => {
      const same = keys.slice(0, index).map(([before, , equal]) => `${before}.eq.${quoted(equal)}`);
      return `and(${[...same, `${column}.${order}.${quoted(value)}`].join(',')})`;
    })
    .join(',');
}

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
