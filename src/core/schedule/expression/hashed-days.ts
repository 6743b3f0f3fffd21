// Whether H lets a job run must not depend on its name: every way in which H may fall in the fields that choose days.
import { DAY_OF_MONTH, DAY_OF_WEEK, FIELDS, MONTH, normalItem } from './field.ts';
import { listItems } from './fields.ts';

/** H in the form of normalItem. */
const HASHED = /^H(?:\((\d+)-(\d+)\))?(?:\/(\d+))?$/;
const DAY_FIELDS: readonly number[] = [DAY_OF_MONTH, MONTH, DAY_OF_WEEK];

/** Whether the days of the expression depend on the name of its job, by `H` or `~`. */
export function hasHashedDays(texts: readonly string[]): boolean {
  return DAY_FIELDS.some((field) =>
    listItems(texts, field).some((item) => HASHED.test(normalItem(item, field))),
  );
}

/** In how many ways H may fall in the fields that choose days, over all names. */
export function countWays(texts: readonly string[]): number {
  return DAY_FIELDS.flatMap((field) => itemWays(texts, field)).reduce(
    (count, { length }) => count * length,
    1,
  );
}

/** Day of month, month and day of week as they read for each way in which H may fall. */
export function* hashedWays(texts: readonly string[]): Generator<string[]> {
  const [days, months, weekdays] = DAY_FIELDS.map((field) => fieldWays(texts, field));
  // The last value first: the 31st is the day that most months lack, so an expression that fails fails early.
  for (const weekday of weekdays!)
    for (const month of months!) for (const day of days!) yield [day, month, weekday];
}

function fieldWays(texts: readonly string[], field: number): string[] {
  const all = itemWays(texts, field);
  // A + asks for both day fields, and is no part of an item.
  const plus = texts[field]!.startsWith('+') ? '+' : '';
  return all
    .reduce<string[][]>((lists, ways) => lists.flatMap((list) => ways.map((way) => [...list, way])), [[]])
    .map((list) => plus + list.join())
    .toReversed();
}

/** For each list item of the field, the texts that it may stand for: itself, or one for each value of H. */
function itemWays(texts: readonly string[], field: number): string[][] {
  return listItems(texts, field).map((item) => {
    const match = HASHED.exec(normalItem(item, field));
    if (match === null) return [item];
    const [low, high] = [Number(match[1] ?? FIELDS[field]!.first), Number(match[2] ?? FIELDS[field]!.last)];
    const step = match[3];
    const starts = Math.min(Number(step ?? high - low + 1), high - low + 1);
    return Array.from({ length: starts }, (_, index) =>
      step === undefined ? String(low + index) : `${low + index}-${high}/${step}`,
    );
  });
}
