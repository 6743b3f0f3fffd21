// The API server in trouble: the operator goes on by itself, in the same process, with a whole ledger, and its
// figures tell for how long it was blind.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { V1MicroTime } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import { ByteProxy } from '../support/byte-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { HttpProxy, type Answer } from '../support/http-proxy.ts';
import { NO_KUBE } from '../support/kube.ts';
import { findings } from '../support/ledger-check.ts';
import { OperatorCluster } from '../support/operator-cluster.ts';
import { installRbac, OPERATOR_NAMESPACE, operatorKubeconfig, type Operator } from '../support/operator.ts';

const ALONE = '--leader-elect=false';
const FAILING_MS = 30_000;

describe.skipIf(NO_KUBE)('an operator whose API server is in trouble', () => {
  let cluster: OperatorCluster;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
  });
  afterAll(() => cluster?.stop());

  /** Starts an operator behind the proxy, lets the trouble happen while slots are due, and looks at what came of it. */
  async function survives(
    name: string,
    proxy: { url: string },
    trouble: (operator: Operator) => Promise<void>,
    args: string[] = [],
  ): Promise<Operator> {
    const kubeconfig = await operatorKubeconfig(cluster.environment, cluster.admin, proxy.url);
    return goesOn(name, kubeconfig, trouble, args);
  }

  async function goesOn(
    name: string,
    kubeconfig: string,
    trouble: (operator: Operator) => Promise<void>,
    args: string[] = [],
  ): Promise<Operator> {
    const operator = await cluster.operator({ kubeconfig, args: [ALONE, ...args] }).leads();
    const created = await cluster.create(name, { schedule: '* * * * * *', successfulRunsHistoryLimit: 100 });
    await completed(name, 2);
    await trouble(operator);
    await completed(name, (cluster.get(name)?.status?.totals?.completed ?? 0) + 2);
    await cluster.patch(name, { spec: { suspend: true } });
    const { status } = await cluster.until(
      name,
      ({ phase, active }) => phase === 'Suspended' && active?.length === 0,
    );
    expect(findings(cluster.ledgerOf(created, Date.parse(status!.accountedUntil!)))).toEqual([]);
    expect(cluster.kubelet.failures).toEqual([]);
    expect(operator.process.exitCode).toBeNull();
    await cluster.delete(name);
    return operator;
  }

  const completed = (name: string, count: number) =>
    cluster.until(name, ({ totals }) => (totals?.completed ?? 0) >= count);

  async function blindSeconds(operator: Operator, resource: string): Promise<number> {
    const { body } = await operator.get('/metrics');
    const line = body
      .split('\n')
      .find((each) => each.startsWith(`lsh_watch_blind_seconds_total{resource="${resource}"}`));
    return Number(line?.split(' ')[1]);
  }

  /** Lets a proxy answer so many requests, Events aside; answers with how many it has. */
  function answers(proxy: HttpProxy, count: number, answer: (index: number) => Answer): () => number {
    let given = 0;
    proxy.intercept = ({ url }) =>
      url.pathname.includes('/events') || given >= count ? undefined : answer(given++);
    return () => given;
  }

  test('which was restarted with a compacted store: it lists anew', async () => {
    const { environment } = cluster;
    const proxy = await ByteProxy.start(environment.server);
    let before = 0;
    const operator = await survives('restarted', proxy, async (operator) => {
      before = await blindSeconds(operator, 'jobs');
      proxy.refusing = true;
      proxy.cut();
      // Something that the operator does not see.
      await cluster.create('unseen', { schedule: '@yearly' });
      await environment.compactEtcd();
      await environment.stopApiServer();
      await environment.startApiServer();
      proxy.refusing = false;
      await cluster.until('unseen', ({ phase }) => phase === 'Scheduled');
    });
    expect(await blindSeconds(operator, 'jobs')).toBeGreaterThan(before + 1);
    expect(operator.lines.map(({ error }) => String(error)).join('\n')).toMatch(/HTTP 410|too old/);
    await operator.stop();
    await proxy.stop();
  });

  test('which has no time for it now', async () => {
    const proxy = await HttpProxy.start(cluster.environment);
    const operator = await survives('throttled', proxy, async () => {
      const given = answers(proxy, 10, () => ({ status: 429, headers: { 'Retry-After': '1' }, body: '{}' }));
      await eventually(() => given() === 10);
    });
    const refused = operator.lines.filter(({ msg }) => msg === 'reconcile failed');
    expect(refused).not.toEqual([]);
    expect(refused.filter(({ retryInMs }) => Number(retryInMs) < 1_000)).toEqual([]);
    await operator.stop();
    await proxy.stop();
  });

  test('which fails for half a minute, and half of the time has done what it was asked', async () => {
    const proxy = await HttpProxy.start(cluster.environment);
    const operator = await survives('failing', proxy, async () => {
      const overAt = performance.now() + FAILING_MS;
      const given = answers(proxy, Infinity, (index) => ({
        status: 500,
        body: '{}',
        ...(index % 2 === 1 && { carriedOut: true }),
      }));
      await eventually(() => performance.now() >= overAt);
      expect(given()).toBeGreaterThan(6);
      proxy.intercept = () => undefined;
    });
    await operator.stop();
    await proxy.stop();
  });

  test('whose connection goes silent without an end: it asks, and opens another', async () => {
    const proxy = await ByteProxy.start(cluster.environment.server);
    let before = 0;
    const watchSilence = ['--watch-silence', '8s'];
    const trouble = async (operator: Operator): Promise<void> => {
      before = await blindSeconds(operator, 'lshjobs');
      proxy.hold();
    };
    const operator = await survives('silent', proxy, trouble, watchSilence);
    expect(await blindSeconds(operator, 'lshjobs')).toBeGreaterThan(before + 4);
    await operator.stop();
    await proxy.stop();
  });

  test('which takes its token no longer: it reads the new one', async () => {
    const { environment, admin } = cluster;
    const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts/lsh-controller`;
    const tokenFile = join(environment.dir, 'operator-token');
    const kubeconfig = join(environment.dir, 'operator-by-file');
    const config = parse(await readFile(cluster.kubeconfig, 'utf8')) as {
      users: { name: string; user: { token?: string; 'auth-provider'?: object } }[];
    };
    await writeFile(tokenFile, config.users[0]!.user.token!);
    // As the library reads the token that is mounted into a Pod.
    config.users[0]!.user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
    await writeFile(kubeconfig, stringify(config));
    const operator = await goesOn('expired', kubeconfig, async (operator) => {
      // A new account of the same name: the old one's token is worth nothing.
      await admin.request({ method: 'DELETE', path });
      await installRbac(admin);
      const refused = async () =>
        /rest_client_requests_total\{[^}]*code="401"/.test((await operator.get('/metrics')).body);
      await eventually(refused, { withinMs: 60_000, what: 'a refusal' });
      const fresh = parse(
        await readFile(await operatorKubeconfig(environment, admin), 'utf8'),
      ) as typeof config;
      await writeFile(tokenFile, fresh.users[0]!.user.token!);
    });
    await operator.stop();
  });

  test('that waits for its turn is ready once it has read what it would lead, and not before', async () => {
    const { environment, admin } = cluster;
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases`;
    const proxy = await HttpProxy.start(environment);
    proxy.intercept = ({ url }) => (url.pathname === '/apis/batch/v1/jobs' ? { status: 500 } : undefined);
    const times = { renewTime: new V1MicroTime(), acquireTime: new V1MicroTime() };
    const spec = { holderIdentity: 'another', leaseDurationSeconds: 3600, ...times };
    await admin.json({ method: 'POST', path: leases, body: { metadata: { name: 'lsh-controller' }, spec } });
    const kubeconfig = await operatorKubeconfig(environment, admin, proxy.url);
    const standby = cluster.operator({ kubeconfig });
    const lists = () => proxy.requests.filter(({ url }) => url.pathname === '/apis/batch/v1/jobs').length;
    await eventually(() => lists() > 1, { what: 'a second try' });
    expect(await standby.get('/readyz')).toEqual({
      status: 503,
      body: 'the caches have not synced yet\n',
    });
    expect(await standby.get('/healthz')).toMatchObject({ status: 200 });
    proxy.intercept = () => undefined;
    await eventually(async () => (await standby.get('/readyz')).status === 200, { what: 'it to be ready' });
    expect((await standby.get('/metrics')).body).toMatch(/^leader_election_master_status\{.*\} 0$/m);
    await admin.request({ method: 'DELETE', path: `${leases}/lsh-controller` });
    await standby.leads();
    expect(await standby.stop()).toEqual([0, null]);
    await proxy.stop();
  });
});
