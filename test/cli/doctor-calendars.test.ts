// `lsh doctor` about calendars: a job whose calendar is gone or broken has no slot, and only doctor looks at all of them.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aDaemon, aHome } from '../support/daemon/daemon.ts';

test('doctor names the calendars that are gone or broken, and their jobs', async () => {
  const home = aHome();
  const checks = async () => {
    const { stdout } = await lsh(home, ['doctor']);
    const lines = [...stdout.matchAll(/^(ok|warn|FAIL) +calendars +(.*)$/gm)];
    return lines.map(([, mark, text]) => `${mark} ${text}`);
  };
  await aDaemon(home);
  expect(await checks()).toEqual([]);

  const file = join(home.env['HOME']!, 'days.txt');
  writeFileSync(file, '2026-12-25\n');
  await lshOk(home, ['calendar', 'add', 'holidays', file]);
  await lshOk(home, ['calendar', 'add', 'freeze', file]);
  const add = (name: string, calendar: string) =>
    lshOk(home, ['cron', 'add', '-n', name, '-s', '@daily', '-c', 'true', '--calendar', calendar]);
  await add('backup', 'holidays');
  await add('report', 'holidays');
  await add('deploy', 'freeze');
  expect(await checks()).toEqual(['ok freeze, holidays']);

  const { stdout } = await lsh(home, ['doctor', '-o', 'json']);
  const state = (JSON.parse(stdout) as { name: string; detail: string }[]).find(
    ({ name }) => name === 'state',
  );
  const directory = join(state!.detail.split(' (')[0]!, 'calendars');
  rmSync(join(directory, 'holidays.txt'));
  writeFileSync(join(directory, 'freeze.txt'), 'Christmas\n');
  expect(await checks()).toEqual([
    expect.stringMatching(/^FAIL The calendar "freeze" cannot be read: .*\. Jobs without slots: deploy$/),
    'FAIL There is no calendar named "holidays". Jobs without slots: backup, report',
  ]);
});
