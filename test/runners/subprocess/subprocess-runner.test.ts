import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { getPriority, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RunLog } from '../../../src/runners/subprocess/output/run-log.ts';
import type { SubprocessRunner } from '../../../src/runners/subprocess/subprocess-runner.ts';
import { runnerContract } from '../../contract/runner-contract.ts';
import { eventually } from '../../support/eventually.ts';
import { aUniqueJob, aRunOf } from '../../support/builders.ts';
import { endOf, readAll, readUntil } from '../../support/runners/run-output.ts';
import { hasEnded } from '../../../src/runners/subprocess/hand-over.ts';
import { LAUNCHERS, RunnerHome, processesOf, startRun } from '../../support/runners/subprocess-runner.ts';

describe.each(LAUNCHERS)('with %s', (_, forkServer) => {
  runnerContract('the subprocess runner', async () => {
    const home = new RunnerHome(forkServer);
    return { runner: await home.runner(), close: () => home.close() };
  });

  let home: RunnerHome;
  let runner: SubprocessRunner;

  beforeEach(async () => {
    home = new RunnerHome(forkServer);
    runner = await home.runner();
  });
  afterEach(() => home.close());

  describe('commands', () => {
    test('a command is run by a shell, quotes and operators included', async () => {
      const { end } = await startRun(runner, {
        command: 'echo "a  b" > f && cat f | tr a-z A-Z; rm f',
        workingDir: home.path,
      });
      expect((await end).outputTail).toBe('A  B\n');
    });

    test('args are run without a shell, exactly as they are', async () => {
      const { end } = await startRun(runner, { args: ['printf', '%s|', 'a  b', '$HOME', '*', '', 'x;y'] });
      expect((await end).outputTail).toBe('a  b|$HOME|*||x;y|');
    });

    test('args with the name of a shell builtin run the program of that name, or fail', async () => {
      const { end } = await startRun(runner, { args: ['exit', '0'] });
      expect(await end).toMatchObject({ exitCode: 127, reason: 'SpawnError' });
    });

    test('spec.shell runs the command instead of /bin/sh', async () => {
      const shell = join(home.path, 'loud-sh');
      writeFileSync(shell, '#!/bin/sh\necho "$1: $2"\n', { mode: 0o755 });
      const { end } = await startRun(runner, { command: 'whatever', shell });
      expect((await end).outputTail).toBe('-c: whatever\n');
    });

    test('standard input is empty, so that no command waits for it', async () => {
      const { end } = await startRun(runner, { command: 'cat; echo done' });
      expect((await end).outputTail).toBe('done\n');
    });

    test('128 + n is decoded into the name of the signal', async () => {
      const { end } = await startRun(runner, { command: 'kill -SEGV $$' });
      expect(await end).toMatchObject({ exitCode: 139, signal: 'SIGSEGV', reason: 'Signal' });
    });

    test('a command may exit with 125, the status of a child without a claim', async () => {
      const { end } = await startRun(runner, { command: 'exit 125' });
      expect(await end).toMatchObject({ exitCode: 125 });
      expect((await end).reason).toBeUndefined();
    });

    test('a script without #! is run by a shell, with its arguments', async () => {
      const script = join(home.path, 'script');
      writeFileSync(script, 'echo "$# $2"; exit 4\n', { mode: 0o755 });
      const { end } = await startRun(runner, { args: [script, 'a', 'b  c'] });
      expect(await end).toMatchObject({ exitCode: 4, outputTail: '2 b  c\n' });
    });

    test('a command whose start directory is removed meanwhile keeps its exit code', async () => {
      const gate = await home.gate('gate');
      const { end, run } = await startRun(runner, { command: `echo up; cat ${gate.path}; exit 3` });
      await readUntil(runner.log(run.name, { follow: true }), 'up');
      rmSync(home.startDirectoryOf(run), { recursive: true });
      await gate.open();
      expect(await end).toMatchObject({ exitCode: 3 });
    });

    test('the shell adds no message to the output of a killed command', async () => {
      const { end } = await startRun(runner, { args: ['sh', '-c', 'echo out; kill -TERM $$'] });
      expect((await end).outputTail).toBe('out\n');
    });
  });

  describe('what a command inherits', () => {
    test('USER, LOGNAME, HOME and SHELL come from the user database if the runner has none', async () => {
      const bare = await home.runner({ stateDir: join(home.path, 'bare'), inherit: { LOGNAME: 'given' } });
      const { end } = await startRun(bare, { command: 'echo "$USER|$LOGNAME|$HOME|$SHELL|$PWD"' });
      const { username, homedir, shell } = userInfo();
      expect((await end).outputTail).toBe(`${username}|given|${homedir}|${shell}|${homedir}\n`);
    });

    test('the soft limit of open files is 1024 and may be raised to the hard limit', async () => {
      const hard = spawnSync('sh', ['-c', 'ulimit -H -n'], { encoding: 'utf8' }).stdout;
      const command = 'ulimit -S -n; ulimit -H -n; ulimit -S -n "$(ulimit -H -n)"; ulimit -S -n';
      const { end } = await startRun(runner, { command });
      expect((await end).outputTail).toBe(`1024\n${hard}${hard}`);
    });

    test('niceness and control group are those of the runner', async () => {
      const { end } = await startRun(runner, { command: 'nice; cat /proc/self/cgroup' });
      const own = readFileSync('/proc/self/cgroup', 'utf8');
      expect((await end).outputTail).toBe(`${getPriority()}\n${own}`.slice(-1024));
    });
  });

  describe('commands that cannot start', () => {
    test('no such command: SpawnError with the message of the shell', async () => {
      const { end } = await startRun(runner, { command: 'no-such-command-anywhere' });
      expect(await end).toMatchObject({ exitCode: 127, reason: 'SpawnError' });
      expect((await end).message).toMatch(/no-such-command-anywhere: .*not found/);
    });

    test('a file that is not executable: SpawnError', async () => {
      const file = join(home.path, 'plain');
      writeFileSync(file, 'text', { mode: 0o600 });
      const { end } = await startRun(runner, { args: [file] });
      expect(await end).toMatchObject({ exitCode: 126, reason: 'SpawnError' });
    });

    test.each([
      [
        'a missing working directory',
        { workingDir: '/no/such' },
        'the working directory /no/such does not exist',
      ],
      [
        'a file as working directory',
        { workingDir: '/etc/passwd' },
        'the working directory /etc/passwd is not a directory',
      ],
      ['a missing shell', { shell: '/no/such' }, 'the shell /no/such does not exist'],
      [
        'a shell without the right to execute',
        { shell: '/etc/passwd' },
        'the shell /etc/passwd may not be executed by this user',
      ],
    ])('%s: SpawnError, with the reason in the record and in the log', async (_, place, detail) => {
      const { end, run } = await startRun(runner, { command: 'true', ...place });
      const message = `The command did not start: ${detail}.`;
      expect(await end).toMatchObject({ reason: 'SpawnError', message });
      expect((await end).startedAt).toBeUndefined();
      expect(await readAll(runner.log(run.name))).toBe(`lsh: ${message}\n`);
    });

    test('an argument that is too long: SpawnError, and the capacity comes back', async () => {
      const before = runner.capacity();
      const { end } = await startRun(runner, { args: ['echo', 'a\0b'] });
      expect(await end).toMatchObject({ reason: 'SpawnError' });
      expect(runner.capacity()).toBe(before);
    });

    test('the runner never executes a refused command, and reports the reason as the message', async () => {
      const marker = join(home.path, 'ran');
      const refusing = await home.runner({
        check: ({ command }) => (command?.includes('touch') ? 'touch is not wanted here.' : undefined),
      });
      const { end } = await startRun(refusing, { command: `touch ${marker}` });
      expect(await end).toMatchObject({ reason: 'Refused', message: 'touch is not wanted here.' });
      expect(existsSync(marker)).toBe(false);
    });
  });

  describe('ending runs', () => {
    test('a timeout ends the whole process group: no process is left behind', async () => {
      const gate = await home.gate('gate');
      const { end, run } = await startRun(runner, { command: `sleep 1000 & cat ${gate.path}; sleep 1000` });
      await gate.open();
      expect(processesOf(run).length).toBeGreaterThan(1);
      runner.stop(run.name, 'TimedOut', 60_000);
      expect(await end).toMatchObject({ reason: 'TimedOut', signal: 'SIGTERM', exitCode: 143 });
      expect(processesOf(run)).toEqual([]);
    });

    test('a command that ignores TERM gets KILL after the grace', async () => {
      const { end, run } = await startRun(runner, {
        command: 'trap "" TERM; echo deaf; sleep 1000; sleep 1000',
      });
      await readUntil(runner.log(run.name, { follow: true }), 'deaf');
      runner.stop(run.name, 'TimedOut', 100);
      expect(await end).toMatchObject({ reason: 'TimedOut', signal: 'SIGKILL', exitCode: 137 });
      expect(processesOf(run)).toEqual([]);
    });

    test('a command that exits with 0 on TERM still has the cause, and its last output', async () => {
      const { end, run } = await startRun(runner, {
        command: 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.01; done',
      });
      await readUntil(runner.log(run.name, { follow: true }), 'ready');
      runner.stop(run.name, 'Replaced', 60_000);
      expect(await end).toMatchObject({ reason: 'Replaced', exitCode: 0 });
      expect((await end).outputTail).toMatch(/bye\n$/);
    });

    test('a run stopped before it has a process never gets one', async () => {
      const marker = join(home.path, 'ran');
      const job = aUniqueJob({ command: `touch ${marker}` });
      const run = aRunOf(job);
      const end = endOf(runner, run);
      const starting = runner.start(job, run);
      runner.stop(run.name, 'StoppedByUser', 0);
      await starting;
      expect(await end).toMatchObject({ state: 'Ended', reason: 'StoppedByUser' });
      expect(existsSync(marker)).toBe(false);
    });

    test('background processes of a command end with it', async () => {
      const { end, run } = await startRun(runner, { command: 'sleep 1000 & echo left' });
      expect(await end).toMatchObject({ exitCode: 0, outputTail: 'left\n' });
      expect(processesOf(run)).toEqual([]);
    });

    test('a command that ends by itself says so, and a stop while its background processes have their second changes nothing', async () => {
      const { end, run, job } = await startRun(runner, { command: 'sleep 1000 & exit 3' });
      await eventually(() => hasEnded(home.startDirectoryOf(run)));
      // A stop before the end of the leader is a stop of a command that may still run.
      await eventually(() => !existsSync(`/proc/${home.leaderOf(run)}`));
      expect(runner.observe(job.key)).toMatchObject([{ state: 'Running' }]);
      runner.stop(run.name, 'TimedOut', 0);
      expect(await end).toMatchObject({ exitCode: 3, byItself: true });
      expect(await end).not.toHaveProperty('reason', 'TimedOut');
      expect((await end).message).toMatch(/lsh ended them: sleep/);
    });

    test('a command that ended while the runner was frozen ended before its time limit', async () => {
      const { end, run } = await startRun(runner, { command: 'exit 3' });
      const directory = home.startDirectoryOf(run);
      // Blocks the event loop, as a freeze does: the runner hears of the stop before it hears of the end.
      while (!hasEnded(directory));
      while (Date.now() < statSync(join(directory, 'status')).mtimeMs + 50);
      runner.stop(run.name, 'TimedOut', 0);
      expect(await end).toMatchObject({ exitCode: 3, byItself: true, reason: undefined });
      expect((await end).finishedAt).toBeLessThan(Date.now() - 40);
    });

    test('a background process that ignores TERM gets KILL', async () => {
      const { end, run } = await startRun(runner, {
        command: `sh -c 'trap "" TERM; : >ready; sleep 1000; sleep 1000' & until [ -e ready ]; do sleep 0.01; done; rm ready`,
        workingDir: home.path,
      });
      expect(await end).toMatchObject({ exitCode: 0 });
      // The run waits half a second for the killed process; a busy machine may take longer.
      await eventually(() => processesOf(run).length === 0);
    });

    test('the message names the background processes that lsh ended', async () => {
      const { end } = await startRun(runner, { command: 'sleep 1000 & echo $!; exit 3' });
      const { message, outputTail, exitCode } = await end;
      expect(exitCode).toBe(3);
      expect(message).toBe(
        `Background processes outlived the command, and lsh ended them: sleep (${outputTail?.trim()}).`,
      );
    });

    test('a background process that leaves the group after the end of the command lives', async () => {
      const { end, run } = await startRun(runner, {
        command: `sh -c 'sleep 0.3; exec setsid sleep 1000' & :`,
      });
      expect((await end).message).toBeUndefined();
      const left = processesOf(run);
      for (const pid of left) process.kill(pid, 'SIGKILL');
      expect(left).toHaveLength(1);
    });

    test('a background process that ends within a second is not named', async () => {
      const { end } = await startRun(runner, { command: 'sleep 0.2 & :' });
      expect((await end).message).toBeUndefined();
    });

    test('with backgroundChildren keep, background processes live on; a stop still ends them', async () => {
      const spec = { command: 'sleep 1000 & echo left', backgroundChildren: 'keep' as const };
      const { end, run } = await startRun(runner, spec);
      expect((await end).outputTail).toBe('left\n');
      expect((await end).message).toBeUndefined();
      const left = processesOf(run);
      for (const pid of left) process.kill(pid, 'SIGKILL');
      expect(left).toHaveLength(1);

      const stopped = await startRun(runner, { ...spec, command: 'sleep 1000 & echo up; sleep 1000' });
      await readUntil(runner.log(stopped.run.name, { follow: true }), 'up');
      runner.stop(stopped.run.name, 'StoppedByUser', 60_000);
      expect(await stopped.end).toMatchObject({ reason: 'StoppedByUser' });
      expect(processesOf(stopped.run)).toEqual([]);
    });

    test('a process in its own session (setsid) outlives the run', async () => {
      const { path } = await home.gate('escaped');
      const { end, run } = await startRun(runner, {
        command: `setsid sh -c ': >${path}; exec sleep 1000' & cat ${path}; echo started`,
      });
      expect(await end).toMatchObject({ exitCode: 0, outputTail: 'started\n' });
      const [escaped, ...others] = processesOf(run);
      expect(others).toEqual([]);
      process.kill(escaped!, 'SIGKILL');
    });

    test('a process in its own session cannot delay the end of the run with its output', async () => {
      const { path } = await home.gate('escaped');
      const { end, run } = await startRun(runner, {
        command: `setsid sh -c ': >${path}; exec yes' & cat ${path}; exit 3`,
      });
      expect(await end).toMatchObject({ exitCode: 3 });
      for (const pid of processesOf(run)) process.kill(pid, 'SIGKILL');
    });

    test('a killed leader of the process group is a Signal, and the rest of the group ends too', async () => {
      const { end, run } = await startRun(runner, { command: 'echo up; sleep 1000; sleep 1000' });
      await readUntil(runner.log(run.name, { follow: true }), 'up');
      process.kill(home.leaderOf(run), 'SIGKILL');
      expect(await end).toMatchObject({ reason: 'Signal', signal: 'SIGKILL' });
      expect(processesOf(run)).toEqual([]);
    });

    test('killed runs in the same start directory do not lengthen its status file', async () => {
      const files: { ino: number; size: number }[] = [];
      for (let kills = 0; kills < 3; kills++) {
        const { end, run } = await startRun(runner, { command: 'echo up; sleep 1000' });
        await readUntil(runner.log(run.name, { follow: true }), 'up');
        process.kill(home.leaderOf(run), 'SIGKILL');
        await end;
        files.push(statSync(join(home.startDirectoryOf(run), 'status')));
        runner.release(run.name);
      }
      const [first, second, third] = files;
      expect([second!.ino, third!.ino]).toEqual([first!.ino, first!.ino]);
      // Pids have different lengths.
      expect(third!.size).toBeLessThan(first!.size + 20);
    });
  });

  describe('many runs', () => {
    test('50 concurrent runs each have their own output and exit code', async () => {
      const runs = await Promise.all(
        Array.from({ length: 50 }, (_, n) => startRun(runner, { command: `echo number ${n}; exit ${n}` })),
      );
      const ends = await Promise.all(runs.map(({ end }) => end));
      expect(ends.map(({ exitCode, outputTail }) => [exitCode, outputTail])).toEqual(
        Array.from({ length: 50 }, (_, n) => [n, `number ${n}\n`]),
      );
    });

    test('a reused start directory holds nothing of its former run', async () => {
      for (let n = 0; n < 150; n++) {
        const { end, run } = await startRun(runner, { command: `echo ${n}; exit ${n % 3}` });
        expect(await end).toMatchObject({
          exitCode: n % 3,
          outputTail: `${n}\n`,
          outputBytes: `${n}\n`.length,
        });
        runner.release(run.name);
      }
      expect(readdirSync(join(home.stateDir, 'runs'))).toEqual([]);
    });

    test('a later run uses the files of an earlier one: making and deleting files would slow down with their number', async () => {
      const filesOf = async () => {
        const { end, run } = await startRun(runner, { command: 'true' });
        await end;
        const directory = home.startDirectoryOf(run);
        const names = readdirSync(directory).sort();
        const inodes = names.map((name) => [name, statSync(join(directory, name)).ino]);
        runner.release(run.name);
        return inodes;
      };
      const first = await filesOf();
      expect(first.map(([name]) => name)).toEqual(['fifo', 'status']);
      expect(await filesOf()).toEqual(first);
    });

    test('a full runner has no capacity', async () => {
      const small = await home.runner({ maxConcurrentRuns: 1, stateDir: join(home.path, 'small') });
      const { end, run } = await startRun(small, { command: 'sleep 1000' });
      expect(small.capacity()).toBe(0);
      small.stop(run.name, 'StoppedByUser', 0);
      await end;
      expect(small.capacity()).toBe(1);
    });
  });

  describe('files', () => {
    test.each([0o000, 0o077])('with umask %o directories are 0700 and files 0600', async (umask) => {
      const before = process.umask(umask);
      try {
        mkdirSync(home.stateDir, { recursive: true });
        const masked = await home.runner({ stateDir: join(home.path, 'masked') });
        const { end, run } = await startRun(masked, {
          command: 'echo out; umask',
          captureOutput: false,
        });
        await end;
        const root = join(home.path, 'masked');
        const entries = readdirSync(root, { recursive: true, withFileTypes: true });
        const modes = entries.map((entry) => {
          const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777;
          return [entry.name, entry.isDirectory() ? mode === 0o700 : mode === 0o600];
        });
        expect(modes.filter(([, right]) => !right)).toEqual([]);
        expect(entries.map(({ name }) => name)).toEqual(
          expect.arrayContaining(['status', 'fifo', `${run.name}.log`]),
        );
        expect(statSync(root).mode & 0o777).toBe(0o700);
        const log = await readAll(masked.log(run.name));
        expect(Number.parseInt(log.split('\n')[1]!, 8)).toBe(umask);
      } finally {
        process.umask(before);
      }
    });

    test('the log stays after release() until removeLog()', async () => {
      const { end, run } = await startRun(runner, { command: 'echo kept' });
      await end;
      runner.release(run.name);
      expect(await readAll(runner.log(run.name))).toBe('kept\n');
      runner.removeLog(run.name);
      expect(await readAll(runner.log(run.name))).toBe('');
    });

    test('an unwritable log costs the log, not the run: the tail is right and the message says why', async () => {
      const logs = join(home.stateDir, 'logs');
      rmdirSync(logs);
      const { end, run } = await startRun(runner, {
        command: 'head -c 200000 /dev/zero; echo; echo last; exit 6',
      });
      expect(await end).toMatchObject({
        exitCode: 6,
        outputBytes: 200_006,
        outputTail: expect.stringMatching(/\nlast\n$/),
      });
      expect((await end).message).toMatch(/log is incomplete: ENOENT/);
      expect(await readAll(runner.log(run.name))).toBe('');
    });

    test('a slow disk loses no output at the end', async () => {
      const append = Reflect.get(RunLog.prototype, 'append');
      vi.spyOn(RunLog.prototype, 'append').mockImplementation(async function (this: RunLog, chunk) {
        // Longer than the limit for output that never ends.
        await once(AbortSignal.timeout(700), 'abort');
        await Reflect.apply(append, this, [chunk]);
      });
      const { end } = await startRun(runner, { command: 'head -c 200000 /dev/zero; echo; echo last' });
      expect(await end).toMatchObject({
        outputBytes: 200_006,
        outputTail: expect.stringMatching(/\nlast\n$/),
      });
    });

    test('a run name with a path in it reaches no file', async () => {
      writeFileSync(join(home.path, 'secret.log'), 'secret');
      await expect(readAll(runner.log('../../secret'))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
      expect(() => runner.removeLog('../../secret')).toThrow(
        expect.objectContaining({ code: 'RUN_NOT_FOUND' }),
      );
      expect(existsSync(join(home.path, 'secret.log'))).toBe(true);
    });
  });
});
