// Jobs that run once, with the built command line and a real daemon.
import { beforeEach, describe, expect, test } from 'vitest';
import type { JobDocument, RunDocument } from '../../src/core/document.ts';
import { aSharedDaemon, lsh, lshOk } from '../support/daemon/cli.ts';
import { aDaemon, aHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';

const home = aSharedDaemon();

beforeEach(async () => {
  for (const { metadata } of await home.client.list({})) await home.client.remove({ name: metadata.name });
});

const gone = (name: string) =>
  eventually(async () => !(await home.client.list({})).some(({ metadata }) => metadata.name === name));

async function runsOf(name: string): Promise<RunDocument[]> {
  return JSON.parse(await lshOk(home, ['cron', 'history', name, '-o', 'json'])) as RunDocument[];
}

describe('lsh cron in', () => {
  test('runs the command once, takes the job off the list, and keeps the run and its output', async () => {
    const name = (
      await lshOk(home, ['cron', 'in', '5s', '--command', '/bin/echo done', '-o', 'name'])
    ).trim();
    expect(name).toMatch(/^echo-\d{4}-\d{4}-\w{4}$/);
    await gone(name);
    expect(await runsOf(name)).toMatchObject([{ phase: 'Completed', trigger: 'Schedule', attempt: 1 }]);
    expect(await lshOk(home, ['cron', 'logs', name])).toBe('done\n');
    expect(await lshOk(home, ['cron', 'list'])).toBe('');
  });

  test('keeps the job until its last retry has failed', async () => {
    await lshOk(home, [
      'cron',
      'in',
      '1s',
      '-n',
      'flaky',
      '--retries',
      '1',
      '--retry-delay',
      '1s',
      '--',
      'false',
    ]);
    await gone('flaky');
    expect((await runsOf('flaky')).map(({ attempt, phase }) => [attempt, phase])).toEqual([
      [2, 'Failed'],
      [1, 'Failed'],
    ]);
  });
});

describe('lsh cron at', () => {
  const at = (...args: string[]) => lsh(home, ['cron', 'at', ...args]);

  test('says when, lists the job, and the same call again changes nothing', async () => {
    const args = ['2098-12-24 10:00', '--tz', 'Europe/Berlin', '--command', 'make release'];
    const created = await at(...args);
    expect(created.stdout).toMatch(
      /^job "make-1224-1000-\w{4}" created\n {2}next runs \(Europe\/Berlin\):\n {4}Wed 2098-12-24 10:00 {2}in .*\n$/,
    );
    expect((await at(...args)).stdout).toContain('unchanged');
    const [job] = JSON.parse(await lshOk(home, ['cron', 'list', '-o', 'json'])) as JobDocument[];
    expect(job?.spec).toMatchObject({ at: '2098-12-24T10:00:00+01:00', timeZone: 'Europe/Berlin' });
    expect(await lshOk(home, ['cron', 'list'])).toContain('once at 2098-12-24T10:00:00+01:00');
    const exported = await lshOk(home, ['cron', 'export', job!.metadata.name]);
    expect(await lshOk(home, ['apply', '-f', '-'], { stdin: exported })).toContain('unchanged');
  });

  test.each([
    [['2020-01-01', '--command', 'true'], 2, 'spec.at: must be in the future'],
    [['2098-01-01', '--schedule', '@daily', '--command', 'true'], 2, 'A job that runs once has no schedule.'],
    [['2098-01-01', '10:00', '--command', 'true'], 2, 'Unexpected argument "10:00".'],
    [['soon', '--command', 'true'], 2, '--at needs a time, not "soon".'],
    [['2098-01-01'], 2, 'spec.command'],
  ])('%j is refused', async (args, status, message) => {
    const refused = await at(...args);
    expect(refused.status).toBe(status);
    expect(refused.stderr).toContain(message);
  });
});

test('a day that the job itself leaves out is refused: the job would never run', async () => {
  const add = (date: string) =>
    lsh(home, [
      'cron',
      'add',
      '-n',
      'never',
      '--at',
      '2098-12-25T23:30',
      '--tz',
      'America/New_York',
      '--except-date',
      date,
      '-c',
      'true',
    ]);
  const refused = await add('2098-12-25');
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('spec.exceptDates: must not name the day of spec.at, 2098-12-25T23:30:00');
  // The day after, in UTC.
  expect(await add('2098-12-26')).toMatchObject({ status: 0 });
});

test('a document with at is valid, and not beside a schedule', async () => {
  const document = (spec: object) =>
    JSON.stringify({
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: 'once' },
      spec: { command: 'true', ...spec },
    });
  const validate = (spec: object) => lsh(home, ['cron', 'validate', '-'], { stdin: document(spec) });
  expect(await validate({ at: '2098-12-24T10:00:00' })).toMatchObject({ status: 0 });
  expect((await validate({ at: '2098-12-24T10:00:00', schedule: '@daily' })).stdout).toContain(
    'cannot stand beside schedule',
  );
  expect((await validate({ at: '2098-02-30T10:00:00' })).stdout).toContain('must be a time that exists');
});

test('an instant that passes while no daemon runs is made up for, and the job is then gone', async () => {
  const own = aHome();
  await aDaemon(own);
  const soon = new Date(Date.now() + 8000).toISOString().replace(/\.\d+/, '');
  await lshOk(own, ['cron', 'at', soon, '-n', 'late', '--', 'true']);
  await lshOk(own, ['daemon', 'stop']);
  await eventually(() => Date.now() > Date.parse(soon) + 1000);
  await aDaemon(own);
  await eventually(async () => (await own.client.list({})).length === 0);
  expect(await own.client.runs({ name: 'late' })).toMatchObject([{ phase: 'Completed', slot: soon }]);
  const explained = await lsh(own, ['cron', 'explain', 'late']);
  expect(explained.status).toBe(4);
  expect(explained.stderr).toContain('Its runs stay: `lsh cron history late`.');
  expect((await lsh(own, ['cron', 'explain', 'unheard-of'])).stderr).not.toContain('history');
});
