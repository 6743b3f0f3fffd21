// Each example of docs/schedules.md is true of the program.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LshError } from '../../src/core/errors.ts';
import { scheduleNotes } from '../../src/core/schedule/notes.ts';
import { checkExpression, compileSchedule } from '../../src/core/schedule/schedule.ts';
import { wallClock } from '../support/core/schedule-oracle.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/schedules.md'), 'utf8');
const NEW_YEAR = Date.parse('2026-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;

/** The rows of the table whose head begins with these cells. */
function rows(...head: string[]): string[][] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => head.every((cell, index) => cells(line)[index] === cell));
  expect(start, `a table with ${head.join(', ')}`).toBeGreaterThan(-1);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map(cells);
}

function cells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\*', '*'));
}

/** The code of a cell, without its marks. */
function code(cell: string): string {
  return cell.replace(/^`(.*)`$/, '$1');
}

function slots(expression: string, timeZone: string, [from, to]: [number, number]): number[] {
  const schedule = compileSchedule({
    expressions: [expression],
    timeZone,
    seed: 'local/x',
    anchor: NEW_YEAR,
  });
  const found: number[] = [];
  for (let slot = schedule.next(from - 1); slot !== undefined && slot < to; slot = schedule.next(slot))
    found.push(slot);
  return found;
}

function firstTwo(expression: string): string {
  const schedule = compileSchedule({
    expressions: [expression],
    timeZone: 'UTC',
    seed: 'local/x',
    anchor: NEW_YEAR,
  });
  const first = schedule.next(NEW_YEAR - 1)!;
  const text = (slot: number): string => {
    const weekday = new Date(slot).toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' });
    return `${weekday} ${new Date(slot).toISOString().slice(0, 19).replace('T', ' ').replace(/:00$/, '')}`;
  };
  return `${text(first)}, ${text(schedule.next(first)!)}`;
}

describe('schedules.md', () => {
  test.each(rows('expression', 'meaning'))('%s: %s', (expression, _, expected) => {
    expect(firstTwo(code(expression))).toBe(expected);
  });

  test.each(rows('macro', 'the same as'))('%s is %s', (macros, fields) => {
    for (const macro of macros.split(', ')) expect(firstTwo(code(macro))).toBe(firstTwo(code(fields)));
  });

  test.each(rows('expression', 'kind'))(
    '%s is %s on the days of clock changes',
    (expression, _, spring, autumn) => {
      const zone = 'America/New_York';
      const walls = (midnight: string): string => {
        const from = Date.parse(midnight);
        const times = slots(code(expression), zone, [from, from + 4 * HOUR_MS]).map((slot) =>
          new Date(wallClock(zone, slot)).toISOString().slice(11, 16),
        );
        return times.map((time, index) => (times.indexOf(time) < index ? `${time} again` : time)).join(', ');
      };
      expect([walls('2026-03-08T05:00:00Z'), walls('2026-11-01T04:00:00Z')]).toEqual([spring, autumn]);
    },
  );

  test.each(rows('expression', 'zone'))('the note on %s in %s', (expression, zone, note) => {
    const input = { expressions: [code(expression)], timeZone: zone, seed: 'local/x', anchor: NEW_YEAR };
    expect(scheduleNotes(input, NEW_YEAR)).toEqual([note]);
  });

  test.each(rows('from', 'refused'))('%s: %s is refused with %s', (_, refused, answer) => {
    expect(() => {
      checkExpression(code(refused));
    }).toThrow(
      expect.objectContaining({
        code: 'SCHEDULE_INVALID',
        hint: expect.stringContaining(answer),
      }) as LshError,
    );
  });
});
