// `helm test` without its pod: its script runs as its service account, against a real operator and a real runner. The
// test acts as the nodes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { envOf, NO_HELM, only, render, testPodOf, type Rendered } from '../../support/chart/chart.ts';
import { BUNDLE } from '../../support/daemon/bundle.ts';
import { asBearer } from '../../support/cluster/cluster-cli.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OPERATOR_NAMESPACE } from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { untilAllowed } from '../../support/cluster/rights.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}`;

describe.skipIf(NO_KUBE || NO_HELM)('helm test', () => {
  const objects: Rendered[] = NO_HELM ? [] : render();
  let cluster: OperatorCluster;
  let world: RunnerWorld;
  let env: Record<string, string>;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    world = new RunnerWorld();
    await world.startRunner();
    await cluster
      .operator({ args: ['--shell', world.socketPath, '--shell-namespaces', OPERATOR_NAMESPACE] })
      .leads();
    const { env: own } = await asBearer(cluster.environment, OPERATOR_NAMESPACE, await tokenOfTest());
    env = { ...own, PATH: `${programs()}:${own['PATH']}` };
  });
  afterAll(async () => {
    await cluster?.stop();
    await world?.close();
  });

  const post = <T>(path: string, body: object) => cluster.admin.json<T>({ method: 'POST', path, body });

  /** The token of the chart’s account for its test, with the rights that the chart grants it. */
  async function tokenOfTest(): Promise<string> {
    const accounts = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts`;
    const account = only(objects, 'ServiceAccount', 'lsh-test');
    await post(accounts, account);
    await post(`${RBAC}/roles`, only(objects, 'Role', 'lsh-test'));
    await post(`${RBAC}/rolebindings`, only(objects, 'RoleBinding', 'lsh-test'));
    await untilAllowed(cluster.admin, `${OPERATOR_NAMESPACE}:lsh-test`, {
      verb: 'create',
      group: 'lsh.dev',
      resource: 'lshjobs',
      namespace: OPERATOR_NAMESPACE,
    });
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = await post<{ status: { token: string } }>(`${accounts}/lsh-test/token`, request);
    return status.token;
  }

  /** A directory with `lsh`, for the PATH, as in the image. */
  function programs(): string {
    const directory = cluster.environment.dir;
    const path = join(directory, 'lsh');
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${BUNDLE}' "$@"\n`);
    chmodSync(path, 0o755);
    return dirname(path);
  }

  /** Runs the script of the container. */
  async function helmTest(): Promise<{ status: number | null; output: string }> {
    const [container] = testPodOf(objects).containers;
    const [program, ...options] = container!.command!;
    const given = envOf(container!) as Record<string, string>;
    const child = spawn(program!, [...options, ...container!.args!], { env: { ...given, ...env } });
    const [[status], stdout, stderr] = await Promise.all([
      once(child, 'close') as Promise<[number | null]>,
      text(child.stdout),
      text(child.stderr),
    ]);
    return { status, output: stdout + stderr };
  }

  async function jobsLeft(): Promise<unknown[]> {
    const path = lshJobPath(OPERATOR_NAMESPACE);
    return (await cluster.admin.json<{ items: unknown[] }>({ path })).items;
  }

  test('succeeds when a run of each executor has Completed, and removes its jobs', async () => {
    const { status, output } = await helmTest();
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(output.match(/run "lsh-test-(?:job|shell)-\S+" completed/gi)).toHaveLength(2);
    for (const name of ['lsh-test-job', 'lsh-test-shell'])
      expect(cluster.runsOf(name, OPERATOR_NAMESPACE)).toMatchObject([{ phase: 'Completed' }]);
    expect(await jobsLeft()).toEqual([]);
  });

  test('fails with the reason when a run has failed, and removes its jobs', async () => {
    cluster.behave('lsh-test-job', () => 'Failed');
    const { status, output } = await helmTest();
    expect(status).toBe(1);
    expect(output).toMatch(/lsh-test-job-\S+" failed/i);
    expect(await jobsLeft()).toEqual([]);
  });
});
