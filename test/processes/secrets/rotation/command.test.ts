// What the generate command of a rotation may print.
import { expect, test } from 'vitest';
import { valueIn } from '../../../../src/processes/secrets/rotation/command.ts';

test.each([
  ['abc\n', 'abc'],
  ['abc\r\n', 'abc'],
  ['abc', 'abc'],
  ['a\nb\n\n', 'a\nb\n'],
  [' a ', ' a '],
  ['\uFEFFa', '\uFEFFa'],
])('%j is the value %j: lsh cuts one line end', (output, value) => {
  expect(valueIn(Buffer.from(output), 'old')).toEqual({ value });
});

test.each([
  ['', 'it printed nothing'],
  ['\n', 'it printed nothing'],
  [' \t\r\n', 'it printed nothing'],
  ['old\n', 'it printed the value that the variable has'],
  ['a\0b', 'it printed a NUL character'],
  [Buffer.from([0x61, 0xff]), 'what it printed is not UTF-8'],
  ['a'.repeat(1024 * 1024 + 1), 'it printed more than 1 MiB'],
])('%j is no new value', (output, failure) => {
  expect(valueIn(Buffer.from(output as string), 'old')).toEqual({ failure });
});
