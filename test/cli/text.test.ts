import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { Table, type Cell, type Paint } from '../../src/cli/output/table.ts';
import {
  paintFor,
  print,
  printCsv,
  printDocument,
  printList,
  printTablePages,
} from '../../src/cli/output/print.ts';
import { displayWidth, sparkline, truncate } from '../../src/cli/output/text.ts';
import { calendar, relative, soon } from '../../src/cli/output/when.ts';
import { oneLine } from '../../src/core/printable.ts';

const plain = (_style: string, text: string) => text;
const WEDNESDAY_NOON = Date.UTC(2026, 10, 25, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('text', () => {
  test('a wide character counts two columns, a combining mark none', () => {
    expect(displayWidth('日本')).toBe(4);
    expect(displayWidth('é')).toBe(1);
    expect(displayWidth('✅ ok')).toBe(5);
  });

  test('a cut text is never too wide, even if the cut splits a wide character', () => {
    expect(truncate('日本語のジョブ', 6)).toBe('日本…');
    expect(truncate('backup', 6)).toBe('backup');
    expect(truncate('backups', 6)).toBe('backu…');
  });

  test('control characters of stored text do not reach the terminal, joiners of words and emoji do', () => {
    expect(oneLine('a\u001B[31mred\nnext')).toBe('a [31mred next');
    expect(oneLine(' \u009B31m\u202Eevil\u2066 \u200F')).toBe('31m evil');
    const words = 'می\u200Cخواهم 👩\u200D💻';
    expect(oneLine(words)).toBe(words);
  });

  test('the sparkline has its highest bar for the largest value', () => {
    expect(sparkline([0, 25, 50, 75, 100])).toBe('▁▂▃▅▇');
    expect(sparkline([0, 0])).toBe('▁▁');
    expect(sparkline([])).toBe('');
  });
});

describe('tables', () => {
  test('columns align by width on the terminal, not by characters', () => {
    const lines = renderTable(
      ['NAME', 'STATUS'],
      [
        ['日本', 'ok'],
        ['backup', 'ok'],
      ],
      Infinity,
      plain,
    );
    expect(lines).toEqual(['NAME    STATUS', '日本    ok', 'backup  ok']);
  });

  test('the first column stays whole: users copy names from it', () => {
    const name = 'a-name-that-is-long-enough-to-be-cut';
    const [, line] = renderTable(
      ['NAME', 'COMMAND', 'NEXT'],
      [[name, 'x'.repeat(40), 'y'.repeat(40)]],
      60,
      plain,
    );
    expect(line).toBe(`${name}  ${'x'.repeat(9)}…  ${'y'.repeat(9)}…`);
  });

  test('the widest column shrinks until each line fits the terminal', () => {
    const long = 'x'.repeat(200);
    const lines = renderTable(['NAME', 'COMMAND'], [['backup', long]], 40, plain);
    expect(lines.map(displayWidth)).toEqual([15, 40]);
    expect(lines[1]).toMatch(/^backup {2}x+…$/);
  });
});

function renderTable(heads: string[], rows: Cell[][], columns: number, paint: Paint): string[] {
  return new Table(heads, columns, paint).lines(rows);
}

async function printed(write: (io: Io) => void | Promise<void>, isTTY = false): Promise<string> {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  await write({ stdin: new PassThrough(), stdout, stderr: new PassThrough(), now: () => 0 });
  return ((stdout.read() as Buffer | null) ?? '').toString();
}

describe('what is printed', () => {
  test('is one line for each text, coloured by lsh alone', async () => {
    const line = (io: Io) => print(io, `${paintFor(io.stdout)('bad', 'error\u001B[1m:')} a\u001B[31mb\nc`);
    expect(await printed(line)).toBe('error [1m: a [31mb c\n');
    expect(await printed(line, true)).toBe('\u001B[31merror [1m:\u001B[39m a [31mb c\n');
  });

  test('as CSV keeps quotes and commas, and lets no spreadsheet compute a text', async () => {
    const pages: (string | number | undefined)[][][] = [
      [['x,y', 'say "hi"\n']],
      [],
      [
        [-1, undefined],
        ['=1+1', '@SUM("a")'],
      ],
    ];
    expect(await printed((io) => printCsv(io, ['a', 'b'], pages))).toBe(
      `a,b\n"x,y","say ""hi"" "\n-1,\n'=1+1,"'@SUM(""a"")"\n`,
    );
  });

  test.each(['json', 'yaml'] as const)('as %s, pages give the text of one list', async (format) => {
    const values = [{ name: 'a', lines: ['x', 'y\nz'] }, { name: 'b' }, { name: 'c' }];
    const whole = await printed((io) => printDocument(io, values, format));
    const [first, ...rest] = values;
    expect(await printed((io) => printList(io, [[], [first], [], rest], format))).toBe(whole);
    const none = await printed((io) => printDocument(io, [], format));
    expect(await printed((io) => printList(io, [[], []], format))).toBe(none);
  });

  test('as a table, pages keep the columns of those before', async () => {
    const pages = [[['a', 'long text'] as Cell[]], [], [['b', 'x'] as Cell[], ['name', 'y']]];
    expect(await printed(async (io) => void (await printTablePages(io, ['N', 'TEXT'], pages)))).toBe(
      'N  TEXT\na  long text\nb     x\nname  y\n',
    );
  });
});

describe('instants in words', () => {
  test.each([
    [0, 'now'],
    [300, 'now'],
    [1000, 'in 1 second'],
    [-59_400, '59 seconds ago'],
    [-59_600, '1 min ago'],
    [59 * MINUTE + 40_000, 'in 1 hour'],
    [3 * HOUR, 'in 3 hours'],
    [-2 * MINUTE, '2 min ago'],
    [23.9 * HOUR, 'in 1 day'],
    [5 * DAY, 'in 5 days'],
  ])('%i ms from now is "%s"', (ms, words) => {
    expect(relative(WEDNESDAY_NOON + ms, WEDNESDAY_NOON)).toBe(words);
  });

  test('a near instant is a distance, a later instant has its wall time in the zone', () => {
    const at = (ms: number, zone: string) => soon(WEDNESDAY_NOON + ms, WEDNESDAY_NOON, zone);
    expect(at(12 * MINUTE, 'UTC')).toBe('in 12 min');
    expect(at(3 * HOUR, 'UTC')).toBe('today 15:00 (in 3 hours)');
    expect(at(4 * DAY - 10 * HOUR, 'UTC')).toBe('Sun 02:00 (in 4 days)');
    expect(at(4 * DAY - 10 * HOUR, 'America/New_York')).toBe('Sat 21:00 (in 4 days)');
    expect(at(40 * DAY, 'UTC')).toBe('2027-01-04 12:00 (in 40 days)');
  });

  test('a calendar instant shows seconds only if they are not zero', () => {
    expect(calendar(WEDNESDAY_NOON, 'Asia/Kolkata')).toBe('Wed 2026-11-25 17:30');
    expect(calendar(WEDNESDAY_NOON + 5000, 'UTC')).toBe('Wed 2026-11-25 12:00:05');
  });
});

test('one long name stands on a line of its own, and the other columns keep their width', () => {
  const name = `one-long-name-${'x'.repeat(40)}`;
  const rows = ['backup', name, 'ping', 'mail'].map((job) => [job, '30 2 * * *', 'Completed 3 hours ago']);
  const lines = renderTable(['NAME', 'SCHEDULE', 'LAST'], rows, 60, plain);
  expect(lines).toEqual([
    'NAME    SCHEDULE    LAST',
    'backup  30 2 * * *  Completed 3 hours ago',
    name,
    '        30 2 * * *  Completed 3 hours ago',
    'ping    30 2 * * *  Completed 3 hours ago',
    'mail    30 2 * * *  Completed 3 hours ago',
  ]);
});
