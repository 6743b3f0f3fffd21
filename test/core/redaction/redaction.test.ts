import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Redaction } from '../../../src/core/redaction/redaction.ts';
import { expectLinearTime } from '../../support/linear-time.ts';
import { seeded } from '../../support/seed.ts';

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

describe('an encoded value', () => {
  /** What a test may decode from masked output: base64 shows at most the first four letters of a value. */
  const UNHIDDEN = 4;

  const lines = (text: string, width: number, lineBreak: string) =>
    text.replaceAll(new RegExp(`.{${width}}(?=.)`, 'g'), `$&${lineBreak}`);
  const bytesOf = (text: string, encode: (byte: number) => string) =>
    [...Buffer.from(text)].map(encode).join('');
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');

  const encodings = fc.constantFrom<(value: string) => string>(
    (value) => value,
    encodeURIComponent,
    (value) => bytesOf(value, (byte) => `%${hex(byte)}`),
    (value) => JSON.stringify(value).slice(1, -1),
    (value) => value.split('').map(unicodeEscape).join(''),
    (value) =>
      JSON.stringify(value)
        .slice(1, -1)
        .replaceAll('/', String.raw`\/`),
  );

  function unicodeEscape(unit: string): string {
    return String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0');
  }

  const aValue = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 60 }).filter((text) => {
    const trimmed = text.trim();
    return trimmed === text && text.isWellFormed() && !/[\n*]/.test(text);
  });
  const someCuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });

  function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += pieces.at(-1)!.length)
      pieces.push(bytes.subarray(at, at + cuts[pieces.length % cuts.length]!));
    return pieces;
  }

  test('percent-encoded or with backslash escapes, is masked whole in any pieces', () => {
    fc.assert(
      fc.property(aValue, encodings, someCuts, (value, encode, cuts) => {
        const text = Buffer.from(`(${encode(value)})`);
        expect(shown([value], cutUp(text, cuts))).toBe('(***)');
      }),
      seeded({ verbose: true }),
    );
  });

  test('in base64 is masked at every alignment, in both alphabets, with line breaks, in any pieces', () => {
    const around = fc.uint8Array({ maxLength: 5 });
    const wraps = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => lines(text, 76, '\n'),
      (text) => lines(text, 64, '\r\n'),
      (text) => lines(text, 10, '\n'),
    );
    const alphabets = fc.constantFrom<BufferEncoding>('base64', 'base64url');
    const cases = fc.tuple(aValue, around, around, alphabets, wraps, someCuts);
    fc.assert(
      fc.property(cases, ([value, before, after, alphabet, wrap, cuts]) => {
        const whole = Buffer.concat([before, Buffer.from(value), after]).toString(alphabet);
        const masked = shown([value], cutUp(Buffer.from(`(${wrap(whole)})`), cuts));
        const [head = '', tail = ''] = masked.replaceAll(/\s/g, '').slice(1, -1).split('***');
        expect(masked).toContain('***');
        expect(head.length).toBeLessThanOrEqual(Math.ceil((before.length * 4) / 3) + UNHIDDEN);
        expect(tail.length).toBeLessThanOrEqual(Math.ceil((after.length * 4) / 3) + 4);
      }),
      seeded({ verbose: true }),
    );
  });

  test('in base64 is masked whole when it arrives at once', () => {
    const auth = Buffer.from(`user:${KEY}`).toString('base64');
    expect(shown([KEY], [Buffer.from(`Authorization: Basic ${auth}\n`)])).toBe(
      'Authorization: Basic dXNlcj***\n',
    );
  });

  test('stands beside other escapes, and broken ones are shown as they are', () => {
    const text = String.raw`100 % \ %4 %zz \u00 \ud83d \x {"key":"AGE\u002dSECRET-KEY-1ABCABD"} \u00e`;
    expect(shown([KEY], inPieces(text, 3))).toBe(
      text.replace(String.raw`AGE\u002dSECRET-KEY-1ABCABD`, '***'),
    );
  });
});

test('a value of fewer than eight bytes is shown: it would occur within ordinary words', () => {
  expect(shown(['secret7', 'secret_8'], [Buffer.from('secret7 secret_8')])).toBe('secret7 ***');
});

test('values that overlap get one mask, in any pieces', () => {
  const values = ['abcdefghij', 'ghijklmnop'];
  for (const length of [1, 4, 11, 100])
    expect(shown(values, inPieces('-abcdefghijklmnop-ghijklmnop', length))).toBe('-***-***');
  expect(shown(['aaaaaaaa'], inPieces('a'.repeat(1000), 7))).toBe('***');
});

test('withheld bytes do not grow with the output', () => {
  const redaction = new Redaction([KEY]);
  redaction.push(Buffer.from(Buffer.from(KEY).toString('base64').slice(0, 8)));
  for (const piece of ['\n'.repeat(1000), 'A'.repeat(1000), '%4'.repeat(1000), '\\'.repeat(1001)]) {
    redaction.push(Buffer.from(piece));
    expect(redaction.withheld.length).toBeLessThanOrEqual(6 * KEY.length);
  }
});

test('takes time in proportion to the values and the output, also for values that begin alike', async () => {
  await expectLinearTime({
    what: 'values with a common beginning, and near misses of each in the output',
    size: 1000,
    input: (count) => {
      const values = Array.from({ length: count }, (_, n) => `common-beginning-of-all-${n}-end`);
      return { values, text: Buffer.from(values.map((value) => value.slice(0, -1)).join('\n')) };
    },
    run: ({ values, text }) => shown(values, [text]),
  });
  await expectLinearTime({
    what: 'one value that almost repeats itself',
    size: 10_000,
    input: (length) => ({ value: `${'a'.repeat(length)}b`, text: Buffer.from('a'.repeat(4 * length)) }),
    run: ({ value, text }) => shown([value], [text]),
  });
});
