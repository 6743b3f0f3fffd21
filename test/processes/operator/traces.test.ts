// Traces of a real operator: runs of both executors are spans of a collector, and no change of the leader changes their ids.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';
import { aCollector, hangs, traceparent, type Collector } from '../../support/traces/collector.ts';

const ERROR = 2;
/** Runs survive until the next controller leads, even after a long gap. */
const RUNNER_ENV = { LSH_RUNNER_LEASE: '10m' };

describe.skipIf(NO_KUBE)('an operator with a collector', () => {
  let cluster: OperatorCluster;
  let world: RunnerWorld;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    world = new RunnerWorld();
    await world.startRunner(RUNNER_ENV);
  });
  afterAll(async () => {
    await cluster?.stop();
    await world?.close();
  });

  const leader = ({ url }: Collector) =>
    cluster
      .operator({
        args: ['--lease-duration', '15s', '--shell', world.socketPath, '--shell-namespaces', 'default'],
        env: { ...RUNNER_ENV, OTEL_EXPORTER_OTLP_ENDPOINT: url },
      })
      .leads();

  /** Starts one run and resolves with its name once `isMet`. */
  async function triggered(name: string, spec: JobSpecInput, isMet: 'ended' | 'active'): Promise<string> {
    await cluster.create(name, { schedule: '@yearly', ...spec });
    await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    const { status } = await cluster.until(name, ({ active = [], recentRuns = [] }) =>
      isMet === 'ended' ? recentRuns.length > 0 : active[0]?.phase === 'Running',
    );
    return (isMet === 'ended' ? status!.recentRuns! : status!.active!)[0]!.name;
  }

  const variablesOf = async (name: string) => {
    const path = `/apis/batch/v1/namespaces/default/jobs/${name}`;
    const { spec } = await cluster.admin.json<KubeJob & { spec: PodSpec }>({ method: 'GET', path });
    return spec.template.spec.containers[0]!.env;
  };

  test('exports Kubernetes Jobs, whose container has the ids of the span', async () => {
    const collector = await aCollector();
    const only = await leader(collector);
    cluster.behave('failing', () => 'Failed');
    const completed = await triggered('backup', {}, 'ended');
    const failed = await triggered('failing', {}, 'ended');
    expect(await only.stop()).toEqual([0, null]);
    const span = await collector.spanOf(completed);
    expect(span).toMatchObject({
      name: 'RUN backup',
      attributes: {
        'cicd.pipeline.result': 'success',
        'k8s.namespace.name': 'default',
        'k8s.job.name': completed,
        'lsh.run.executor': 'Job',
      },
      resource: { 'service.name': 'lsh' },
    });
    expect(await variablesOf(completed)).toContainEqual({ name: 'TRACEPARENT', value: traceparent(span) });
    const failure = await collector.spanOf(failed);
    expect(failure.status.code).toBe(ERROR);
    expect(await variablesOf(failed)).toContainEqual({ name: 'TRACEPARENT', value: traceparent(failure) });
  });

  test('exports a shell run that the next leader adopts, with the ids that its command got from the first', async () => {
    const collector = await aCollector();
    const first = await leader(collector);
    const gate = await world.gate('traced');
    const marks = join(world.path, 'traced-marks');
    const run = await triggered(
      'adopted',
      { executor: 'Shell', command: `echo $TRACEPARENT >> ${marks}; cat ${gate.path}; exit 3` },
      'active',
    );
    await first.stop('SIGKILL');
    const second = await leader(collector);
    await gate.open();
    await cluster.until('adopted', ({ recentRuns = [] }) => recentRuns.length === 1);
    await second.stop();
    const span = await collector.spanOf(run);
    expect(span.attributes).toMatchObject({ 'error.type': 'ExitCode', 'process.exit.code': 3 });
    expect(world.lines('traced-marks')).toEqual([traceparent(span)]);
  });

  test('stops in time, with a free lease, while the collector hangs', async () => {
    const collector = await aCollector(hangs);
    const only = await leader(collector);
    await triggered('last', {}, 'ended');
    expect(await only.stop()).toEqual([0, null]);
    expect(only.said()).toContain('the collector did not take them in time');
  });
});

interface PodSpec {
  template: { spec: { containers: { env: { name: string; value?: string }[] }[] } };
}
