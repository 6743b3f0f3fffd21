// Converts the schedule of a CronJob. kube-controller-manager reads it with robfig/cron, whose grammar looks like that
// of lsh and differs in detail: `*/2` is no star there, so it makes two day fields alternatives. The conversion reads
// both, and writes out each field that lsh would read differently.
import { LshError } from '../../../core/errors.ts';
import { parseExpression } from '../../../core/schedule/expression/expression.ts';
import type { Pattern } from '../../../core/schedule/expression/pattern.ts';

interface Field {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

/** The values of a field, and whether it has an item `*` or `?` without a step above 1. */
interface FieldSet {
  values: number[];
  star: boolean;
}

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { name: 'day of week', min: 0, max: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
];
const DAY = 2;
const WEEKDAY = 4;
const DESCRIPTORS = /^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)$/;
const MAX_EVERY_SECONDS = 366 * 86_400;

export interface ConvertedExpression {
  expression: string;
  /** Why the text changed. */
  note?: string;
}

/** Converts the schedule without its zone. Throws SCHEDULE_INVALID for a schedule that a CronJob or lsh cannot have. */
export function convertExpression(written: string): ConvertedExpression {
  if (written.startsWith('@every ')) return convertEvery(written);
  if (DESCRIPTORS.test(written)) return { expression: written };
  const texts = written.split(/\s+/);
  if (written.startsWith('@') || texts.length !== FIELDS.length) {
    throw invalid(written, 'a CronJob takes five fields, a macro such as @daily, or @every');
  }
  const sets = texts.map((text, index) => fieldSet(text, FIELDS[index]!, written));
  const starred = texts.map((text) => text.replaceAll('?', '*'));
  const fields = starred.map((text, index) => {
    const set = sets[index]!;
    return readsAs(text, index, set) ? text : fieldText(set);
  });
  const expression = (isSame(starred, sets) ? starred : fields).join(' ');
  // Throws the reason of lsh, such as a day that no month has.
  parseExpression(expression, '-');
  if (!isSame(fields, sets)) throw invalid(written, 'lsh reads it as other days than a CronJob');
  if (expression === starred.join(' ')) return { expression };
  const reason = isEitherDay(sets)
    ? 'a CronJob runs on a day that either day field matches'
    : 'a CronJob reads it so';
  return { expression, note: `schedule: "${written}" became "${expression}": ${reason}.` };
}

/** Both day fields are restricted: the job is due on a day that either of them matches. */
function isEitherDay(sets: readonly FieldSet[]): boolean {
  return !sets[DAY]!.star && !sets[WEEKDAY]!.star;
}

/** Whether lsh reads the expression as a CronJob does. */
function isSame(fields: readonly string[], sets: readonly FieldSet[]): boolean {
  const pattern = patternOf(fields);
  if (pattern === undefined) return false;
  const isEveryDay = sets[DAY]!.values.length === 31 && sets[WEEKDAY]!.values.length === 7;
  return (
    sets.every((set, index) => hasValues(pattern, index, set)) &&
    (isEveryDay || pattern.eitherDay === isEitherDay(sets))
  );
}

/** Whether lsh reads the field alone as a CronJob does. In a day field a star of lsh must be a star of robfig/cron. */
function readsAs(text: string, index: number, set: FieldSet): boolean {
  const pattern = patternOf(FIELDS.map((_, other) => (other === index ? text : '*')));
  const sameStar = (index !== DAY && index !== WEEKDAY) || text.startsWith('*') === set.star;
  return pattern !== undefined && hasValues(pattern, index, set) && sameStar;
}

/** The field in the words of lsh: a star, a range with a step, or a list. */
function fieldText({ values, star }: FieldSet): string {
  if (star) return '*';
  const [first = 0, second = first, ...more] = values;
  const last = more.at(-1) ?? second;
  const step = second - first;
  const isStepped = more.length > 0 && values.every((value, at) => value === first + at * step);
  return isStepped ? `${first}-${last}${step === 1 ? '' : `/${step}`}` : values.join(',');
}

function hasValues(pattern: Pattern, index: number, { values }: FieldSet): boolean {
  const set = new Set(values);
  const { min, max } = FIELDS[index]!;
  for (let value = min; value <= max; value++) {
    if (hasValue(pattern, index, value) !== set.has(value)) return false;
  }
  return true;
}

function hasValue(pattern: Pattern, index: number, value: number): boolean {
  const has = (mask: number, bit: number) => ((mask >> bit) & 1) === 1;
  switch (index) {
    case 0:
      return value < 30 ? has(pattern.minutesLow, value) : has(pattern.minutesHigh, value - 30);
    case 1:
      return has(pattern.hours, value);
    case DAY:
      return has(pattern.days, value - 1);
    case WEEKDAY:
      return has(pattern.weekdays, value);
    default:
      return has(pattern.months, value);
  }
}

function patternOf(fields: readonly string[]): Pattern | undefined {
  try {
    const parsed = parseExpression(fields.join(' '), '-');
    return parsed.kind === 'cron' ? parsed.pattern : undefined;
  } catch (error) {
    if (error instanceof LshError) return undefined;
    throw error;
  }
}

/** Reads a field as robfig/cron does, which skips empty list items. */
function fieldSet(text: string, field: Field, written: string): FieldSet {
  const values = new Set<number>();
  let star = false;
  for (const item of text.split(',').filter((item) => item !== '')) {
    const set = itemSet(item, field);
    if (set === undefined) throw invalid(written, `"${item}" is no ${field.name} of a CronJob`);
    for (const value of set.values) values.add(value);
    star ||= set.star;
  }
  if (values.size === 0) throw invalid(written, `the ${field.name} field is empty`);
  return { values: [...values].sort((a, b) => a - b), star };
}

/** A star, whatever follows its hyphen, or a value or a range; then a step. */
const ITEM = /^(?:([*?])(?:-[^/]*)?|([\w+]+)(?:-([\w+]+))?)(?:\/(\+?\d+))?$/;

function itemSet(item: string, field: Field): FieldSet | undefined {
  const [match, star, low = '', high, step] = ITEM.exec(item) ?? [];
  if (match === undefined) return undefined;
  const stride = step === undefined ? 1 : Number(step);
  const [from, to] = star
    ? [field.min, field.max]
    : bounds(field, { low, high, isStepped: step !== undefined });
  if (from < field.min || to > field.max || !(from <= to) || stride === 0) return undefined;
  const count = Math.floor((to - from) / stride) + 1;
  const values = Array.from({ length: count }, (_, index) => from + index * stride);
  return { values, star: star !== undefined && stride === 1 };
}

interface Range {
  low: string;
  high: string | undefined;
  isStepped: boolean;
}

/** The first and the last value; NaN for a word that is no value. */
function bounds(field: Field, { low, high, isStepped }: Range): [number, number] {
  const from = valueOf(low, field);
  if (high !== undefined) return [from, valueOf(high, field)];
  // A single value with a step goes on to the end of the field.
  return [from, isStepped ? field.max : from];
}

function valueOf(text: string, { min, names = [] }: Field): number {
  const named = names.indexOf(text.toLowerCase());
  if (named !== -1) return named + min;
  return /^\+?\d+$/.test(text) ? Number(text) : NaN;
}

const UNIT_SECONDS: Record<string, number> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Go reads the length, and robfig/cron drops the fraction of a second, but never goes below one second. */
function convertEvery(written: string): ConvertedExpression {
  const length = written.slice('@every '.length);
  const parts = [...length.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== length.replace(/^\+/, '')) {
    throw invalid(written, `"${length}" is no length of time of a CronJob`);
  }
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNIT_SECONDS[unit!]!, 0);
  // Nanoseconds are exact in Go and are not in a double.
  const seconds = Math.max(1, Math.floor(Math.round(total * 1e6) / 1e6));
  if (seconds > MAX_EVERY_SECONDS) throw invalid(written, 'an LshJob takes at most 366 days');
  if (/^(?:\d+h)?(?:\d+m)?(?:\d+s)?$/.test(length)) return { expression: written };
  const expression = `@every ${seconds}s`;
  return {
    expression,
    note: `schedule: "${written}" became "${expression}", the whole seconds of a CronJob.`,
  };
}

function invalid(expression: string, detail: string): LshError {
  return new LshError('SCHEDULE_INVALID', { expression, detail });
}
