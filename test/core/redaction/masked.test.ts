// Values in texts that are there as a whole, and in stretches of a longer text.
import { expect, test } from 'vitest';
import { maskedText, maskedTexts } from '../../../src/core/redaction/masked.ts';

const VALUE = 'hunter2-canary';

test('masks a value in every text of a document, also encoded, and keeps its keys', () => {
  const base64 = Buffer.from(VALUE).toString('base64');
  expect(maskedTexts({ [VALUE]: 1, b: [`x ${VALUE} y`, { c: base64, d: null, e: true }] }, [VALUE])).toEqual({
    [VALUE]: 1,
    b: ['x *** y', { c: expect.stringMatching(/^\*\*\*=*$/), d: null, e: true }],
  });
});

test('without values a document stays as it is', () => {
  const document = { a: VALUE };
  expect(maskedTexts(document, [])).toBe(document);
  expect(maskedTexts(document, ['short'])).toEqual(document);
});

test.each([
  ['a whole text', {}, 'canary and ***, hunter2'],
  ['a text that lost its beginning', { before: true }, 'canary and ***, hunter2'],
  ['a text that lost its end', { behind: true }, 'canary and ***, '],
] as const)('of %s no part of a value is shown that a cut can have left', (_, cut, shown) => {
  expect(maskedText(`canary and ${VALUE}, hunter2`, [VALUE], cut)).toBe(shown);
});

test('masks the rest of a value behind a cut', () => {
  expect(maskedText('er2-canary and more', [VALUE], { before: true })).toBe('*** and more');
});
