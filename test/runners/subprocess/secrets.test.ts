// A real command gets its secret and prints it; neither its log nor its record shows it.
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { runFiles } from '../../../src/runners/subprocess/run-files.ts';
import { endOf, readAll, readUntil } from '../../support/runners/run-output.ts';
import { RunnerWorld, startRemote } from '../../support/runners/runner-process.ts';
import { processesOf, RunnerHome, startRun } from '../../support/runners/subprocess-runner.ts';

const KEY = 'AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0JQMADEUP';
const secrets = { LSH_SECRETS_KEY: KEY };

let home: RunnerHome;

beforeEach(() => {
  home = new RunnerHome();
});
afterEach(() => home.close());

/** The end of the run, and its log. */
async function ended(spec: JobSpecInput) {
  const runner = await home.runner({ secrets });
  const { end, run } = await startRun(runner, spec);
  return { end: await end, log: await readAll(runner.log(run.name)) };
}

/** The bytes of all files of the runner. */
function everything(): string {
  const entries = readdirSync(home.path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

const half = Math.floor(KEY.length / 2);
/** One write, and so one read: a reader that has seen the word has read half of the key. */
const firstHalf = `printf 'key: %.${half}s' "$LSH_SECRETS_KEY"`;
const secondHalf = `printf %s "\${LSH_SECRETS_KEY#${'?'.repeat(half)}}"`;

describe('a command', () => {
  test('gets the value; printed in one write, the output masks it', async () => {
    const { end, log } = await ended({ command: 'echo "${#LSH_SECRETS_KEY} $LSH_SECRETS_KEY."; exit 3' });
    expect(end).toMatchObject({ exitCode: 3, outputTail: `${KEY.length} ***.\n`, outputBytes: 8 });
    expect(log).toBe(`${KEY.length} ***.\n`);
    expect(everything()).not.toContain(KEY);
  });

  test('may print it at its end, without a newline', async () => {
    const { end, log } = await ended({ args: ['printenv', 'LSH_SECRETS_KEY'] });
    expect(end.outputTail).toBe('***\n');
    const bare = await ended({ command: 'printf %s "$LSH_SECRETS_KEY"' });
    expect([end.outputTail, log, bare.end.outputTail, bare.log]).toEqual(['***\n', '***\n', '***', '***']);
  });

  test('may print it in base64', async () => {
    const { end, log } = await ended({ command: 'printf "user:$LSH_SECRETS_KEY" | base64; echo done' });
    expect([end.outputTail, log]).toEqual(['dXNlcj***=\ndone\n', 'dXNlcj***=\ndone\n']);
  });

  test('that prints the beginning of it at its end loses no output', async () => {
    const { end, log } = await ended({ command: 'printf "no key: AGE-SECRET-"' });
    expect([end.outputTail, log]).toEqual(['no key: AGE-SECRET-', 'no key: AGE-SECRET-']);
  });

  test('that is not found is reported without the value in its name', async () => {
    const { end, log } = await ended({ command: '"$LSH_SECRETS_KEY"' });
    expect(end).toMatchObject({ reason: 'SpawnError', message: expect.stringContaining('***') });
    expect(`${end.message} ${log}`).not.toContain(KEY);
  });

  test('may print it in two writes, with a read between', async () => {
    const gate = await home.gate('gate');
    const runner = await home.runner({ secrets });
    const { end, run } = await startRun(runner, {
      command: `${firstHalf}; cat ${gate.path}; ${secondHalf}; echo .`,
    });
    await readUntil(runner.log(run.name, { follow: true }), 'key: ');
    await gate.open();
    expect((await end).outputTail).toBe('key: ***.\n');
    expect(await readAll(runner.log(run.name))).toBe('key: ***.\n');
  });

  test('may print it more often than the log keeps', async () => {
    const runner = await home.runner({ secrets, maxOutputBytes: 4096 });
    const { end } = await startRun(runner, { command: 'yes "$LSH_SECRETS_KEY" | head -n 20000' });
    expect(await end).toMatchObject({ exitCode: 0, outputBytes: 80_000 });
    expect(everything()).not.toContain(KEY.slice(0, 20));
    expect(everything()).toContain('***\n***\n');
  });
});

describe('when another runner recovers the run', () => {
  test('it masks a half printed value whole, and no file shows the half', async () => {
    const gate = await home.gate('gate');
    const first = await home.runner({ secrets });
    const { run } = await startRun(first, {
      command: `${firstHalf}; cat ${gate.path}; ${secondHalf}; echo .`,
    });
    await readUntil(first.log(run.name, { follow: true }), 'key: ');
    await first.close();
    expect(everything()).toContain(KEY.slice(0, half));
    const second = await home.runner({ secrets }, [run]);
    const end = endOf(second, run);
    await gate.open();
    expect((await end).outputTail).toBe('key: ***.\n');
    expect(await readAll(second.log(run.name))).toBe('key: ***.\n');
    expect(everything()).not.toContain(KEY.slice(0, half));
  });

  test('it masks the rest of a value after kill -9 of the runner that read the first half', async () => {
    const world = new RunnerWorld();
    await world.startRunner(secrets);
    const controller = await world.connected();
    const gate = await world.gate('gate');
    const { run, end } = await startRemote(controller, {
      command: `${firstHalf}; cat ${gate.path}; ${secondHalf}; echo .`,
    });
    await readUntil(controller.log(run.name, run.job, { follow: true }), 'key: ');
    await world.killRunner();
    await world.startRunner(secrets);
    await gate.open();
    expect((await end).outputTail).toBe('key: ***.\n');
    expect(await readAll(controller.log(run.name, run.job))).toBe('key: ***.\n');
    await world.close();
  });

  test('it masks the rest of a value when the disk did not take the first half', async () => {
    const gate = await home.gate('gate');
    const first = await home.runner({ secrets });
    const { run } = await startRun(first, {
      command: `${firstHalf}; cat ${gate.path}; ${secondHalf}; echo .`,
    });
    await readUntil(first.log(run.name, { follow: true }), 'key: ');
    const { runs } = runFiles(home.stateDir);
    const inTheWay = join(runs, readdirSync(runs)[0]!, 'withheld');
    mkdirSync(inTheWay);
    await first.close();
    rmdirSync(inTheWay);
    const second = await home.runner({ secrets }, [run]);
    const end = endOf(second, run);
    await gate.open();
    expect((await end).outputTail).toBe('key: ***.\n');
  });

  test('it shows an end that only looked like the beginning of a value', async () => {
    const gate = await home.gate('gate');
    const first = await home.runner({ secrets });
    const { run } = await startRun(first, { command: `printf 'out: AGE-'; cat ${gate.path}; echo old` });
    await readUntil(first.log(run.name, { follow: true }), 'out: ');
    await first.close();
    // The key is no longer configured.
    const second = await home.runner({}, [run]);
    const end = endOf(second, run);
    await gate.open();
    expect((await end).outputTail).toBe('out: AGE-old\n');
  });
});

test('no process has the value in its arguments', async () => {
  const gate = await home.gate('gate');
  const runner = await home.runner({ secrets });
  const { end, run } = await startRun(runner, { command: `echo "$LSH_SECRETS_KEY"; cat ${gate.path}` });
  await readUntil(runner.log(run.name, { follow: true }), '***');
  const processes = processesOf(run);
  expect(processes.length).toBeGreaterThan(0);
  for (const pid of processes) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(KEY);
  await gate.open();
  await end;
});
