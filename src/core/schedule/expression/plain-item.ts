// Reads the items of nearly all schedules: `*`, `5`, `1-5`, each with an optional step. cron-parser builds a calendar
// date for each text, and the tables behind the first date cost a sixth of the daemon's memory budget.

const PLAIN = /^(?:[*?]|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/;

/** The values of a plain item within [first, last]; undefined for any other item, valid or not. */
export function plainValues(
  item: string,
  { first, last }: { first: number; last: number },
): number[] | undefined {
  const match = PLAIN.exec(item);
  if (match === null) return undefined;
  const [, from, to, step] = match;
  const low = from === undefined ? first : Number(from);
  // A step goes on to the end of the field, even from a single value.
  const high = to === undefined ? (from === undefined || step !== undefined ? last : low) : Number(to);
  const stride = step === undefined ? 1 : Number(step);
  if (low < first || high > last || low > high || stride === 0) return undefined;
  return Array.from({ length: Math.floor((high - low) / stride) + 1 }, (_, index) => low + index * stride);
}
