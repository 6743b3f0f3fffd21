// A controller that dies after each of its writes and each command to the runner, in turn; a new controller takes over.
// No run is doubled or lost, for both executors.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../../../src/core/executor.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { manualRunName } from '../../../src/core/naming.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { InProcessOperator } from '../../support/cluster/in-process-operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';

const SLOTS = 3;
const ASKED = manualRunName('asked', 'once', 1);
/** Lives that run in parallel; a life mostly waits for its slots. */
const AT_A_TIME = 10;
/** Two changes can share a write: then a life has fewer writes, and does not reach the last points. */
const TRIES = 3;
/** Every life has more writes than this. */
const LEAST_WRITES = 15;

/** One life: its executor, its namespace, and the number of writes after which the first controller dies. */
interface Life {
  executor: Executor;
  namespace: string;
  diesAfter: number;
  /** First and last slot. */
  from: number;
  to: number;
}

describe.skipIf(NO_KUBE)('a controller that dies', () => {
  let cluster: OperatorCluster;
  let client: KubeClient;
  const worlds: RunnerWorld[] = [];
  let term = 0;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    client = cluster.clientOfOperator();
    // The first attempt of every second slot fails, and is retried.
    cluster.behave('slots', ({ metadata }) => {
      const slot = Date.parse(metadata.annotations!['lsh.dev/slot']!) / 1000;
      return slot % 2 === 0 && metadata.annotations!['lsh.dev/attempt'] === '1' ? 'Failed' : 'Complete';
    });
    cluster.behave('asked', () => undefined);
    for (let lane = 0; lane < AT_A_TIME; lane++) worlds.push(new RunnerWorld());
    await Promise.all(worlds.map((world) => world.startRunner()));
  });
  afterAll(async () => {
    await cluster?.stop();
    await Promise.all(worlds.map((world) => world.close()));
  });

  /** Three slots with retries and pruning, and a triggered run that is stopped. */
  async function live(world: RunnerWorld, executor: Executor, namespace: string, diesAfter = Infinity) {
    await cluster.createNamespace(namespace);
    const shell = { LSH_SHELL: world.socketPath, LSH_SHELL_NAMESPACES: namespace };
    const env = { LSH_NAMESPACES: namespace, ...(executor === 'Shell' && shell) };
    const life: Life = { executor, namespace, diesAfter, ...(await createSlots(executor, namespace, world)) };
    const first = await new InProcessOperator({ client, env, term: ++term, diesAfter }).start();
    await createAsked(life, world);
    const over = finished(life, world).then(() =>
      eventually(() => restOf(life, world).length === 0, {
        what: () => `no rest of ${namespace}; left is ${restOf(life, world).join(', ')}:`,
      }),
    );
    await Promise.race([first.died, over]);
    await first.stop();
    const second = await new InProcessOperator({ client, env, term: ++term }).start();
    try {
      await over;
    } finally {
      await second.stop();
    }
    check(life, world);
    return first;
  }

  // The mark goes to the output too: a run without output leaves no log.
  const mark = (namespace: string, world: RunnerWorld) =>
    `echo "$LSH_RUN" | tee -a ${join(world.path, namespace)}`;

  /** Creates the LshJob before its first slot; on a machine that is too slow for that, with later slots. */
  async function createSlots(
    executor: Executor,
    namespace: string,
    world: RunnerWorld,
  ): Promise<{ from: number; to: number }> {
    for (;;) {
      // An odd first second gives each life the same number of retries, and so of writes.
      const from = Math.ceil((Date.now() + 1500) / 2000) * 2000 + 1000;
      const to = from + (SLOTS - 1) * 1000;
      const slots: JobSpecInput = {
        schedule: '* * * * * *',
        executor,
        command: `${mark(namespace, world)}; case $LSH_SLOT/$LSH_ATTEMPT in *[02468]Z/1) exit 1;; esac`,
        notBefore: new Date(from).toISOString(),
        notAfter: new Date(to).toISOString(),
        retry: { limit: 1, initialSeconds: 0 },
        concurrencyPolicy: 'Queue',
        successfulRunsHistoryLimit: 1,
        failedRunsHistoryLimit: 1,
        missedRunPolicy: 'All',
      };
      const { metadata } = await cluster.create('slots', slots, namespace);
      if (Date.parse(metadata.creationTimestamp) < from) return { from, to };
      await cluster.delete('slots', namespace);
    }
  }

  async function createAsked({ executor, namespace }: Life, world: RunnerWorld): Promise<void> {
    const annotations = { 'lsh.dev/trigger': 'once' };
    await cluster.admin.json({
      method: 'POST',
      path: lshJobPath(namespace),
      body: {
        apiVersion: 'lsh.dev/v1alpha1',
        kind: 'LshJob',
        metadata: { name: 'asked', annotations },
        spec: { schedule: '@yearly', executor, command: `${mark(namespace, world)}; exec sleep 600` },
      },
    });
  }

  async function finished(life: Life, world: RunnerWorld): Promise<void> {
    const { namespace, to } = life;
    const slots = cluster.until(
      'slots',
      ({ accountedUntil = '', active }) => Date.parse(accountedUntil) >= to && active?.length === 0,
      namespace,
    );
    await stopAsked(life, world);
    await cluster.until('asked', ({ recentRuns = [] }) => recentRuns.length === 1, namespace);
    await slots;
  }

  async function stopAsked(life: Life, world: RunnerWorld): Promise<void> {
    const { executor, namespace } = life;
    await cluster.until('asked', ({ active = [] }) => active.length === 1, namespace);
    // A shell that is stopped before its first line leaves no mark.
    if (executor === 'Shell')
      await eventually(() => executions('asked', life, world).length > 0, { what: `a mark in ${namespace}` });
    await cluster.patch('asked', { metadata: { annotations: { 'lsh.dev/stop': ASKED } } }, namespace);
  }

  /** Names of the executed runs, once per execution. */
  function executions(name: string, { executor, namespace }: Life, world: RunnerWorld): string[] {
    if (executor === 'Job') return cluster.jobController.namesOf(name, namespace);
    const runs = world.lines(namespace);
    return runs.filter((run) => run.startsWith(`${name}-`));
  }

  /** What is left of runs outside the history limits, what is missing of the others, and runs that wait for their release. */
  function restOf({ executor, namespace }: Life, world: RunnerWorld): string[] {
    const shownOf = (name: string) =>
      (cluster.get(name, namespace)?.status?.recentRuns ?? []).map((run) => run.name);
    if (executor === 'Job') {
      const shown = shownOf('slots');
      const left = cluster.jobController.jobsOf('slots', namespace).map(({ metadata }) => metadata.name);
      const asked = cluster.jobController.jobsOf('asked', namespace).map(({ metadata }) => metadata.name);
      return [...left.filter((name) => !shown.includes(name)), ...asked].map((name) => `the Job ${name}`);
    }
    const entries = (directory: string): string[] =>
      readdirSync(join(world.stateDir, directory)).filter((entry) => entry.startsWith(`${namespace}.`));
    const shown = new Set(
      [...shownOf('slots'), ...shownOf('asked')].map((name) => `${namespace}.${name}.log`),
    );
    const logs = new Set(entries('logs'));
    return [
      ...entries('runs').map((entry) => `the start ${entry}`),
      ...[...logs].filter((log) => !shown.has(log)).map((log) => `the log ${log}`),
      ...[...shown].filter((log) => !logs.has(log)).map((log) => `no log ${log}`),
    ];
  }

  function check(life: Life, world: RunnerWorld): void {
    const { namespace, from, to } = life;
    const account = cluster.accountOf('slots', { from, to }, namespace);
    expect([...account.values()], `slots of ${namespace}`).toEqual(Array.from({ length: SLOTS }, () => 1));
    for (const name of ['slots', 'asked']) {
      const executed = executions(name, life, world);
      expect(executed.length, `runs in ${namespace}: ${executed.join(' ')}`).toBe(new Set(executed).size);
      const recorded = cluster.runsOf(name, namespace).map((run) => run.name);
      expect(recorded.toSorted(), `runs of ${namespace}`).toEqual(executed.toSorted());
    }
    const [asked] = cluster.runsOf('asked', namespace);
    expect(asked).toMatchObject({ name: ASKED, phase: 'Killed', reason: 'StoppedByUser' });
    // A run that ended and left the history in one write was never shown as ended; the totals count it.
    const evenSlots = [...account.keys()].filter((slot) => (slot / 1000) % 2 === 0).length;
    const { totals } = cluster.get('slots', namespace)!.status!;
    expect(totals).toEqual({ completed: SLOTS, failed: evenSlots, killed: 0, missed: 0 });
    expect(cluster.runsOf('slots', namespace)).toHaveLength(SLOTS + evenSlots);
  }

  /** A life in which the first controller reached its death; of points that not every life has, the lives that ended before. */
  async function dies(world: RunnerWorld, executor: Executor, point: number): Promise<void> {
    for (let tries = 1; tries <= TRIES; tries++) {
      const namespace = `${executor.toLowerCase()}-after-${point}-${tries}`;
      if ((await live(world, executor, namespace, point)).dead) return;
    }
    if (point <= LEAST_WRITES)
      throw new Error(`no controller came to ${point} writes with executor ${executor}`);
  }

  test('after any of its writes loses and doubles no run', { timeout: 300_000 }, async () => {
    const executors = ['Job', 'Shell'] as const;
    const whole = await Promise.all(
      executors.map((executor, lane) => live(worlds[lane]!, executor, `${executor.toLowerCase()}-whole`)),
    );
    const [job = [], shell = []] = whole.map(({ writes }) => writes.map((write) => write.split(' ', 1)[0]));
    expect(job.length).toBeGreaterThan(LEAST_WRITES);
    expect(new Set(job)).toEqual(new Set(['POST', 'PATCH', 'DELETE']));
    expect(shell.length).toBeGreaterThan(LEAST_WRITES);
    expect(new Set(shell)).toEqual(new Set(['PATCH', 'start', 'stop', 'release', 'remove']));

    const points = executors.flatMap((executor, index) =>
      whole[index]!.writes.map((_, point) => ({ executor, point })),
    );
    const failures: unknown[] = [];
    await Promise.all(
      worlds.map(async (world) => {
        for (let next = points.shift(); next; next = points.shift())
          await dies(world, next.executor, next.point).catch((error: unknown) => failures.push(error));
      }),
    );
    expect(failures).toEqual([]);
    expect(cluster.jobController.failures).toEqual([]);
  });
});
