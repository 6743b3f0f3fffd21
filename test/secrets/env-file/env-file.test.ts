// Reads what dotenv reads, from any text, and changes one variable without touching the rest.
import { parse } from 'dotenv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changesBetween, lossesIn, merge } from '../../../src/secrets/env-file/changes.ts';
import { EnvFile, envFileOf } from '../../../src/secrets/env-file/env-file.ts';
import { expectLinearTime } from '../../support/linear-time.ts';
import { seeded } from '../../support/seed.ts';

const PEM = ['-----BEGIN PRIVATE KEY-----', 'MIIEvQ#IBADAN', 'aGVsbG8=', '-----END PRIVATE KEY-----'].join(
  '\n',
);

/** Every text that a person, a tool or an editor may leave behind. */
const CORPUS: Record<string, string> = {
  plain: 'A=1\nB=two\n',
  empty: '',
  'no variable': '# only a comment\n\n',
  'empty values': 'A=\nB=""\nC=\'\'\nD= # none\nE',
  'multi-line PEM': `KEY="${PEM}"\nB=1\n`,
  'PEM in single quotes': `KEY='${PEM}' # the key\nB=1\n`,
  'escaped line ends': 'A="one\\ntwo\\rthree"\nB=\'one\\ntwo\'\n',
  'quotes in quotes': `A="it's"\nB='say "hi"'\nC=\`it's "both"\`\nD="\\"x\\""\nE='\\'x'\n`,
  'quote that never closes': `A="open\nB=2\nC='open\nD=3\n`,
  'hash in values': `A=a#b\nB="a#b"\nC='#'#c\nD=#only\nE=a # c\n`,
  CRLF: 'A=1\r\n# c\r\nB="x\r\ny"\r\n\r\nC=3',
  'CR alone': 'A=1\rB=2\r',
  BOM: '\uFEFFA=1\nB=2\n',
  export: 'export A=1\nexport  B=2\n export C: 3\nexport\nD=4\nexport=5\n',
  colons: 'A: 1\nB: "x"\nC:\nD=4\nE:5\n',
  unicode: 'A=日本語 🎉\nB="\u2028x\u2029"\nC=a\u2028D=2\u00A0\n',
  duplicates: 'A=1\nA=2\nB=3\nA=4\n',
  'values on later lines': `A=\n\n'x'\nB=\n# c\nC=1\n`,
  'comments between': 'A=1\n\n# about B\nB=2 # b\n\n\n# end',
  'spaces everywhere': '  A = 1  \n\tB\t=\t"x"\t#c\n',
  'odd keys': 'a.b-c=1\n1=2\n-=3\n.=4\nA B=5\n=6\nconstructor=x\nhasOwnProperty=y\n',
  'nothing but noise': '\u0000\u0001=\u0002\n===\n"""\n```\n###',
};

function asDotenv(text: string): Record<string, string> {
  return { ...parse(text) };
}

function valuesOf(file: EnvFile): Record<string, string> {
  return Object.fromEntries(file.values);
}

/** dotenv cannot hold this name: it sets the prototype of its answer. */
const LOST = /__proto__/;

const piece = fc.oneof(
  fc.constantFrom(
    'A',
    'B',
    'KEY_1',
    'a.b',
    'export ',
    '=',
    ': ',
    ' ',
    '\t',
    '\n',
    '\n\n',
    '\r\n',
    '\r',
    '#',
    "'",
    '"',
    '`',
    '\\',
    "\\'",
    '\\"',
    '\\n',
    '$',
    '\u2028',
    '\uFEFF',
    'x',
    'A=1\n',
    "B='",
    'C="',
    '🎉',
    'export\n',
  ),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
);
const anyText = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
const anyValue = fc.oneof(
  anyText,
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(...Object.values(CORPUS)),
);

describe('reading', () => {
  test.each(Object.entries(CORPUS))('%s', (_, text) => {
    const file = new EnvFile(text);
    expect(valuesOf(file)).toEqual(asDotenv(text));
    expect(file.text).toBe(text);
  });

  test('agrees with dotenv on any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(!LOST.test(text));
        expect(valuesOf(new EnvFile(text))).toEqual(asDotenv(text));
      }),
      seeded({ numRuns: 20_000 }),
    );
  });

  test('names variables that stand more than once, and the line that counts', () => {
    const file = new EnvFile('A=1\r\n# c\r\nB=2\r\nA=3\r\nC="x\r\ny"\r\nC=2\r\n');
    expect(file.duplicates()).toEqual([
      { key: 'A', line: 4 },
      { key: 'C', line: 7 },
    ]);
    expect(file.values.get('A')).toBe('3');
  });

  test('10,000 variables and a value of 1 MB', () => {
    const long = 'x'.repeat(1024 * 1024);
    const many = Array.from({ length: 10_000 }, (_, index) => `KEY_${index}="value ${index}"`).join('\n');
    const file = new EnvFile(`${many}\nLONG="${long}"\n`);
    expect(file.values.size).toBe(10_001);
    expect(file.values.get('LONG')).toBe(long);
    expect(file.with('LONG', `${long}\n'`).values.get('LONG')).toBe(`${long}\n'`);
  });

  test.each([
    '\n',
    ' \n',
    'A=1\n',
    "A='x\n",
    'A="\\"\n',
    "A='\\'x\n",
    'A=\n',
    'export\n',
    'A\n',
    '\r\n',
    'A="x" y\n',
    'A:\n',
    "A=\u2028'a",
    "'a\u2028",
    'A=#\n',
    'AAAA',
    'A=1 #',
    '`',
  ])('takes linear time: %j', async (part) => {
    const input = (size: number) => `A="1"\n${part.repeat(Math.ceil(size / part.length))}#`;
    await expectLinearTime({ what: part, input, run: (text) => new EnvFile(text), size: 20_000 });
  });
});

describe('changing one variable', () => {
  test('leaves comments, order and quoting of the others', () => {
    const before = `# head\nexport A = 'one' # a\n\n# about B\nB: two\nC="x\ny"#c\nD=`;
    const file = new EnvFile(before)
      .with('A', '1')
      .with('B', "it's")
      .with('C', '# "')
      .with('D', 'd')
      .with('E', '');
    expect(file.text).toBe(`# head\nexport A = 1 # a\n\n# about B\nB: "it's"\nC='# "' #c\nD=d\nE=\n`);
    expect(new EnvFile(before).without('A').text).toBe(`# head\n\n# about B\nB: two\nC="x\ny"#c\nD=`);
    expect(new EnvFile(before).without('C').text).toBe(
      `# head\nexport A = 'one' # a\n\n# about B\nB: two\nD=`,
    );
    expect(new EnvFile('A=1\r\nB=2\r\n').with('C', '3').without('A').text).toBe('B=2\r\nC=3\r\n');
  });

  test('the value reads back and no other variable changes, in any file', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom('A', 'B', 'NEW'), anyValue, (text, key, value) => {
        const before = new EnvFile(text);
        let after: EnvFile;
        try {
          after = before.with(key, value);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SECRET_VALUE_UNWRITABLE' });
          return;
        }
        expect(Object.fromEntries(after.values)).toEqual({ ...valuesOf(before), [key]: value });
      }),
      seeded({ numRuns: 10_000 }),
    );
  });

  test('any value that dotenv can read can be written', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(!LOST.test(text));
        const values = Object.entries(asDotenv(text)).map(([, value], at): [string, string] => [
          `K${at}`,
          value,
        ]);
        expect(valuesOf(envFileOf(values))).toEqual(Object.fromEntries(values));
      }),
      seeded({ numRuns: 10_000 }),
    );
  });

  test('a value with every kind of quote is refused, and so is a name that no program accepts', () => {
    expect(() => new EnvFile('').with('A', `'"\`\n#'"\`x`)).toThrow(
      expect.objectContaining({ code: 'SECRET_VALUE_UNWRITABLE' }),
    );
    expect(() => new EnvFile('').with('1A', 'x')).toThrow(
      expect.objectContaining({ code: 'SECRET_KEY_INVALID' }),
    );
  });
});

describe('two changes of one file', () => {
  const base = new EnvFile('A=1\nB=2\nC=3\n');

  test('are told by name', () => {
    const after = new EnvFile('A=1\nB=\nD=4\nC=9\n');
    expect(changesBetween(base.values, after.values)).toEqual([
      { key: 'B', kind: 'blanked' },
      { key: 'D', kind: 'added' },
      { key: 'C', kind: 'changed' },
    ]);
    const back = changesBetween(after.values, base.values);
    expect(back.at(-1)).toEqual({ key: 'D', kind: 'removed' });
    expect(lossesIn(changesBetween(base.values, after.values), base.values)).toEqual([
      { key: 'B', kind: 'blanked' },
    ]);
    expect(lossesIn(back, after.values)).toEqual([{ key: 'D', kind: 'removed' }]);
  });

  test('merge where no name clashes', () => {
    const theirs = base.with('B', 'theirs').without('C').with('D', 'both');
    expect(merge(base.values, theirs.values, base.with('A', 'ours').with('D', 'both'))).toMatchObject({
      file: { text: 'A=ours\nB=theirs\nD=both\n' },
    });
    expect(merge(base.values, theirs.values, base.with('B', 'ours').with('C', 'ours'))).toEqual({
      clashes: ['B', 'C'],
    });
  });
});
