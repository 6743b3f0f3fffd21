// The rights of users with LshJobs, by the roles that every cluster has. Each call uses the user's own token.
import { KubeConfig } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statusCode } from '../../src/kubernetes/api/api-errors.ts';
import { KubeClient } from '../../src/kubernetes/api/client.ts';
import { lshJobPath } from '../../src/kubernetes/objects/lsh-job.ts';
import { eventually } from '../support/eventually.ts';
import { RealCluster, RELEASE, TEAM } from './support/real-cluster.ts';

const cluster = new RealCluster();
const clients: KubeClient[] = [];

beforeAll(async () => {
  await cluster.start();
  await cluster.create('theirs', { schedule: '@yearly', command: 'true' });
});
afterAll(async () => {
  await cluster.remove('theirs');
  for (const client of clients) await client.close();
  await cluster.stop();
});

/** A client for a user of the team with one ClusterRole in its namespace and no other rights. */
async function person(name: string, role?: string): Promise<KubeClient> {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: TEAM } };
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name, namespace: TEAM },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name, namespace: TEAM }],
  };
  const objects = role === undefined ? [account] : [account, binding];
  await cluster.kubectlWith(objects.map((object) => stringify(object)).join('---\n'), 'apply', '-f', '-');
  const { status } = await cluster.client.json<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${TEAM}/serviceaccounts/${name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  });
  const client = new KubeClient({ load: () => withToken(status.token), userAgent: 'lsh-e2e' });
  clients.push(client);
  return client;
}

/** The cluster of the administrator's kubeconfig with this token instead of its credentials. */
function withToken(token: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const server = config.getCurrentCluster();
  if (server === null) throw new Error('the kubeconfig names no cluster');
  config.loadFromClusterAndUser(server, { name: 'person', token });
  return config;
}

/** The HTTP status of each call. */
async function answers(client: KubeClient): Promise<Record<string, number | undefined>> {
  const contentType = 'application/merge-patch+json';
  const job = { apiVersion: 'lsh.dev/v1alpha1', kind: 'LshJob', metadata: { name: 'new' } };
  const body = { ...job, spec: { schedule: '@yearly', command: 'true' } };
  const suspended = { spec: { suspend: true } };
  const calls = {
    list: { path: lshJobPath(TEAM) },
    get: { path: lshJobPath(TEAM, 'theirs') },
    create: { method: 'POST', path: lshJobPath(TEAM), body },
    patch: { method: 'PATCH', path: lshJobPath(TEAM, 'theirs'), contentType, body: suspended },
    status: {
      method: 'PATCH',
      path: `${lshJobPath(TEAM, 'theirs')}/status`,
      contentType,
      body: { status: {} },
    },
    delete: { method: 'DELETE', path: lshJobPath(TEAM, 'new') },
    elsewhere: { path: lshJobPath(RELEASE.namespace) },
  } as const;
  const given: Record<string, number | undefined> = {};
  for (const [name, call] of Object.entries(calls))
    given[name] = await client.request(call).then(({ httpStatusCode }) => httpStatusCode, statusCode);
  return given;
}

const NOTHING = { list: 403, get: 403, create: 403, patch: 403, status: 403, delete: 403, elsewhere: 403 };

/** Waits first, because the controller manager aggregates roles some time after their creation. */
async function expectAnswers(client: KubeClient, expected: typeof NOTHING): Promise<void> {
  await eventually(() => client.request({ path: lshJobPath(TEAM) }).then(Boolean, () => false), {
    what: 'a role that includes LshJobs',
    withinMs: 300_000,
  });
  expect(await answers(client)).toEqual(expected);
}

test('a user without a role may do nothing', async () => {
  expect(await answers(await person('nobody'))).toEqual(NOTHING);
});

test('the role view reads LshJobs, and changes none', async () => {
  await expectAnswers(await person('viewer', 'view'), { ...NOTHING, list: 200, get: 200 });
});

test.each(['edit', 'admin'])('the role %s creates and changes LshJobs, but no status', async (role) => {
  const all = { list: 200, get: 200, create: 201, patch: 200, delete: 200 };
  await expectAnswers(await person(`with-${role}`, role), { ...NOTHING, ...all });
});
