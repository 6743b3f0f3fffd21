// The chart and the plain manifests on a real API server: it admits every object of an installation.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statusBody } from '../../../src/kubernetes/api/api-errors.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import {
  NO_HELM,
  objectsIn,
  only,
  podOf,
  render,
  testJobs,
  testPodOf,
  type PodSpec,
  type Rendered,
} from '../../support/chart/chart.ts';
import { VARIANTS } from '../../support/chart/chart-variants.ts';
import { eventually } from '../../support/eventually.ts';
import { KUBE_MINOR, kubectl, KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';

const NAMESPACE = 'lsh-system';
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };
/** Kinds of an add-on or a newer server. */
const ELSEWHERE = KUBE_MINOR < 21 ? ['monitoring.coreos.com/v1', 'policy/v1'] : ['monitoring.coreos.com/v1'];
// The server validates fields since 1.25 (reliably since 1.27), and pod security since 1.25.
const STRICT = KUBE_MINOR >= 27 ? { fieldValidation: 'Strict' } : {};
const NO_POD_SECURITY = KUBE_MINOR < 25;

interface Resource {
  name: string;
  kind: string;
  namespaced: boolean;
}

describe.skipIf(NO_KUBE || NO_HELM)('the chart on an API server', () => {
  let environment: KubeEnvironment;
  let client: KubeClient;
  const resources = new Map<string, Resource[] | undefined>();

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    client = await environment.client();
    for (const name of [NAMESPACE, 'team-a', 'team-b'])
      await client.json({
        method: 'POST',
        path: '/api/v1/namespaces',
        body: { metadata: { name, labels: RESTRICTED } },
      });
    for (const name of ['lsh-controller', 'lsh-test', 'team-lsh-controller', 'team-lsh-test'])
      await client.json({
        method: 'POST',
        path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
        body: { metadata: { name } },
      });
  });
  afterAll(() => environment?.stop());

  const root = (apiVersion: string) =>
    apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

  /** Resources of an API version; undefined for one that the server does not know. */
  async function known(apiVersion: string): Promise<Resource[] | undefined> {
    if (!resources.has(apiVersion)) {
      const list = await client
        .json<{ resources: Resource[] }>({ path: root(apiVersion) })
        .catch((error: unknown) => {
          if (statusBody(error)?.code !== 404 && !/not found/.test(String(error))) throw error;
          return undefined;
        });
      resources.set(apiVersion, list?.resources);
    }
    return resources.get(apiVersion);
  }

  /** The server’s answer to a dry run; undefined for a kind that it does not know. */
  async function taken(object: Rendered): Promise<Rendered | undefined> {
    const list = await known(object.apiVersion);
    const resource = list?.find(({ kind, name }) => kind === object.kind && !name.includes('/'));
    if (resource === undefined) return undefined;
    const { namespace = NAMESPACE } = object.metadata;
    const scope = resource.namespaced ? `/namespaces/${namespace}` : '';
    const path = `${root(object.apiVersion)}${scope}/${resource.name}`;
    return client.json<Rendered>({ method: 'POST', path, query: { dryRun: 'All', ...STRICT }, body: object });
  }

  /** Kinds that the server admits, and versions that it does not know. */
  async function takenAll(
    objects: readonly Rendered[],
  ): Promise<{ kinds: Set<string>; unknown: Set<string> }> {
    const kinds = new Set<string>();
    const unknown = new Set<string>();
    for (const object of objects) {
      const answer = await taken(withoutConflict(object));
      if (answer === undefined) unknown.add(object.apiVersion);
      else kinds.add(answer.kind);
    }
    return { kinds, unknown };
  }

  /** The service accounts exist, so that pods can be created; the dry run renames them. */
  function withoutConflict(object: Rendered): Rendered {
    if (object.kind !== 'ServiceAccount') return object;
    return { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-again` } };
  }

  test.each(Object.entries(VARIANTS))('every object is admitted: %s', async (_, { values, release }) => {
    const objects = render(values, { ...release, kube: `1.${KUBE_MINOR}` });
    const { kinds, unknown } = await takenAll(objects);
    expect([...kinds]).toEqual(
      expect.arrayContaining(['Deployment', 'Pod', 'Role', 'CustomResourceDefinition']),
    );
    expect(ELSEWHERE).toEqual(expect.arrayContaining([...unknown]));
  });

  test.each(['deploy/lsh.yaml', 'deploy/lsh-ha.yaml'])('every object of %s is admitted', async (path) => {
    const objects = objectsIn(readFileSync(path, 'utf8')).filter(({ kind }) => kind !== 'Namespace');
    const { kinds, unknown } = await takenAll(objects);
    expect(kinds).toContain('Deployment');
    expect(ELSEWHERE).toEqual(expect.arrayContaining([...unknown]));
  });

  /** The server’s refusal of the object. */
  async function refused(object: Rendered): Promise<string> {
    const outcome = await taken(object).catch((error: unknown) => error);
    return statusBody(outcome)?.message ?? 'it was taken';
  }

  test.skipIf(STRICT.fieldValidation === undefined)('an unknown field is refused', async () => {
    const deployment = structuredClone(only(render(), 'Deployment'));
    Object.assign(podOf([deployment]).containers[0]!, { imagePolicy: 'Always' });
    expect(await refused(deployment)).toContain(
      'unknown field "spec.template.spec.containers[0].imagePolicy"',
    );
  });

  const asPod = (spec: PodSpec): Rendered => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', namespace: NAMESPACE },
    spec: { ...spec },
  });

  test.skipIf(NO_POD_SECURITY).each(Object.entries(VARIANTS))(
    'the pods are admitted to a restricted namespace: %s',
    async (_, { values, release }) => {
      const objects = render(values, release);
      expect(await taken(asPod(podOf(objects)))).toMatchObject({ kind: 'Pod' });
      expect(await taken(asPod(testPodOf(objects)))).toMatchObject({ kind: 'Pod' });
    },
  );

  test.skipIf(NO_POD_SECURITY)('an unrestricted pod is refused', async () => {
    const spec = { ...structuredClone(podOf(render())), hostPID: true };
    expect(await refused(asPod(spec))).toContain('violates PodSecurity "restricted:latest"');
  });

  test('the CRD is served, and admits the jobs of helm test', async () => {
    const objects = render();
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await client.json({ method: 'POST', path, body: only(objects, 'CustomResourceDefinition') });
    resources.delete('lsh.dev/v1alpha1');
    const jobs = testJobs(objects);
    expect(jobs).toHaveLength(2);
    for (const job of jobs) {
      const answer = await eventually(() => served(job));
      expect(answer).toMatchObject({ kind: 'LshJob', spec: { concurrencyPolicy: 'Forbid' } });
    }
  });

  /** Undefined until the CRD is served. */
  async function served(job: Rendered): Promise<Rendered | undefined> {
    resources.delete(job.apiVersion);
    return taken(job);
  }
});

describe.skipIf(NO_KUBE || KUBE_MINOR < 21)('the plain manifests', () => {
  let environment: KubeEnvironment;

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
  });
  afterAll(() => environment?.stop());

  test('are applied with kustomize, scaled to two replicas, and deleted without the LshJobs', async () => {
    const run = (...args: string[]) => kubectl(environment, ...args);
    await run('apply', '-k', 'deploy');
    const again = await run('apply', '-k', 'deploy');
    expect(again).toContain('deployment.apps/lsh-controller unchanged');
    expect(again).not.toMatch(/created|configured/);
    await run('wait', '--for=condition=Established', 'crd/lshjobs.lsh.dev');
    await run('apply', '-f', 'deploy/samples/lshjob.yaml');
    expect(await run('apply', '-f', 'deploy/lsh-ha.yaml')).toMatch(
      /deployment.apps\/lsh-controller configured/,
    );
    expect(
      await run('-n', NAMESPACE, 'get', 'deployment', 'lsh-controller', '-o', 'jsonpath={.spec.replicas}'),
    ).toBe('2');
    await run('delete', '-f', 'deploy/lsh-ha.yaml', '--wait=false');
    expect(await run('get', 'lshjobs', '-o', 'name')).toContain('lshjob.lsh.dev/disk-space');
  });
});
