// Why a list item is refused, in words: the fault of this field, and what to write instead.
import { boundsLike, DAY_OF_MONTH, DAY_OF_WEEK, FIELDS, HOUR, numberOf } from './field.ts';

/** The fault of one field, as a clause without its full stop, and what to write instead. */
export class FieldError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.hint = hint;
  }
}

/** The fault of an item that no field, or another field, may have. `item` is in capitals. */
export function fieldFault(item: string, field: number, cause?: unknown): FieldError {
  const { name, help } = FIELDS[field]!;
  const [message, hint] = letterFault(item, field) ??
    numberFault(item, field) ?? [`"${item}" is not ${article(name)} ${name}`, help];
  return new FieldError(message, hint, cause);
}

type Fault = [message: string, hint: string] | undefined;

const DAY_FIELDS = [DAY_OF_MONTH, DAY_OF_WEEK];
/** Items that only some fields may have. */
const PLACES: readonly { mark: string; items: RegExp; fields: readonly number[]; hint: string }[] = [
  { mark: '?', items: /^\?/, fields: DAY_FIELDS, hint: '`?` belongs in a day field; write `*` here.' },
  {
    mark: '+',
    items: /^\+/,
    fields: [DAY_OF_WEEK],
    hint: '`+` belongs before the day of week field, as in `0 0 13 * +FRI`.',
  },
  {
    mark: 'W',
    items: /^(?:\d+(?:-\d+)?|L(?:-\d+)?)?W$/,
    fields: [DAY_OF_MONTH],
    hint: 'W belongs in the day of month field (15W); Monday to Friday is 1-5 in the day of week field.',
  },
  {
    mark: 'L',
    items: /^(?:\d+|[A-Z]{3})?L(?:-\d+)?$/,
    fields: DAY_FIELDS,
    hint: 'L belongs in a day field: L is the last day of the month, FRIL its last Friday.',
  },
  {
    mark: '#',
    items: /#/,
    fields: [DAY_OF_WEEK],
    hint: '`#` belongs in the day of week field: MON#2 is the second Monday of the month.',
  },
];

function letterFault(item: string, field: number): Fault {
  const place = `in the ${FIELDS[field]!.name} field`;
  if (item === '') {
    const message = `the ${FIELDS[field]!.name} field has an empty list item`;
    return [message, 'Remove the comma, or write a value beside it.'];
  }
  const misplaced = PLACES.find(({ items, fields }) => items.test(item) && !fields.includes(field));
  if (misplaced) return [`${misplaced.mark} ${place} has no meaning`, misplaced.hint];
  if (item === 'L') {
    const hint =
      'Write 6L or SATL for the last Saturday of the month. In Quartz a lone L is each Saturday; write SAT.';
    return ['L needs a day of week in "L"', hint];
  }
  if (/^\d*C$/.test(item))
    return [`C (a Quartz calendar) ${place} is not supported`, 'Write the exact days instead.'];
  return nearestWeekdayFault(item);
}

/** W stands behind one day of the month. */
function nearestWeekdayFault(item: string): Fault {
  if (item === 'W')
    return [
      'W needs a day in "W"',
      'Write 15W for the weekday nearest to the 15th, or LW for the last weekday of the month.',
    ];
  const [, from] = /^(\d+)-\d+W$/.exec(item) ?? [];
  if (from === undefined) return undefined;
  const list = `${from}W,${Number(from) + 1}W`;
  return [`W stands with a range in "${item}"`, `W goes with one day: write a list, such as ${list}.`];
}

function numberFault(item: string, field: number): Fault {
  const { name, help } = FIELDS[field]!;
  if (/^\/\d+$/.test(item)) return [`"${item}" is not ${article(name)} ${name}`, `Write \`*${item}\`.`];
  const [, span = '', step] = /^(.+)\/(\d+)$/.exec(item) ?? ['', item];
  if (step !== undefined && Number(step) === 0) return [`the step in "${item}" is 0`, 'A step is 1 or more.'];
  return reversedFault(span, field, step) ?? longStepFault(item, field, help);
}

function reversedFault(span: string, field: number, step: string | undefined): Fault {
  const [, from = '', sign, to = ''] = /^(\w+)([-~])(\w+)$/.exec(span) ?? [];
  const [low, high] = [numberOf(from, field), numberOf(to, field)];
  if (low === undefined || high === undefined || low <= high) return undefined;
  const message = `the range ${span} in the ${FIELDS[field]!.name} field runs backwards`;
  if (sign === '~') return [message, 'Write the smaller value first.'];
  const [first, last] = [boundsLike(to, field)[0], boundsLike(from, field)[1]];
  const ranges = [rangeText(from, last), rangeText(first, to)].filter(
    (_, index) => index > 0 || low <= numberOf(last, field)!,
  );
  const text = ranges.join(',');
  return [
    message,
    step === undefined ? `Write it as ${text}.` : `Write it as two ranges, ${text}, each with a step.`,
  ];
}

function rangeText(from: string, to: string): string {
  return from === to ? from : `${from}-${to}`;
}

/** cron-parser refuses a step of H that leaves no room. */
function longStepFault(item: string, field: number, help: string): Fault {
  const [, range, from, to, step] = /^H(\((\d+)-(\d+)\))?\/(\d+)$/.exec(item) ?? [];
  const { name, first, last } = FIELDS[field]!;
  const size = range === undefined ? last - first + 1 : Number(to) - Number(from) + 1;
  if (step === undefined || Number(step) <= size) return undefined;
  if (range !== undefined) return [`the step in "${item}" is longer than its range`, help];
  return [`the step in "${item}" is longer than the ${name} field`, everyHint(field, Number(step)) ?? help];
}

/** The interval that a step longer than its field probably means. */
export function everyHint(field: number, step: number): string | undefined {
  const unit = ['s', 'm', 'h'][field];
  return unit === undefined
    ? undefined
    : `Write \`@every ${step}${unit}\` for each ${step} ${FIELDS[field]!.name}s.`;
}

function article(name: string): string {
  return name === FIELDS[HOUR].name ? 'an' : 'a';
}
