import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { Run } from '../../../src/core/run.ts';
import { hasEnded } from '../../../src/runners/subprocess/hand-over.ts';
import { makeFifos } from '../../../src/runners/subprocess/output/fifo-pool.ts';
import { fateOf } from '../../../src/runners/subprocess/recovery.ts';
import { ForkServer } from '../../../src/runners/subprocess/launch/fork-server.ts';
import { WrapperLauncher } from '../../../src/runners/subprocess/launch/wrapper.ts';
import type { ProcessExit } from '../../../src/runners/subprocess/run-end.ts';
import { ChildMessages } from '../../support/child-messages.ts';
import { aUniqueJob, aRunOf } from '../../support/builders.ts';
import { UNSET_CLOCK } from '../../support/core/world.ts';
import { endOf, readAll, readUntil } from '../../support/runners/run-output.ts';
import {
  LAUNCHERS,
  RunnerHome,
  parentOf,
  processesOf,
  startRun,
} from '../../support/runners/subprocess-runner.ts';

const HOST = fileURLToPath(import.meta.resolve('../../fixtures/bin/runner-host.ts'));

describe.each(LAUNCHERS)('with %s', (_, forkServer) => {
  let home: RunnerHome;
  let host: ChildProcess | undefined;
  let messages: ChildMessages;

  beforeEach(() => {
    home = new RunnerHome(forkServer);
  });
  afterEach(async () => {
    if (host?.exitCode === null && host.signalCode === null) await killHost();
    host = undefined;
    await home.close();
  });

  async function startInHost(spec: JobSpecInput, changes: Partial<Run> = {}, output?: string): Promise<Run> {
    if (!host) {
      host = fork(HOST, [home.stateDir, forkServer ?? ''], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      messages = new ChildMessages(host);
      await messages.take((received) => (received === 'ready' ? true : undefined));
    }
    const job = aUniqueJob(spec);
    const run = aRunOf(job, changes);
    host.send({ start: [job, run] });
    if (output !== undefined)
      await messages.take((received) => outputOf(received)?.includes(output) || undefined);
    return run;
  }

  async function killHost(): Promise<void> {
    const gone = once(host!, 'exit');
    host!.kill('SIGKILL');
    await gone;
  }

  /** Polls until no process of the run is left: their end raises no event. */
  async function gone(run: Run): Promise<void> {
    await vi.waitFor(() => expect(processesOf(run)).toEqual([]), { timeout: 60_000, interval: 5 });
  }

  /** The next runner observes the runs as lost until their release. */
  async function expectLost(...runs: Run[]): Promise<void> {
    const runner = await home.runner({}, runs);
    for (const run of runs)
      expect(runner.observe(run.job)).toMatchObject([{ state: 'Ended', reason: 'Lost' }]);
    await runner.close();
  }

  /** The files that a crash leaves between the record in the ledger and the claim of the child. */
  async function unclaimedStart(run: Run): Promise<string> {
    const directory = join(home.stateDir, 'runs', `${run.name}~token`);
    mkdirSync(directory, { mode: 0o700 });
    await makeFifos([join(directory, 'fifo')], process.env['PATH']!);
    return directory;
  }

  describe('after kill -9 of the runner', () => {
    test('the next runner observes a running child, with all of its output and its real exit code', async () => {
      const [first, second] = [await home.gate('first'), await home.gate('second')];
      const command = `echo before; cat ${first.path}; echo during; cat ${second.path}; echo after; exit 7`;
      const run = await startInHost({ command }, { startedAt: 1000 }, 'before');
      await killHost();
      await first.open();

      const runner = await home.runner({}, [run]);
      expect(runner.observe(run.job)).toEqual([{ name: run.name, state: 'Running', startedAt: 1000 }]);
      expect(runner.capacity()).toBe(99);
      const end = endOf(runner, run);
      await readUntil(runner.log(run.name, { follow: true }), 'during');
      await second.open();
      expect(await end).toMatchObject({ exitCode: 7, outputTail: 'before\nduring\nafter\n' });
      expect(await readAll(runner.log(run.name))).toBe('before\nduring\nafter\n');
      runner.release(run.name);
      expect(readdirSync(join(home.stateDir, 'runs'))).toEqual([]);
    });

    test('a child that ended meanwhile has its exit code, its end time and its last output', async () => {
      const gate = await home.gate('gate');
      const run = await startInHost(
        { command: `echo before; cat ${gate.path}; echo last; exit 9` },
        {},
        'before',
      );
      await killHost();
      const killedAt = Date.now();
      await gate.open();
      await gone(run);

      const runner = await home.runner(
        { clock: { look: () => ({ ...UNSET_CLOCK, now: killedAt + 3_600_000 }), movedMs: 0 } },
        [run],
      );
      const end = await endOf(runner, run);
      expect(end).toMatchObject({ exitCode: 9, outputTail: 'before\nlast\n' });
      expect(end.finishedAt).toBeLessThan(killedAt + 60_000);
    });

    test('the output is whole although the parent of the killed runner leaves it a zombie', async () => {
      const gate = await home.gate('gate');
      const script = '"$@" & echo $!; exec sleep 1000';
      const parent = spawn(
        'sh',
        ['-c', script, 'sh', process.execPath, HOST, home.stateDir, forkServer ?? ''],
        {
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        },
      );
      host = parent;
      messages = new ChildMessages(parent);
      const pid = Number(await once(parent.stdout!, 'data'));
      await messages.take((received) => (received === 'ready' ? true : undefined));
      const run = await startInHost({ command: `echo one; cat ${gate.path}; echo two; exit 4` }, {}, 'one');
      process.kill(pid, 'SIGKILL');
      await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '));
      await gate.open();
      await gone(run);
      const end = await endOf(await home.runner({}, [run]), run);
      expect(end).toMatchObject({ exitCode: 4, outputTail: 'one\ntwo\n' });
      expect(end.message).toBeUndefined();
    });

    test('a living reader that is not the one of the start leaves no rest beside the FIFO', async () => {
      const gate = await home.gate('gate');
      const run = await startInHost({ command: `echo one; cat ${gate.path}; echo two` }, {}, 'one');
      await killHost();
      const runner = await home.runner({}, [run]);
      const directory = home.startDirectoryOf(run);
      const end = endOf(runner, run);
      await gate.open();
      expect(await end).toMatchObject({ outputTail: 'one\ntwo\n' });
      expect(readdirSync(directory)).not.toContain('rest');
    });

    test('another process with the pid of the killed runner is not taken for a reader', async () => {
      const gate = await home.gate('gate');
      const run = await startInHost({ command: `echo one; cat ${gate.path}; echo two` }, {}, 'one');
      await killHost();
      const owner = join(home.stateDir, 'runner.pid');
      const [, since] = readFileSync(owner, 'utf8').trim().split(' ');
      expect(since).toMatch(/^\d+$/);
      writeFileSync(owner, `${process.pid} ${since}\n`);
      await gate.open();
      await gone(run);
      expect(await endOf(await home.runner({}, [run]), run)).toMatchObject({ outputTail: 'one\ntwo\n' });
    });

    test('a run that ended while its reader died says that output may be missing', async () => {
      const gate = await home.gate('gate');
      const run = await startInHost({ command: `echo one; cat ${gate.path}; echo two` }, {}, 'one');
      host!.kill('SIGSTOP');
      await gate.open();
      await gone(run);
      await killHost();
      const end = await endOf(await home.runner({}, [run]), run);
      expect(end).toMatchObject({ exitCode: 0 });
      expect(end.message).toBe(
        'lsh was killed while it read the output; the end of the output may be missing.',
      );
    });

    test('stop() ends an adopted child with its group, and an earlier cause wins', async () => {
      const command = 'sleep 1000 & echo up; sleep 1000';
      const run = await startInHost({ command }, { stopCause: 'TimedOut' }, 'up');
      await killHost();
      const runner = await home.runner({}, [run]);
      runner.stop(run.name, 'StoppedByUser', 60_000);
      expect(await endOf(runner, run)).toMatchObject({ reason: 'TimedOut', exitCode: 143 });
      expect(processesOf(run)).toEqual([]);
    });

    test('an adopted child without exit code is Lost, and its whole group ends', async () => {
      const run = await startInHost({ command: 'sleep 1000 & echo up; sleep 1000' }, {}, 'up');
      await killHost();
      const runner = await home.runner({}, [run]);
      await killWithLauncher(run);
      expect(await endOf(runner, run)).toMatchObject({ reason: 'Lost' });
      expect(processesOf(run)).toEqual([]);
    });

    test('a child that was killed meanwhile is Lost without exit code, has its output, and its whole group ends', async () => {
      const run = await startInHost({ command: 'sleep 1000 & echo up; sleep 1000' }, {}, 'up');
      await killHost();
      await killWithLauncher(run);
      expect(processesOf(run).length).toBeGreaterThan(0);
      const runner = await home.runner({}, [run]);
      const end = await endOf(runner, run);
      expect(end).toMatchObject({ reason: 'Lost', outputTail: 'up\n' });
      expect(end.exitCode).toBeUndefined();
      expect(processesOf(run)).toEqual([]);
    });

    /** Ends the leader of the run's group, and what would save its exit code. */
    async function killWithLauncher(run: Run): Promise<void> {
      const leader = home.leaderOf(run);
      if (forkServer !== null) process.kill(parentOf(leader), 'SIGKILL');
      process.kill(leader, 'SIGKILL');
      await vi.waitFor(() => expect(processesOf(run)).not.toContain(leader), {
        timeout: 60_000,
        interval: 5,
      });
    }

    test('a command that replaces its environment is observed, and can be stopped', async () => {
      const run = await startInHost(
        { args: ['env', '-i', 'A=b', 'sh', '-c', 'echo up; sleep 1000'] },
        {},
        'up',
      );
      await killHost();
      const runner = await home.runner({}, [run]);
      expect(runner.observe(run.job)).toMatchObject([{ state: 'Running' }]);
      runner.stop(run.name, 'StoppedByUser', 60_000);
      expect(await endOf(runner, run)).toMatchObject({ reason: 'StoppedByUser', exitCode: 143 });
    });

    test('with captureOutput false the next runner keeps no tail either', async () => {
      const gate = await home.gate('gate');
      const command = `echo secret; cat ${gate.path}`;
      const run = await startInHost({ command, captureOutput: false }, {}, 'secret');
      await killHost();
      const runner = await home.runner({}, [run]);
      const end = endOf(runner, run);
      await gate.open();
      expect((await end).outputTail).toBeUndefined();
      expect((await end).outputBytes).toBe(7);
    });

    test('a child that floods its output blocks without a reader, and goes on with the next runner', async () => {
      const gate = await home.gate('gate');
      const command = `echo up; cat ${gate.path}; head -c 3000000 /dev/zero; exit 5`;
      const run = await startInHost({ command }, {}, 'up');
      await killHost();
      await gate.open();
      const runner = await home.runner({}, [run]);
      expect(await endOf(runner, run)).toMatchObject({ exitCode: 5, outputBytes: 3_000_003 });
    });
  });

  describe('a background process of a command that ended without a runner', () => {
    test('ends with the next runner, which names it and has all of the output', async () => {
      const { end, background } = await endWithoutRunner({});
      expect(end).toMatchObject({ exitCode: 3, outputTail: 'one\ntwo\n' });
      expect(end.message).toMatch(
        /^Background processes outlived the command, and lsh ended them: sleep \(\d+\)\.$/,
      );
      expect(background()).toEqual([]);
    });

    test('lives on with backgroundChildren keep', async () => {
      const { end, background } = await endWithoutRunner({ backgroundChildren: 'keep' });
      const left = background();
      for (const pid of left) process.kill(pid, 'SIGKILL');
      expect(end).toMatchObject({ exitCode: 3, outputTail: 'one\ntwo\n' });
      expect(end.message).toBeUndefined();
      expect(left).toHaveLength(1);
    });

    async function endWithoutRunner(spec: Pick<JobSpecInput, 'backgroundChildren'>) {
      const gate = await home.gate('gate');
      const command = `sleep 1000 & echo one; cat ${gate.path}; echo two; exit 3`;
      const run = await startInHost({ command, ...spec }, {}, 'one');
      await killHost();
      await gate.open();
      const directory = home.startDirectoryOf(run);
      await vi.waitFor(() => expect(hasEnded(directory)).toBe(true), { timeout: 60_000 });
      const end = await endOf(await home.runner({}, [run]), run);
      const background = () => processesOf(run).filter((pid) => nameOf(pid) === 'sleep');
      return { end, background };
    }

    function nameOf(pid: number): string {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    }
  });

  describe('after close()', () => {
    test('children run on, and the next runner gets their exit code and all of their output', async () => {
      const gate = await home.gate('gate');
      const first = await home.runner();
      const { run } = await startRun(first, { command: `echo one; cat ${gate.path}; echo two; exit 4` });
      await readUntil(first.log(run.name, { follow: true }), 'one');
      await first.close();
      expect(processesOf(run).length).toBeGreaterThan(0);
      await gate.open();
      await gone(run);
      const second = await home.runner({}, [run]);
      expect(await endOf(second, run)).toMatchObject({ exitCode: 4, outputTail: 'one\ntwo\n' });
    });

    test('a background process that the first runner was about to end is left to the next, with all output', async () => {
      const first = await home.runner();
      const { run } = await startRun(first, { command: 'sleep 1000 & echo one' });
      const directory = home.startDirectoryOf(run);
      await vi.waitFor(() => expect(hasEnded(directory)).toBe(true), {
        timeout: 60_000,
        interval: 5,
      });
      await first.close();
      const end = await endOf(await home.runner({}, [run]), run);
      expect(end).toMatchObject({ exitCode: 0, outputTail: 'one\n' });
      expect(end.message).toMatch(/^Background processes [^.]*: sleep \(\d+\)\.$/);
      expect(processesOf(run)).toEqual([]);
    });

    test('a command whose start was under way has all of its output with the next runner', async () => {
      const first = await home.runner();
      const jobs = Array.from({ length: 20 }, () => aUniqueJob({ command: 'echo one; sleep 0.1; echo two' }));
      const runs = jobs.map((job) => aRunOf(job));
      const started = jobs.map((job, index) => first.start(job, runs[index]!));
      while (readdirSync(join(home.stateDir, 'runs')).length === 0) await nextTurn();
      await first.close();
      await Promise.all(started);
      const second = await home.runner({}, runs);
      const begun = runs.filter((run) => second.observe(run.job)[0]!.state !== 'NeverStarted');
      expect(begun.length).toBeGreaterThan(0);
      const ends = await Promise.all(begun.map((run) => endOf(second, run)));
      expect(ends.map(({ outputTail }) => outputTail)).toEqual(begun.map(() => 'one\ntwo\n'));
    });

    test('start() starts nothing', async () => {
      const runner = await home.runner();
      await runner.close();
      const job = aUniqueJob({ command: 'true' });
      await runner.start(job, aRunOf(job));
      expect(runner.observe(job.key)).toEqual([]);
      expect(runner.capacity()).toBe(0);
    });
  });

  describe('a recorded run', () => {
    test('without a trace is NeverStarted, and can start', async () => {
      await (await home.runner()).close();
      const job = aUniqueJob({ command: 'echo now' });
      const run = aRunOf(job);
      const runner = await home.runner({}, [run]);
      expect(runner.observe(run.job)).toEqual([{ name: run.name, state: 'NeverStarted' }]);
      const end = endOf(runner, run);
      await runner.start(job, run);
      expect(await end).toMatchObject({ exitCode: 0, outputTail: 'now\n' });
    });

    test('that its child has not claimed is NeverStarted, and that child never runs, however late', async () => {
      await (await home.runner()).close();
      const run = aRunOf(aUniqueJob({ command: 'true' }));
      const directory = await unclaimedStart(run);
      const runner = await home.runner({}, [run]);
      expect(runner.observe(run.job)).toEqual([{ name: run.name, state: 'NeverStarted' }]);
      expect(await lateChild(directory)).toEqual({ exit: { unclaimed: true }, ran: false });
    });

    test('that its child claimed after the seal is NeverStarted for a second recovery, too', async () => {
      await (await home.runner()).close();
      const run = aRunOf(aUniqueJob({ command: 'true' }));
      const directory = await unclaimedStart(run);
      expect(await fateOf(directory, run.name, true)).toEqual({ state: 'NeverStarted' });
      expect(await lateChild(directory)).toEqual({ exit: { unclaimed: true }, ran: false });
      expect(await fateOf(directory, run.name, true)).toEqual({ state: 'NeverStarted' });
    });

    test('that its child has claimed first runs in that child', async () => {
      await (await home.runner()).close();
      const run = aRunOf(aUniqueJob({ command: 'true' }));
      const directory = await unclaimedStart(run);
      expect(await lateChild(directory)).toEqual({ exit: { exitCode: 0 }, ran: true });
      const runner = await home.runner({}, [run]);
      expect(await endOf(runner, run)).toMatchObject({ state: 'Ended', exitCode: 0 });
      expect((await lateChild(directory)).exit, 'a second child of the same start').toEqual({
        unclaimed: true,
      });
    });

    test('is not NeverStarted after a crash of the machine, which may have lost the claim', async () => {
      await (await home.runner()).close();
      writeFileSync(join(home.stateDir, 'runner.boot'), 'another boot');
      const [traceless, unclaimed] = [
        aRunOf(aUniqueJob({ command: 'true' })),
        aRunOf(aUniqueJob({ command: 'true' })),
      ];
      await unclaimedStart(unclaimed);
      await expectLost(traceless, unclaimed);
      // After a crash before the loss is recorded, the next recovery must still not find NeverStarted.
      await expectLost(traceless, unclaimed);
    });

    async function lateChild(directory: string): Promise<{ exit: ProcessExit; ran: boolean }> {
      const marker = join(home.path, 'ran');
      const ownerFile = join(home.path, 'owner');
      writeFileSync(ownerFile, `${process.pid}\n`);
      const reader = { ownerFile, descriptor: '' };
      const launcher = forkServer === null ? new WrapperLauncher(reader) : new ForkServer(forkServer, reader);
      const command = ['touch', marker];
      const env = { PATH: process.env['PATH']! };
      try {
        const input = { run: 'late', directory, umask: 0o22, command, workingDir: home.path, env };
        // Rejects if the directory is gone, with its FIFO.
        const launched = await launcher.launch(input).catch(() => undefined);
        const exit = launched ? await launched.exited : { unclaimed: true as const };
        return { exit, ran: existsSync(marker) };
      } finally {
        launcher.close();
      }
    }
  });

  describe('the next controller', () => {
    test('learns from the same runner which runs it observes, and that another never started', async () => {
      const runner = await home.runner();
      const { run, end } = await startRun(runner, { command: 'sleep 1000' });
      const unstarted = aRunOf(aUniqueJob({ command: 'true' }));
      await runner.recover([run, unstarted]);
      expect(runner.observe(run.job)).toMatchObject([{ state: 'Running' }]);
      expect(runner.observe(unstarted.job)).toMatchObject([{ state: 'NeverStarted' }]);
      expect(runner.capacity()).toBe(99);
      runner.stop(run.name, 'StoppedByUser', 0);
      await end;
    });
  });

  describe('misleading files', () => {
    test('a reused pid is not taken for the child', async () => {
      await (await home.runner()).close();
      const { pid, alive, stop } = await stranger();
      const run = aRunOf(aUniqueJob({ command: 'true' }));
      writeFileSync(join(await unclaimedStart(run), 'status'), `token ${pid}\n`);
      const runner = await home.runner({}, [run]);
      expect(await endOf(runner, run)).toMatchObject({ reason: 'Lost' });
      expect(alive()).toBe(true);
      await stop();
    });

    test('a process with the reused pid of an ended run lives on', async () => {
      await (await home.runner()).close();
      const { pid, alive, stop } = await stranger();
      const run = aRunOf(aUniqueJob({ command: 'true' }));
      writeFileSync(join(await unclaimedStart(run), 'status'), `token ${pid}\ntoken 3\n`);
      const runner = await home.runner({}, [run]);
      expect(await endOf(runner, run)).toMatchObject({ exitCode: 3 });
      expect(alive()).toBe(true);
      await stop();
    });

    test('the claim and the exit code of an earlier start in the same directory say nothing', async () => {
      await (await home.runner()).close();
      const run = aRunOf(aUniqueJob({ command: 'true' }));
      writeFileSync(join(await unclaimedStart(run), 'status'), 'earlier 1\nearlier 0\n');
      const runner = await home.runner({}, [run]);
      expect(runner.observe(run.job)).toEqual([{ name: run.name, state: 'NeverStarted' }]);
    });

    test('recovery removes the files of runs that are not Running in the ledger', async () => {
      await (await home.runner()).close();
      const run = aRunOf(aUniqueJob({ command: 'true' }));
      writeFileSync(join(await unclaimedStart(run), 'status'), 'token 1\ntoken 0\n');
      await home.runner({}, []);
      expect(readdirSync(join(home.stateDir, 'runs'))).toEqual([]);
    });

    /** The living leader of another run's process group. */
    async function stranger() {
      const runner = await home.runner({ stateDir: join(home.path, 'other') });
      const { run, end } = await startRun(runner, { command: 'cut -d " " -f 5 /proc/$$/stat; sleep 1000' });
      const pid = Number(await readUntil(runner.log(run.name, { follow: true }), '\n'));
      const stop = async () => {
        runner.stop(run.name, 'StoppedByUser', 0);
        await end;
      };
      return { pid, alive: () => processesOf(run).includes(pid), stop };
    }
  });

  test('100 MB of output leave the memory of the runner flat, and the run ends with the right tail', async () => {
    await startInHost({ command: 'echo warm' }, {}, 'warm');
    const warm = await messages.take(endedOf);
    const command = `yes 'a line of output' | head -c 100000000; printf 'the end \\303\\251\\n'`;
    const run = await startInHost({ command });
    const flooded = await messages.take((received) => {
      const ended = endedOf(received);
      return ended?.ended.name === run.name ? ended : undefined;
    });
    expect(flooded.ended).toMatchObject({ exitCode: 0, outputBytes: 100_000_011 });
    expect(flooded.ended.outputTail).toMatch(/\nthe end é\n$|the end é\n$/);
    expect(flooded.maxRssKb - warm.maxRssKb).toBeLessThan(60_000);
  });
});

function outputOf(received: unknown): string | undefined {
  return (received as { output?: string }).output;
}

interface Ended {
  ended: { name: string; outputTail: string };
  maxRssKb: number;
}

function endedOf(received: unknown): Ended | undefined {
  return (received as Partial<Ended>).ended ? (received as Ended) : undefined;
}
