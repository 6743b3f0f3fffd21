// An operator that stops finishes its work, and leaves no timer behind.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/control/clock.ts';
import type { KubeRequest } from '../../../src/kubernetes/api/client.ts';
import { InProcessOperator } from '../../support/cluster/in-process-operator.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

describe.skipIf(NO_KUBE)('an operator that stops', () => {
  let cluster: OperatorCluster;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
  });
  afterAll(() => cluster?.stop());

  /** Pending timers of the program. */
  function timers(): ReadonlySet<() => void> {
    const waiting = new Set<() => void>();
    const at = systemClock.at.bind(systemClock);
    vi.spyOn(systemClock, 'at').mockImplementation((time, callback) => {
      const fire = () => {
        waiting.delete(fire);
        callback();
      };
      waiting.add(fire);
      const cancel = at(time, fire);
      return () => {
        waiting.delete(fire);
        cancel();
      };
    });
    return waiting;
  }

  test('while it records the end of a run leaves no scheduled deletion of the Job', async () => {
    const waiting = timers();
    const recording = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const client = cluster.clientOfOperator();
    const beforeWrite = async ({ body }: KubeRequest): Promise<void> => {
      const { status } = body as { status?: { totals?: { completed: number } } };
      if (status?.totals?.completed !== 1) return;
      recording.resolve();
      await goOn.promise;
    };
    const operator = await new InProcessOperator({ client, beforeWrite }).start();
    cluster.behave('once', () => 'Complete');
    await cluster.create('once', { schedule: '@yearly', successfulRunsHistoryLimit: 0 });
    await cluster.patch('once', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    await recording.promise;
    const stopped = operator.stop();
    goOn.resolve();
    await stopped;
    expect(waiting.size).toBe(0);
  });
});
