// Shell runs of the cluster with secrets: `lsh push` delivers the Secret to a real API server, the kubelet (played here)
// mounts it beside a real `lsh runner`, and the operator, with its shipped rights, never sees a value.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Secret } from '../../../src/kubernetes/objects/delivered-secret.ts';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { aNamespace, type ClusterCli } from '../../support/cluster/cluster-cli.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import type { Operator } from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { lshOk } from '../../support/daemon/cli.ts';
import { MountedSecret } from '../../support/runners/mounted-secret.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

const NAMESPACE = 'jobs';
const CANARY = 'canary/of+the~cluster';
const TRIGGER = { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } };

describe.skipIf(NO_KUBE)('shell runs with secretsEnv', () => {
  let cluster: OperatorCluster;
  let world: RunnerWorld;
  let cli: ClusterCli;
  let operator: Operator;
  let prod: MountedSecret;
  let project: string;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    cli = await aNamespace(cluster.environment, NAMESPACE);
    world = new RunnerWorld();
    const mounts = join(world.path, 'secrets');
    prod = new MountedSecret(mounts, NAMESPACE, 'prod');
    project = join(world.path, 'app');
    mkdirSync(join(project, '.git'), { recursive: true });
    await world.startRunner({ LSH_DELIVERED_SECRETS: mounts, LSH_LOG_LEVEL: 'debug' });
    const args = ['--shell', world.socketPath, '--shell-namespaces', `${NAMESPACE},default`];
    operator = await cluster.operator({ args, env: { LSH_LOG_LEVEL: 'debug' } }).leads();
  });
  afterAll(async () => {
    await cluster?.stop();
    await world?.close();
  });

  /** Pushes a .env file and delivers it; then the kubelet mounts the Secret. */
  async function deliver(text: string): Promise<void> {
    writeFileSync(join(project, '.env'), text);
    const to = ['--to', 'kubernetes', '--namespace', NAMESPACE];
    await lshOk({ env: { ...cli.env, HOME: world.path } }, ['push', '--env', 'prod', ...to], {
      cwd: project,
    });
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets/lsh-secrets-prod`;
    const { data } = await cluster.admin.json<Secret>({ path });
    prod.write(data!);
  }

  /** The end of one run of a new LshJob. */
  async function ended(name: string, spec: object, namespace = NAMESPACE) {
    await cluster.create(name, { schedule: '@yearly', executor: 'Shell', ...spec }, namespace);
    await cluster.patch(name, TRIGGER, namespace);
    const isOver = ({ recentRuns = [] }: { recentRuns?: unknown[] }) => recentRuns.length === 1;
    const { status } = await cluster.until(name, isOver, namespace);
    return status!.recentRuns![0]!;
  }

  test('say what to do until the Secret is delivered', async () => {
    expect(await ended('early', { command: 'true', secretsEnv: 'prod' })).toMatchObject({
      phase: 'Failed',
      reason: 'SpawnError',
      message: expect.stringContaining(
        'the Secret lsh-secrets-prod of the namespace jobs does not exist',
      ) as string,
    });
    expect((await ended('unlisted', { command: 'true', secretsEnv: 'dev' })).message).toContain(
      'shell.secretsEnv of the chart does not list dev',
    );
    expect((await ended('elsewhere', { command: 'true', secretsEnv: 'prod' }, 'default')).message).toContain(
      'shell runs of the namespace default have none',
    );
  });

  test('get the newest version for that run alone; their record names it', async () => {
    await deliver(`TOKEN='${CANARY}'\nREGION=eu\n`);
    const command = 'echo "$LSH_SECRETS_VERSION $REGION ${#TOKEN} $TOKEN"; printf %s "$TOKEN" | base64';
    const spec = { command, secretsEnv: 'prod', captureOutput: true };
    expect(await ended('first', spec)).toMatchObject({
      phase: 'Completed',
      outputTail: `prod@1 eu ${CANARY.length} ***\n***\n`,
      secretsVersion: 'prod@1',
    });
    await deliver(`TOKEN='${CANARY}'\nREGION=us-east\n`);
    expect(await ended('second', spec)).toMatchObject({ secretsVersion: 'prod@2' });
    const without = await ended('without', { command: 'echo "[$TOKEN$LSH_SECRETS_VERSION]"' });
    expect(without).toMatchObject({ outputTail: '[]\n' });
    expect(without).not.toHaveProperty('secretsVersion');
    expect(await cli.ok(['cron', 'history', 'first', '-o', 'wide'])).toContain('prod@1');
  });

  test('show no value to the operator, and none on the API server outside the Secret', async () => {
    const objects = await cluster.admin.json<object>({ path: lshJobPath(NAMESPACE) });
    const events = await cluster.admin.json<object>({ path: `/api/v1/namespaces/${NAMESPACE}/events` });
    const environment = readFileSync(`/proc/${operator.process.pid}/environ`, 'utf8');
    const shown = [objects, events, operator.lines, world.output, environment].map((each) =>
      JSON.stringify(each),
    );
    for (const text of shown) expect(text).not.toContain(CANARY);
    const asked = cluster.admin.json({ path: `/api/v1/namespaces/${NAMESPACE}/secrets/lsh-secrets-prod` });
    expect(JSON.stringify(await asked)).toContain(Buffer.from(CANARY).toString('base64'));
  });
});
