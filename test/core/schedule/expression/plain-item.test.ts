// Items that are read without cron-parser have the values that cron-parser gives them.
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainValues } from '../../../../src/core/schedule/expression/plain-item.ts';
import { seeded } from '../../../support/seed.ts';

const FIELDS = [
  { key: 'second', first: 0, last: 59 },
  { key: 'minute', first: 0, last: 59 },
  { key: 'hour', first: 0, last: 23 },
  { key: 'dayOfMonth', first: 1, last: 31 },
  { key: 'month', first: 1, last: 12 },
  { key: 'dayOfWeek', first: 0, last: 7 },
] as const;

/** The values by cron-parser, Sunday as 0; undefined for what it refuses. */
function byCronParser(item: string, field: number): number[] | undefined {
  const texts = ['*', '*', '*', '*', '*', '*'];
  texts[field] = item;
  try {
    const { fields } = CronExpressionParser.parse(texts.join(' '), {
      strict: true,
      currentDate: 0,
      tz: 'UTC',
    });
    return distinct(fields[FIELDS[field]!.key].values.map(Number), field);
  } catch {
    return undefined;
  }
}

function distinct(values: readonly number[], field: number): number[] {
  const days = field === 5 ? values.map((value) => value % 7) : values;
  return [...new Set(days)].sort((a, b) => a - b);
}

const number = fc.integer({ min: 0, max: 70 }).map(String);
const base = fc.oneof(
  fc.constantFrom('*', '?'),
  number,
  fc.tuple(number, number).map(([from, to]) => `${from}-${to}`),
);
const item = fc.oneof(
  base,
  fc.tuple(base, number).map(([from, step]) => `${from}/${step}`),
);

test('a plain item has the values that cron-parser finds, and an item that cron-parser refuses is not plain', () => {
  let accepted = 0;
  const same = (text: string, field: number) => {
    const ours = plainValues(text, FIELDS[field]!);
    expect(ours && distinct(ours, field)).toEqual(byCronParser(text, field));
    accepted += ours === undefined ? 0 : 1;
  };
  fc.assert(fc.property(item, fc.nat({ max: 5 }), same), seeded({ numRuns: 3000 }));
  expect(accepted).toBeGreaterThan(500);
});

test.each(['H', 'MON', '1#2', '5L', 'L', '', '1-', '-1', '*/', '1,2'])('%j is not a plain item', (text) => {
  expect(plainValues(text, FIELDS[5])).toBeUndefined();
});
