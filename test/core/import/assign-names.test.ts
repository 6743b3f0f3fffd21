// Which job a line of a crontab is, when the crontab was imported before and the platform has other jobs.
import { assert, array, constantFrom, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importCrontab, type CrontabOptions } from '../../../src/core/import/crontab.ts';
import type { KnownJob } from '../../../src/core/import/crontab/assign-names.ts';
import { NAME_MAX_LENGTH } from '../../../src/core/spec/blocks.ts';
import { seeded } from '../../support/seed.ts';

const SOURCE = '/home/ada/my.crontab';
const BY_HAND: KnownJob = {
  name: 'backup',
  annotations: {},
  spec: { schedule: '@hourly', command: '/usr/bin/backup', retry: { limit: 5 } },
};

function imported(text: string, known: readonly KnownJob[] = [], options: CrontabOptions = {}) {
  const result = importCrontab(text, { source: SOURCE, known, ...options });
  const jobs = result.jobs.map(({ job: { metadata, spec } }): KnownJob => ({
    name: metadata.name,
    annotations: metadata.annotations ?? {},
    spec,
  }));
  return { ...result, jobs, names: jobs.map(({ name }) => name) };
}

/** The name of each command. */
function namesOf(jobs: readonly KnownJob[]): Record<string, string> {
  return Object.fromEntries(jobs.map(({ name, spec }) => [`${spec.schedule} ${spec.command}`, name]));
}

const THREE = '0 1 * * * /a/backup.sh\n0 2 * * * /b/backup.sh\n0 3 * * * /c/backup.sh\n';

describe('the same line', () => {
  const first = imported(THREE);

  test('keeps its name below an inserted line', () => {
    expect(first.names).toEqual(['backup', 'backup-2', 'backup-3']);
    const second = imported(`0 0 * * * /z/backup.sh\n${THREE}`, first.jobs);
    expect(second.names).toEqual(['backup-4', 'backup', 'backup-2', 'backup-3']);
    expect(second.notes).toContainEqual({
      line: 1,
      text: 'The job is named "backup-4": "backup" is the job of another line.',
    });
    expect(second.orphans).toEqual([]);
  });

  test('keeps its name when the lines change places', () => {
    const reversed = THREE.trim().split('\n').toReversed().join('\n');
    expect(imported(reversed, first.jobs).names).toEqual(['backup-3', 'backup-2', 'backup']);
  });

  test('keeps its name with another schedule', () => {
    const { jobs } = imported(THREE.replace('0 2', '30 4'), first.jobs);
    expect(jobs[1]).toMatchObject({ name: 'backup-2', spec: { schedule: '30 4 * * *' } });
  });

  test('keeps its name with a changed command, if no other line could be it', () => {
    const { jobs, orphans } = imported(THREE.replace('/b/backup.sh', '/b/backup.sh --full'), first.jobs);
    expect(jobs[1]).toMatchObject({ name: 'backup-2', spec: { command: '/b/backup.sh --full' } });
    expect(orphans).toEqual([]);
    const replaced = imported(THREE.replace('0 2 * * * /b/', '9 9 * * * /B/'), first.jobs);
    expect(replaced.names).toEqual(['backup', 'backup-4', 'backup-3']);
    expect(replaced.orphans).toEqual(['backup-2']);
    const both = imported(THREE.replace('/a/', '/A/').replace('/b/', '/B/'), first.jobs);
    expect(both.names).toEqual(['backup-4', 'backup-5', 'backup-3']);
    expect(both.orphans).toEqual(['backup', 'backup-2']);
  });

  test('of several with one command is the one with its schedule', () => {
    const twice = imported('0 8 * * 1-5 /opt/x\n0 9 * * 6 /opt/x\n');
    const above = imported('0 7 * * * /opt/x\n0 8 * * 1-5 /opt/x\n0 9 * * 6 /opt/x\n', twice.jobs);
    expect(above.names).toEqual(['x-3', 'x', 'x-2']);
  });

  test('keeps the fields of its job that a crontab cannot say', () => {
    const [job] = imported('TZ=x\nA=1\n0 1 * * * /opt/x').jobs;
    const tuned: KnownJob = {
      ...job!,
      spec: { ...job!.spec, retry: { limit: 3 }, tags: ['night'], suspend: true, workingDir: '/srv' },
    };
    const { jobs } = imported('0 2 * * * /opt/x', [tuned]);
    expect(jobs[0]!.spec).toEqual({
      schedule: '0 2 * * *',
      command: '/opt/x',
      retry: { limit: 3 },
      tags: ['night'],
      suspend: true,
    });
  });

  test.each([
    ['0 1 * * * /opt/x\n', '5 1 * * * /opt/x\n# moved\n'],
    ['SHELL=/bin/bash\n0 1 * * * /opt/x', '0 1 * * * /opt/x'],
    ['1 5 cron.daily a', '1 9 cron.daily b --now'],
  ])('%j stays one job as %j', (before, after) => {
    const known = imported(before).jobs;
    const { names, orphans } = imported(after, known);
    expect({ names, orphans }).toEqual({ names: known.map(({ name }) => name), orphans: [] });
  });
});

describe('a job of another source', () => {
  test.each<[string, KnownJob]>([
    ['made by hand', BY_HAND],
    [
      'of another crontab',
      {
        ...imported('0 9 * * * /other/backup').jobs[0]!,
        annotations: imported('0 9 * * * /other/backup', [], { source: '/etc/cron.d/x' }).jobs[0]!
          .annotations,
      },
    ],
  ])('%s keeps its name, and the line gets a number', (_what, other) => {
    const { names, notes } = imported('0 1 * * * /a/backup.sh', [other]);
    expect(names).toEqual(['backup-2']);
    expect(notes).toContainEqual({
      line: 1,
      text: 'The job is named "backup-2": "backup" did not come from this crontab, and stays as it is.',
    });
  });

  test('stays apart also with the same command', () => {
    const other = imported('0 1 * * * /a/backup.sh', [], { source: '/etc/cron.d/x' }).jobs;
    expect(imported('0 1 * * * /a/backup.sh', other).names).toEqual(['backup-2']);
  });
});

describe('a job whose line is gone', () => {
  test('is reported and keeps its name', () => {
    const { jobs } = imported(THREE);
    const { names, orphans } = imported(
      '0 1 * * * /a/backup.sh\n0 9 * * * /d/backup.sh\n0 9 * * * /e/backup.sh',
      jobs,
    );
    expect(names).toEqual(['backup', 'backup-4', 'backup-5']);
    expect(orphans).toEqual(['backup-2', 'backup-3']);
  });

  test('through stdin is another crontab’s, and is not reported', () => {
    const stdin = { source: 'stdin', sharedSource: true };
    const { jobs } = imported('0 1 * * * /a/backup.sh', [], stdin);
    const { names, orphans } = imported('0 1 * * * /b/backup.sh', jobs, stdin);
    expect({ names, orphans }).toEqual({ names: ['backup-2'], orphans: [] });
  });
});

test('a prefix begins the names of new jobs, and a known job keeps its name', () => {
  const before = imported('0 1 * * * /a/backup.sh');
  const { names } = imported('0 1 * * * /a/backup.sh\n0 2 * * * /opt/sync', before.jobs, { prefix: 'web1-' });
  expect(names).toEqual(['backup', 'web1-sync']);
});

test('names stay within their length, whatever their prefix and number', () => {
  const line = `0 1 * * * /opt/${'x'.repeat(200)}`;
  const { names } = imported([line, `${line} a`, `${line} b`].join('\n'), [], { prefix: 'y'.repeat(31) });
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name.length).toBeLessThanOrEqual(NAME_MAX_LENGTH);
});

test('any two crontabs: no job of another source is touched, names are unique, equal lines keep their job', () => {
  const line = record({
    schedule: constantFrom('0 1 * * *', '0 2 * * *', '@daily'),
    command: constantFrom('/a/backup.sh', '/b/backup.sh', '/opt/sync', 'sync', 'backup'),
  });
  const lines = array(line, { maxLength: 8 }).map((list) =>
    list.map(({ schedule, command }) => `${schedule} ${command}`),
  );
  assert(
    property(lines, lines, (before, after) => {
      const first = imported(before.join('\n'), [BY_HAND]);
      const known = [BY_HAND, ...first.jobs];
      const second = imported(after.join('\n'), known);
      expect(second.names).not.toContain(BY_HAND.name);
      expect(new Set(second.names).size).toBe(second.names.length);
      const unchanged = imported(before.join('\n'), known);
      expect(unchanged.names).toEqual(first.names);
      const [old, now] = [namesOf(first.jobs), namesOf(second.jobs)];
      const once = (list: string[], text: string) => list.filter((other) => other === text).length === 1;
      for (const text of after.filter((text) => once(before, text) && once(after, text))) {
        expect(now[text]).toBe(old[text]);
      }
    }),
    seeded({}),
  );
});
