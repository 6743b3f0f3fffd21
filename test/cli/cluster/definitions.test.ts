// The verbs that read and change jobs, with --cluster: the built command line against a real API server.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PutResult } from '../../../src/contracts/job-api.ts';
import type { JobDocument } from '../../../src/core/document.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { lshOk } from '../../support/daemon/cli.ts';
import { aNamespace } from '../../support/cluster/cluster-cli.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';
import { tempDir } from '../../support/temp-dir.ts';

const YEARLY = ['--schedule', '0 0 1 1 *'];

describe.skipIf(NO_KUBE)('definitions in a cluster', () => {
  const cli = aTestCluster('team');

  const object = (name: string) => cli.client.json<LshJob>({ path: lshJobPath('team', name) });
  const add = (name: string, ...more: string[]) =>
    cli.ok(['cron', 'add', '--name', name, ...YEARLY, '--command', 'true', ...more]);

  test('add prints created, unchanged, or configured with the changes, and the next runs in UTC', async () => {
    const args = ['cron', 'add', '--name', 'rotate', '--schedule', '0 2 * * 0', '--image', 'alpine'];
    expect(await cli.ok([...args, '--command', 'true'])).toMatch(
      /^job "rotate" created\n {2}next runs \(UTC\):\n( {4}Sun \S+ 02:00 {2}in .*\n){3}$/,
    );
    expect((await object('rotate')).spec).toMatchObject({ command: 'true', job: { image: 'alpine' } });
    expect((await object('rotate')).spec).not.toHaveProperty('timeZone');
    expect(await cli.ok([...args, '--command', 'true'])).toMatch(/^job "rotate" unchanged\n/);
    expect(await cli.ok([...args, '--command', 'echo', '--retries', '2'])).toMatch(
      /^job "rotate" configured\n {2}command: "true" -> "echo"\n {2}retry\.limit: 0 -> 2\n/,
    );
    expect((await object('rotate')).metadata.generation).toBe(2);
  });

  test('names the variables that change, and prints no value of them', async () => {
    await add('sealed', '--env', 'TOKEN=old-secret', '--env', 'GONE=gone-secret');
    const changed = await add('sealed', '--env', 'TOKEN=new-secret', '--env', 'NEW=fresh-secret');
    expect(changed).toContain('  env.TOKEN: changed\n  env.GONE: removed\n  env.NEW: added\n');
    expect(changed).not.toContain('-secret');
  });

  test('fields that other clients wrote outside the spec stay', async () => {
    await add('labelled');
    const metadata = { labels: { team: 'a' }, annotations: { 'example.com/why': 'so' } };
    const contentType = 'application/merge-patch+json';
    await cli.client.json({
      path: lshJobPath('team', 'labelled'),
      method: 'PATCH',
      body: { metadata },
      contentType,
    });
    expect(await add('labelled', '--priority', '9')).toContain('priority: 5 -> 9');
    expect((await object('labelled')).metadata).toMatchObject(metadata);
  });

  test('--dry-run asks the server and changes nothing', async () => {
    expect(await add('ghost', '--dry-run')).toMatch(/^job "ghost" created \(dry run\)\n/);
    expect(await cli.call(['cron', 'get', 'ghost'])).toMatchObject({ status: 4, stdout: '' });
    await add('solid');
    expect(await add('solid', '--priority', '1', '--dry-run')).toMatch(/^job "solid" configured \(dry run\)/);
    expect((await object('solid')).spec).toMatchObject({ priority: 5 });
  });

  test('validate asks the server about the Kubernetes Job, and says if it could not', async () => {
    const document = (limit: string) =>
      JSON.stringify({
        apiVersion: 'lsh.dev/v1alpha1',
        kind: 'LshJob',
        metadata: { name: 'asked' },
        spec: {
          schedule: '@daily',
          command: 'true',
          job: { image: 'alpine', resources: { limits: { memory: limit } } },
        },
      });
    const validate = ['cron', 'validate', '-'];
    expect(await cli.ok(validate, { stdin: document('1Gi') })).toContain('1 document, valid');
    const refused = await cli.call(validate, { stdin: document('much') });
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stdout).toMatch(
      /error: spec\.job: The job is not valid: the API server refuses its Kubernetes Job/,
    );
    const env = { KUBECONFIG: join(cli.environment.dir, 'none') };
    const alone = await cli.call(validate, { stdin: document('much'), env });
    expect(alone).toMatchObject({ status: 0 });
    expect(alone.stdout).toContain('note: spec.job: was not shown to the API server');
  });

  test('get and list show the object with the defaults of a cluster', async () => {
    await add('shown', '--tag', 'nightly', '--executor', 'shell');
    const shown = await cli.json<JobDocument>('cron', 'get', 'shown');
    expect(shown.metadata).toMatchObject({ name: 'shown', namespace: 'team', generation: 1 });
    expect(shown.spec).toMatchObject({ timeZone: 'UTC', executor: 'Shell', captureOutput: true });
    expect(await cli.ok(['cron', 'get', 'shown'])).toMatch(/^Name: +shown\nNamespace: +team\n/);
    const tagged = await cli.json<JobDocument[]>('cron', 'list', '--tag', 'nightly');
    expect(tagged.map(({ metadata }) => metadata.name)).toEqual(['shown']);
    expect(await cli.ok(['cron', 'next', 'shown', '-n', '1'])).toMatch(/^\w{3} \d{4}-01-01 00:00 /);
  });

  test('list -A shows the namespace of each job', async () => {
    const other = await aNamespace(cli.environment, 'other');
    await other.ok(['cron', 'add', '-n', 'same', ...YEARLY, '-c', 'true']);
    await add('same');
    expect(await other.ok(['cron', 'list', '-o', 'name'])).toBe('same\n');
    const names = (await other.ok(['cron', 'list', '-A', '-o', 'name'])).split('\n');
    expect(names).toEqual(expect.arrayContaining(['other/same', 'team/same']));
    expect(await other.ok(['cron', 'list', '-A'])).toMatch(/^NAMESPACE +NAME .*\nother +same /);
  });

  test('pause, resume and remove', async () => {
    await add('a');
    expect(await cli.ok(['cron', 'pause', 'a'])).toMatch(/^job "a" paused\n/);
    expect(await cli.ok(['cron', 'pause', 'a'])).toMatch(/^job "a" already paused\n/);
    expect((await object('a')).spec).toMatchObject({ suspend: true });
    expect(await cli.ok(['cron', 'resume', 'a'])).toMatch(/^job "a" resumed\n {2}next runs/);
    expect(await cli.ok(['cron', 'remove', 'a'])).toBe('job "a" removed\n');
    expect(await cli.call(['cron', 'remove', 'a'])).toMatchObject({ status: 4 });
  });

  test('ten concurrent writers all succeed, and the job has the spec of one of them', async () => {
    const outputs = await Promise.all(
      Array.from({ length: 10 }, (_, index) => add('contested', '--priority', String(index), '-o', 'json')),
    );
    const results = outputs.map((text) => JSON.parse(text) as PutResult);
    expect(results.filter(({ result }) => result === 'created')).toHaveLength(1);
    const { generation } = (await object('contested')).metadata;
    expect(generation).toBe(results.filter(({ result }) => result !== 'unchanged').length);
  });

  test('apply of an export leaves the jobs unchanged, in their namespace', async () => {
    await add('round', '--timeout', '1h', '--env', 'A=b');
    const exported = await cli.ok(['cron', 'export', 'round']);
    expect(exported).toContain('namespace: team\n');
    expect(await cli.ok(['apply', '-f', '-'], { stdin: exported })).toBe('job "round" unchanged\n');
  });

  test('apply and delete use the namespace of each document, and refuse one that contradicts --namespace', async () => {
    await aNamespace(cli.environment, 'third');
    const document = (namespace: string, name: string) =>
      `apiVersion: lsh.dev/v1alpha1\nkind: LshJob\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {schedule: '@daily', command: 'true'}\n`;
    const both = `${document('team', 'here')}---\n${document('third', 'there')}`;
    expect(await cli.ok(['apply', '-f', '-'], { stdin: both })).toBe(
      'job "here" created\njob "there" created\n',
    );
    expect(await cli.client.json({ path: lshJobPath('third', 'there') })).toBeDefined();
    const refused = await cli.call(['apply', '--namespace', 'team', '-f', '-'], {
      stdin: document('third', 'x'),
    });
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('metadata.namespace');
    const kept = await cli.call(['delete', '--namespace', 'team', '-f', '-'], {
      stdin: document('third', 'here'),
    });
    expect(kept).toMatchObject({ status: 2, stdout: '' });
    expect(await cli.ok(['delete', '-f', '-'], { stdin: both })).toBe(
      'job "here" removed\njob "there" removed\n',
    );
    expect(await cli.ok(['delete', '--ignore-not-found', '-f', '-'], { stdin: both })).toBe('');
  });

  test('edit applies the file that the editor saves', async () => {
    await add('edited', '--description', 'before');
    const editor = join(tempDir(), 'editor');
    writeFileSync(editor, `#!/bin/sh\nsed -i 's/before/after/' "$1"\n`);
    chmodSync(editor, 0o700);
    expect(await cli.ok(['cron', 'edit', 'edited'], { env: { EDITOR: editor } })).toContain(
      'description: "before" -> "after"',
    );
    expect((await object('edited')).spec).toMatchObject({ description: 'after' });
  });

  test('completion offers the names of the chosen cluster, and the shared options', async () => {
    await add('completed', '--description', 'for the shell');
    const offered = (...words: string[]) => lshOk(cli, ['__complete', ...words]);
    expect(await offered('cron', 'get', '--cluster', 'compl')).toBe('completed\tfor the shell\n');
    expect(await offered('cron', 'get', '--namespace', 'team', 'compl')).toBe('completed\tfor the shell\n');
    expect(await offered('cron', 'get', '--namespace=nowhere', 'compl')).toBe('');
    expect(await offered('cron', 'get', 'compl')).toBe('');
    expect(await offered('cron', 'get', '--kubec')).toMatch(/^--kubeconfig\t/);
  });

  test('templates and crontabs can be added to a cluster', async () => {
    const set = ['--set', 'database=app', '--set', 'directory=/backups'];
    expect(
      await cli.ok(['cron', 'create-from-template', 'database-backup', ...set, '--image', 'postgres']),
    ).toMatch(/^job "database-backup" created\n/);
    const imported = await cli.ok(['cron', 'import', '--crontab', '-'], {
      stdin: '5 4 * * * /bin/clean-up\n',
    });
    expect(imported).toMatch(/^job "clean-up" created /);
  });

  test.each([
    ['a refused command', ['--command', 'rm -rf /'], 5, 'COMMAND_REFUSED'],
    ['a file of variables', ['--command', 'true', '--env-file', '/etc/environment'], 2, 'JOB_INVALID'],
    ['an unknown zone', ['--command', 'true', '--tz', 'Mars/Phobos'], 2, 'JOB_INVALID'],
    ['a relative directory', ['--command', 'true', '--working-dir', 'here'], 2, 'JOB_INVALID'],
  ])('%s is refused before a request is sent', async (_, args, status, code) => {
    const result = await cli.call(['cron', 'add', '--name', 'x', ...YEARLY, ...args]);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toContain(`[${code}]`);
  });
});
