// What running commands write while no daemon lives: the commands go on, and the next daemon has their output.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeFifos } from '../../../src/runners/subprocess/output/fifo-pool.ts';
import { isAlive } from '../../../src/local/lifecycle/process-state.ts';
import { lshOk } from '../../support/daemon/cli.ts';
import { aDaemon, aHome, aManifest, type TestHome } from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';
import { followFile, processesWith } from '../../support/side-effects.ts';

const KEY = 'a key of secrets, long enough';
/** Several times what a pipe holds. */
const LINES = 400;
const LINE_BYTES = 1000;

const linesFrom = (first: number) => `seq -f %0${LINE_BYTES - 1}.0f ${first} ${first + LINES - 1}`;

function numbered(first: number, count: number): string {
  return Array.from(
    { length: count },
    (_, at) => `${String(first + at).padStart(LINE_BYTES - 1, '0')}\n`,
  ).join('');
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** A daemon with a running command, which continues at each opening of its gate. */
async function scene(command: (step: string) => string, env: Record<string, string> = {}) {
  const home = aHome(env);
  const gate = join(home.env['HOME']!, 'gate');
  await makeFifos([gate], process.env['PATH']!);
  const marks = followFile(join(home.env['HOME']!, 'marks'));
  const first = await aDaemon(home);
  await home.client.put({
    job: aManifest('writer', { command: command(`cat ${gate}; `) + `; echo end >>${marks.path}` }),
  });
  const { name: run } = await home.client.trigger({ name: 'writer', id: 'one' });
  await eventually(async () => (await lshOk(home, ['cron', 'logs', 'writer'])).includes('up'));
  onTestFinished(() => {
    for (const pid of processesWith(`LSH_STATE_DIR=${home.paths.stateDir}`)) process.kill(pid, 'SIGKILL');
  });
  return { home, daemon: first.child, marks, open: () => writeFile(gate, ''), run };
}

/** Kills the daemon; resolves with the pid of the process that reads from then on, once it does. */
async function standInOf({ paths }: TestHome, daemon: ChildProcess): Promise<number> {
  const pidIn = (file: string) => Number.parseInt(readFileSync(join(paths.stateDir, file), 'utf8'), 10);
  const standIn = pidIn('stand-in.pid');
  await kill(daemon, 'SIGKILL');
  await eventually(() => pidIn('runner.pid') === standIn);
  return standIn;
}

/** The names of the files under the state directory that hold the text. */
function filesWith(home: TestHome, text: string): string[] {
  const entries = readdirSync(home.paths.stateDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.filter((file) => contentOf(file).includes(text));
}

/** Empty for a file that its reader has removed or renamed meanwhile. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

describe.each(['SIGKILL', 'SIGTERM'] as const)('after %s of the daemon', (signal) => {
  test('a command writes more than the pipe holds and ends; the next daemon has all of it', async () => {
    const { home, daemon, marks, open, run } = await scene((step) => `echo up; ${step}${linesFrom(1)}`);
    await kill(daemon, signal);
    await open();
    expect(await marks.reaches(1)).toEqual(['end']);
    await aDaemon(home);
    const end = await home.client.run({ run, wait: true });
    expect(end).toMatchObject({ phase: 'Completed', outputBytes: 3 + LINES * LINE_BYTES });
    expect(end.message).toBeUndefined();
    expect(await lshOk(home, ['cron', 'logs', 'writer'])).toBe(`up\n${numbered(1, LINES)}`);
  });

  test('a command that still runs loses nothing at the next start, nor at the next two', async () => {
    const { home, daemon, marks, open, run } = await scene(
      (step) =>
        `echo up; ${step}${linesFrom(1)}; echo 1 >>$HOME/marks; ${step}${linesFrom(1 + LINES)}; echo 2 >>$HOME/marks; ${step}${linesFrom(1 + 2 * LINES)}`,
    );
    await kill(daemon, signal);
    await open();
    await marks.reaches(1);
    const second = await aDaemon(home);
    await kill(second.child, signal);
    await open();
    await marks.reaches(2);
    await aDaemon(home);
    await open();
    expect(await home.client.run({ run, wait: true })).toMatchObject({
      phase: 'Completed',
      outputBytes: 3 + 3 * LINES * LINE_BYTES,
    });
    expect(await lshOk(home, ['cron', 'logs', 'writer'])).toBe(`up\n${numbered(1, 3 * LINES)}`);
  });
});

test('the output that arrives without a daemon is bounded and redacted on disk at every moment', async () => {
  const env = { LSH_SECRETS_KEY: KEY, LSH_MAX_OUTPUT_BYTES: '65536' };
  const { home, daemon, marks, open, run } = await scene(
    (step) =>
      `echo up; ${step}echo "$LSH_SECRETS_KEY"; ${linesFrom(1)}; echo "$LSH_SECRETS_KEY"; echo 1 >>$HOME/marks; ${step}true`,
    env,
  );
  await kill(daemon, 'SIGKILL');
  await open();
  await marks.reaches(1);
  expect(filesWith(home, KEY)).toEqual([]);
  await eventually(() => filesWith(home, '***').length > 0);
  await aDaemon(home);
  await open();
  await home.client.run({ run, wait: true });
  const log = await lshOk(home, ['cron', 'logs', 'writer']);
  expect(Buffer.byteLength(log)).toBeLessThanOrEqual(65_536);
  expect(log).toMatch(/^up\n\*\*\*\n0+1\n[^]*bytes left out[^]*400\n\*\*\*\n$/);
  expect(filesWith(home, KEY)).toEqual([]);
});

test('the process that reads without a daemon ends with the last command', async () => {
  const { home, daemon, marks, open } = await scene((step) => `echo up; ${step}${linesFrom(1)}`);
  const standIn = Number.parseInt(readFileSync(join(home.paths.stateDir, 'stand-in.pid'), 'utf8'), 10);
  await kill(daemon, 'SIGKILL');
  await eventually(() =>
    readFileSync(join(home.paths.stateDir, 'runner.pid'), 'utf8').startsWith(`${standIn} `),
  );
  await open();
  await marks.reaches(1);
  await eventually(() => !isAlive(standIn));
});

test('a reader that does not end is killed at the next start, and the record says that output may be missing', async () => {
  const { home, daemon, open, run } = await scene((step) => `echo up; ${step}echo down`);
  const standIn = await standInOf(home, daemon);
  process.kill(standIn, 'SIGSTOP');
  await aDaemon(home);
  expect(isAlive(standIn)).toBe(false);
  await open();
  const end = await home.client.run({ run, wait: true });
  expect(end).toMatchObject({ phase: 'Completed', outputTail: 'up\ndown\n' });
  expect(end.message).toMatch(/the end of the output may be missing/);
});

test('a start that never claimed its run holds no process', async () => {
  const { child, paths } = await aDaemon();
  const start = join(paths.stateDir, 'runs', 'never-started~token');
  mkdirSync(start);
  await makeFifos([join(start, 'fifo')], process.env['PATH']!);
  await kill(child, 'SIGKILL');
  await eventually(() => processesWith(`LSH_STATE_DIR=${paths.stateDir}`).length === 0);
});

test('no process is left of a daemon without running commands', async () => {
  const { child, paths } = await aDaemon();
  await kill(child, 'SIGKILL');
  await eventually(() => processesWith(`LSH_STATE_DIR=${paths.stateDir}`).length === 0);
});
