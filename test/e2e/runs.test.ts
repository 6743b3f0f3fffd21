// Runs on a cluster with real kubelets: every policy of an LshJob on both executors, and failures of pods.
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunPhase } from '../../src/core/run.ts';
import { eventually } from '../support/eventually.ts';
import { RealCluster, TEAM } from './support/real-cluster.ts';

const isOver = (phase: RunPhase): boolean => ['Completed', 'Failed', 'Killed'].includes(phase);

/** A small limit that a test exhausts soon; all shell runs share it. */
const SHELL = { namespaces: [TEAM], resources: { limits: { memory: '256Mi' } } };

const cluster = new RealCluster();
beforeAll(() => cluster.start({ shell: SHELL }));
afterAll(() => cluster.stop());

// Each waits for grace periods of its own pods, and leaves the node idle.
describe.concurrent.each(['Shell', 'Job'] as const)('an LshJob with executor %s', (executor) => {
  const named = (name: string) => `${name}-${executor.toLowerCase()}`;

  test('retries after the exit code of its command', async () => {
    const name = named('retry');
    const retry = { limit: 1, initialSeconds: 1 };
    await cluster.create(name, { schedule: '@yearly', executor, command: 'echo attempt; exit 7', retry });
    await cluster.lsh('cron', 'trigger', name);
    const last = await cluster.untilRun(name, ({ attempt, phase }) => attempt === 2 && phase === 'Failed');

    expect(last).toMatchObject({ exitCode: 7, reason: 'ExitCode', outputTail: 'attempt\n' });
    const runs = cluster.runsOf(name).map(({ attempt, phase, exitCode }) => ({ attempt, phase, exitCode }));
    expect(runs).toEqual([1, 2].map((attempt) => ({ attempt, phase: 'Failed', exitCode: 7 })));
    await cluster.remove(name);
  });

  test('ends a run that takes too long', async () => {
    const name = named('timeout');
    const command = 'echo begun; exec sleep 600';
    await cluster.create(name, { schedule: '@yearly', executor, command, timeoutSeconds: 5 });
    await cluster.lsh('cron', 'trigger', name);
    const run = await cluster.untilRun(name, ({ phase }) => isOver(phase));

    expect(run).toMatchObject({ phase: 'Killed', reason: 'TimedOut', outputTail: 'begun\n' });
    await cluster.remove(name);
  });

  test('replaces a run by the next one', async () => {
    const name = named('replace');
    await cluster.create(name, {
      schedule: '*/10 * * * * *',
      executor,
      command: 'echo "run of $LSH_SLOT"; exec sleep 600',
      concurrencyPolicy: 'Replace',
      terminationGracePeriodSeconds: 1,
    });
    // A node of Kubernetes 1.20 takes longer than a slot to end a Pod: the run that waits for it is replaced before it begins.
    const replaced = await cluster.untilRun(
      name,
      ({ phase, startedAt }) => isOver(phase) && startedAt !== undefined,
    );
    const next = await cluster.untilRun(
      name,
      ({ phase, slot }) => phase === 'Running' && slot > replaced.slot,
    );

    const outputTail = `run of ${replaced.slot}\n`;
    expect(replaced).toMatchObject({ phase: 'Killed', reason: 'Replaced', outputTail });
    expect(Date.parse(next.slot) - Date.parse(replaced.slot)).toBeGreaterThanOrEqual(10_000);
    await cluster.remove(name);
  });

  test('skips slots while suspended, and runs on request', async () => {
    const name = named('suspend');
    // The command takes longer than the time between two slots.
    const command = 'sleep 2; echo asked';
    await cluster.create(name, { schedule: '* * * * * *', executor, command, suspend: true });
    await cluster.lsh('cron', 'trigger', name, '--wait');
    // lsh may have seen the end before this watch.
    await cluster.untilRun(name, ({ phase }) => isOver(phase));
    const requested = cluster.runsOf(name);
    const resumedAt = Date.now();
    await cluster.lsh('cron', 'resume', name);
    const passed = await cluster.until('a suspended slot', () =>
      cluster.outcomesOf(name).find(({ outcome }) => outcome === 'Suspended'),
    );
    const due = await cluster.untilRun(name, ({ trigger }) => trigger !== 'Manual');

    expect(requested).toMatchObject([{ trigger: 'Manual', phase: 'Completed', outputTail: 'asked\n' }]);
    expect(passed.count).toBeGreaterThan(0);
    expect(Date.parse(due.slot)).toBeGreaterThan(resumedAt - 1000);
    await cluster.remove(name);
  });

  test('keeps the history limits of each kind', async () => {
    const name = named('history');
    const limits = { successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 2 };
    await cluster.create(name, { schedule: '@yearly', executor, command: 'true', ...limits });
    const run = async (times: number) => {
      for (let time = 0; time < times; time++) await cluster.lsh('cron', 'trigger', name, '--wait');
    };
    await run(3);
    await cluster.patch(name, { spec: { command: 'exit 3' } });
    for (let time = 0; time < 3; time++) await expect(run(1)).rejects.toThrow();
    const object = await cluster.until('six counted runs', () => {
      const found = cluster.get(name);
      const { completed, failed } = found?.status?.totals ?? {};
      return completed === 3 && failed === 3 ? found : undefined;
    });

    const all = cluster.runsOf(name).map((entry) => entry.name);
    expect(all).toHaveLength(6);
    // The newest runs of each kind, newest first.
    const kept = [all[5], all[4], all[2]];
    expect(object.status?.recentRuns?.map((entry) => entry.name)).toEqual(kept);
    if (executor === 'Job')
      await cluster.until('no Jobs except those of the kept runs', () => {
        const left = cluster.jobsOf(name).map((job) => job.metadata.name);
        return left.every((job) => kept.includes(job)) || undefined;
      });
    await cluster.remove(name);
  });
});

describe('a shell run', () => {
  const shell = (name: string, command: string) =>
    cluster.create(name, { schedule: '@yearly', executor: 'Shell', command });
  const restarts = async () => {
    const { status } = await cluster.operator();
    return status?.containerStatuses?.find(({ name }) => name === 'shell')?.restartCount;
  };

  test('is followed live from outside the cluster, byte for byte and to its end', async () => {
    const wait = 'until [ -e /tmp/go-on ]; do sleep 0.1; done';
    const command = `printf 'begun\\0\\377\\r\\n'; ${wait}; seq 1 20000; echo told >&2`;
    await shell('followed', command);
    await shell('go-on', 'touch /tmp/go-on');
    const whole = Buffer.concat([
      Buffer.from('begun\0\u00ff\r\n', 'latin1'),
      Buffer.from(`${Array.from({ length: 20_000 }, (_, index) => index + 1).join('\n')}\ntold\n`),
    ]);

    await cluster.lsh('cron', 'trigger', 'followed');
    const following = cluster.lshProcess('cron', 'logs', '-f', 'followed');
    const [printed, said] = [buffer(following.stdout), text(following.stderr)];
    const ended = once(following, 'close');
    await once(following.stdout, 'data');
    expect(cluster.runsOf('followed').map(({ phase }) => phase)).toEqual(['Running']);
    await cluster.lsh('cron', 'trigger', 'go-on', '--wait');
    expect(await ended).toEqual([0, null]);
    expect(await said).toBe('');
    expect((await printed).equals(whole)).toBe(true);

    await cluster.untilRun('followed', ({ phase }) => phase === 'Completed');
    const later = cluster.lshProcess('cron', 'logs', 'followed');
    expect((await buffer(later.stdout)).equals(whole)).toBe(true);
    await cluster.remove('followed', 'go-on');
  });

  test('whose follower leaves keeps no reader in its container', async () => {
    await shell('silent', 'echo begun; exec sleep 600');
    await cluster.lsh('cron', 'trigger', 'silent');
    const readers = async () => {
      // The brackets keep the pattern from matching this command.
      const count = `grep -alE 'runner.log[s]' /proc/[0-9]*/cmdline 2>/dev/null | wc -l`;
      return Number(await cluster.inContainer('shell', 'sh', '-c', count));
    };
    const following = cluster.lshProcess('cron', 'logs', '-f', 'silent');
    const ended = once(following, 'close');
    await once(following.stdout, 'data');
    expect(await readers()).toBeGreaterThan(0);
    following.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    await eventually(async () => (await readers()) === 0, { what: 'the end of the reader' });
    await cluster.remove('silent');
  });

  test('that exhausts the memory is killed, and the others continue if the node permits it', async () => {
    // The kubelet sets it since 1.28 with cgroups version 2: the kernel then kills the whole container.
    const ask = 'cat /sys/fs/cgroup/memory.oom.group 2>/dev/null || echo 0';
    const wholly = (await cluster.inContainer('shell', 'sh', '-c', ask)).trim() === '1';
    const before = await restarts();
    const until = (file: string) => `until [ -e /tmp/${file} ]; do sleep 1; done`;
    await shell('neighbour', `touch /tmp/up; ${until('go')}; echo still here`);
    await shell('hungry', `${until('up')}; echo hungry; exec tail /dev/zero`);
    await shell('go', 'touch /tmp/go');
    for (const name of ['neighbour', 'hungry']) await cluster.lsh('cron', 'trigger', name);
    const hungry = await cluster.untilRun('hungry', ({ phase }) => isOver(phase));
    await cluster.lsh('cron', 'trigger', 'go', '--wait');
    const neighbour = await cluster.untilRun('neighbour', ({ phase }) => isOver(phase));

    if (wholly) {
      expect(hungry).toMatchObject({ phase: 'Failed', reason: 'Lost' });
      expect(neighbour).toMatchObject({ phase: 'Failed', reason: 'Lost' });
    } else {
      expect(hungry).toMatchObject({
        phase: 'Failed',
        reason: 'OutOfMemory',
        signal: 'SIGKILL',
        exitCode: 137,
        outputTail: 'hungry\n',
      });
      expect(neighbour).toMatchObject({ phase: 'Completed', outputTail: 'still here\n' });
      expect(await restarts()).toBe(before);
    }
    await cluster.remove('neighbour', 'hungry', 'go');
  });
});

describe.concurrent('a Kubernetes Job', () => {
  test('that exhausts its memory has the reason OutOfMemory', async () => {
    await cluster.create('memory', {
      schedule: '@yearly',
      command: 'tail /dev/zero',
      job: { resources: { limits: { memory: '32Mi' } } },
    });
    await cluster.lsh('cron', 'trigger', 'memory');
    const run = await cluster.untilRun('memory', ({ phase }) => isOver(phase));

    expect(run).toMatchObject({ phase: 'Failed', reason: 'OutOfMemory', exitCode: 137 });
    await cluster.remove('memory');
  });

  test('without a pullable image reports that, and ends at its time limit', async () => {
    await cluster.create('no-image', {
      schedule: '@yearly',
      command: 'true',
      timeoutSeconds: 40,
      job: { image: 'localhost:1/none:1' },
    });
    await cluster.lsh('cron', 'trigger', 'no-image');
    const stuck = await cluster.untilRun('no-image', ({ message }) => message !== undefined);
    const over = await cluster.untilRun('no-image', ({ phase }) => isOver(phase));

    expect(stuck.message).toBe('The image "localhost:1/none:1" cannot be pulled.');
    expect(over).toMatchObject({ phase: 'Killed', reason: 'TimedOut' });
    // The operator writes Events beside its work, so they may arrive later.
    await eventually(
      async () => /RunStuck.*no-image/.test(await cluster.kubectl('get', 'events', '--namespace', TEAM)),
      { what: 'the event' },
    );
    await cluster.remove('no-image');
  });
});
