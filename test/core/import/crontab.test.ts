import { execFileSync } from 'node:child_process';
import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCrontab } from '../../../src/core/import/crontab.ts';
import { parseManifest } from '../../../src/core/validate/validate.ts';

function names(text: string): string[] {
  return parseCrontab(text).jobs.map(({ metadata }) => metadata.name);
}

function commandOf(line: string): string {
  return parseCrontab(line).jobs[0]!.spec.command!;
}

test('a user crontab with the comments of Debian', () => {
  const { jobs, notes } = parseCrontab(`# Edit this file to introduce tasks to be run by cron.
#
# For more information see the manual pages of crontab(5) and cron(8)
#
# m h  dom mon dow   command
SHELL=/bin/bash
PATH="/usr/local/bin:/usr/bin:/bin"
MAILTO=ada@example.org
CRON_TZ=Europe/Oslo

# Back up the database,
# keep the dump.
0 2 * * *   /opt/backup.sh --full >/dev/null 2>&1
#*/5 * * * * /opt/old.sh
@reboot  cd /srv/app && ./start.sh
`);
  const settings = {
    shell: '/bin/bash',
    timeZone: 'Europe/Oslo',
    env: [{ name: 'PATH', value: '/usr/local/bin:/usr/bin:/bin' }],
  };
  expect(jobs.map(({ metadata, spec }) => Object.assign({ name: metadata.name }, spec))).toEqual([
    {
      name: 'backup',
      schedule: '0 2 * * *',
      command: '/opt/backup.sh --full >/dev/null 2>&1',
      description: 'Back up the database, keep the dump.',
      ...settings,
    },
    { name: 'start', schedule: '@reboot', command: 'cd /srv/app && ./start.sh', ...settings },
  ]);
  expect(notes).toEqual([
    {
      line: 8,
      text: 'MAILTO was not carried over: lsh sends no mail; the output of each run is kept, see `lsh cron logs`.',
    },
    { line: 14, text: 'A job that is commented out was left out.' },
  ]);
});

test('a system crontab with a user column and a drawing in comments', () => {
  const { jobs, notes } = parseCrontab(
    `SHELL=/bin/sh
# Example of job definition:
# .---------------- minute (0 - 59)
# |  .------------- hour (0 - 23)
# *  *  *  *  * user-name command to be executed
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6 * * * ada test -x /usr/sbin/anacron || { run-parts /etc/cron.daily; }
30 7 * * * root
`,
    { system: true, user: 'ada' },
  );
  expect(jobs.map(({ metadata, spec }) => [metadata.name, spec.schedule])).toEqual([
    ['run-parts-cron-hourly', '17 * * * *'],
    ['run-parts-cron-daily', '25 6 * * *'],
  ]);
  expect(notes).toEqual([
    { line: 6, text: 'cron runs this job as root; lsh runs it as the user of its daemon.' },
    {
      line: 8,
      text: 'A system crontab names a user before the command; this line has none. It was left out.',
    },
  ]);
});

test('settings hold for the lines below them only', () => {
  const { jobs } = parseCrontab("@daily a\nA='1 2'\nHOME=/srv\nRANDOM_DELAY=5\n@daily b\nA=3\n@daily c");
  expect(jobs.map(({ spec }) => [spec.env, spec.workingDir, spec.jitterSeconds])).toEqual([
    [undefined, undefined, undefined],
    [
      [
        { name: 'A', value: '1 2' },
        { name: 'HOME', value: '/srv' },
      ],
      '/srv',
      300,
    ],
    [
      [
        { name: 'A', value: '3' },
        { name: 'HOME', value: '/srv' },
      ],
      '/srv',
      300,
    ],
  ]);
});

test('a line that is no job gets a note with its number, and the other lines become jobs', () => {
  const { jobs, notes } = parseCrontab(
    '* * * true\n61 * * * * a\n@sometimes b\ngarbage\n-5 * * * * ok\n@every_minute fine\n',
  );
  expect(jobs.map(({ spec }) => [spec.schedule, spec.command])).toEqual([
    ['5 * * * *', 'ok'],
    ['* * * * *', 'fine'],
  ]);
  expect(notes.map(({ line }) => line)).toEqual([1, 2, 3, 4]);
  for (const { text } of notes) expect(text).toMatch(/left out\.$/);
});

test('a bad zone leaves its jobs out with a note', () => {
  const { jobs, notes } = parseCrontab('CRON_TZ=Mars/Base\n@daily a');
  expect(jobs).toEqual([]);
  expect(notes[0]).toMatchObject({
    line: 2,
    text: expect.stringContaining('must be a time zone, not "Mars/Base"'),
  });
});

describe('a percent sign', () => {
  test('behind a backslash stays a percent sign', () => {
    expect(commandOf(String.raw`0 0 * * * dump > db-$(date +\%F).sql`)).toBe('dump > db-$(date +%F).sql');
  });

  test('without a backslash begins the input, and each further one begins a line', () => {
    const command = commandOf(String.raw`0 0 * * * echo first; cat%one $HOME 100\%%'two'%END_OF_INPUT`);
    expect(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' })).toBe(
      "first\none $HOME 100%\n'two'\nEND_OF_INPUT\n",
    );
  });
});

describe('a name', () => {
  test.each([
    ['/usr/bin/php /srv/app/artisan schedule:run', 'php-artisan-schedule-run'],
    ['/usr/bin/env python3 -u /opt/My_Report.py', 'python3-my-report'],
    ['sudo -u web nice -n 19 flock -n /tmp/lock /opt/sync.sh', 'sync'],
    ['[ -d /x ] && find /x -delete', 'find-x'],
    ['FOO=1 BAR=2 rsync -a a b', 'rsync'],
    ['(sleep 10; pg_dump app)', 'pg-dump'],
    ['$CMD', 'cmd'],
    ['"§§"', 'job'],
    ['x'.repeat(300), 'x'.repeat(56)],
  ])('of %s is %s', (command, name) => {
    expect(names(`@daily ${command}`)).toEqual([name]);
  });

  test('is unique', () => {
    expect(names('@daily a\n@weekly a\n@daily /bin/a.sh\n')).toEqual(['a', 'a-2', 'a-3']);
  });
});

test('any text yields valid jobs with different names and no exception', () => {
  assert(
    property(string({ unit: 'binary', maxLength: 200 }), string({ maxLength: 60 }), (text, command) => {
      const { jobs } = parseCrontab(`${text}\n0 5 * * * ${command}\n@daily ${command}\n${text}`);
      for (const job of jobs) parseManifest(job, 'local');
      expect(new Set(jobs.map(({ metadata }) => metadata.name)).size).toBe(jobs.length);
    }),
  );
});
