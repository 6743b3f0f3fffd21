// What a terminal sees of the output of a command: its text and colours, wherever the parts are split.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColoursOnly } from '../../src/cli/output/colours-only.ts';
import { seeded } from '../support/seed.ts';

const ESC = '\u001B';
const COLOURS = new RegExp(`${ESC}\\[[\\d;:]*m`, 'g');

/** The output in parts of the given sizes, and whole if there are none. */
function shown(output: string | Uint8Array, sizes: readonly number[] = []): string {
  const filter = new ColoursOnly();
  let rest = Buffer.from(output);
  let text = '';
  for (const size of sizes) {
    text += filter.pass(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return text + filter.pass(rest) + filter.end();
}

describe('a terminal', () => {
  test.each<[string, string, string]>([
    ['text with tabs and lines', 'a\tb\nc\n', 'a\tb\nc\n'],
    ['words of every language', 'Grüße 日本 می\u200Cخواهم 👩\u200D💻', 'Grüße 日本 می\u200Cخواهم 👩\u200D💻'],
    [
      'colours',
      '\u001B[31;1mred\u001B[0m \u001B[38:2::1:2:3mrgb\u001B[m',
      '\u001B[31;1mred\u001B[0m \u001B[38:2::1:2:3mrgb\u001B[m',
    ],
    ['the end of a colour that stays on', '\u001B[31mred\n', '\u001B[31mred\n\u001B[0m'],
    ['the line ends of Windows', 'a\r\nb\r\r\n', 'a\nb\n'],
    ['each state of a line that is written over', '\r10%\r\u001B[K20%\r\n', '10%\n20%\n'],
  ])('sees %s', (_what, output, expected) => {
    expect(shown(output)).toBe(expected);
  });

  test.each<[string, string, string]>([
    ['a title', 'a\u001B]0;title\u0007b', 'ab'],
    ['a title that ends with ST', 'a\u001B]2;title\u001B\\b', 'ab'],
    ['the address of a link', '\u001B]8;;http://evil\u0007text\u001B]8;;\u0007', 'text'],
    ['a clipboard', '\u001B]52;c;cm0=\u0007', ''],
    [
      'device, privacy and application strings',
      '\u001BP1q\u001B\\a\u001B^x\u001B\\b\u001B_y\u001B\\c\u001BXz\u001B\\d',
      'abcd',
    ],
    ['moves of the cursor, and erasing', 'a\u001B[2J\u001B[H\u001B[1A\u001B[?25lb', 'ab'],
    ['a report that it would type', '\u001B[6n\u001B[>c\u001BZ', ''],
    ['a private sequence that ends as a colour does', '\u001B[>4;2m\u001B[?4ma', 'a'],
    ['a colour with an intermediate', '\u001B[1 ma', 'a'],
    ['other escapes', '\u001Bc\u001B7\u001B(0\u001B#8a\u001B%Gb', 'ab'],
    ['sequences of one character above ASCII', 'a\u009B2J\u009B31m\u009D0;t\u009C\u0085b', 'ab'],
    ['control characters', 'a\u0007\b\u000B\u000C\u000E\u000F\u007F\u0000b', 'ab'],
    ['turned text', 'a\u202Eb\u2066c\u2069\u200F', 'abc'],
    ['a sequence of absurd length', `\u001B[${'1'.repeat(5000)}ma`, 'a'],
  ])('does not see %s', (_what, output, expected) => {
    expect(shown(output)).toBe(expected);
  });

  test('sees the lines after a string or a sequence that does not end', () => {
    expect(shown('a\u001B]0;never ends\nb\u001B[12\nc\u001B\nd')).toBe('a\nb\nc\nd');
  });

  test('sees bytes that are no text as replacement characters', () => {
    expect(shown(Uint8Array.of(0x61, 0x9b, 0x32, 0x4a, 0x62))).toBe('a\uFFFD2Jb');
  });

  test('sees the same wherever the output is split', () => {
    const piece = fc.constantFrom(
      'a',
      '日',
      '👩',
      '\n',
      '\r',
      '\u001B',
      '[',
      ']',
      '31',
      ';',
      'm',
      '\u0007',
      '\\',
      '\u009B',
      '(',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.array(fc.nat({ max: 5 }), { maxLength: 60 }),
        (pieces, sizes) => {
          const output = pieces.join('');
          const whole = shown(output);
          expect(shown(output, sizes)).toBe(whole);
          // Nothing but text and colours is left, whatever the pieces make.
          expect(whole.replaceAll(COLOURS, '')).not.toMatch(/(?![\n\t])\p{Cc}/u);
        },
      ),
      seeded({}),
    );
  });
});
