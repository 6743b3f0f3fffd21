// The shipped rights are the least that works: with all of them no call is refused, and without any one of them a call
// is.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { manualRunName } from '../../../src/core/naming.ts';
import { statusCode } from '../../../src/kubernetes/api/api-errors.ts';
import { KubeClient, type KubeRequest } from '../../../src/kubernetes/api/client.ts';
import { loadKubeConfig } from '../../../src/kubernetes/api/kube-config.ts';
import { LeaderElector } from '../../../src/kubernetes/api/lease.ts';
import type { KubeObject } from '../../../src/kubernetes/api/objects.ts';
import { HostPods } from '../../../src/kubernetes/operator/host-pods.ts';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { NO_HELM, render } from '../../support/chart/chart.ts';
import { eventually } from '../../support/eventually.ts';
import { InProcessOperator } from '../../support/cluster/in-process-operator.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import {
  OPERATOR_NAMESPACE,
  operatorKubeconfig,
  shippedRbac,
  type Manifest,
} from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { untilAllowed } from '../../support/cluster/rights.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const AT_A_TIME = 5;
const TEAMS = ['team-a', 'team-b'];
/** The kinds of a release that grant rights, by their plural. */
const RIGHTS: Record<string, string> = {
  ServiceAccount: 'serviceaccounts',
  Role: 'roles',
  RoleBinding: 'rolebindings',
};

/** One verb on one resource. */
interface Right {
  resource: string;
  verb: string;
}

const rights: Right[] = shippedRbac()
  .flatMap(({ rules = [] }) => rules)
  .flatMap(({ resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ resource, verb }))),
  );

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** The right that a call needs, such as `get jobs` or `patch lshjobs/status`. */
function rightOf(method: string, url: string): string {
  const { pathname, searchParams } = new URL(url);
  const path = pathname.replace(/^\/(?:api|apis\/[^/]+)\/v[^/]+\//, '').replace(/^namespaces\/[^/]+\//, '');
  const [resource, name, subresource] = path.split('/');
  const reading = searchParams.get('watch') === 'true' ? 'watch' : name === undefined ? 'list' : 'get';
  return `${VERBS[method] ?? reading} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}

describe.skipIf(NO_KUBE)('the shipped rights', () => {
  let cluster: OperatorCluster;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    cluster.behave('late', () => undefined);
    cluster.behave('long', () => 'Run');
  });
  afterEach(() => cluster.stopOperators());
  afterAll(() => cluster?.stop());

  const post = <T>(path: string, body: object) => cluster.admin.json<T>({ method: 'POST', path, body });

  /** The shipped rules without one right. */
  function rulesWithout(missing: Right | undefined, kind: string): NonNullable<Manifest['rules']> {
    const rules = shippedRbac().find((manifest) => manifest.kind === kind)!.rules!;
    for (const rule of rules) {
      if (rule.resources.includes(missing?.resource ?? ''))
        rule.verbs = rule.verbs.filter((verb) => verb !== missing?.verb);
    }
    return rules.filter(({ verbs }) => verbs.length > 0);
  }

  /** A new account with the shipped rights but one; resolves with a client once they have taken effect. */
  async function accountWithout(name: string, missing: Right | undefined): Promise<Account> {
    const metadata = { name, namespace: OPERATOR_NAMESPACE };
    await post('/api/v1/namespaces', { metadata: { name } });
    await post(`/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts`, { metadata });
    const subjects = [{ kind: 'ServiceAccount', ...metadata }];
    for (const [kind, path] of [
      ['ClusterRole', RBAC],
      ['Role', `${RBAC}/namespaces/${OPERATOR_NAMESPACE}`],
    ] as const) {
      const plural = `${kind.toLowerCase()}s`;
      const rules = rulesWithout(missing, kind);
      // Each account has a lease of its own, so that accounts do not wait for each other.
      for (const rule of rules) if (rule.resourceNames) rule.resourceNames = [name];
      await post(`${path}/${plural}`, { kind, metadata: { name }, rules });
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name };
      await post(`${path}/${plural.replace('roles', 'rolebindings')}`, {
        metadata: { name },
        roleRef,
        subjects,
      });
    }
    const account = await clientOf(name);
    const list = { path: '/apis/batch/v1/jobs' };
    const other = { path: lshJobPath() };
    const allowed = missing?.resource === 'jobs' ? other : list;
    await effective(account.client, allowed);
    account.refused.clear();
    await untilAllowed(cluster.admin, `${OPERATOR_NAMESPACE}:${name}`, {
      verb: missing?.resource === 'leases' && missing.verb === 'get' ? 'update' : 'get',
      group: 'coordination.k8s.io',
      resource: 'leases',
      namespace: OPERATOR_NAMESPACE,
      name,
    });
    return account;
  }

  const lease = (name: string) =>
    `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/${name}`;

  /** Resolves once the call is not refused; its object need not exist. */
  async function effective(client: KubeClient, request: KubeRequest): Promise<void> {
    await eventually(async () => {
      const outcome = await client.json(request).catch(statusCode);
      return outcome !== 403;
    });
  }

  interface Account {
    client: KubeClient;
    /** The refused calls, such as `get jobs`. */
    refused: Set<string>;
  }

  async function clientOf(name: string): Promise<Account> {
    const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts/${name}/token`;
    const { status } = await post<KubeObject & { status: { token: string } }>(path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    const caData = Buffer.from(cluster.environment.caPem).toString('base64');
    const load = () => {
      const config = new KubeConfig();
      config.loadFromClusterAndUser(
        { name: 'test', server: cluster.environment.server, caData, skipTLSVerify: false },
        { name: 'operator', token: status.token },
      );
      return config;
    };
    const refused = new Set<string>();
    const client = new KubeClient({
      load,
      userAgent: 'lsh-test',
      onAnswer: (method, code, url) => {
        if (code === 403) refused.add(rightOf(method, url));
      },
    });
    return { client, refused };
  }

  /** Everything that an operator does, in a new namespace; resolves when it is done, or when a call was refused. */
  async function everything(namespace: string, { client, refused }: Account): Promise<void> {
    const operator = new InProcessOperator({
      client,
      env: { LSH_NAMESPACES: namespace },
      // A write just before makes the first patch of each object a conflict.
      beforeWrite: async ({ method, path }) => {
        if (method !== 'PATCH' || !path.includes('/lshjobs/') || touched.has(path)) return;
        touched.add(path);
        const name = path.split('/').at(-2)!;
        await cluster.patch(name, { metadata: { annotations: { touched: 'yes' } } }, namespace);
      },
    });
    const touched = new Set<string>();
    const stop = new AbortController();
    const refusal = eventually(() => refused.size > 0 || stop.signal.aborted, { withinMs: 200_000 });
    const done = Promise.all([lead(namespace, client), operator.start().then(() => work(namespace))]);
    done.catch(() => undefined);
    await Promise.race([done, refusal]);
    stop.abort();
    await refusal;
    await operator.stop();
  }

  async function lead(name: string, client: KubeClient): Promise<void> {
    const stop = new AbortController();
    const elector = new LeaderElector({
      client,
      logger: keptLogger(),
      namespace: OPERATOR_NAMESPACE,
      name,
      identity: name,
      leaseDurationMs: 6_000,
    });
    const hostOf = (pod: string) => `${OPERATOR_NAMESPACE}/${pod}`;
    await elector.run(stop.signal, async (leading) => {
      const pods = new HostPods({ client, own: hostOf(name), logger: keptLogger() });
      expect(await pods.isGone(hostOf('another'))).toBe(false);
      // The release at the end is an update.
      stop.abort();
      if (!leading.aborted) await once(leading, 'abort');
    });
  }

  async function work(namespace: string): Promise<void> {
    const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'run', image: 'i' }] } };
    await post(jobs, { metadata: { name: manualRunName('job', 'taken', 1) }, spec: { template } });
    // The Pod of a later run: the operator reads its log when the run has ended.
    const run = manualRunName('job', 'one', 1);
    const labels = { 'lsh.dev/run': run, 'lsh.dev/job': 'job' };
    const pod = { metadata: { name: 'pod', labels }, spec: { nodeName: 'nowhere', ...template.spec } };
    await post(`/api/v1/namespaces/${namespace}/pods`, pod);
    // A stop passes the deadline of its Pod.
    await cluster.create('long', { schedule: '@yearly' }, namespace);
    await trigger(namespace, 'one', 'long');
    const { status } = await cluster.until(
      'long',
      ({ active: [first] = [] }) => first?.phase === 'Running',
      namespace,
    );
    const annotations = { 'lsh.dev/stop': status!.active![0]!.name };
    await cluster.patch('long', { metadata: { annotations } }, namespace);
    await cluster.until('long', ({ totals }) => totals?.killed === 1, namespace);
    // Its Job gets no Pod, so the operator asks the Events why.
    await cluster.create('late', { schedule: '@yearly' }, namespace);
    await trigger(namespace, 'one', 'late');
    await cluster.create('job', { schedule: '@yearly', successfulRunsHistoryLimit: 0 }, namespace);
    await trigger(namespace, 'one');
    await cluster.until('job', ({ totals }) => totals?.completed === 1, namespace);
    await trigger(namespace, 'taken');
    await cluster.until('job', ({ totals }) => totals?.failed === 1, namespace);
    // The second Event of a kind patches the first one.
    await trigger(namespace, 'two');
    await cluster.until('job', ({ totals }) => totals?.completed === 2, namespace);
    await cluster.waitFor(
      () => cluster.jobController.jobsOf('job', namespace).length === 0 || undefined,
      'pruning',
    );
    await cluster.until('late', ({ active: [run] = [] }) => run?.message !== undefined, namespace);
  }

  async function trigger(namespace: string, id: string, name = 'job'): Promise<void> {
    await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': id } } }, namespace);
  }

  test('are enough: no call is refused', async () => {
    const account = await accountWithout('all-rights', undefined);
    await everything('all-rights', account);
    await account.client.close();
    expect([...account.refused]).toEqual([]);
  });

  /** The ways to grant rights in team-a and team-b, and the account that gets them. */
  const inSomeNamespaces: [how: string, skipped: boolean, install: () => Promise<string>][] = [
    [
      'the Roles of the chart',
      NO_HELM,
      async () => {
        const values = { namespaces: TEAMS, rbac: { scope: 'Namespaced' }, shell: { enabled: false } };
        const release = render(values, { name: 'teams' });
        expect(release.map(({ kind }) => kind)).not.toContain('ClusterRoleBinding');
        for (const { kind, metadata, ...rest } of release.filter((object) => object.kind in RIGHTS)) {
          const { namespace = '' } = metadata;
          const path = kind === 'ServiceAccount' ? '/api/v1' : RBAC;
          await post(`${path}/namespaces/${namespace}/${RIGHTS[kind]}`, { kind, metadata, ...rest });
        }
        return 'teams-lsh-controller';
      },
    ],
    [
      'the RoleBindings of namespaced.yaml',
      false,
      async () => {
        await cluster.admin.json({ method: 'DELETE', path: `${RBAC}/clusterrolebindings/lsh-controller` });
        const binding = parse(readFileSync('deploy/rbac/namespaced.yaml', 'utf8')) as object;
        for (const team of TEAMS) await post(`${RBAC}/namespaces/${team}/rolebindings`, binding);
        return 'lsh-controller';
      },
    ],
  ];

  /** Resolves once the rights in these namespaces have taken effect, and cluster-wide ones have not. */
  async function limited(kubeconfig: string): Promise<void> {
    const client = cluster.environment.clientOf(() => loadKubeConfig({ kubeconfig }));
    for (const team of TEAMS) await effective(client, { path: lshJobPath(team) });
    await effective(client, { path: lease('lsh-controller') });
    await eventually(async () => (await client.json({ path: lshJobPath() }).catch(statusCode)) === 403);
  }

  test.each(inSomeNamespaces)(
    'are enough for some namespaces by %s, and the operator reads no other namespace',
    async (_how, skipped, install) => {
      if (skipped) return;
      for (const name of [...TEAMS, 'team-c'])
        await post('/api/v1/namespaces', { metadata: { name } }).catch(() => undefined);
      const account = await install();
      const { environment, admin } = cluster;
      const kubeconfig = await operatorKubeconfig(environment, admin, environment.server, account);
      await limited(kubeconfig);
      const args = ['--namespaces', TEAMS.join()];
      const operator = await cluster.operator({ kubeconfig, args }).leads();
      // After the operator’s lists, so that a watch delivers the LshJobs.
      for (const namespace of ['team-c', ...TEAMS])
        await cluster.create('job', { schedule: '* * * * * *' }, namespace);
      for (const namespace of TEAMS) {
        await cluster.until('job', ({ totals }) => (totals?.completed ?? 0) >= 2, namespace);
        await cluster.patch('job', { spec: { suspend: true } }, namespace);
        await cluster.until(
          'job',
          ({ phase, active }) => phase === 'Suspended' && active?.length === 0,
          namespace,
        );
      }
      expect(cluster.get('job', 'team-c')?.status).toBeUndefined();
      expect(cluster.jobController.namesOf('job', 'team-c')).toEqual([]);
      const { body } = await operator.get('/metrics');
      expect(body).toMatch(/^rest_client_requests_total\{.*code="200".*\} [1-9]/m);
      expect(body).not.toContain('code="403"');
      expect(operator.lines.filter((line) => /HTTP 403|is forbidden/.test(JSON.stringify(line)))).toEqual([]);
      expect(await operator.stop()).toEqual([0, null]);
      for (const namespace of ['team-c', ...TEAMS]) await cluster.delete('job', namespace);
    },
  );

  test('are the least: without any one of them a call is refused', { timeout: 240_000 }, async () => {
    const missing = [...rights.entries()];
    expect(missing.length).toBeGreaterThan(15);
    while (missing.length > 0) {
      const together = missing.splice(0, AT_A_TIME).map(async ([index, right]) => {
        const name = `without-${index}`;
        const account = await accountWithout(name, right);
        await everything(name, account);
        await account.client.close();
        expect([...account.refused]).toEqual([`${right.verb} ${right.resource}`]);
      });
      await Promise.all(together);
    }
  });
});
