// A failure never ends a schedule, and a dead child ends its run: through the command line and a real daemon.
import { statSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { RunDocument } from '../../src/core/document.ts';
import { makeFifos } from '../../src/runners/subprocess/output/fifo-pool.ts';
import { isAlive } from '../../src/local/lifecycle/process-state.ts';
import { aSharedDaemon, aStartedHome, lsh, lshOk } from '../support/daemon/cli.ts';
import { eventually } from '../support/eventually.ts';
import { followFile, processesWith } from '../support/side-effects.ts';

const home = aSharedDaemon();
const MEGABYTE = 1_000_000;

/** Starts the job now, waits for its end, and resolves with the run. */
async function trigger(name: string): Promise<RunDocument> {
  const { stdout } = await lsh(home, ['cron', 'trigger', name, '--wait', '-o', 'json']);
  return JSON.parse(stdout) as RunDocument;
}

test('a job that exits 1 keeps its schedule: each next slot has its run, which is Failed with that code', async () => {
  const file = followFile(join(home.env['HOME'] ?? '', 'slots'));
  const command = `echo "$LSH_SLOT" >> '${file.path}'; exit 1`;
  await lshOk(home, ['cron', 'add', '-n', 'fails', '-s', '* * * * * *', '-c', command]);
  const slots = await file.reaches(4);
  await lshOk(home, ['cron', 'pause', 'fails']);

  const runs = (await home.client.runs({ name: 'fails' })).reverse();
  expect(runs.length).toBeGreaterThanOrEqual(4);
  expect(runs.map(({ slot }) => slot).slice(0, 4)).toEqual(slots.slice(0, 4));
  const finished = runs.slice(0, 3);
  expect(finished.map(({ phase, exitCode }) => `${phase} ${exitCode}`)).toEqual(Array(3).fill('Failed 1'));
  expect(await lshOk(home, ['cron', 'history', 'fails'])).toContain('Failed');
});

test('retry.limit 3 makes exactly four attempts, each after a longer delay', async () => {
  const file = followFile(join(home.env['HOME'] ?? '', 'attempts'));
  const command = `echo "$LSH_ATTEMPT" >> '${file.path}'; exit 1`;
  const flags = ['--retries', '3', '--retry-delay', '1s'];
  await lshOk(home, ['cron', 'add', '-n', 'retries', '-s', '@yearly', '-c', command, ...flags]);
  await lsh(home, ['cron', 'trigger', 'retries']);
  expect((await file.reaches(4)).slice(0, 4)).toEqual(['1', '2', '3', '4']);

  const [last] = await home.client.runs({ name: 'retries' });
  expect(await home.client.run({ run: last!.name, wait: true })).toMatchObject({
    attempt: 4,
    phase: 'Failed',
    exitCode: 1,
  });
  const runs = (await home.client.runs({ name: 'retries' })).reverse();
  expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  // The planned starts: an attempt may start later, and the next one still follows after its own delay.
  const database = new DatabaseSync(home.paths.database, { readOnly: true });
  const planned = database
    .prepare(`SELECT start_after AS at FROM runs WHERE job = 'local/retries' ORDER BY attempt`)
    .all() as { at: number }[];
  database.close();
  const delays = runs
    .slice(1)
    .map((_, index) => planned[index + 1]!.at - Date.parse(runs[index]!.finishedAt!));
  // Jitter is up to a tenth of each delay; each delay doubles.
  const spread = (delay: number, index: number) => Math.abs(delay / (1000 * 2 ** index) - 1);
  expect(delays.filter((delay, index) => spread(delay, index) > 0.101)).toEqual([]);
  const early = runs.filter(({ startedAt }, index) => Date.parse(startedAt!) < planned[index]!.at);
  expect(early).toEqual([]);
  // No attempt follows the fourth.
  const job = await home.client.get({ name: 'retries' });
  expect(job.status).toMatchObject({ active: [], totals: { failed: 4 } });
});

test.each([
  ['of a shell line', ['-c', 'no-such-command --flag']],
  ['without a shell', ['--', '/no/such/program']],
  ['in a missing directory', ['-w', '/no/such/directory', '-c', 'true']],
  ['by a missing shell', ['--shell', '/no/such/shell', '-c', 'true']],
])('a command that does not exist, %s, is Failed with SpawnError, and the daemon lives', async (_, flags) => {
  const { pid } = await home.client.status({});
  await lshOk(home, ['cron', 'add', '-n', 'absent', '-s', '@yearly', ...flags]);
  const run = await trigger('absent');
  expect(run).toMatchObject({ phase: 'Failed', reason: 'SpawnError' });
  expect(run.message).toMatch(/no.such/);
  expect((await home.client.status({})).pid).toBe(pid);
  expect(await lshOk(home, ['cron', 'list'])).toContain('SpawnError');
});

test('a timeout ends the whole process group: no process of the run is left', async () => {
  const command = "sh -c 'sleep 1000 & echo both; sleep 1000'";
  await lshOk(home, ['cron', 'add', '-n', 'slow', '-s', '@yearly', '-c', command, '--timeout', '5s']);
  const { name } = await home.client.trigger({ name: 'slow', id: '1' });
  // The processes report themselves: a search could come before they start, or after they end.
  expect(await home.client.run({ run: name, wait: true })).toMatchObject({
    phase: 'Killed',
    reason: 'TimedOut',
    outputTail: 'both\n',
  });
  expect(processesWith(`LSH_RUN=${name}`)).toEqual([]);
});

test('100 MB of output leave the daemon’s memory flat and the log bounded, with the right end', async () => {
  const { pid } = await home.client.status({});
  const flood = (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' x; echo; echo the end`;
  const add = (bytes: number) =>
    lshOk(home, ['cron', 'add', '-n', 'flood', '-s', '@yearly', '-c', flood(bytes)]);
  // The first output allocates memory of its own, which the flood must not count.
  await add(20 * MEGABYTE);
  await trigger('flood');
  const before = await peakMemory(pid);

  await add(100 * MEGABYTE);
  const run = await trigger('flood');
  expect(run).toMatchObject({ phase: 'Completed', exitCode: 0, outputBytes: 100 * MEGABYTE + 9 });
  expect(run.outputTail).toMatch(/x\nthe end\n$/);
  expect((await peakMemory(pid)) - before).toBeLessThan(32 * MEGABYTE);

  const log = await lshOk(home, ['cron', 'logs', 'flood']);
  expect(log.length).toBeLessThanOrEqual(10 * 1024 * 1024);
  expect(log).toMatch(/\[lsh: \d+ bytes left out\]\n/);
  expect(log.endsWith('x\nthe end\n')).toBe(true);
  expect(statSync(join(home.paths.stateDir, 'logs', `${run.name}.log`)).size).toBe(log.length);
});

/** The peak memory of the process, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

test.each(['restart', 'kill -9'])(
  'a running job survives %s of the daemon, with its output and exit code',
  async (how) => {
    const home = await aStartedHome();
    const words = join(home.env['HOME'] ?? '', 'words');
    await makeFifos([words], home.env['PATH'] ?? '');
    const command = `cat '${words}'; exit 7`;
    await lshOk(home, ['cron', 'add', '-n', 'long', '-s', '@yearly', '-c', command]);
    const { name } = await home.client.trigger({ name: 'long', id: '1' });
    // Opens once the command has opened it; from here on the command prints the lines of the test.
    const speech = await open(words, 'w');
    await speech.write('before\n');
    // The daemon loses output that it has read and not yet written, as any reader of a pipe.
    for await (const _ of home.client.log({ name: 'long', run: name, follow: true })) break;
    const { pid } = await home.client.status({});
    if (how === 'restart') {
      const [restarted] = await Promise.all([lsh(home, ['daemon', 'restart']), speech.write('meanwhile\n')]);
      expect(restarted.status).toBe(0);
    } else {
      process.kill(pid, 'SIGKILL');
      await eventually(() => !isAlive(pid));
      await speech.write('meanwhile\n');
      await lshOk(home, ['daemon', 'start']);
    }
    expect((await home.client.status({})).pid).not.toBe(pid);
    expect(await home.client.run({ run: name })).toMatchObject({ phase: 'Running' });

    const followed = lshOk(home, ['cron', 'logs', '-f', 'long']);
    await speech.write('after\n');
    await speech.close();
    expect(await followed).toBe('before\nmeanwhile\nafter\n');
    const { phase, reason, exitCode, attempt } = await home.client.run({ run: name, wait: true });
    expect({ phase, reason, exitCode, attempt }).toEqual({
      phase: 'Failed',
      reason: 'ExitCode',
      exitCode: 7,
      attempt: 1,
    });
    expect(await home.client.runs({ name: 'long' })).toHaveLength(1);
  },
);
