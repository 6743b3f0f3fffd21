// Calendars as real files: iCalendar with repetitions, zones and exceptions, lists of dates, changes, and what is wrong.
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CalendarFiles, calendarDays } from '../../src/calendars/calendar-files.ts';
import { LshError } from '../../src/core/errors.ts';
import { dateRanges } from '../../src/core/schedule/days/dates.ts';
import { civilDays, type CalendarDays } from '../../src/core/schedule/days/day-rules.ts';
import { zoneNamed } from '../../src/core/schedule/zone/zone.ts';
import { tempDir } from '../support/temp-dir.ts';

const NOW = Date.UTC(2026, 10, 30);

function ics(...events: string[]): string {
  const body = events.map((event) => `BEGIN:VEVENT\n${event.trim()}\nEND:VEVENT`).join('\n');
  return `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n${body}\nEND:VCALENDAR\n`.replaceAll(
    '\n',
    '\r\n',
  );
}

function datesOf(content: CalendarDays, zone = 'UTC', year?: string): string[] {
  return dateRanges(civilDays(content, zoneNamed(zone))).filter(
    (range) => year === undefined || range.startsWith(year),
  );
}

const read = (...events: string[]) => calendarDays(ics(...events), true, NOW);

describe('an iCalendar file', () => {
  test('a whole-day event is its days, whose end is not one of them', async () => {
    const content = await read('UID:a\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227');
    expect(datesOf(content)).toEqual(['2026-12-24/2026-12-26']);
    expect(datesOf(content, 'Pacific/Auckland')).toEqual(['2026-12-24/2026-12-26']);
  });

  test('an event without an end is one day', async () => {
    expect(datesOf(await read('UID:a\nDTSTART;VALUE=DATE:20261224'))).toEqual(['2026-12-24']);
  });

  test('a yearly event repeats, without the exceptions and with the days that were added', async () => {
    const content = await read(
      'UID:a\nDTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20271225\nRDATE;VALUE=DATE:20260601',
    );
    expect(datesOf(content, 'UTC', '2026')).toEqual(['2026-06-01', '2026-12-25']);
    expect(datesOf(content, 'UTC', '2027')).toEqual([]);
    expect(datesOf(content, 'UTC', '2036')).toEqual(['2036-12-25']);
  });

  test('the last Monday of May is found each year', async () => {
    const content = await read('UID:a\nDTSTART;VALUE=DATE:20200525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO');
    expect([...datesOf(content, 'UTC', '2026'), ...datesOf(content, 'UTC', '2027')]).toEqual([
      '2026-05-25',
      '2027-05-31',
    ]);
  });

  test('a repetition that was moved is on its new day, and one that was cancelled is on none', async () => {
    const content = await read(
      'UID:a\nDTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;INTERVAL=7;COUNT=4',
      'UID:a\nRECURRENCE-ID;VALUE=DATE:20261208\nDTSTART;VALUE=DATE:20261210',
      'UID:a\nRECURRENCE-ID;VALUE=DATE:20261215\nDTSTART;VALUE=DATE:20261215\nSTATUS:CANCELLED',
      'UID:b\nDTSTART;VALUE=DATE:20261231\nSTATUS:CANCELLED',
    );
    expect(datesOf(content)).toEqual(['2026-12-01', '2026-12-10', '2026-12-22']);
  });

  test('an event with times takes each day that it touches in the zone of the schedule', async () => {
    const content = await read('UID:a\nDTSTART:20261224T230000Z\nDTEND:20261225T230000Z');
    expect(datesOf(content, 'Europe/Berlin')).toEqual(['2026-12-25']);
    expect(datesOf(content, 'UTC')).toEqual(['2026-12-24/2026-12-25']);
  });

  test('the zone of an event is that of its file, or an IANA zone', async () => {
    const own = ics('UID:a\nDTSTART;TZID=Office:20261225T000000\nDTEND;TZID=Office:20261226T000000').replace(
      'BEGIN:VEVENT',
      'BEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT',
    );
    expect(datesOf(await calendarDays(own, true, NOW), 'Asia/Tokyo')).toEqual(['2026-12-25']);
    const iana = await read(
      'UID:a\nDTSTART;TZID=Asia/Tokyo:20261225T000000\nDTEND;TZID=Asia/Tokyo:20261226T000000',
    );
    expect(datesOf(iana, 'Asia/Tokyo')).toEqual(['2026-12-25']);
    expect(datesOf(iana, 'UTC')).toEqual(['2026-12-24/2026-12-25']);
    const floating = await read('UID:a\nDTSTART:20261225T080000\nDTEND:20261225T090000');
    expect(datesOf(floating, 'Asia/Tokyo')).toEqual(['2026-12-25']);
  });

  test.each([
    ['no calendar', 'BEGIN:VEVENT\r\nEND:VEVENT\r\n', /VCALENDAR/],
    ['text', 'Christmas\n', /./],
    ['half a file', ics('UID:a\nDTSTART;VALUE=DATE:20261224').slice(0, 80), /./],
    ['a zone that is nowhere', ics('UID:a\nDTSTART;TZID=Mars/Phobos:20261225T000000'), /Mars\/Phobos/],
    ['too many repetitions', ics('UID:a\nDTSTART:20250101T000000Z\nRRULE:FREQ=SECONDLY'), /10000 times/],
    ['a century', ics('UID:a\nDTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:21260101'), /3660 days/],
  ])('%s is refused', async (_, text, message) => {
    await expect(calendarDays(text, true, NOW)).rejects.toThrow(message);
  });
});

describe('a list of dates', () => {
  test('has dates, ranges, comments and empty lines', async () => {
    const text = '# freeze\n2026-12-24/2026-12-26\r\n\n2027-01-01 # New Year\n';
    expect(datesOf(await calendarDays(text, false, NOW))).toEqual(['2026-12-24/2026-12-26', '2027-01-01']);
  });

  test.each([
    '2026-02-30',
    '24.12.2026',
    '2026-12-24 - 2026-12-26',
    '2026-12-26/2026-12-24',
    '1900-01-01/2999-01-01',
  ])('%s is refused, with its line', async (line) => {
    await expect(calendarDays(`2026-12-01\n${line}\n`, false, NOW)).rejects.toThrow(/^line 2 is/);
  });
});

describe('the files of a directory', () => {
  const codeOf = (files: CalendarFiles, name: string): string => {
    try {
      files.content(name);
      return 'read';
    } catch (error) {
      return error instanceof LshError ? error.code : 'other';
    }
  };

  test('are read when they change, and give the same object until then', async () => {
    const directory = tempDir();
    const files = new CalendarFiles(directory, () => NOW);
    await files.refresh(['freeze']);
    expect(codeOf(files, 'freeze')).toBe('CALENDAR_UNKNOWN');
    expect(files.refresh(['freeze'])).toBeUndefined();
    writeFileSync(join(directory, 'freeze.txt'), '2026-12-24\n');
    await files.refresh(['freeze']);
    const first = files.content('freeze');
    expect(datesOf(first)).toEqual(['2026-12-24']);
    expect(files.refresh(['freeze'])).toBeUndefined();
    expect(files.content('freeze')).toBe(first);
    writeFileSync(join(directory, 'freeze.txt'), '2026-12-24\n2026-12-2');
    await files.refresh(['freeze']);
    expect(codeOf(files, 'freeze')).toBe('CALENDAR_INVALID');
    rmSync(join(directory, 'freeze.txt'));
    writeFileSync(join(directory, 'freeze.ics'), ics('UID:a\nDTSTART;VALUE=DATE:20261225'));
    await files.refresh(['freeze']);
    expect(datesOf(files.content('freeze'))).toEqual(['2026-12-25']);
    expect(files.names()).toEqual(['freeze']);
  });

  test('of a ConfigMap change with its link', async () => {
    const directory = tempDir();
    for (const [version, date] of [
      ['one', '2026-12-24'],
      ['two', '2026-12-31'],
    ] as const) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'freeze.txt'), `${date}\n`);
    }
    symlinkSync('one', join(directory, '..data'));
    symlinkSync('..data/freeze.txt', join(directory, 'freeze.txt'));
    const files = new CalendarFiles(directory, () => NOW);
    await files.refresh(['freeze']);
    expect(datesOf(files.content('freeze'))).toEqual(['2026-12-24']);
    symlinkSync('two', join(directory, '..next'));
    renameSync(join(directory, '..next'), join(directory, '..data'));
    await files.refresh(['freeze']);
    expect(datesOf(files.content('freeze'))).toEqual(['2026-12-31']);
  });

  test('are read again in a new year, whose repetitions reach further', async () => {
    const directory = tempDir();
    writeFileSync(
      join(directory, 'yearly.ics'),
      ics('UID:a\nDTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY'),
    );
    let now = NOW;
    const files = new CalendarFiles(directory, () => now);
    await files.refresh(['yearly']);
    expect(datesOf(files.content('yearly'), 'UTC', '2037')).toEqual([]);
    now = Date.UTC(2027, 0, 1);
    await files.refresh(['yearly']);
    expect(datesOf(files.content('yearly'), 'UTC', '2037')).toEqual(['2037-12-25']);
  });
});
