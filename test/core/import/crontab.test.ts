import { execFileSync } from 'node:child_process';
import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importCrontab, type CrontabOptions } from '../../../src/core/import/crontab.ts';
import { parseManifest } from '../../../src/core/validate/validate.ts';
import { seeded } from '../../support/seed.ts';

/** The jobs, and the notes about single lines. */
function parseCrontab(content: string | Uint8Array, options?: CrontabOptions) {
  const { jobs, notes, ...rest } = importCrontab(content, options);
  return {
    jobs: jobs.map(({ job }) => job),
    notes: notes.filter(({ line }) => line !== undefined),
    remarks: notes.filter(({ line }) => line === undefined).map(({ text }) => text),
    ...rest,
  };
}

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
      text: 'A system crontab names a user before the command; this line has none. The line was left out.',
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
    ['@every_minute', 'fine'],
  ]);
  expect(notes.map(({ line }) => line)).toEqual([1, 2, 3, 4]);
  for (const { text } of notes) expect(text).toMatch(/left out\.$/);
});

describe('a setting that no job can have', () => {
  test.each([
    ['a zone', 'CRON_TZ=Mars/Base', /^CRON_TZ was left out: .*must be a time zone, not "Mars\/Base"/],
    ['a delay', 'RANDOM_DELAY=soon', /^RANDOM_DELAY was left out: .*jitterSeconds/],
    ['a name', '"A B"=1', /^A B was left out: .*letters, digits and underscores/],
    ['a directory', `HOME=/${'x'.repeat(5000)}`, /^HOME was left out: .*workingDir/],
  ])('%s is left out, and the jobs below keep the settings above', (_what, setting, text) => {
    const { jobs, notes, leftOut } = parseCrontab(`CRON_TZ=Asia/Tokyo\n${setting}\n@daily a\n@daily b`);
    expect(jobs.map(({ spec }) => spec.timeZone)).toEqual(['Asia/Tokyo', 'Asia/Tokyo']);
    expect(notes).toEqual([{ line: 2, text: expect.stringMatching(text) }]);
    expect(leftOut).toBe(1);
  });

  test('an empty value takes the setting back', () => {
    const { jobs, leftOut } = parseCrontab(
      'CRON_TZ=Asia/Tokyo\nSHELL=/bin/bash\n@daily a\nCRON_TZ=\nSHELL=""\n@daily b',
    );
    expect(jobs.map(({ spec }) => [spec.timeZone, spec.shell])).toEqual([
      ['Asia/Tokyo', '/bin/bash'],
      [undefined, undefined],
    ]);
    expect(leftOut).toBe(0);
  });
});

describe('a line with too many fields is no job', () => {
  test.each([
    '0 0 1 1 * * /srv/app/poll',
    '0 0 9 * * mon /srv/app/poll',
    '0 0 9 * * mon,FRI /srv/app/poll',
    '0 0 12 * * MON-FRI /srv/app/poll',
    '0 0 12 1 * ? 2026 /srv/app/poll',
    '0 0 12 1 * 2026 /srv/app/poll',
    '0 0 12 1 * */2 /srv/app/poll',
    '0 0 12 1 * 1,15 /srv/app/poll',
    '0 0 12 1 * 6#3 /srv/app/poll',
    '0 0 12 1 * 1~5 /srv/app/poll',
    '@daily * * /srv/app/poll',
  ])('%s', (line) => {
    const { jobs, notes, leftOut } = parseCrontab(`${line}\n0 5 * * * 7z a x`);
    expect(jobs.map(({ spec }) => spec.command)).toEqual(['7z a x']);
    expect(notes).toEqual([
      { line: 1, text: expect.stringMatching(/can only be a schedule field.*left out\.$/) },
    ]);
    expect(leftOut).toBe(1);
  });

  test('also behind the user of a system crontab', () => {
    const { jobs, leftOut } = parseCrontab('0 0 1 1 * root * /srv/poll\n0 0 1 1 * * root /srv/poll', {
      system: true,
    });
    expect({ jobs, leftOut }).toEqual({ jobs: [], leftOut: 2 });
  });
});

describe('a system crontab is recognised', () => {
  const SYSTEM = '17 * * * * root cd / && run-parts /etc/cron.hourly\n0 3 * * * www-data /opt/sync\n';
  const accounts = new Set(['root', 'www-data', 'mail', 'backup', 'sync']);
  const commands = (text: string, options: CrontabOptions) =>
    parseCrontab(text, { accounts, ...options }).jobs.map(({ spec }) => spec.command);
  const BEHIND_THE_USER = ['cd / && run-parts /etc/cron.hourly', '/opt/sync'];

  test.each(['/etc/crontab', '/etc/cron.d/backup', '/usr/local/etc/cron.d/x'])('by its place %s', (path) => {
    const { jobs, remarks } = parseCrontab(SYSTEM, { path });
    expect(jobs.map(({ spec }) => spec.command)).toEqual(BEHIND_THE_USER);
    expect(remarks[0]).toContain(`${path} is a system crontab`);
  });

  test('by an account before each command', () => {
    const { jobs, remarks } = parseCrontab(SYSTEM, { accounts, path: '/home/ada/jobs' });
    expect(jobs.map(({ spec }) => spec.command)).toEqual(BEHIND_THE_USER);
    expect(remarks[0]).toMatch(/account \(root, www-data\).*--no-system/);
  });

  test('not where the user says otherwise', () => {
    expect(commands(SYSTEM, { system: false })[1]).toBe('www-data /opt/sync');
    expect(commands('0 5 * * * /x y', { system: false, path: '/etc/crontab' })).toEqual(['/x y']);
  });

  test('not by a program that is an account too', () => {
    expect(commands('0 8 1 * * mail -s Hours x', {})).toEqual(['mail -s Hours x']);
    expect(commands('0 8 1 * * sync', {})).toEqual(['sync']);
    const { jobs, notes } = parseCrontab('0 8 1 * * backup /data\n0 9 * * * /opt/x', { accounts });
    expect(jobs).toHaveLength(2);
    expect(notes).toEqual([{ line: 1, text: expect.stringContaining('"backup" is read as a program') }]);
  });

  test('root is never a program', () => {
    const { jobs, notes, leftOut } = parseCrontab('0 5 * * * root /opt/a\n0 6 * * * /opt/b', { accounts });
    expect(jobs.map(({ spec }) => spec.command)).toEqual(['/opt/b']);
    expect(notes).toEqual([{ line: 1, text: expect.stringContaining('--system') }]);
    expect(leftOut).toBe(1);
  });
});

describe('an anacrontab is recognised', () => {
  const ANACRONTAB = `SHELL=/bin/sh
RANDOM_DELAY=45
START_HOURS_RANGE=3-22
1\t5\tcron.daily\t\tnice run-parts /etc/cron.daily
7\t70\tcron.weekly\t\tnice run-parts /etc/cron.weekly
@monthly 45 cron.monthly nice run-parts /etc/cron.monthly
10 0 odd true
`;

  test('by its lines, and becomes jobs of its names', () => {
    const { jobs, remarks, notes } = parseCrontab(ANACRONTAB, { accounts: new Set(['root']) });
    expect(jobs.map(({ metadata, spec }) => [metadata.name, spec.schedule, spec.command])).toEqual([
      ['cron-daily', '5 3 * * *', 'nice run-parts /etc/cron.daily'],
      ['cron-weekly', '10 4 * * 0', 'nice run-parts /etc/cron.weekly'],
      ['cron-monthly', '45 3 1 * *', 'nice run-parts /etc/cron.monthly'],
      ['odd', '@every 240h', 'true'],
    ]);
    expect(jobs[0]!.spec.jitterSeconds).toBe(2700);
    expect(remarks).toEqual([
      expect.stringContaining('anacrontab'),
      expect.stringContaining('missedRunPolicy Latest'),
    ]);
    expect(notes).toEqual([{ line: 7, text: expect.stringContaining('10 days') }]);
  });

  test('also where --system asks for a user column', () => {
    const { jobs } = parseCrontab(ANACRONTAB, { system: true });
    expect(jobs.map(({ metadata }) => metadata.name)).toEqual([
      'cron-daily',
      'cron-weekly',
      'cron-monthly',
      'odd',
    ]);
  });

  test('by its place, where a short line is left out', () => {
    const { jobs, leftOut } = parseCrontab('1 5 cron.daily\n1 5 a b', { path: '/etc/anacrontab' });
    expect(jobs.map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(leftOut).toBe(1);
  });
});

describe('flags before the command', () => {
  test.each([
    ['-n /opt/sync', ['-n']],
    ['-n -q /opt/sync', ['-n', '-q']],
    ['-sq /opt/sync', ['-s', '-q']],
  ])('%s are left out with a note each', (written, flags) => {
    const { jobs, notes } = parseCrontab(`*/5 * * * * ${written}`);
    expect(jobs[0]).toMatchObject({ metadata: { name: 'sync' }, spec: { command: '/opt/sync' } });
    expect(notes.map(({ text }) => /^The flag (-\w)/.exec(text)?.[1])).toEqual(flags);
  });
});

describe('bytes that are not UTF-8', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1');

  test('leave the job of their line out, and no other', () => {
    const { jobs, notes, leftOut } = parseCrontab(latin1('@daily /a\r\n@daily /srv/caf\xe9/run\n@daily /b'));
    expect(jobs.map(({ spec }) => spec.command)).toEqual(['/a', '/b']);
    expect(notes).toEqual([{ line: 2, text: expect.stringContaining('not UTF-8') }]);
    expect(leftOut).toBe(1);
  });

  test('UTF-8 is kept, and a byte order mark is no part of the first line', () => {
    const { jobs } = parseCrontab(Buffer.from('\uFEFF@daily /srv/café/run'));
    expect(jobs.map(({ spec }) => spec.command)).toEqual(['/srv/café/run']);
  });
});

describe('the schedule of another cron', () => {
  const read = (line: string) => {
    const { jobs, notes } = parseCrontab(line);
    return { schedule: jobs[0]?.spec.schedule, notes: notes.map(({ text }) => text) };
  };

  test.each([
    ['0~30 * * * *', 'H(0-30) * * * *'],
    ['~ ~ * * *', 'H H * * *'],
    ['0 ~5 * * *', '0 H(0-5) * * *'],
    ['0 20~ * * *', '0 H(20-23) * * *'],
    ['0 3 10~20 jan~mar mon~fri', '0 3 H(10-20) H(1-3) H(1-5)'],
    ['5,10~20 3 * * *', '5,H(10-20) 3 * * *'],
    ['0 3 * * 5~', '0 3 * * H(5-6)'],
  ])('%s becomes %s with a note', (written, schedule) => {
    const { schedule: converted, notes } = read(`${written} x`);
    expect(converted).toBe(schedule);
    expect(notes).toEqual([expect.stringContaining('H derives it from the job’s name')]);
  });

  test.each([
    ['0/5 * * * *', '"0/5"; lsh reads it as 0-59/5'],
    ['0 8,9/4 * * *', '"9/4"; lsh reads it as 9-23/4'],
    ['0 0 1/7 * *', '"1/7"; lsh reads it as 1-31/7'],
  ])('%s keeps its text with a note', (written, note) => {
    expect(read(`${written} x`)).toEqual({ schedule: written, notes: [expect.stringContaining(note)] });
  });

  test.each([
    ['@600', '@every 600s'],
    ['@every 1h', '@every 1h'],
    ['@every_minute', '@every_minute'],
    ['@every_second', '@every_second'],
  ])('%s becomes %s', (written, schedule) => {
    expect(read(`${written} x`).schedule).toBe(schedule);
  });
});

describe('the answer about the whole crontab', () => {
  test('says that Forbid and Latest replace the overlap and the lack of catch-up', () => {
    expect(parseCrontab('@daily a').remarks).toEqual([
      expect.stringMatching(/beside its own active run.*Forbid.*Latest/),
    ]);
    expect(parseCrontab('# nothing').remarks).toEqual([]);
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

describe('backslashes before a percent sign', () => {
  const run = (line: string) =>
    execFileSync('/bin/sh', ['-c', commandOf(`@daily ${line}`)], { encoding: 'utf8' });

  test.each([
    [String.raw`printf '\%s' \%x`, '%x'],
    // Two backslashes escape each other: the percent sign ends the command.
    [String.raw`cat; : \\%two`, 'two\n'],
    [String.raw`printf '\%s' \\\%x`, String.raw`\%x`],
    // In the input the backslash right before it counts alone.
    [String.raw`cat%a\\%b%c`, 'a\\%b\nc\n'],
  ])('%s prints %j', (line, output) => {
    expect(run(line)).toBe(output);
  });

  test('a shell without here-documents gets its input through /bin/sh', () => {
    const { jobs, notes } = parseCrontab("SHELL=/usr/bin/env\n@daily it's%in%put");
    expect(jobs[0]).toMatchObject({ metadata: { name: 'its' } });
    expect(jobs[0]!.spec).toEqual({
      schedule: '@daily',
      command: String.raw`'/usr/bin/env' -c 'it'\''s' <<'END_OF_INPUT'` + '\nin\nput\nEND_OF_INPUT',
    });
    expect(notes).toEqual([{ line: 2, text: expect.stringContaining('/bin/sh starts it') }]);
  });

  test('a shell without here-documents keeps a command without input', () => {
    const { jobs } = parseCrontab('SHELL=/bin/fish\n@daily set x 1; echo $x');
    expect(jobs[0]!.spec).toMatchObject({ shell: '/bin/fish', command: 'set x 1; echo $x' });
  });
});

describe('a name', () => {
  test.each([
    ['/usr/bin/php /srv/app/artisan schedule:run', 'php-artisan-schedule-run'],
    ['/usr/bin/env python3 -u /opt/My_Report.py', 'python3-my-report'],
    ['sudo -u web nice -n 19 flock -n /tmp/lock /opt/sync.sh', 'sync'],
    ['[ -d /x ] && find /x -delete', 'find-x'],
    ['command -v debian-sa1 >/dev/null && debian-sa1 1 1', 'debian-sa1'],
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
    seeded({}),
  );
});
