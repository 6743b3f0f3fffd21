// What `get` and `explain` say of a job that is expected to complete in time, and of a run that is slow.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lshOk } from '../support/daemon/cli.ts';
import { aDaemon, aHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';

test('get and explain say whether a job is overdue or slow, and explain names no expectation of another instant', async () => {
  const home = await aDaemon(aHome());
  const gate = join(home.env['HOME']!, 'go');
  const add = [
    'cron',
    'add',
    '-n',
    'backup',
    '-s',
    '@yearly',
    '-c',
    `until test -e ${gate}; do sleep 0.1; done`,
  ];
  await lshOk(home, [...add, '--expect-success-within', '1h', '--slow-after', '1s']);
  await lshOk(home, ['cron', 'trigger', 'backup']);
  await eventually(async () => {
    const { status } = await home.client.get({ name: 'backup' });
    return status?.conditions.some(({ type, status }) => type === 'Slow' && status === 'True');
  });

  const overdue = /Overdue: +no\. A run is to complete by \d{4}-/;
  const slow = /Slow: +yes\. Run backup-\S+ takes longer than 1s\./;
  const got = await lshOk(home, ['cron', 'get', 'backup']);
  expect(got).toMatch(overdue);
  expect(got).toMatch(slow);
  const explained = await lshOk(home, ['cron', 'explain', 'backup']);
  expect(explained).toContain('\nExpectations\n');
  expect(explained).toMatch(overdue);
  expect(explained).toMatch(slow);
  expect(await lshOk(home, ['cron', 'explain', 'backup', '--at', '02:00'])).not.toContain('Expectations');
  writeFileSync(gate, '');
});
