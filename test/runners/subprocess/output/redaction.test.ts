import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Redaction } from '../../../../src/runners/subprocess/output/redaction.ts';
import { seeded } from '../../../support/seed.ts';

const KEY = 'AGE-SECRET-KEY-1ABCABD';

/** The masked output of these pieces. */
function shown(values: string[], pieces: Uint8Array[]): string {
  const redaction = new Redaction(values);
  const parts = pieces.map((piece) => redaction.push(piece));
  return Buffer.concat([...parts, redaction.end()]).toString('latin1');
}

const inPieces = (text: string, length: number): Buffer[] =>
  Array.from({ length: Math.ceil(text.length / length) }, (_, n) =>
    Buffer.from(text.slice(n * length, (n + 1) * length)),
  );

test('masks a value in any output in any pieces, and changes nothing else', () => {
  // Few letters and parts of the key, so that beginnings and near misses are common.
  const part = fc.oneof(
    fc.constantFrom(
      KEY,
      KEY.slice(0, -1),
      KEY.slice(0, 9),
      KEY.slice(1),
      'A',
      'AGE-AGE-',
      '\n',
      '*',
      '\0\xff',
    ),
    fc.string({ maxLength: 20 }),
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 30 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length;) {
          const length = cuts.next().value as number;
          pieces.push(bytes.subarray(at, at + length));
          at += length;
        }
        expect(shown([KEY], pieces)).toBe(bytes.toString('latin1').replaceAll(KEY, '***'));
      },
    ),
    seeded({ verbose: true }),
  );
});

describe('several values', () => {
  const values = ['first-secret', 'second-secret'];

  test.each([1, 2, 3, 7, 100])('are all masked, in pieces of %i', (length) => {
    const text = 'a first-secret, second-secretsecond-secret; first-secre';
    expect(shown(values, inPieces(text, length))).toBe('a ***, ******; first-secre');
  });

  test.each([1, 5, 12, 13, 100])('with a common beginning: the longer matches, in pieces of %i', (length) => {
    const nested = ['password', 'password-of-all'];
    const text = 'password-of-all password-of-us password';
    expect(shown(nested, inPieces(text, length))).toBe('*** ***-of-us ***');
  });

  test('are the trimmed lines of a value with several lines', () => {
    const file = '# a key for tests\r\n  AGE-SECRET-KEY-1ABC\r\n}\r\n\r\n';
    expect(shown([file], [Buffer.from('key=AGE-SECRET-KEY-1ABC;{}')])).toBe('key=***;{}');
  });
});

test('withholds only a possible beginning of a value', () => {
  const redaction = new Redaction([KEY]);
  const push = (text: string) => Buffer.from(redaction.push(Buffer.from(text))).toString();
  expect(push('40 % done\r')).toBe('40 % done\r');
  expect(push('key: AGE-')).toBe('key: ');
  expect(redaction.withheld.toString()).toBe('AGE-');
  expect(push('old')).toBe('AGE-old');
  expect(redaction.withheld).toHaveLength(0);
});

test('bytes withheld by an earlier runner precede the output', () => {
  const first = new Redaction([KEY]);
  first.push(Buffer.from(KEY.slice(0, 10)));
  const second = new Redaction([KEY], first.withheld);
  expect(Buffer.from(second.push(Buffer.from(`${KEY.slice(10)}.`))).toString()).toBe('***.');
});

describe('after a crash in the middle of a value', () => {
  /** The masked output after an earlier runner read its beginning and was killed. */
  function shownAfter(values: string[], pieces: Uint8Array[]): string {
    const redaction = new Redaction(values, Buffer.alloc(0));
    const parts = pieces.map((piece) => redaction.push(piece));
    return Buffer.concat([...parts, redaction.end()]).toString();
  }

  test.each([1, 2, 7, 100])('masks the rest of it unless that is too short, in pieces of %i', (length) => {
    for (let at = 0; at <= KEY.length; at++) {
      const rest = KEY.slice(at);
      const text = `${rest}. ${KEY}, ${rest};`;
      const whole = at === 0 ? '***' : rest;
      const expected = `${rest.length >= 8 ? '***' : rest}. ***, ${whole};`;
      expect(shownAfter([KEY], inPieces(text, length))).toBe(expected);
      expect(shownAfter([KEY], inPieces(rest, length))).toBe(rest.length >= 8 ? '***' : rest);
    }
  });

  test.each([1, 5, 100])('takes the longest of several possible rests, in pieces of %i', (length) => {
    const values = ['secret-of-one', 'the-secret-of-one-and-all', 'and-all-of-us'];
    expect(shownAfter(values, inPieces('of-one-and-all; and-all', length))).toBe('***; and-all');
    expect(shownAfter(values, inPieces('secret-of-one', length))).toBe('***');
    expect(shownAfter(values, inPieces('and-all-of-us', length))).toBe('***');
  });

  test('shows a mistaken rest with the next piece or at the end', () => {
    const redaction = new Redaction([KEY], Buffer.alloc(0));
    const push = (text: string) => Buffer.from(redaction.push(Buffer.from(text))).toString();
    expect(push('')).toBe('');
    expect(push(KEY.slice(5, 9))).toBe('');
    expect(push('!')).toBe(`${KEY.slice(5, 9)}!`);
    expect(shownAfter([KEY], [Buffer.from(KEY.slice(3, -3))])).toBe(KEY.slice(3, -3));
  });

  test('continues with the bytes that another runner withheld', () => {
    const second = new Redaction([KEY], Buffer.alloc(0));
    expect(second.push(Buffer.from(KEY.slice(5, 9)))).toHaveLength(0);
    const third = new Redaction([KEY], second.withheld);
    expect(Buffer.from(third.push(Buffer.from(`${KEY.slice(9)}.`))).toString()).toBe('***.');
  });
});
