// Jobs that come to a cluster from elsewhere: `promote` from the local daemon, `import` from CronJobs.
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { aSharedDaemon, lsh, lshOk } from '../../support/daemon/cli.ts';
import { KUBE_MINOR, NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';

const CRON_JOBS = KUBE_MINOR >= 21 ? 'batch/v1' : 'batch/v1beta1';

function aCronJob(name: string, changes: { spec?: object; job?: object; container?: object } = {}) {
  const container = {
    name: 'main',
    image: 'postgres:17',
    command: ['/bin/sh', '-c', 'pg_dump app'],
    ...changes.container,
  };
  const template = { spec: { restartPolicy: 'OnFailure', containers: [container] } };
  return {
    apiVersion: CRON_JOBS,
    kind: 'CronJob',
    metadata: { name },
    spec: { schedule: '30 1 * * *', jobTemplate: { spec: { template, ...changes.job } }, ...changes.spec },
  };
}

describe.skipIf(NO_KUBE)('adoption by a cluster', () => {
  const home = aSharedDaemon();
  const cli = aTestCluster('adopted');
  let both: { env: Record<string, string> };

  beforeAll(async () => {
    both = { env: { ...home.env, KUBECONFIG: cli.env['KUBECONFIG']! } };
  });

  const object = (name: string) => cli.client.json<LshJob>({ path: lshJobPath('adopted', name) });
  const addLocally = (name: string, ...more: string[]) =>
    lshOk(home, ['cron', 'add', '-n', name, '-s', '0 2 * * 0', '-c', 'make rotate', ...more]);
  const createCronJob = (body: object) =>
    cli.client.json({ method: 'POST', path: `/apis/${CRON_JOBS}/namespaces/adopted/cronjobs`, body });

  test('promote copies a local job, notes the differences, and leaves the local job', async () => {
    await addLocally('rotate', '--tz', 'Europe/Berlin', '--retries', '2');
    const dry = await lsh(both, ['cron', 'promote', 'rotate', '--dry-run']);
    expect(dry.stdout).toMatch(/^job "rotate" created \(dry run\)\n/);
    const { status, stdout, stderr } = await lsh(both, [
      'cron',
      'promote',
      'rotate',
      '--image',
      'alpine:3.22',
    ]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^job "rotate" created\n {2}next runs \(Europe\/Berlin\):/);
    expect(stderr).toMatch(/note: timeZone: Europe\/Berlin[^]*alpine:3\.22[^]*lsh cron pause rotate/);
    expect((await object('rotate')).spec).toMatchObject({
      schedule: '0 2 * * 0',
      timeZone: 'Europe/Berlin',
      command: 'make rotate',
      executor: 'Job',
      retry: { limit: 2 },
      job: { image: 'alpine:3.22' },
    });
    expect(
      await lshOk(both, ['cron', 'promote', 'rotate', '--image', 'alpine:3.22', '-o', 'json']),
    ).toContain('"result": "unchanged"');
    expect(await lshOk(home, ['cron', 'list', '-o', 'name'])).toContain('rotate\n');
  });

  test('promote refuses a job that needs this machine, and an image for a shell run', async () => {
    await addLocally('bound', '--env-file', '/etc/environment');
    const refused = await lsh(both, ['cron', 'promote', 'bound']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(/spec\.envFrom\[0\]\.file[^]*\[JOB_NOT_CARRIED\]/);
    const usage = await lsh(both, ['cron', 'promote', 'bound', '--executor', 'shell', '--image', 'x']);
    expect(usage).toMatchObject({ status: 2, stdout: '' });
    expect(await lsh(both, ['cron', 'promote', 'nobody'])).toMatchObject({ status: 4 });
  });

  test('a CronJob of the cluster becomes an LshJob beside it', async () => {
    await createCronJob(aCronJob('dump', { job: { activeDeadlineSeconds: 600 } }));
    const args = ['cron', 'import', '--cronjob', 'dump', '--namespace', 'adopted'];
    expect((await lsh(both, [...args, '--dry-run'])).stdout).toBe(
      'job "dump" created  30 1 * * * (dry run)\n',
    );
    const { stdout, stderr } = await lsh(both, args);
    expect(stdout).toBe('job "dump" created  30 1 * * *\n');
    expect(stderr).toMatch(
      /dump: note: backoffLimit: 6 became retry\.limit[^]*kubectl patch cronjob dump --namespace adopted/,
    );
    const { spec } = (await object('dump')) as { spec: { job: { podTemplate: object } } };
    expect(spec).toMatchObject({
      command: 'pg_dump app',
      concurrencyPolicy: 'Allow',
      timeoutSeconds: 600,
      retry: { limit: 6, maxSeconds: 360 },
      job: { image: 'postgres:17', podTemplate: { spec: { containers: [{ name: 'run' }] } } },
    });
    expect((await lsh(both, args)).stdout).toMatch(/^job "dump" unchanged/);
  });

  test('CronJobs among documents are converted, for a cluster only', async () => {
    const stdin = stringify(aCronJob('filed', { spec: { suspend: true } }));
    const refused = await lsh(home, ['cron', 'import', '-f', '-'], { stdin });
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('Add --cluster.');
    expect(await cli.ok(['cron', 'import', '-f', '-'], { stdin })).toMatch(/^job "filed" created/);
    expect((await object('filed')).spec).toMatchObject({ suspend: true });
  });

  test('all CronJobs of a namespace are converted, and the answer says how to suspend those that run', async () => {
    const items = [aCronJob('first'), aCronJob('second', { spec: { suspend: true } }), aCronJob('third')];
    const stdin = stringify({ apiVersion: 'v1', kind: 'List', items });
    const { status, stdout, stderr } = await cli.call(['cron', 'import', '-f', '-'], { stdin });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^(job "\w+" created.*\n){3}$/)]);
    const commands = stderr.split('\n').flatMap((line) => /^ {2}(kubectl .*)$/.exec(line)?.[1] ?? []);
    expect(commands).toEqual([
      expect.stringMatching(/^kubectl patch cronjob first .*-p '\{"spec":\{"suspend":true\}\}'$/),
      expect.stringMatching(/^kubectl patch cronjob third /),
    ]);
    expect(stderr).toContain('or each slot runs twice:');
  });

  test('an LshJob that did not come from the CronJob is never changed; --prefix gives another name', async () => {
    await createCronJob(aCronJob('taken'));
    await cli.ok(['cron', 'add', '-n', 'taken', '-s', '@hourly', '-c', 'mine', '--retries', '5']);
    const args = ['cron', 'import', '--cronjob', 'taken'];
    const refused = await cli.call(args);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/"taken" was not imported from CronJob\/taken[^]*\[IMPORT_CONFLICT\]/);
    const fromFile = await cli.call(['cron', 'import', '-f', '-'], { stdin: stringify(aCronJob('taken')) });
    expect(fromFile.stderr).toContain('[IMPORT_CONFLICT]');
    expect((await object('taken')).spec).toMatchObject({ command: 'mine', retry: { limit: 5 } });
    expect(await cli.ok([...args, '--prefix', 'old-'])).toMatch(/^job "old-taken" created/);
    expect((await object('old-taken')).metadata.annotations).toMatchObject({
      'lsh.dev/imported-from': 'CronJob/taken',
    });
  });

  test('a CronJob without a command keeps the image’s entrypoint', async () => {
    await createCronJob(aCronJob('entry', { container: { command: null, args: ['--once', '--all'] } }));
    await createCronJob(aCronJob('plain', { container: { command: null } }));
    for (const name of ['entry', 'plain']) await cli.ok(['cron', 'import', '--cronjob', name]);
    expect((await object('entry')).spec).toMatchObject({
      job: { image: 'postgres:17', entrypointArgs: ['--once', '--all'] },
    });
    expect((await object('plain')).spec).toMatchObject({ job: { entrypointArgs: [] } });
    expect(await cli.ok(['cron', 'list', '-o', 'wide'])).toMatch(
      /entry .*\(entrypoint of postgres:17\) --once --all/,
    );
    expect(await cli.ok(['cron', 'import', '--cronjob', 'plain'])).toMatch(/^job "plain" unchanged/);
    const exported = await cli.ok(['cron', 'export', 'plain']);
    expect(await cli.ok(['apply', '-f', '-'], { stdin: exported })).toBe('job "plain" unchanged\n');
  });

  test('a script of 100,000 characters is carried; a longer one than a kernel takes names its limit', async () => {
    const script = (length: number) => ({ command: ['/bin/sh', '-c', `: ${'x'.repeat(length)}`] });
    await createCronJob(aCronJob('long', { container: script(100_000) }));
    expect(await cli.ok(['cron', 'import', '--cronjob', 'long'])).toMatch(/^job "long" created/);
    await createCronJob(aCronJob('longer', { container: script(140_000) }));
    const refused = await cli.call(['cron', 'import', '--cronjob', 'longer']);
    expect(refused.stderr).toContain('131071');
    expect(refused).toMatchObject({ status: 2, stdout: '' });
  });

  test('a crontab becomes LshJobs that carry its mark and the host', async () => {
    const stdin = '0 1 * * * /opt/backup.sh\n@reboot /opt/agent\n';
    const { status, stdout, stderr } = await cli.call(['cron', 'import', '--crontab', '-'], { stdin });
    expect({ status, stdout }).toEqual({ status: 2, stdout: 'job "backup" created  0 1 * * *\n' });
    expect(stderr).toMatch(/<stdin>:2: note: [^]*@reboot[^]*Job "agent" was left out/);
    expect((await object('backup')).metadata.annotations).toMatchObject({
      'lsh.dev/imported-from': expect.stringMatching(/^stdin@/),
    });
    expect((await cli.call(['cron', 'import', '--crontab', '-'], { stdin })).stdout).toMatch(
      /^job "backup" unchanged/,
    );
  });

  test('an export holds labels and annotations, without those that ask for a run', async () => {
    await cli.ok(['apply', '-f', '-'], {
      stdin: stringify({
        apiVersion: 'lsh.dev/v1alpha1',
        kind: 'LshJob',
        metadata: {
          name: 'marked',
          labels: { team: 'a' },
          annotations: { 'example.com/owner': 'me', 'lsh.dev/trigger': 'once' },
        },
        spec: { schedule: '@daily', command: 'true' },
      }),
    });
    expect(parse(await cli.ok(['cron', 'export', 'marked']))).toMatchObject({
      metadata: { name: 'marked', labels: { team: 'a' }, annotations: { 'example.com/owner': 'me' } },
    });
    expect(await cli.ok(['cron', 'export', 'marked'])).not.toContain('lsh.dev/trigger');
  });

  test('a CronJob that would become another job is refused with every reason; a missing one is not found', async () => {
    await createCronJob(aCronJob('wide', { job: { parallelism: 3, completions: 9 } }));
    const refused = await cli.call(['cron', 'import', '--cronjob', 'wide']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(/parallelism: is 3[^]*completions: is 9[^]*\[JOB_NOT_CARRIED\]/);
    expect(await cli.call(['cron', 'import', '--cronjob', 'nobody'])).toMatchObject({ status: 4 });
  });
});
