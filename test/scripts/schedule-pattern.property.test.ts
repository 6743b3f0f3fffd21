// The patterns of the definition against the engine: they accept every expression that the engine accepts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SCHEDULE_PATTERNS } from '../../scripts/gen/schedule-pattern.ts';
import { START_MACROS } from '../../src/core/schedule/expression/start-macros.ts';
import { checkExpression } from '../../src/core/schedule/schedule.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed('schedule patterns');
// Some versions of V8 forget the flag of a group behind its first alternative; RE2, for which the patterns are, does not.
const PATTERNS = SCHEDULE_PATTERNS.map((pattern) => new RegExp(pattern.replace('(?i:', '(?:'), 'i'));

function isValid(expression: string): boolean {
  try {
    checkExpression(expression);
    return true;
  } catch {
    return false;
  }
}

/** The valid expressions in quotation marks in the file, or in the files of the folder. */
function expressionsIn(place: string): string[] {
  const files = place.includes('.')
    ? [place]
    : readdirSync(place, { recursive: true, encoding: 'utf8' }).map((name) => join(place, name));
  const texts = files.filter((file) => /\.(?:md|ts)$/.test(file)).map((file) => readFileSync(file, 'utf8'));
  const quoted = texts.flatMap((text) => text.match(/(['"`])(?:(?!\1).){1,200}\1/g) ?? []);
  return [...new Set(quoted.map((text) => text.slice(1, -1)))].filter(isValid);
}

/** The numbers of the patterns that the expression does not match. */
function broken(expression: string): number[] {
  return PATTERNS.flatMap((pattern, index) => (pattern.test(expression) ? [] : [index]));
}

const number = fc
  .tuple(fc.constantFrom('', '', '', '0', '00'), fc.integer({ min: 0, max: 62 }))
  .map(([zeros, value]) => `${zeros}${value}`);
const name = fc.constantFrom(
  ...'SUN MON tue Wed THU FRI SAT JAN feb MAR APR MAY JUN JUL AUG SEP OCT Nov DEC FOO'.split(' '),
);
const value = fc.oneof({ weight: 3, arbitrary: number }, name);
const step = fc.constantFrom('', '', '/2', '/05', '/15', '/1', '/0', '/99');
const item = fc.oneof(
  fc.constantFrom('*', '?', 'H', 'h', 'L', 'l', 'LW', 'L-3', 'L-30W', 'L-31', '~', '#', '', '-'),
  value,
  fc.tuple(value, fc.constantFrom('-', '~', '#'), value).map((parts) => parts.join('')),
  fc.tuple(number, number).map(([from, to]) => `H(${from}-${to})`),
  fc
    .tuple(value, fc.constantFrom('W', 'L', 'l', '#L', '#1', '#05', '#6', '~'))
    .map((parts) => parts.join('')),
  value.map((to) => `~${to}`),
);
const stepped = fc.tuple(item, step).map((parts) => parts.join(''));
const field = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('*', '0', '1', '*/2') },
  { weight: 3, arbitrary: fc.array(stepped, { minLength: 1, maxLength: 3 }).map((items) => items.join(',')) },
  stepped.map((text) => `+${text}`),
);
const blank = fc.constantFrom(' ', ' ', '  ', '\t', '\n', '\u00a0', '\u2003 ');
const cron = fc
  .tuple(fc.array(field, { minLength: 4, maxLength: 7 }), blank, fc.constantFrom('', ' ', '\n'))
  .map(([fields, between, around]) => `${around}${fields.join(between)}${around}`);
const macro = fc
  .tuple(
    fc.constantFrom(...'@daily @DAILY @hourly @Weekly @every @every_minute @noon @dayly @reboot'.split(' ')),
    fc.constantFrom(
      '',
      ' ',
      ' 90s',
      '\t1h30m',
      ' 1 day, 2 hours',
      ' 1.5h',
      ' 90',
      ' 2 Min',
      ' soon',
      ' -5m',
      '\n90s ',
    ),
  )
  .map((parts) => parts.join(''));

test('they accept every generated expression that the engine accepts', () => {
  let valid = 0;
  const property = fc.property(fc.oneof({ weight: 5, arbitrary: cron }, macro), (expression) => {
    if (!isValid(expression)) return;
    valid++;
    expect(broken(expression), JSON.stringify(expression)).toEqual([]);
  });
  fc.assert(property, { seed, numRuns: 10_000 });
  expect(valid, 'valid expressions among the generated ones').toBeGreaterThan(200);
});

test.each(['test/core', 'docs', 'README.md'])('they accept every valid expression in %s', (place) => {
  const found = expressionsIn(place);
  expect(found.length).toBeGreaterThan(5);
  for (const expression of found) expect(broken(expression), JSON.stringify(expression)).toEqual([]);
});

test.each(START_MACROS)('they accept %s, which a rule of the definition names', (expression) => {
  expect(broken(expression)).toEqual([]);
});

test.each([
  ['* * * *', 0],
  ['* * * * * * *', 0],
  ['@dayly', 0],
  ['@every soon', 0],
  ['60 * * * *', 1],
  ['*/0 * * * *', 1],
  ['61 0 0 * * *', 1],
  ['0 24 * * *', 2],
  ['0 MON * * *', 2],
  ['0 0 32 * *', 3],
  ['0 0 0 * *', 3],
  ['0 0 L-31 * *', 3],
  ['0 0 * 13 *', 4],
  ['0 0 * FOO *', 4],
  ['0 0 * * 8', 5],
  ['0 0 * * MON#6', 5],
  ['0 0 * * MONDAY', 5],
])('%j breaks the pattern of its fault alone', (expression, pattern) => {
  expect(isValid(expression)).toBe(false);
  expect(broken(expression)).toEqual([pattern]);
});
