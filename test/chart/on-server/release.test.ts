// The life of a release on a real API server, by helm itself: installed, upgraded, uninstalled. Without a kubelet no pod
// runs; the test checks the objects that helm leaves.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isNotFound } from '../../../src/kubernetes/api/api-errors.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { CHART, helm } from '../../../scripts/chart/helm.ts';
import { NO_HELM, type Rendered } from '../../support/chart/chart.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectl, KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

const DEPLOYMENT = '/apis/apps/v1/namespaces/lsh-system/deployments/lsh-controller';
const DEFINITION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lshjobs.lsh.dev';

describe.skipIf(NO_KUBE || NO_HELM)('a release', () => {
  let environment: KubeEnvironment;
  let client: KubeClient;
  let home: string;
  let cluster: string[];

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    client = await environment.client();
    // helm caches the discovery of a server in the home directory.
    home = mkdtempSync(join(tmpdir(), 'lsh-helm-'));
    vi.stubEnv('HOME', home);
    cluster = [`--kubeconfig=${await environment.kubeconfig()}`, '--namespace=lsh-system'];
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true, force: true });
    await environment?.stop();
  });

  const get = <T = Rendered>(path: string) => client.json<T>({ path });
  const upgrade = (...values: string[]) =>
    helm(['upgrade', '--install', 'lsh', CHART, ...cluster, ...values]);

  async function isGone(path: string): Promise<boolean> {
    const outcome = await get(path).catch((error: unknown) => error);
    return isNotFound(outcome);
  }

  test('takes over a definition that kubectl has applied, by the commands that its refusal names', async () => {
    const applied = ['apply', '-f', 'deploy/crd.yaml', '--validate=false'];
    await kubectl(environment, ...applied);
    const refusal = () => upgrade('--create-namespace');
    expect(refusal).toThrow(
      /belongs to no release of helm, such as with kubectl apply\.[^]*crds\.enabled=false/,
    );
    const commands = messageOf(refusal).matchAll(/^ *kubectl (.*)$/gm);
    for (const [, command = ''] of commands) await kubectl(environment, ...command.split(' '));
    expect(refusal()).toContain('helm test lsh');
    helm(['uninstall', 'lsh', ...cluster]);
    await client.request({ method: 'DELETE', path: DEFINITION });
    await eventually(() => isGone(DEFINITION));
  });

  test('is installed with its notes, upgraded in place, and leaves every LshJob when it is uninstalled', async () => {
    expect(upgrade('--create-namespace')).toContain('helm test lsh --namespace lsh-system');
    const installed = await get(DEPLOYMENT);
    const body = {
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: 'kept' },
      spec: { schedule: '@daily', command: 'date' },
    };
    const create = () => client.json({ method: 'POST', path: lshJobPath('default'), body });
    await eventually(() => create().catch(() => undefined));

    expect(upgrade(`--values=${CHART}/values-ha.yaml`)).toContain('REVISION: 2');
    const upgraded = await get<Rendered & { metadata: { uid: string } }>(DEPLOYMENT);
    expect(upgraded).toMatchObject({
      metadata: { uid: (installed.metadata as { uid?: string }).uid },
      spec: { replicas: 2 },
    });

    helm(['uninstall', 'lsh', ...cluster]);
    expect(await isGone(DEPLOYMENT)).toBe(true);
    expect(await isGone('/apis/rbac.authorization.k8s.io/v1/clusterroles/lsh-controller')).toBe(true);
    expect(await get<LshJob>(lshJobPath('default', 'kept'))).toMatchObject({
      spec: { command: 'date' },
    });

    // A second release learns who owns the definition, and what to do.
    const second = (...values: string[]) =>
      helm(['upgrade', '--install', 'second', CHART, cluster[0]!, '--namespace=default', ...values]);
    expect(() => second()).toThrow(
      /lshjobs\.lsh\.dev exists already and belongs to the release lsh in the namespace lsh-system\.[^]*crds\.enabled=false/,
    );
    expect(second('--set=crds.enabled=false')).toContain('REVISION: 1');
    helm(['uninstall', 'second', cluster[0]!, '--namespace=default']);

    // The next release of the name adopts the kept objects.
    expect(upgrade('--set=crds.keep=false')).toContain('deletes every LshJob');
    helm(['uninstall', 'lsh', ...cluster]);
    await eventually(async () => (await isGone(DEFINITION)) || undefined);
  });
});
