// Calendars with the built command line and a real daemon: files are added, jobs leave out their days, and a job whose
// calendar is gone or broken does not run.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { JobDocument, SlotDocument } from '../../src/core/document.ts';
import { aSharedDaemon, lsh, lshOk } from '../support/daemon/cli.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const home = aSharedDaemon();
const directory = join(home.paths.stateDir, 'calendars');

const DAY_MS = 86_400_000;
const dateIn = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

const add = (name: string, ...more: string[]) =>
  lsh(home, ['cron', 'add', '--name', name, '--tz', 'UTC', '--command', 'true', ...more]);
const noon = ['--schedule', '0 12 * * *'];

async function addCalendar(name: string, text: string): Promise<string> {
  return lshOk(home, ['calendar', 'add', name, '-'], { stdin: text });
}

const job = (name: string): Promise<JobDocument> => home.client.get({ name });

const conditionOf = ({ status }: JobDocument) => status?.conditions.find(({ type }) => type === 'Ready');

/** Resolves once the daemon has evaluated the job with the condition. */
async function ready(name: string, status: 'True' | 'False'): Promise<JobDocument> {
  return eventually(async () => {
    const document = await job(name);
    return conditionOf(document)?.status === status ? document : undefined;
  });
}

beforeEach(async () => {
  for (const { metadata } of await home.client.list({})) await home.client.remove({ name: metadata.name });
  rmSync(directory, { recursive: true, force: true });
});

describe('lsh calendar', () => {
  test('adds, replaces, lists, shows and removes calendars in private files', async () => {
    expect(await lshOk(home, ['calendar', 'list'])).toBe('');
    expect(await addCalendar('freeze', `${dateIn(2)}\n${dateIn(5)}\n`)).toBe(
      `calendar "freeze" created: 2 days to come, next ${dateIn(2)}\n`,
    );
    expect(await addCalendar('freeze', `${dateIn(2)}\n${dateIn(5)}\n`)).toContain('unchanged');
    const ics = `BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:${dateIn(3).replaceAll('-', '')}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
    const file = join(tempDir(), 'holidays.ics');
    writeFileSync(file, ics);
    expect(await lshOk(home, ['calendar', 'add', 'freeze', file])).toBe(
      `calendar "freeze" configured: 1 day to come, next ${dateIn(3)}\n`,
    );
    expect(readdirSync(directory)).toEqual(['freeze.ics']);
    expect(JSON.parse(await lshOk(home, ['calendar', 'show', 'freeze', '-o', 'json']))).toEqual({
      name: 'freeze',
      dates: [dateIn(3)],
    });
    expect(await lshOk(home, ['calendar', 'list'])).toMatch(
      new RegExp(`^freeze +1 +\\w{3} ${dateIn(3)}$`, 'm'),
    );
    expect(await lshOk(home, ['calendar', 'remove', 'freeze'])).toBe('calendar "freeze" removed\n');
    expect(await lsh(home, ['calendar', 'show', 'freeze'])).toMatchObject({ status: 4 });
  });

  test('refuses a file that is none, and keeps the calendar that is there', async () => {
    await addCalendar('freeze', `${dateIn(2)}\n`);
    const refused = await lsh(home, ['calendar', 'add', 'freeze', '-'], { stdin: 'tomorrow\n' });
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain('line 1 is "tomorrow"');
    expect(await lshOk(home, ['calendar', 'show', 'freeze'])).toContain(dateIn(2));
  });

  test('does not remove the calendar of a job, unless forced', async () => {
    await addCalendar('freeze', `${dateIn(2)}\n`);
    await add('daily', ...noon, '--calendar', 'freeze');
    const refused = await lsh(home, ['calendar', 'remove', 'freeze']);
    expect(refused.stderr).toContain('is used by daily');
    expect(existsSync(join(directory, 'freeze.txt'))).toBe(true);
    await lshOk(home, ['calendar', 'remove', 'freeze', '--force']);
  });
});

describe('a job with calendars', () => {
  test('is refused while a calendar is unknown', async () => {
    const refused = await add('daily', ...noon, '--calendar', 'holidays');
    expect(refused).toMatchObject({ status: 4 });
    expect(refused.stderr).toContain('There is no calendar named "holidays".');
    expect(refused.stderr).toContain('lsh calendar add holidays FILE');
  });

  test('leaves out the days, in the next runs, in next and in what it explains', async () => {
    await addCalendar('freeze', `${dateIn(2)}\n`);
    const added = await add('daily', ...noon, '--calendar', 'freeze', '--except-date', dateIn(3));
    expect(added.stdout).not.toContain(dateIn(2));
    expect(added.stdout).not.toContain(dateIn(3));
    expect(added.stdout).toContain(dateIn(4));
    const document = await ready('daily', 'True');
    expect(document.status?.calendars).toEqual([{ name: 'freeze', dates: [dateIn(2)] }]);
    const next = await lshOk(home, ['cron', 'next', 'daily', '--explain']);
    expect(next).toMatch(new RegExp(`${dateIn(2)} 12:00 +no run: the calendar freeze leaves its day out`));
    expect(next).toMatch(new RegExp(`${dateIn(3)} 12:00 +no run: exceptDates of the job names its day`));
    const explained = await lshOk(home, ['cron', 'explain', 'daily', '--at', `${dateIn(2)}T12:00:00Z`]);
    expect(explained).toContain('is in the future, and the job is not due then: the calendar freeze');
  });

  test('that runs once is told at once that its calendar takes the day', async () => {
    await addCalendar('freeze', `${dateIn(2)}\n`);
    const at = `${dateIn(2)}T12:00:00Z`;
    const added = await add('once', '--at', at, '--calendar', 'freeze');
    const why = `The job is not due at ${at}: the calendar freeze leaves its day out.`;
    expect(added).toMatchObject({ status: 0 });
    expect(added.stderr).toContain(`note: ${why}`);
    expect(added.stdout).toContain('no further run is due');
    expect(await lshOk(home, ['cron', 'explain', 'once'])).toContain(why);
    const free = await add('free', '--at', `${dateIn(3)}T12:00:00`, '--calendar', 'freeze');
    expect(free.stderr).not.toContain('is not due');
  });

  test('is due on the days of an only-calendar alone', async () => {
    await addCalendar('releases', `${dateIn(2)}\n${dateIn(40)}\n`);
    const { stdout } = await add('daily', ...noon, '--only-calendar', 'releases');
    expect(stdout.match(/\d{4}-\d\d-\d\d/g)).toEqual([dateIn(2), dateIn(40)]);
  });

  test('records the slot of a day as Excluded, with the calendar as the cause, and exports itself', async () => {
    await addCalendar('freeze', `${dateIn(-1)}/${dateIn(1)}\n`);
    const soon = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000);
    const at = `${soon.getUTCSeconds()} ${soon.getUTCMinutes()} ${soon.getUTCHours()} * * *`;
    await add('frozen', '--schedule', at, '--calendar', 'freeze');
    const slot = await eventually(async () => {
      const slots = await lshOk(home, ['cron', 'history', 'frozen', '--slots', '-o', 'json']);
      return (JSON.parse(slots) as SlotDocument[])[0];
    });
    expect(slot).toMatchObject({
      outcome: 'Excluded',
      cause: 'freeze',
      count: 1,
      from: soon.toISOString().replace('.000', ''),
    });
    expect(await lshOk(home, ['cron', 'history', 'frozen', '--slots'])).toContain(
      'the calendar freeze leaves its day out',
    );
    expect((await job('frozen')).status?.totals).toMatchObject({ missed: 0, completed: 0 });
    const exported = await lshOk(home, ['cron', 'export', 'frozen']);
    expect(exported).toMatch(/calendars:\n\s+- name: freeze\n/);
    expect(await lshOk(home, ['cron', 'explain', 'frozen', '--at', slot.from])).toContain(
      'did not run (Excluded): the calendar freeze leaves its day out.',
    );
  });

  test('does not run while its calendar is gone or broken, says so, and goes on once it is back', async () => {
    await addCalendar('freeze', `${dateIn(20)}\n`);
    await add('second', '--schedule', '* * * * * *', '--calendar', 'freeze');
    await ready('second', 'True');
    writeFileSync(join(directory, 'freeze.txt'), 'half a da');
    const invalid = await ready('second', 'False');
    expect(conditionOf(invalid)?.reason).toBe('CalendarInvalid');
    rmSync(directory, { recursive: true });
    await home.client.suspend({ name: 'second', suspend: true });
    await eventually(async () => conditionOf(await job('second'))?.reason === 'CalendarUnknown');
    await home.client.suspend({ name: 'second', suspend: false });
    await addCalendar('freeze', `${dateIn(21)}\n`);
    await home.client.suspend({ name: 'second', suspend: true });
    expect((await ready('second', 'True')).status?.calendars?.[0]?.dates).toEqual([dateIn(21)]);
  });
});
