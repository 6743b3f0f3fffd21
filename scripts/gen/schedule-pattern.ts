// The grammar of expressions as patterns for the definition: the API server refuses a schedule of a wrong shape, range or
// name at once, and prints the pattern of the part that is wrong. They accept every expression that the engine accepts;
// the operator refuses what no pattern can tell, such as 30-10 or February 30. The API server reads
// them as RE2.
import { MACROS } from '../../src/core/schedule/expression/expression.ts';
import {
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  HOUR,
  MINUTE,
  MONTH,
  NAMES,
} from '../../src/core/schedule/expression/field.ts';
import { START_MACROS } from '../../src/core/schedule/expression/start-macros.ts';

/** White space and a word. RE2 and JavaScript know different white space. */
const BLANK = '[^!-~]';
const WORD = '[!-~]+';

/** The numbers of each field, with any zeros in front. */
const NUMBER = {
  [MINUTE]: '0*[1-5]?[0-9]',
  [HOUR]: '0*(?:1?[0-9]|2[0-3])',
  [DAY_OF_MONTH]: '0*(?:[1-9]|[12][0-9]|3[01])',
  [MONTH]: '0*(?:[1-9]|1[0-2])',
  [DAY_OF_WEEK]: '0*[0-7]',
};
type Field = keyof typeof NUMBER;

/** A list of values, ranges and steps; the items `extra` have no step. */
function list(field: Field, any: string, extra: string[] = []): string {
  const value = valueOf(field);
  const stepped = `(?:${any}|H(?:\\([0-9]+-[0-9]+\\))?|${value}(?:-${value}|~${value}?)?|~${value}?)(?:/0*[1-9][0-9]*)?`;
  const item = `(?:${[stepped, ...extra].join('|')})`;
  return `${item}(?:,${item})*`;
}

function valueOf(field: Field): string {
  return `(?:${[NUMBER[field], ...(NAMES[field] ?? [])].join('|')})`;
}

const DAY_OF_MONTH_ITEMS = [`${valueOf(DAY_OF_MONTH)}W`, 'L(?:-0*(?:[12]?[0-9]|30))?W?'];
const DAY_OF_WEEK_ITEMS = [`${valueOf(DAY_OF_WEEK)}(?:L|#(?:L|0*[1-5]))`];

/** Matches macros, and expressions with the list in that field of five, or in that of six with seconds first. */
function inField(field: Field, values: string): string {
  const before = field - MINUTE;
  const others = `(?:${WORD}${BLANK}+){${before},${before + 1}}`;
  return whole(`${others}${values}(?:${BLANK}+${WORD}){${4 - before}}`);
}

/** Lets pass what SHAPE refuses, so that an expression breaks the one pattern of its fault. */
function whole(expression: string): string {
  return `^${BLANK}*(?i:@[^@]*|${WORD}(?:${BLANK}+${WORD}){0,3}|${WORD}(?:${BLANK}+${WORD}){6,}|${expression})${BLANK}*$`;
}

const MACRO = `@(?:${[...Object.keys(MACROS), ...START_MACROS]
  .map((macro) => macro.slice(1))
  .join('|')}|every${BLANK}+[0-9](?:[0-9a-z.,]|${BLANK})*)`;
const SHAPE = `^${BLANK}*(?i:${MACRO}|[!-?A-~]${WORD.replace('+', '*')}(?:${BLANK}+${WORD}){4,5})${BLANK}*$`;

/** A valid expression matches each of them. */
export const SCHEDULE_PATTERNS = [
  SHAPE,
  whole(`(?:${list(MINUTE, '\\*')}${BLANK}+){1,2}(?:${WORD}${BLANK}+){3}${WORD}`),
  inField(HOUR, list(HOUR, '\\*')),
  inField(DAY_OF_MONTH, list(DAY_OF_MONTH, '[*?]', DAY_OF_MONTH_ITEMS)),
  inField(MONTH, list(MONTH, '\\*')),
  inField(DAY_OF_WEEK, `\\+?${list(DAY_OF_WEEK, '[*?]', DAY_OF_WEEK_ITEMS)}`),
];
