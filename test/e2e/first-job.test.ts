// The README's job on a cluster with real pods, and the reach of a shell run there.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { RUN_LABEL } from '../../src/kubernetes/objects/kube-job.ts';
import { RealCluster, readmeDocument, RELEASE, TEAM } from './support/real-cluster.ts';

const README_JOB = 'disk-space';
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** An invented key; the release gets it from a Secret. */
const KEY = 'AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0JQMADEUP';
const SECRET = 'lsh-secrets-key';

const secret = stringify({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: SECRET, namespace: RELEASE.namespace },
  // With the newline of a Secret that kubectl creates from a file.
  stringData: { LSH_SECRETS_KEY: `${KEY}\n` },
});

const cluster = new RealCluster();
beforeAll(() => cluster.start({ secretsKey: { existingSecret: SECRET } }, [secret]));
afterAll(() => cluster.stop());

describe('the document of the README', () => {
  test('appears in kubectl with its next slot', async () => {
    await cluster.kubectlWith(readmeDocument(), 'apply', '--namespace', TEAM, '-f', '-');
    await cluster.until('the first evaluation', () => cluster.get(README_JOB)?.status?.nextScheduleTime);
    const shown = await cluster.kubectl('get', 'lj', '--namespace', TEAM);
    expect(shown).toMatch(/disk-space +0 \* \* \* \*/);
  });

  test('runs a pod at its slot, and its output reaches the object', async () => {
    // Later runs must not push the first one out of the status before the test sees it.
    const spec = { schedule: '*/5 * * * * *', successfulRunsHistoryLimit: 100 };
    await cluster.patch(README_JOB, { spec });
    const run = await cluster.untilRun(README_JOB, ({ phase }) => phase === 'Completed');

    expect(Date.parse(run.slot) % 5000).toBe(0);
    expect(run).toMatchObject({ trigger: 'Schedule', executor: 'Job', exitCode: 0, attempt: 1 });
    expect(run.outputTail).toMatch(/^\d+ % of the disk are used\n$/);
    await cluster.until('a succeeded pod', () =>
      [...cluster.podsSeen.values()].find(
        ({ metadata, status }) => metadata.labels?.[RUN_LABEL] === run.name && status?.phase === 'Succeeded',
      ),
    );
    const shown = await cluster.kubectl('get', 'lj', README_JOB, '--namespace', TEAM, '--output=yaml');
    expect(shown).toContain('% of the disk are used');
    await cluster.remove(README_JOB);
  });
});

describe('a shell run', () => {
  // The brackets keep the patterns from matching the command itself.
  const probe = [
    'echo "user $(id -u)"',
    `cat ${TOKEN} || echo "no token"`,
    'grep -als "runn[e]r" /proc/[0-9]*/cmdline && echo "sees the runner"',
    'grep -als "contr[o]ller" /proc/[0-9]*/cmdline || echo "sees no operator"',
    'echo in the shared volume: $(ls -A /run/lsh /run/lsh/runner)',
  ].join('\n');

  test('has no token and sees no processes and no files of the controller', async () => {
    await cluster.lsh(
      'cron',
      'add',
      '--name',
      'probe',
      '--schedule',
      '@yearly',
      '--executor',
      'shell',
      '--command',
      probe,
    );
    await cluster.lsh('cron', 'trigger', 'probe', '--wait');
    const run = await cluster.untilRun('probe', ({ phase }) => phase === 'Completed');

    expect(run).toMatchObject({ executor: 'Shell', trigger: 'Manual' });
    expect(run.outputTail).toContain('user 65533\n');
    expect(run.outputTail).toContain('no token\n');
    expect(run.outputTail).toContain('sees the runner\n');
    expect(run.outputTail).toContain('sees no operator\n');
    expect(run.outputTail).toMatch(/runner: runner\.sock( runner\.sock\.lock\S*)*\n$/);
    await cluster.remove('probe');
  });

  test('finds no token in its container; the other container has it', async () => {
    // Proves that the path is right.
    expect(await cluster.inContainer('controller', 'cat', TOKEN)).toMatch(/^ey/);
    await expect(cluster.inContainer('shell', 'cat', TOKEN)).rejects.toThrow(/No such file/);
  });

  test('has the secrets key; the controller lacks it and no output shows it', async () => {
    const command = 'echo "length ${#LSH_SECRETS_KEY}"; env | grep SECRETS';
    await cluster.create('key', { schedule: '@yearly', executor: 'Shell', command });
    await cluster.lsh('cron', 'trigger', 'key', '--wait');
    const run = await cluster.untilRun('key', ({ phase }) => phase === 'Completed');

    const shown = `length ${KEY.length}\nLSH_SECRETS_KEY=***\n`;
    expect(run.outputTail).toBe(shown);
    expect(await cluster.lsh('cron', 'logs', 'key')).toBe(shown);
    const variable = ['printenv', 'LSH_SECRETS_KEY'];
    expect((await cluster.inContainer('shell', ...variable)).trim()).toBe(KEY);
    await expect(cluster.inContainer('controller', ...variable)).rejects.toThrow(/exit code 1/);
    const { name } = (await cluster.operator()).metadata;
    const all = ['--namespace', RELEASE.namespace, '--all-containers', '--tail=-1'];
    const logs = await cluster.kubectl('logs', name, ...all);
    expect(logs).toContain('runner started');
    expect(logs).not.toContain(KEY);
    await cluster.remove('key');
  });
});
