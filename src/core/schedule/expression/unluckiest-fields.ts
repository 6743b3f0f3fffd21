// Whether H lets a job run must not depend on its name: the fields as they read for the name with the worst luck.
import { monthLength } from '../calendar.ts';
import { DAY_OF_MONTH, FIELDS, MONTH, normalItem } from './field.ts';
import { listItems } from './fields.ts';

/** H in the form of normalItem. */
const HASHED = /^H(?:\((\d+)-(\d+)\))?(?:\/(\d+))?$/;

/**
 * The fields as they read for the job name on which H falls worst: on a day that few months have, in a month that
 * has few days. Undefined where no day or month depends on the name.
 */
export function unluckiestFields(texts: readonly string[]): string[] | undefined {
  if (!/[h~]/i.test(`${texts[DAY_OF_MONTH]} ${texts[MONTH]}`)) return undefined;
  return texts.map((text, field) => {
    if (field !== DAY_OF_MONTH && field !== MONTH) return text;
    const list = listItems(texts, field).map((item) => normalItem(item, field));
    return list.map((item) => unluckiestItem(item, field) ?? item).join();
  });
}

function unluckiestItem(item: string, field: number): string | undefined {
  const match = HASHED.exec(item);
  if (match === null) return undefined;
  const [low, high] = [Number(match[1] ?? FIELDS[field]!.first), Number(match[2] ?? FIELDS[field]!.last)];
  const step = Number(match[3] ?? high - low + 1);
  const starts = Array.from({ length: Math.min(step, high - low + 1) }, (_, index) => low + index);
  const worst = field === DAY_OF_MONTH ? starts.at(-1)! : shortestMonths(starts, high, step);
  return match[3] === undefined ? String(worst) : `${worst}-${high}/${step}`;
}

/** Of the lists start, start + step … high, the one whose longest month is shortest; answers with its start. */
function shortestMonths(starts: readonly number[], high: number, step: number): number {
  const longest = (start: number): number => {
    let days = 0;
    for (let month = start; month <= high; month += step) days = Math.max(days, monthLength(2000, month));
    return days;
  };
  return starts.reduce((worst, start) => (longest(start) < longest(worst) ? start : worst));
}
