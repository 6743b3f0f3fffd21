import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

const rows = readFileSync(join(ROOT, 'docs/trace.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\|\s+\d+\s+\|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, step, , now = '']) => ({ step: Number(step), now }));

const places = rows.flatMap(({ step, now }) =>
  [...now.matchAll(/`(src\/[^`]+)` `(\w+)`/g)].map(([, file = '', symbol = '']) => ({ step, file, symbol })),
);

test('the page lists each step of the trace once, in order', () => {
  expect(rows.map(({ step }) => step)).toEqual(Array.from({ length: 29 }, (_, index) => index + 1));
});

test('each step names its place in the code', () => {
  const placed = new Set(places.map(({ step }) => step));
  expect([...placed]).toEqual(rows.map(({ step }) => step));
});

test.each(places)('step $step: $file has $symbol', ({ file, symbol }) => {
  const text = readFileSync(join(ROOT, file), 'utf8');
  expect(text).toMatch(new RegExp(`(function|class|interface|const|\\{) ${symbol}\\b`));
});
