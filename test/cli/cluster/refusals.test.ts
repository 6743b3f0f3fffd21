// The errors of `--cluster` without a cluster, a CRD, a right, a namespace or a controller.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { clusterJobs } from '../../../src/kubernetes/verbs/cluster-jobs.ts';
import { lsh } from '../../support/daemon/cli.ts';
import { asBearer, type ClusterCli } from '../../support/cluster/cluster-cli.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { untilAllowed } from '../../support/cluster/rights.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';
import { tempDir } from '../../support/temp-dir.ts';

const LSH_JOBS = { group: 'lsh.dev', resource: 'lshjobs' };
const ADD = ['cron', 'add', '-n', 'x', '-s', '@yearly', '-c', 'true'];

describe.skipIf(NO_KUBE)('refusals of a cluster', () => {
  const cli = aTestCluster('refusals');

  test('a missing kubeconfig, an invalid one and an unknown context have errors of their own', async () => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: tempDir() };
    const none = await lsh({ env }, ['cron', 'list', '--cluster']);
    expect(none).toMatchObject({ status: 2, stdout: '' });
    expect(none.stderr).toContain('[KUBECONFIG_MISSING]');
    const unknown = await cli.call(['cron', 'list', '--context', 'moon']);
    expect(unknown.stderr).toMatch(/no context "moon"[^]*Known contexts: \S+[^]*\[KUBECONFIG_INVALID\]/);
    const missing = await cli.call(['cron', 'list', '--kubeconfig', '/does/not/exist']);
    expect(missing.stderr).toContain('[KUBECONFIG_INVALID]');
  });

  test('the error of a silent cluster names its server', async () => {
    const file = join(tempDir(), 'config');
    const cluster = { server: 'https://127.0.0.1:1' };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    };
    await writeFile(file, JSON.stringify(config));
    const { status, stderr } = await cli.call(['cron', 'list', '--kubeconfig', file]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/https:\/\/127\.0\.0\.1:1 cannot be reached[^]*\[CLUSTER_UNREACHABLE\]/);
  });

  test('a job that is being deleted starts no run', async () => {
    await cli.ok(['cron', 'add', '-n', 'leaving', '-s', '@yearly', '-c', 'true']);
    const path = lshJobPath('refusals', 'leaving');
    const contentType = 'application/merge-patch+json';
    const finalizers = (value: string[] | null) =>
      cli.client.json({ method: 'PATCH', path, contentType, body: { metadata: { finalizers: value } } });
    await finalizers(['example.com/hold']);
    await cli.client.request({ method: 'DELETE', path });
    const { status, stderr } = await cli.call(['cron', 'trigger', 'leaving']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/did not start: it is being deleted[^]*finalizers[^]*\[RUN_FORBIDDEN\]/);
    await finalizers(null);
  });

  test('reads and writes in a missing namespace name it', async () => {
    for (const args of [['cron', 'list'], ['cron', 'get', 'x'], ADD, ['cron', 'history']]) {
      const { status, stderr } = await cli.call([...args, '--namespace', 'nowhere']);
      expect({ args, status }).toEqual({ args, status: 4 });
      expect(stderr).toContain('There is no namespace "nowhere"');
    }
  });

  test('a missing right is named, and differs from wrong credentials', async () => {
    const stranger = await asBearer(cli.environment, 'refusals', await tokenOf('stranger'));
    const list = await stranger.call(['cron', 'list']);
    expect(list.status).toBe(1);
    expect(list.stderr).toMatch(
      /You may not list lshjobs\.lsh\.dev in namespace "refusals"[^]*\[CLUSTER_FORBIDDEN\]/,
    );
    expect((await stranger.call(['cron', 'list', '-A'])).stderr).toContain('in the whole cluster');
    const nobody = await asBearer(cli.environment, 'refusals', 'not-a-token-of-anybody');
    expect((await nobody.call(['cron', 'list'])).stderr).toContain('[CLUSTER_UNAUTHORIZED]');
  });

  test('a user who may only read gets an error about create', async () => {
    const token = await tokenOf('looker');
    await grant('looker', ['get', 'list', 'watch']);
    const looker = await asBearer(cli.environment, 'refusals', token);
    expect(await looker.ok(['cron', 'list', '-o', 'name'])).toBe('');
    expect((await looker.call(ADD)).stderr).toContain('You may not create lshjobs.lsh.dev');
  });

  test('without the right to exec, or without the pod, the end of a shell run is printed and the note says why', async () => {
    const token = await tokenOf('reader');
    await grant('reader', ['get', 'list', 'watch']);
    const reader = await asBearer(cli.environment, 'refusals', token);
    await cli.ok(ADD);
    const times = { createdAt: '2026-01-01T00:00:00Z', startedAt: '2026-01-01T00:00:00Z' };
    const run = {
      name: 'x-1',
      job: 'x',
      slot: times.createdAt,
      trigger: 'Schedule',
      attempt: 1,
      executor: 'Shell',
    };
    const ended = { phase: 'Completed', finishedAt: '2026-01-01T00:00:01Z', outputBytes: 2000 };
    const write = (entry: object) =>
      cli.client.json({
        method: 'PATCH',
        path: `${lshJobPath('refusals', 'x')}/status`,
        contentType: 'application/merge-patch+json',
        body: { status: { active: [], recentRuns: [{ ...run, ...times, ...ended, ...entry }] } },
      });
    await write({ outputTail: 'the end\n', host: 'refusals/lsh-1' });
    const logs = (as: ClusterCli, ...flags: string[]) => as.call(['cron', 'logs', 'x', 'x-1', ...flags]);
    const kept = (why: string) =>
      `note: Only the end of the output of x-1 is kept (8 bytes): ${why}. Until its pod ends, the whole is there:`;

    const refused = await logs(reader);
    expect(refused).toMatchObject({ status: 0, stdout: 'the end\n' });
    expect(refused.stderr).toContain(kept('you may not exec into pods of namespace "refusals"'));
    expect(refused.stderr).toContain(
      'kubectl exec lsh-1 --namespace refusals -c shell -- lsh runner logs refusals/x-1\n',
    );
    expect((await logs(reader, '-f')).stdout).toBe('the end\n');

    // The rights that docs/security.md names; older servers need the first alone.
    await grant('reader', ['get', 'create'], { group: '', resource: 'pods', subresource: 'exec' });
    const gone = await logs(reader);
    expect(gone).toMatchObject({ status: 0, stdout: 'the end\n' });
    expect(gone.stderr).toContain(kept('namespace "refusals" has no pod lsh-1 with a container shell'));

    // Words that are no pod become no part of a path.
    await write({ outputTail: 'the end\n', host: '../secrets/lsh-1' });
    expect((await logs(cli)).stderr).toMatch(/is kept \(8 bytes\): it does not say in which pod it is\.\n$/);
    // The status has every byte: no call is made.
    await write({ outputTail: 'the end\n', outputBytes: 8, host: 'refusals/lsh-1' });
    expect(await logs(reader)).toMatchObject({ status: 0, stdout: 'the end\n', stderr: '' });
    await cli.ok(['cron', 'remove', 'x']);
  });

  test('without a controller a trigger fails after its timeout, and stays recorded', async () => {
    await cli.ok(ADD);
    const jobs = clusterJobs({
      client: cli.client,
      namespace: 'refusals',
      allNamespaces: false,
      answerWithinMs: 50,
      checkCommand: () => [],
      notice: () => {},
      now: () => 0,
    });
    await expect(jobs.trigger({ name: 'x', id: 'early' })).rejects.toMatchObject({
      code: 'CONTROLLER_SILENT',
    });
    const { metadata } = await cli.client.json<{ metadata: { annotations: Record<string, string> } }>({
      path: '/apis/lsh.dev/v1alpha1/namespaces/refusals/lshjobs/x',
    });
    expect(metadata.annotations['lsh.dev/trigger']).toBe('early');
    // The next trigger must not overwrite a pending one.
    await expect(jobs.trigger({ name: 'x', id: 'late' })).rejects.toMatchObject({
      code: 'CONTROLLER_SILENT',
      hint: expect.stringContaining('was not recorded') as string,
    });
  });

  test('the error of a cluster without the CRD says how to install it', async () => {
    await cli.client.json({
      method: 'DELETE',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lshjobs.lsh.dev',
    });
    for (const args of [['cron', 'list'], ADD, ['cron', 'get', 'x']]) {
      const { status, stderr } = await untilGone(args);
      expect({ args, status }).toEqual({ args, status: 1 });
      expect(stderr).toMatch(/does not know LshJob[^]*kubectl apply -f deploy\/crd\.yaml/);
    }
  });

  /** The server serves a deleted CRD for a moment. */
  async function untilGone(args: string[]) {
    for (;;) {
      const result = await cli.call(args);
      if (!/\[(JOB_NOT_FOUND|CLUSTER_REFUSED)\]|^$/.test(result.stderr.split('\n').at(-2) ?? ''))
        return result;
    }
  }

  async function tokenOf(name: string): Promise<string> {
    const path = '/api/v1/namespaces/refusals/serviceaccounts';
    await cli.client.json({ method: 'POST', path, body: { metadata: { name } } });
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    };
    const { status } = await cli.client.json<{ status: { token: string } }>({
      method: 'POST',
      path: `${path}/${name}/token`,
      body,
    });
    return status.token;
  }

  async function grant(
    account: string,
    verbs: string[],
    access: { group: string; resource: string; subresource?: string } = LSH_JOBS,
  ): Promise<void> {
    const base = '/apis/rbac.authorization.k8s.io/v1/namespaces/refusals';
    const { group, resource, subresource } = access;
    const name = [account, resource, subresource].filter(Boolean).join('-');
    const resources = [[resource, subresource].filter(Boolean).join('/')];
    const rules = [{ apiGroups: [group], resources, verbs }];
    await cli.client.json({ method: 'POST', path: `${base}/roles`, body: { metadata: { name }, rules } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
    const subjects = [{ kind: 'ServiceAccount', name: account, namespace: 'refusals' }];
    await cli.client.json({
      method: 'POST',
      path: `${base}/rolebindings`,
      body: { metadata: { name }, roleRef, subjects },
    });
    for (const verb of verbs)
      await untilAllowed(cli.client, `refusals:${account}`, { ...access, namespace: 'refusals', verb });
  }
});
