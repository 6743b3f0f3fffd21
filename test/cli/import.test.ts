// `lsh cron import` against a real daemon, and without one.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { JobDocument } from '../../src/core/document.ts';
import { aSharedDaemon, lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const home = aSharedDaemon();

const json = async <T>(...args: string[]) => JSON.parse(await lshOk(home, [...args, '-o', 'json'])) as T;
const jobNamed = (name: string) => json<JobDocument>('cron', 'get', name);
const names = async () => (await json<JobDocument[]>('cron', 'list')).map(({ metadata }) => metadata.name);

function aCrontab(...lines: string[]): string {
  const file = join(tempDir(), 'jobs');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

afterEach(async () => {
  const all = await names();
  if (all.length > 0) await lshOk(home, ['cron', 'remove', ...all]);
});

test('a real crontab becomes jobs; a line that cannot be carried over is named and sets the status', async () => {
  const crontab = [
    'SHELL=/bin/bash',
    'MAILTO=ops@example.com',
    '# rotate the secrets',
    '0 2 * * 0 /usr/local/bin/rotate --all',
    '@reboot /usr/bin/agent',
    'not a line',
  ].join('\n');
  const args = ['cron', 'import', '--crontab', '-'];
  const dry = await lsh(home, [...args, '--dry-run'], { stdin: crontab });
  expect(dry.stdout).toBe(
    'job "rotate" created  0 2 * * 0 (dry run)\njob "agent" created  @reboot (dry run)\n',
  );
  expect(dry.stderr).toMatch(/^<stdin>:2: note: .*MAILTO[^]*<stdin>:6: note: [^]*Forbid[^]*Latest/);
  expect(dry.status).toBe(2);
  expect(await names()).toEqual([]);

  expect(await lsh(home, args, { stdin: crontab })).toMatchObject({ status: 2 });
  expect(await jobNamed('rotate')).toMatchObject({
    metadata: {
      annotations: {
        'lsh.dev/imported-from': 'stdin',
        'lsh.dev/imported-command': '/usr/local/bin/rotate --all',
      },
    },
    spec: { schedule: '0 2 * * 0', shell: '/bin/bash', description: 'rotate the secrets' },
  });
  const again = await lsh(home, args, { stdin: crontab.replace('not a line', '') });
  expect(again).toMatchObject({ status: 0, stdout: expect.stringMatching(/^job "rotate" unchanged/) });
});

describe('a job of another source', () => {
  test('made by hand is never changed', async () => {
    await lshOk(home, ['cron', 'add', '-n', 'backup', '-s', '@hourly', '-c', 'mine', '--retries', '5']);
    const file = aCrontab('0 1 * * * /a/backup.sh');
    const { stdout, stderr } = await lsh(home, ['cron', 'import', '--crontab', file]);
    expect(stdout).toBe('job "backup-2" created  0 1 * * *\n');
    expect(stderr).toContain('"backup" did not come from this crontab, and stays as it is.');
    expect(await jobNamed('backup')).toMatchObject({ spec: { command: 'mine', retry: { limit: 5 } } });
    expect((await jobNamed('backup')).metadata.generation).toBe(1);
  });

  test('of another crontab is never changed, and --prefix tells the two apart', async () => {
    const first = aCrontab('0 1 * * * /a/backup.sh');
    const second = aCrontab('0 1 * * * /b/backup.sh');
    await lshOk(home, ['cron', 'import', '--crontab', first]);
    await lshOk(home, ['cron', 'import', '--crontab', second]);
    await lshOk(home, [
      'cron',
      'import',
      '--crontab',
      aCrontab('0 1 * * * /c/backup.sh'),
      '--prefix',
      'web1-',
    ]);
    const commands = await Promise.all(
      (await names()).map(async (name) => [name, (await jobNamed(name)).spec.command]),
    );
    expect(commands).toEqual([
      ['backup', '/a/backup.sh'],
      ['backup-2', '/b/backup.sh'],
      ['web1-backup', '/c/backup.sh'],
    ]);
  });
});

test('a line keeps its job where it moves, its changes are shown, and a job without a line is kept', async () => {
  const file = aCrontab('0 1 * * * /a/backup.sh', '0 2 * * * /b/backup.sh');
  await lshOk(home, ['cron', 'import', '--crontab', file]);
  await lshOk(home, ['cron', 'pause', 'backup-2']);
  writeFileSync(file, '0 0 * * * /z/backup.sh\n30 2 * * * /b/backup.sh\n');
  const { stdout, stderr, status } = await lsh(home, ['cron', 'import', '--crontab', file]);
  expect(stdout).toBe(
    [
      'job "backup-3" created  0 0 * * *',
      'job "backup-2" configured  30 2 * * *',
      '  schedule: "0 2 * * *" -> "30 2 * * *"',
      'job "backup" kept',
      '',
    ].join('\n'),
  );
  expect(stderr).toContain(
    'Job "backup" came from this crontab, and its line is gone. `lsh cron remove backup`',
  );
  expect(status).toBe(0);
  expect((await jobNamed('backup-2')).spec).toMatchObject({ suspend: true, schedule: '30 2 * * *' });
  expect((await jobNamed('backup')).spec.command).toBe('/a/backup.sh');
});

test('the marks survive export and apply, and the line is still the same job', async () => {
  const file = aCrontab('0 1 * * * /a/backup.sh');
  await lshOk(home, ['cron', 'import', '--crontab', file]);
  const exported = await lshOk(home, ['cron', 'export']);
  await lshOk(home, ['cron', 'remove', 'backup']);
  await lshOk(home, ['apply', '-f', '-'], { stdin: exported });
  expect(await lshOk(home, ['cron', 'import', '--crontab', file])).toBe(
    'job "backup" unchanged  0 1 * * *\n',
  );
});

test('the user’s own crontab is read byte by byte, under its user', async () => {
  const bin = join(tempDir(), 'bin');
  mkdirSync(bin);
  const crontab = Buffer.concat([
    Buffer.from('@daily /opt/a\n@daily /opt/caf'),
    Buffer.from([0xe9]),
    Buffer.from('\n'),
  ]);
  writeFileSync(join(bin, 'table'), crontab);
  writeFileSync(join(bin, 'crontab'), `#!/bin/sh\nexec cat ${join(bin, 'table')}\n`);
  chmodSync(join(bin, 'crontab'), 0o755);
  const env = { PATH: `${bin}:${home.env['PATH']}`, USER: 'ada' };
  const { status, stdout, stderr } = await lsh(home, ['cron', 'import', '--crontab'], { env });
  expect({ status, stdout }).toEqual({ status: 2, stdout: 'job "a" created  @daily\n' });
  expect(stderr).toContain('crontab:2: note: The line has bytes that are not UTF-8');
  expect((await jobNamed('a')).metadata.annotations).toMatchObject({
    'lsh.dev/imported-from': 'crontab:ada',
  });
});

test('a refused command names file, line and job', async () => {
  const file = aCrontab('@daily /opt/a', '@daily eval "$(cat /opt/b)"', '@daily /opt/c');
  const { status, stdout, stderr } = await lsh(home, ['cron', 'import', '--crontab', file]);
  expect(stdout).toBe('job "a" created  @daily\njob "c" created  @daily\n');
  expect(stderr).toMatch(new RegExp(`${file}:2: job "[\\w-]+": spec\\.command: [^]*\\[COMMAND_REFUSED\\]`));
  expect(status).toBe(5);
});

test('a prefix that no name can begin with is a usage error', async () => {
  const refused = await lsh(home, ['cron', 'import', '--crontab', '-', '--prefix', 'Web_']);
  expect(refused).toMatchObject({ status: 2, stdout: '' });
});

describe('without a daemon', () => {
  test('--dry-run shows the jobs and says that nothing was compared', async () => {
    const { status, stdout, stderr } = await lsh(aHome(), [
      'cron',
      'import',
      '--crontab',
      aCrontab('@daily /opt/a'),
      '--dry-run',
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'job "a" created  @daily (dry run)\n' });
    expect(stderr).toContain('The daemon is not running');
  });

  test('an import ends with status 3', async () => {
    expect(await lsh(aHome(), ['cron', 'import', '--crontab', aCrontab('@daily /opt/a')])).toMatchObject({
      status: 3,
      stdout: '',
    });
  });

  test('-o yaml prints documents that apply takes', async () => {
    const file = aCrontab('# nightly', '@daily /opt/a', '0 1 * * * /opt/b');
    const yaml = await lshOk(aHome(), ['cron', 'import', '--crontab', file, '--dry-run', '-o', 'yaml']);
    expect(parseAllDocuments(yaml).map((document) => document.toJS() as unknown)).toEqual([
      {
        apiVersion: 'lsh.dev/v1alpha1',
        kind: 'LshJob',
        metadata: {
          name: 'a',
          annotations: { 'lsh.dev/imported-from': file, 'lsh.dev/imported-command': '/opt/a' },
        },
        spec: { schedule: '@daily', command: '/opt/a', description: 'nightly' },
      },
      expect.objectContaining({ spec: { schedule: '0 1 * * *', command: '/opt/b' } }),
    ]);
    expect(await lshOk(home, ['apply', '-f', '-'], { stdin: yaml })).toBe(
      'job "a" created\njob "b" created\n',
    );
    expect(await lshOk(home, ['cron', 'import', '--crontab', file])).toMatch(
      /^job "a" unchanged[^]*job "b" unchanged/,
    );
  });
});

describe('documents', () => {
  const MIXED = readFileSync(join(import.meta.dirname, '../fixtures/mixed-documents.yaml'), 'utf8');

  test('a CronJob needs a cluster, unless its document alone is asked for', async () => {
    const refused = await lsh(home, ['cron', 'import', '-f', '-'], { stdin: MIXED });
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain('Add --cluster');
  });

  test('-o yaml converts CronJobs without a kubeconfig; each other kind is one line', async () => {
    const offline = { env: { ...aHome().env, KUBECONFIG: '/nonexistent' } };
    const args = ['cron', 'import', '-f', '-', '--dry-run', '-o', 'yaml'];
    for (const more of [[], ['--cluster']]) {
      const { status, stdout, stderr } = await lsh(offline, [...args, ...more], { stdin: MIXED });
      expect(parse(stdout)).toMatchObject({
        kind: 'LshJob',
        metadata: { name: 'renovate', namespace: 'ops' },
        spec: { executor: 'Job', job: { image: 'renovate:41', entrypointArgs: ['--dry-run'] } },
      });
      const otherKinds = stderr.split('\n').filter((line) => line.includes('no CronJob and no LshJob'));
      expect(otherKinds).toEqual([
        '<stdin>:2:1: note: ConfigMap "settings" is no CronJob and no LshJob, and was left out.',
        '<stdin>:31:1: note: Service "web" is no CronJob and no LshJob, and was left out.',
      ]);
      expect(status).toBe(0);
    }
  });
});
