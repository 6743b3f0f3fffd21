import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCount } from '../../src/cli/input/flags.ts';
import { specFromFlags } from '../../src/cli/input/spec-from-flags.ts';
import { LshError } from '../../src/core/errors.ts';

function usageError(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof LshError && error.code === 'USAGE') return error.message;
    throw error;
  }
  throw new Error('no error was thrown');
}

describe('a job whose secrets follow from its directory starts in this one', () => {
  test.each([
    { flags: { secretsEnv: 'prod', command: 'make' }, args: [] },
    { flags: { command: 'lsh push --env prod' }, args: [] },
    { flags: {}, args: ['lsh', 'secrets', 'rotate', 'TOKEN'] },
  ])('$flags $args', ({ flags, args }) => {
    expect(specFromFlags(flags, args).workingDir).toBe(process.cwd());
    expect(specFromFlags({ ...flags, workingDir: '/srv' }, args).workingDir).toBe('/srv');
    expect(specFromFlags(flags, args, 'cluster').workingDir).toBeUndefined();
  });

  test('and no other', () => {
    expect(specFromFlags({ command: 'lsh cron list; lsh-push' }).workingDir).toBeUndefined();
  });
});

describe('flags become a spec', () => {
  test('omits options that the user omits, so that defaults apply', () => {
    expect(specFromFlags({ schedule: ['0 2 * * 0'], command: 'make rotate' })).toEqual({
      schedule: '0 2 * * 0',
      command: 'make rotate',
    });
  });

  test('sets a field for every flag', () => {
    const spec = specFromFlags(
      {
        schedule: ['@daily'],
        tz: 'Europe/Berlin',
        timeout: '1h30m',
        grace: '5s',
        retries: '3',
        retryDelay: '20s',
        concurrency: 'queue',
        concurrencyGroup: 'deploy:2',
        after: ['backup', 'cleanup:failed'],
        missed: 'ALL',
        deadline: '10m',
        env: ['A=1', 'URL=https://example.org/?a=b'],
        envFile: ['app.env'],
        secretsEnv: 'prod',
        tag: ['backup,db', 'nightly'],
        description: 'the backup',
        workingDir: 'data',
        shell: '/bin/bash',
        backgroundChildren: 'keep',
        priority: '8',
        jitter: '2m',
        suspend: true,
        notBefore: '2027-01-01T00:00:00Z',
        notAfter: '2028-01-01T00:00:00Z',
        calendar: ['bank-holidays'],
        onlyCalendar: ['release-days'],
        exceptDate: ['2027-12-24,2027-12-25', '2027-12-31'],
      },
      ['pg_dump', '-f', 'out.sql'],
    );
    expect(spec).toEqual({
      schedule: '@daily',
      args: ['pg_dump', '-f', 'out.sql'],
      timeZone: 'Europe/Berlin',
      timeoutSeconds: 5400,
      terminationGracePeriodSeconds: 5,
      retry: { limit: 3, initialSeconds: 20 },
      concurrencyPolicy: 'Queue',
      concurrencyGroup: { name: 'deploy', max: 2 },
      after: [{ job: 'backup' }, { job: 'cleanup', when: 'Failed' }],
      missedRunPolicy: 'All',
      startingDeadlineSeconds: 600,
      env: [
        { name: 'A', value: '1' },
        { name: 'URL', value: 'https://example.org/?a=b' },
      ],
      envFrom: [{ file: resolve('app.env') }],
      secretsEnv: 'prod',
      tags: ['backup', 'db', 'nightly'],
      description: 'the backup',
      workingDir: resolve('data'),
      shell: '/bin/bash',
      backgroundChildren: 'keep',
      priority: 8,
      jitterSeconds: 120,
      suspend: true,
      notBefore: '2027-01-01T00:00:00Z',
      notAfter: '2028-01-01T00:00:00Z',
      calendars: [{ name: 'bank-holidays' }, { name: 'release-days', days: 'Only' }],
      exceptDates: ['2027-12-24', '2027-12-25', '2027-12-31'],
    });
  });

  test('makes a list of several schedules and an interval', () => {
    expect(specFromFlags({ schedule: ['@daily', '0 12 * * *'] }).schedules).toEqual(['@daily', '0 12 * * *']);
    expect(specFromFlags({ interval: '90s' })).toEqual({ schedule: '@every 90s' });
    expect(specFromFlags({ schedule: ['@reboot'], interval: '1h', atDaemonStart: true })).toEqual({
      schedules: ['@reboot', '@every 1h', '@daemon-start'],
    });
  });

  test('raises maxSeconds for a --retry-delay above it', () => {
    expect(specFromFlags({ retries: '1', retryDelay: '1h' }).retry).toEqual({
      limit: 1,
      initialSeconds: 3600,
      maxSeconds: 3600,
    });
  });

  test('--notify names channels, each with what it hears of', () => {
    const flags = { notify: ['team', 'ann:failed,Missed'], notifyAfter: '3', notifyRepeat: '24h' };
    expect(specFromFlags(flags).notify).toEqual([
      { channels: ['team'], after: 3, repeat: '24h' },
      { channels: ['ann'], events: ['Failed', 'Missed'], after: 3, repeat: '24h' },
    ]);
    expect(specFromFlags({ notify: ['none'] }).notify).toEqual([]);
    expect(usageError(() => specFromFlags({ notifyAfter: '2' }))).toMatch(/need --notify/);
    expect(usageError(() => specFromFlags({ notify: ['none', 'team'] }))).toMatch(/none stands alone/);
    expect(usageError(() => specFromFlags({ notify: ['team,ann'] }))).toBe(
      '--notify takes one channel, not "team,ann".',
    );
  });

  test.each([
    [{ timeout: 'soon' }, '--timeout needs a duration such as 90s, 15m or 2h, not "soon".'],
    [{ retryDelay: '100ms' }, '--retry-delay needs whole seconds, not "100ms".'],
    [{ retries: 'three' }, '--retries needs a whole number, not "three".'],
    [{ env: ['NAME'] }, '--env needs NAME=VALUE, not "NAME".'],
    [{ env: ['=x'] }, '--env needs NAME=VALUE, not "=x".'],
  ])('%j is a usage error that names the flag', (flags, message) => {
    expect(usageError(() => specFromFlags(flags))).toBe(message);
  });
});

describe('other values', () => {
  test('a count is at least 1', () => {
    expect(parseCount('3')).toBe(3);
    expect(usageError(() => parseCount('0'))).toMatch(/-n needs a number from 1/);
    expect(usageError(() => parseCount('-1'))).toMatch(/-n needs a whole number/);
  });
});
