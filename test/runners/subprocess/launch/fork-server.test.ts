import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SubprocessRunner } from '../../../../src/runners/subprocess/subprocess-runner.ts';
import { eventually } from '../../../support/eventually.ts';
import { endOf, readUntil } from '../../../support/runners/run-output.ts';
import { aRunOf, aUniqueJob } from '../../../support/builders.ts';
import {
  FORK_SERVER,
  RunnerHome,
  parentOf,
  processesOf,
  startRun,
} from '../../../support/runners/subprocess-runner.ts';

const SCORE = '/proc/self/oom_score_adj';

let home: RunnerHome;

beforeEach(() => {
  home = new RunnerHome();
});
afterEach(() => home.close());

/** A runner whose fork server has run the script before. */
async function runnerAfter(script: string): Promise<SubprocessRunner> {
  const program = join(home.path, 'fork-server');
  writeFileSync(program, `#!/bin/sh\n${script}\nexec ${FORK_SERVER} "$@"\n`, { mode: 0o755 });
  return home.runner({ forkServer: program });
}

/** The pid of the fork server that has started the run. */
const serverOf = (run: Parameters<RunnerHome['leaderOf']>[0]) => parentOf(home.leaderOf(run));

describe.runIf(FORK_SERVER !== null)('the fork server', () => {
  test('leaves a lower hard limit of open files as it is', async () => {
    const runner = await runnerAfter('ulimit -S -n 512; ulimit -H -n 512');
    const { end } = await startRun(runner, { command: 'ulimit -S -n; ulimit -H -n' });
    expect((await end).outputTail).toBe('512\n512\n');
  });

  test.each([
    [850, 1000],
    [1000, 1000],
  ])('with the score %i gives commands %i, and never one out of bounds', async (own, expected) => {
    const runner = await runnerAfter(`echo ${own} >${SCORE}`);
    const { end } = await startRun(runner, { args: ['cat', SCORE] });
    expect((await end).outputTail).toBe(`${expected}\n`);
  });

  test('starts every command with the default of each signal, and with none blocked', async () => {
    const { end } = await startRun(await home.runner(), { args: ['cat', '/proc/self/status'] });
    const status = (await end).outputTail!;
    expect(status).toMatch(/^SigBlk:\t0+$/m);
    expect(status).toMatch(/^SigIgn:\t0+$/m);
  });

  test('leaves a command none of its own descriptors', async () => {
    const { end } = await startRun(await home.runner(), { args: ['ls', '-l', '/proc/self/fd'] });
    const descriptors = (await end).outputTail!;
    expect(descriptors.match(/fifo$/gm)).toHaveLength(2);
    expect(descriptors).toContain('0 -> /dev/null');
    expect(descriptors).not.toMatch(/signalfd|socket:|status|runner\.pid|sealed/);
  });

  test('keeps no directory of a job from being unmounted', async () => {
    const { run, end } = await startRun(await home.runner(), {
      command: 'sleep 1000',
      workingDir: home.path,
    });
    expect(readlinkSync(`/proc/${serverOf(run)}/cwd`)).toBe('/');
    process.kill(home.leaderOf(run), 'SIGKILL');
    await end;
  });

  test('is one process for a burst of commands, and its end in the midst fails some of them with words', async () => {
    const runner = await home.runner();
    const burst = Array.from({ length: 50 }, () => startRun(runner, { command: 'sleep 0.2; exit 3' }));
    const [first] = await Promise.all(burst);
    const runs = await Promise.all(burst);
    const servers = new Set(runs.map(({ run }) => serverOf(run)));
    expect(servers.size).toBe(1);
    process.kill(serverOf(first!.run), 'SIGKILL');
    const later = Array.from({ length: 50 }, () => startRun(runner, { command: 'exit 4' }));
    const ends = await Promise.all([...runs, ...(await Promise.all(later))].map(({ end }) => end));
    for (const end of ends) expect(end.exitCode ?? end.reason).toBeOneOf([3, 4, 'Lost', 'SpawnError']);
  });

  test('outlives the signals that end other programs', async () => {
    const runner = await home.runner();
    const gate = await home.gate('gate');
    const { run, end } = await startRun(runner, { command: `echo up; cat ${gate.path}; exit 5` });
    await readUntil(runner.log(run.name, { follow: true }), 'up');
    const server = serverOf(run);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const)
      process.kill(server, signal);
    await gate.open();
    expect(await end).toMatchObject({ exitCode: 5 });
  });

  test('that is killed leaves its commands running, and a next command gets another', async () => {
    const runner = await home.runner();
    const gate = await home.gate('gate');
    const { run, end } = await startRun(runner, { command: `echo up; cat ${gate.path}; echo more` });
    await readUntil(runner.log(run.name, { follow: true }), 'up');
    process.kill(serverOf(run), 'SIGKILL');
    // A command that is requested before the runner knows fails with words, and never runs.
    let next = await (await startRun(runner, { command: 'echo next; exit 3' })).end;
    while (next.reason === 'SpawnError') {
      expect(next.message).toBe('The command did not start: the fork server of lsh was ended.');
      next = await (await startRun(runner, { command: 'echo next; exit 3' })).end;
    }
    expect(next).toMatchObject({ exitCode: 3, outputTail: 'next\n' });
    await gate.open();
    // The process that would have saved its exit code is gone.
    expect(await end).toMatchObject({ reason: 'Lost', outputTail: 'up\nmore\n' });
  });

  test('ends with its last command after the runner, and without one at once', async () => {
    const runner = await home.runner();
    const gate = await home.gate('gate');
    const first = await startRun(runner, { command: 'true' });
    await first.end;
    const { run } = await startRun(runner, { command: `echo up; cat ${gate.path}` });
    await readUntil(runner.log(run.name, { follow: true }), 'up');
    const server = serverOf(run);
    await runner.close();
    expect(isAlive(server)).toBe(true);
    await gate.open();
    await eventually(() => !isAlive(server));
    expect(processesOf(run)).toEqual([]);
  });

  test('that has not saved an exit code yet keeps the next runner waiting for it', async () => {
    const first = await home.runner();
    const gate = await home.gate('gate');
    const { run } = await startRun(first, { command: `echo up; cat ${gate.path}; exit 9` });
    await readUntil(first.log(run.name, { follow: true }), 'up');
    await first.close();
    const [leader, server] = [home.leaderOf(run), serverOf(run)];
    process.kill(server, 'SIGSTOP');
    await gate.open();
    await eventually(() => readFileSync(`/proc/${leader}/stat`, 'utf8').includes(') Z '));
    const second = await home.runner({}, [run]);
    expect(second.observe(run.job)).toMatchObject([{ state: 'Running' }]);
    const end = endOf(second, run);
    process.kill(server, 'SIGCONT');
    expect(await end).toMatchObject({ exitCode: 9, outputTail: 'up\n' });
  });

  test('takes a request of many megabytes, and says when the system does not', async () => {
    const runner = await home.runner();
    const env = Array.from({ length: 60 }, (_, index) => ({ name: `V${index}`, value: 'x'.repeat(20_000) }));
    const large = await startRun(runner, { args: ['sh', '-c', 'echo ${#V0} ${#V59}'], env });
    expect((await large.end).outputTail).toBe('20000 20000\n');
    const { end } = await startRun(runner, { args: ['echo', ...Array(30).fill('x'.repeat(100_000))] });
    expect(await end).toMatchObject({ reason: 'SpawnError' });
    expect((await end).message).toMatch(/longer than the system allows|Argument list too long/);
  });

  test('that cannot be executed fails the run, and the directory serves the next one', async () => {
    const program = join(home.path, 'no-server');
    writeFileSync(program, 'text', { mode: 0o644 });
    const runner = await home.runner({ forkServer: program });
    const job = aUniqueJob({ command: 'true' });
    const run = aRunOf(job);
    const end = endOf(runner, run);
    await runner.start(job, run);
    expect(await end).toMatchObject({ reason: 'SpawnError', message: expect.stringContaining('EACCES') });
    expect(readdirSync(join(home.stateDir, 'runs'))).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
