// The shipped samples work as they stand: `kubectl apply` of each document, and the operator that runs it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { kubectl, NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

const DIRECTORY = 'deploy/samples';
const BAD = 'bad.yaml';
const GOOD = readdirSync(DIRECTORY).filter((file) => file !== BAD);

describe.skipIf(NO_KUBE)('the samples', () => {
  let cluster: OperatorCluster;
  const world = new RunnerWorld();

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    await world.startRunner();
    const shell = ['--shell', world.socketPath, '--shell-namespaces', 'default'];
    await cluster.operator({ args: ['--leader-elect=false', ...shell] }).leads();
  });
  afterAll(async () => {
    await cluster?.stop();
    await world.close();
  });

  async function applied(file: string): Promise<string> {
    await kubectl(cluster.environment, 'apply', '-f', join(DIRECTORY, file));
    return (parse(readFileSync(join(DIRECTORY, file), 'utf8')) as LshJob).metadata.name;
  }

  test.each(GOOD)('%s is admitted, becomes ready, and is unchanged when applied again', async (file) => {
    const name = await applied(file);
    await kubectl(cluster.environment, 'wait', '--for=condition=Ready', '--timeout=90s', `lj/${name}`);
    const again = await kubectl(cluster.environment, 'apply', '-f', join(DIRECTORY, file));
    expect(again).toMatch(/unchanged\s*$/);
  });

  test('the deliberately invalid sample is admitted, and its status lists every problem', async () => {
    const { status } = await cluster.until(await applied(BAD), ({ phase }) => phase === 'Invalid');
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'JobInvalid' });
    expect(ready?.message).toContain('no day ever matches it');
    expect(ready?.message).toContain('Europe/Atlantis');
  });
});
