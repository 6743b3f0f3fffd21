// When memory runs out, the kernel kills a command, not the runner, and its run has the reason.
import { spawn, type ChildProcess } from 'node:child_process';
import { on } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { RunEnd } from '../../../src/core/run.ts';
import { memoryKillCounter } from '../../../src/runners/subprocess/memory-kills.ts';
import { MemoryCgroup } from '../../support/runners/memory-cgroup.ts';
import { aUniqueJob, aRunOf } from '../../support/builders.ts';
import { RunnerHome, startRun } from '../../support/runners/subprocess-runner.ts';

const HOST = fileURLToPath(import.meta.resolve('../../fixtures/bin/runner-host.ts'));
const SCORE = '/proc/self/oom_score_adj';
const onLinux = process.platform === 'linux';
const MIB = 1024 * 1024;

let home: RunnerHome;

beforeEach(() => {
  home = new RunnerHome();
});
afterEach(() => home.close());

describe.runIf(onLinux)('the kernel’s choice', () => {
  test('falls on a command and its children before the runner and the fork server', async () => {
    const runner = await home.runner();
    const { end } = await startRun(runner, { command: `cat /proc/$PPID/oom_score_adj ${SCORE}` });
    const own = Number(readFileSync(SCORE, 'utf8'));
    expect(await end).toMatchObject({ exitCode: 0, outputTail: `${own}\n${Math.min(own + 200, 1000)}\n` });
  });
});

describe('a command that SIGKILL ends', () => {
  test.each([
    ['after a memory kill during the run', 1, 'OutOfMemory', /kernel killed the command when memory ran out/],
    ['without a memory kill', 0, 'Signal', /ended by SIGKILL/],
  ])('%s', async (_, kills, reason, message) => {
    // A memory kill before the run does not count.
    let count = 3;
    const runner = await home.runner({ memoryKills: () => count });
    const { end } = await startRun(runner, { command: 'kill -KILL $$' });
    count += kills;
    expect(await end).toMatchObject({
      reason,
      signal: 'SIGKILL',
      exitCode: 137,
      message: expect.stringMatching(message),
    });
  });

  test('because it was stopped keeps that cause', async () => {
    let count = 0;
    const runner = await home.runner({ memoryKills: () => count++ });
    const { end, run } = await startRun(runner, { command: 'sleep 1000' });
    runner.stop(run.name, 'StoppedByUser', 0);
    expect(await end).toMatchObject({ reason: 'StoppedByUser' });
  });
});

describe('the kernel’s counter', () => {
  const events = 'low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n';
  const control = 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n';

  test.each([
    ['version 2, on a host', '0::/user.slice/app', 'user.slice/app/memory.events', events],
    ['version 2, in a container', '0::/', 'memory.events', events],
    ['version 1, on a host', '4:memory:/jobs\n0::/', 'memory/jobs/memory.oom_control', control],
    ['version 1, in a container', '12:cpu:/pod/a\n4:memory:/pod/a', 'memory/memory.oom_control', control],
  ])('is found with cgroups of %s', (_, own, path, content) => {
    const [cgroups, ownCgroups] = [join(home.path, 'cgroup'), join(home.path, 'own')];
    const file = join(cgroups, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
    writeFileSync(ownCgroups, `${own}\n`);
    const count = memoryKillCounter(cgroups, ownCgroups);
    expect(count()).toBe(3);
    writeFileSync(file, content.replace('oom_kill 3', 'oom_kill 4'));
    expect(count()).toBe(4);
  });

  test('is 0 without a file', () => {
    expect(memoryKillCounter(join(home.path, 'none'), join(home.path, 'none'))()).toBe(0);
  });
});

describe('in a control group with limited memory', () => {
  let cgroup: MemoryCgroup | undefined;
  let host: ChildProcess;
  let messages: AsyncIterator<[unknown]>;

  /** Starts a runner as in a container with that limit; returns false if this user cannot make the control group. */
  async function startHost(limitBytes: number): Promise<boolean> {
    cgroup = MemoryCgroup.make(limitBytes);
    if (cgroup === undefined) return false;
    const [program, args] = cgroup.command(process.execPath, HOST, home.stateDir);
    host = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    messages = on(host, 'message', { close: ['exit'] }) as AsyncIterator<[unknown]>;
    expect(await next((message) => message === 'ready' || undefined)).toBe(true);
    return true;
  }

  afterEach(() => cgroup?.remove());

  /** The first matching message; rejects when the process has ended. */
  async function next<T>(wanted: (message: unknown) => T | undefined): Promise<T> {
    for (;;) {
      const { value, done } = await messages.next();
      if (done) throw new Error('the runner is gone');
      const found = wanted(value[0]);
      if (found !== undefined) return found;
    }
  }

  const endedOf = (message: unknown) => (message as { ended?: RunEnd }).ended;
  const outputOf = (message: unknown) => (message as { output?: string }).output;

  function start(spec: JobSpecInput): string {
    const job = aUniqueJob(spec);
    const run = aRunOf(job);
    host.send({ start: [job, run] });
    return run.name;
  }

  test('the kernel kills a command that takes it all, and its neighbour goes on', async ({ skip }) => {
    if (!(await startHost(256 * MIB))) skip('only root can limit memory, where cgroups are');
    const gate = await home.gate('gate');
    const neighbour = start({ command: `echo up; cat ${gate.path}; echo still here` });
    await next((message) => outputOf(message)?.includes('up') || undefined);
    const hungry = start({ command: 'echo hungry; exec tail /dev/zero' });
    expect(await next(endedOf)).toMatchObject({
      name: hungry,
      reason: 'OutOfMemory',
      signal: 'SIGKILL',
      exitCode: 137,
      outputTail: 'hungry\n',
    });
    await gate.open();
    expect(await next(endedOf)).toMatchObject({
      name: neighbour,
      exitCode: 0,
      outputTail: 'up\nstill here\n',
    });
  });

  test('the kernel kills many commands, each smaller than the runner, before the runner', async ({
    skip,
  }) => {
    if (!(await startHost(512 * MIB))) skip('only root can limit memory, where cgroups are');
    const gate = await home.gate('gate');
    const command = `kept=$(head -c 10M /dev/zero | tr '\\0' x); echo kept; cat ${gate.path}`;
    let end: RunEnd | undefined;
    for (let started = 0; end === undefined && started < 100; started++) {
      start({ command });
      end = await next(
        (message) => endedOf(message) ?? (outputOf(message)?.includes('kept') ? 'kept' : undefined),
      ).then((seen) => (seen === 'kept' ? undefined : seen));
    }
    expect(end).toMatchObject({ reason: 'OutOfMemory', signal: 'SIGKILL' });
    expect(host.exitCode).toBeNull();
    expect(host.signalCode).toBeNull();
  });
});
