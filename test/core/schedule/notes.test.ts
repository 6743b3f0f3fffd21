// Notes about valid schedules that may not mean what their author thinks.
import { describe, expect, test } from 'vitest';
import { scheduleNotes } from '../../../src/core/schedule/notes.ts';

const NEW_YEAR = Date.parse('2026-01-01T00:00:00Z');

function notesOf(expressions: string | string[], timeZone = 'UTC'): string[] {
  return scheduleNotes(
    { expressions: [expressions].flat(), timeZone, seed: 'local/x', anchor: NEW_YEAR },
    NEW_YEAR,
  );
}

test('an unknown zone has an error of its own, as in compileSchedule', () => {
  expect(() => notesOf('@daily', 'Mars/Phobos')).toThrow(
    expect.objectContaining({ code: 'TIMEZONE_INVALID' }),
  );
});

describe('a step past the end of its field or range', () => {
  test.for<[string, string]>([
    [
      '*/90 * * * *',
      '"*/90" in the minute field is 0 alone: the step goes past the end. Write `@every 90m` for each 90 minutes.',
    ],
    [
      '0 */25 * * *',
      '"*/25" in the hour field is 0 alone: the step goes past the end. Write `@every 25h` for each 25 hours.',
    ],
    [
      '*/75 * * * * *',
      '"*/75" in the second field is 0 alone: the step goes past the end. Write `@every 75s` for each 75 seconds.',
    ],
    ['0 2/24 * * *', '"2/24" in the hour field is 2 alone: the step goes past the end. Write 2.'],
    ['30/30 * * * *', '"30/30" in the minute field is 30 alone: the step goes past the end. Write 30.'],
    ['10-20/15 * * * *', '"10-20/15" in the minute field is 10 alone: the step goes past the end. Write 10.'],
    ['0 0 */31 * *', '"*/31" in the day of month field is 1 alone: the step goes past the end. Write 1.'],
    ['0 0 1 JUL/8 *', '"JUL/8" in the month field is 7 alone: the step goes past the end. Write 7.'],
    ['0 0 * * 7/2', '"7/2" in the day of week field is 0 alone: the step goes past the end. Write 0.'],
  ])('"%s"', ([expression, note]) => {
    expect(notesOf(expression)).toEqual([note]);
  });

  test.for([
    '*/59 * * * *',
    '*/1 * * * *',
    '2-2/1 * * * *',
    '0 */12 * * *',
    'H/15 * * * *',
    '0 0 1 */6 *',
    '0 0 * * */6',
  ])('"%s" has no note', (expression) => {
    expect(notesOf(expression)).toEqual([]);
  });
});

describe('both day fields', () => {
  test.for<[string, string]>([
    [
      '0 0 13 * FRI',
      'The job is due on days that match "13" or "FRI", as in cron. Write `+FRI` to require both.',
    ],
    [
      '0 0 1,15 * 1-5',
      'The job is due on days that match "1,15" or "1-5", as in cron. Write `+1-5` to require both.',
    ],
    [
      '0 0 */2 * MON',
      'The job is due on days that match both "*/2" and "MON", as in cron: a day field that begins with * does not widen the other.',
    ],
    [
      '0 0 1 * */2',
      'The job is due on days that match both "1" and "*/2", as in cron: a day field that begins with * does not widen the other.',
    ],
  ])('"%s"', ([expression, note]) => {
    expect(notesOf(expression)).toEqual([note]);
  });

  test.for(['0 0 13 * +FRI', '0 0 13 * *', '0 0 ? * FRI', '0 0 * * FRI', '0 0 */2 * *', '@weekly'])(
    '"%s" has no note',
    (expression) => {
      expect(notesOf(expression)).toEqual([]);
    },
  );
});

describe('hours that a clock change moves, drops or repeats', () => {
  test.for<[string, string, string[]]>([
    [
      '30 2 * * *',
      'America/New_York',
      ['Clock change of 2026-03-08 in America/New_York: 02:30 does not exist; runs at 03:00.'],
    ],
    [
      '0 2-2/1 * * *',
      'America/New_York',
      ['Clock change of 2026-03-08 in America/New_York: 02:00 does not exist; runs at 03:00.'],
    ],
    [
      '*/10 1 * * *',
      'Europe/London',
      ['Clock change of 2026-03-29 in Europe/London: 01:00 to 01:50 do not exist; runs once at 02:00.'],
    ],
    [
      '0 */12 * * *',
      'Africa/Cairo',
      ['Clock change of 2026-04-24 in Africa/Cairo: 00:00 does not exist; follows real time: no run for it.'],
    ],
    [
      '0 1/2 * * *',
      'America/New_York',
      [
        'Clock change of 2026-11-01 in America/New_York: 01:00 happens twice; follows real time: both passes run.',
      ],
    ],
  ])('"%s" in %s', ([expression, zone, notes]) => {
    expect(notesOf(expression, zone)).toEqual(notes);
  });

  test.for<[string, string]>([
    ['0 4 * * *', 'America/New_York'],
    ['30 1 * * *', 'America/New_York'],
    ['* * * * *', 'America/New_York'],
    ['0 * * * *', 'America/New_York'],
    ['30 2 * * *', 'UTC'],
    ['@every 1h', 'America/New_York'],
    ['@reboot', 'America/New_York'],
  ])('"%s" in %s has no note', ([expression, zone]) => {
    expect(notesOf(expression, zone)).toEqual([]);
  });

  test('a note that `2/24` is one hour and the note on its clock change stand beside each other', () => {
    expect(notesOf('0 2/24 * * *', 'America/New_York')).toEqual([
      '"2/24" in the hour field is 2 alone: the step goes past the end. Write 2.',
      'Clock change of 2026-03-08 in America/New_York: 02:00 does not exist; runs at 03:00.',
    ]);
  });
});

test('several expressions with the same note have it once', () => {
  expect(notesOf(['0 0 13 * FRI', '5 0 13 * FRI'])).toHaveLength(1);
});
