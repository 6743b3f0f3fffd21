// Failures of the API server: the operator recovers in the same process with a complete ledger, and its metrics show for
// how long it was blind.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { V1MicroTime } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import { ByteProxy } from '../../support/cluster/byte-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { HttpProxy, type Answer } from '../../support/cluster/http-proxy.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { findings } from '../../support/cluster/ledger-check.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import {
  installRbac,
  OPERATOR_NAMESPACE,
  operatorKubeconfig,
  type Operator,
} from '../../support/cluster/operator.ts';

const ALONE = '--leader-elect=false';
const FAILING_MS = 30_000;
/** The last part of the outage, in which the watches have ended too; they return in less than this time after it. */
const BLIND_MS = 8_000;
const RESOURCES = ['lshjobs', 'jobs', 'pods'];

describe.skipIf(NO_KUBE)('an operator with an API server', () => {
  let cluster: OperatorCluster;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
  });
  afterAll(() => cluster?.stop());

  /** Starts an operator behind the proxy, causes the failure while slots are due, and checks the ledger afterwards. */
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
    expect(cluster.jobController.failures).toEqual([]);
    expect(operator.process.exitCode).toBeNull();
    await cluster.delete(name);
    return operator;
  }

  const completed = (name: string, count: number) =>
    cluster.until(name, ({ totals }) => (totals?.completed ?? 0) >= count);

  /** A metric of the watch of a resource, such as `blind_seconds`. */
  async function watchTotal(operator: Operator, total: string, resource: string): Promise<number> {
    const { body } = await operator.get('/metrics');
    const name = `lsh_watch_${total}_total{resource="${resource}"}`;
    return Number(
      body
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')[1],
    );
  }

  const blindSeconds = (operator: Operator, resource: string) =>
    watchTotal(operator, 'blind_seconds', resource);

  /** Lets the proxy answer for the server, except for Events; counts the answers, and lists the answered watches. */
  function answers(proxy: HttpProxy, answer: (index: number, isWatch: boolean) => Answer) {
    const watches = new Set<string>();
    const given = { count: 0, watches };
    proxy.intercept = ({ url }) => {
      if (url.pathname.includes('/events')) return undefined;
      const isWatch = url.searchParams.has('watch');
      if (isWatch) watches.add(url.pathname);
      return answer(given.count++, isWatch);
    };
    return given;
  }

  test('that was restarted with a compacted store lists again', async () => {
    const { environment } = cluster;
    const proxy = await ByteProxy.start(environment.server);
    let before = 0;
    const operator = await survives('restarted', proxy, async (operator) => {
      before = await blindSeconds(operator, 'jobs');
      proxy.refusing = true;
      proxy.cut();
      // A change that the operator’s watch does not deliver.
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

  test('that breaks off in the middle of a line and then answers 429 recovers', async () => {
    const proxy = await HttpProxy.start(cluster.environment);
    let before = 0;
    const operator = await survives('throttled', proxy, async (operator) => {
      before = await blindSeconds(operator, 'lshjobs');
      const wait = { status: 429, headers: { 'Retry-After': '1' }, body: '{}' };
      const halfAnEvent = { status: 200, body: '{"type":"ADDED","object":\n' };
      let asked = 0;
      const given = answers(proxy, (_, isWatch) => (isWatch && asked++ === 0 ? halfAnEvent : wait));
      proxy.cut();
      await eventually(() => given.count >= 10 && given.watches.size === RESOURCES.length);
      proxy.intercept = () => undefined;
    });
    expect(await blindSeconds(operator, 'lshjobs')).toBeGreaterThan(before + 1);
    const unreadable = await Promise.all(
      RESOURCES.map((resource) => watchTotal(operator, 'unreadable_events', resource)),
    );
    expect(unreadable.reduce((sum, count) => sum + count)).toBe(1);
    const refused = operator.lines.filter(({ msg }) => msg === 'reconcile failed');
    expect(refused).not.toEqual([]);
    expect(refused.filter(({ retryInMs }) => Number(retryInMs) < 1_000)).toEqual([]);
    await operator.stop();
    await proxy.stop();
  });

  test('that fails for half a minute, and carries out half of the failed calls, recovers', async () => {
    const proxy = await HttpProxy.start(cluster.environment);
    let before = 0;
    const operator = await survives('failing', proxy, async (operator) => {
      before = await blindSeconds(operator, 'jobs');
      const startedAt = performance.now();
      // A watch that the server carries out does not end.
      const given = answers(proxy, (index, isWatch) => ({
        status: 500,
        body: '{}',
        ...(index % 2 === 1 && !isWatch && { carriedOut: true }),
      }));
      await eventually(() => performance.now() >= startedAt + FAILING_MS - BLIND_MS);
      proxy.cut();
      // Blind from the moment at which the operator notices.
      await eventually(async () => (await blindSeconds(operator, 'jobs')) > before + BLIND_MS / 1000);
      expect(given.count).toBeGreaterThan(6);
      expect(given.watches.size).toBe(RESOURCES.length);
      proxy.intercept = () => undefined;
    });
    expect(await blindSeconds(operator, 'jobs')).toBeGreaterThan(before + BLIND_MS / 1000);
    await operator.stop();
    await proxy.stop();
  });

  test('whose connection goes silent probes it, and opens another', async () => {
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

  test('that refuses its token reads the new one', async () => {
    const { environment, admin } = cluster;
    const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts/lsh-controller`;
    const tokenFile = join(environment.dir, 'operator-token');
    const kubeconfig = join(environment.dir, 'operator-by-file');
    const proxy = await ByteProxy.start(environment.server);
    const original = await operatorKubeconfig(environment, admin, proxy.url);
    const config = parse(await readFile(original, 'utf8')) as {
      users: { name: string; user: { token?: string; 'auth-provider'?: object } }[];
    };
    await writeFile(tokenFile, config.users[0]!.user.token!);
    // In the way in which the library reads the mounted token of a Pod.
    config.users[0]!.user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
    await writeFile(kubeconfig, stringify(config));
    const operator = await goesOn('expired', kubeconfig, async (operator) => {
      // A new account of the same name invalidates the token of the old one.
      await admin.request({ method: 'DELETE', path });
      await installRbac(admin);
      const refused = async () =>
        /rest_client_requests_total\{[^}]*code="401"/.test((await operator.get('/metrics')).body);
      await eventually(refused, { withinMs: 60_000, what: 'a refusal' });
      // An open watch survives its token; the next watch is refused.
      const before = await blindSeconds(operator, 'lshjobs');
      proxy.cut();
      await eventually(async () => (await blindSeconds(operator, 'lshjobs')) > before + 1, {
        what: 'blindness',
      });
      const fresh = parse(
        await readFile(await operatorKubeconfig(environment, admin), 'utf8'),
      ) as typeof config;
      await writeFile(tokenFile, fresh.users[0]!.user.token!);
    });
    // The watch is open again, and the metric stands still.
    const after = await blindSeconds(operator, 'lshjobs');
    expect(await blindSeconds(operator, 'lshjobs')).toBe(after);
    await operator.stop();
    await proxy.stop();
  });

  test('whose lease another operator holds is ready once its caches are filled, and not before', async () => {
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
    await eventually(async () => (await standby.get('/readyz')).status === 200, { what: 'readiness' });
    expect((await standby.get('/metrics')).body).toMatch(/^leader_election_master_status\{.*\} 0$/m);
    await admin.request({ method: 'DELETE', path: `${leases}/lsh-controller` });
    await standby.leads();
    expect(await standby.stop()).toEqual([0, null]);
    await proxy.stop();
  });
});
