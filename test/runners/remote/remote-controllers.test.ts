// Killed, frozen, replaced and stale controllers against a real `lsh runner`.
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { jobKey } from '../../../src/core/naming.ts';
import { ChildMessages } from '../../support/child-messages.ts';
import { aJob, aUniqueJob, aRunOf } from '../../support/builders.ts';
import { endOf, readAll, readUntil } from '../../support/runners/run-output.ts';
import { HOST, RunnerWorld, isConnected, seen, startRemote } from '../../support/runners/runner-process.ts';

/** Long enough that a process on a busy machine still sends its heartbeats within it. */
const SHORT_LEASE = 3_000;
const FIXTURE = join(import.meta.dirname, '../../fixtures/bin/controller-host.ts');

let world: RunnerWorld;
let host: ChildProcess | undefined;
let messages: ChildMessages;

beforeEach(() => {
  world = new RunnerWorld();
});
afterEach(async () => {
  if (host?.exitCode === null && host.signalCode === null) await killHost();
  host = undefined;
  await world.close();
});

async function killHost(): Promise<void> {
  const gone = once(host!, 'exit');
  host!.kill('SIGKILL');
  await gone;
}

async function message(wanted: unknown): Promise<void> {
  await messages.take((received) => JSON.stringify(received) === JSON.stringify(wanted) || undefined);
}

/** Starts the run through a controller in a process of its own. */
async function startInHost(command: string, leaseMs = 15_000) {
  host = fork(FIXTURE, [world.socketPath, String(leaseMs)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  messages = new ChildMessages(host);
  await message('connected');
  const job = aUniqueJob({ command });
  const run = aRunOf(job, { host: HOST, startedAt: Date.now() });
  host.send({ start: [job, run] });
  await message({ started: run.name });
  return { job, run };
}

test('the next controller takes over the runs of a killed one, with output and exit code', async () => {
  await world.startRunner();
  const gate = await world.gate('gate');
  const { run } = await startInHost(`echo before; cat ${gate.path}; echo after; exit 7`);
  await killHost();
  const controller = await world.connected([run]);
  expect(controller.observe(run.job)).toMatchObject([{ name: run.name, state: 'Running' }]);
  const end = endOf(controller, run);
  await readUntil(controller.log(run.name, run.job, { follow: true }), 'before');
  await gate.open();
  expect(await end).toMatchObject({ exitCode: 7, outputTail: 'before\nafter\n' });
  controller.release(run.name, run.job);
  expect(controller.observe(run.job)).toEqual([]);
  const next = await world.connected([]);
  expect(next.observe(run.job), 'released runs are forgotten by the runner too').toEqual([]);
});

test('a claimed run whose start never arrived is NeverStarted for the next controller, and starts once', async () => {
  await world.startRunner();
  await world.connected();
  const job = aUniqueJob({ command: 'echo once >>starts' });
  const run = aRunOf(job, { host: HOST });
  const second = await world.connected([run]);
  expect(second.observe(run.job)).toEqual([{ name: run.name, state: 'NeverStarted' }]);
  const end = endOf(second, run);
  await second.start(job, run);
  await end;
  const third = await world.connected([run]);
  await third.start(job, run);
  expect(await endOf(third, run)).toMatchObject({ exitCode: 0 });
  expect(world.lines('starts')).toEqual(['once']);
});

test('the runner ends all children after a lease without a controller, and tells the next one why', async () => {
  await world.startRunner({ LSH_RUNNER_LEASE: `${SHORT_LEASE}ms`, LSH_RUNNER_GRACE: '5s' });
  const { run } = await startInHost('trap "" TERM; sleep 1000 & sleep 1000', SHORT_LEASE);
  expect(world.children().length).toBeGreaterThan(0);
  world.forgetOutput();
  await killHost();
  await world.said('controller silent beyond its lease');
  expect(world.output).toContain(`"leaseDurationMs":${SHORT_LEASE},"msg":"controller silent`);
  const controller = await world.connected([run], { leaseDurationMs: SHORT_LEASE });
  expect(await endOf(controller, run)).toMatchObject({ state: 'Ended', reason: 'ControllerGone' });
  expect(world.children()).toEqual([]);
});

test('a connected controller keeps its runs for longer than a lease', async () => {
  await world.startRunner({ LSH_RUNNER_LEASE: `${SHORT_LEASE}ms` });
  const controller = await world.connected();
  // The controller's own lease is longer, so its heartbeats must follow the runner's.
  const { run, end } = await startRemote(controller, { command: 'sleep 10; exit 3' });
  expect(await end).toMatchObject({ name: run.name, exitCode: 3 });
});

test('the runner ends the runs of a frozen controller, which learns of it when it continues', async () => {
  await world.startRunner({ LSH_RUNNER_LEASE: `${SHORT_LEASE}ms`, LSH_RUNNER_GRACE: '1s' });
  await startInHost('sleep 1000', SHORT_LEASE);
  world.forgetOutput();
  host!.kill('SIGSTOP');
  await world.said('controller silent beyond its lease');
  await vi.waitFor(() => expect(world.children()).toEqual([]), { timeout: 60_000, interval: 5 });
  host!.kill('SIGCONT');
  await message({ observed: ['Ended', 'ControllerGone'] });
});

test('a runner that was frozen does not take the pause for a silent controller', async () => {
  const runner = await world.startRunner({ LSH_RUNNER_LEASE: `${SHORT_LEASE}ms` });
  const controller = await world.connected();
  const { run, end } = await startRemote(controller, { command: 'sleep 12; exit 4' });
  runner.kill('SIGSTOP');
  const asleep = await startAndAwait('sleep 5');
  expect(asleep).toBe(0);
  runner.kill('SIGCONT');
  expect(await end).toMatchObject({ name: run.name, exitCode: 4 });
});

/** Lets real time pass: waits for the end of a process. */
async function startAndAwait(command: string): Promise<number> {
  const [status] = await once(spawn('/bin/sh', ['-c', command]), 'exit');
  return status as number;
}

test('a newer controller takes over, and the older one can start nothing more', async () => {
  await world.startRunner();
  const superseded = Promise.withResolvers<void>();
  const older = await world.connected([], { onSuperseded: superseded.resolve });
  const { run } = await startRemote(older, { command: 'sleep 1000' });
  const newer = await world.connected([run]);
  await superseded.promise;
  const job = aUniqueJob({ command: 'echo stale >>starts' });
  await expect(older.start(job, aRunOf(job))).rejects.toMatchObject({
    code: 'RUNNER_UNREACHABLE',
    retryable: true,
  });
  expect(older.capacity()).toBe(0);
  expect(older.observe(run.job), 'what it knew is not lost').toMatchObject([{ state: 'Running' }]);
  const { end } = await startRemote(newer, { command: 'echo new >>starts' });
  await end;
  newer.stop(run.name, 'StoppedByUser', 0, run.job);
  await seen(newer, run, 'Ended');
  expect(world.lines('starts')).toEqual(['new']);
});

test('a controller of an earlier term cannot replace one of a later term', async () => {
  await world.startRunner();
  const leader = await world.connected([], { term: 7 });
  const refused = Promise.withResolvers<void>();
  const stale = world.controller([], { term: 6, onSuperseded: refused.resolve });
  await refused.promise;
  expect(stale.capacity()).toBe(0);
  const { end } = await startRemote(leader, { command: 'exit 5' });
  expect(await end).toMatchObject({ exitCode: 5 });
  await leader.close();
  const later = world.controller([], { term: 8 });
  await isConnected(later);
});

test('runs of one name in two namespaces are two runs', async () => {
  await world.startRunner();
  const controller = await world.connected();
  const [one, two] = ['one', 'two'].map((namespace) => {
    const key = jobKey(namespace, 'same');
    const job = aJob({ command: `echo ${namespace}` }, { name: 'same', namespace, key });
    return { job, run: { ...aRunOf(job), name: 'same-1' } };
  });
  const ends = [endOf(controller, one!.run), endOf(controller, two!.run)];
  await Promise.all([controller.start(one!.job, one!.run), controller.start(two!.job, two!.run)]);
  expect((await Promise.all(ends)).map((end) => [end.name, end.outputTail])).toEqual([
    ['same-1', 'one\n'],
    ['same-1', 'two\n'],
  ]);
});

test('a takeover keeps the logs of recorded and running runs only', async () => {
  await world.startRunner();
  const first = await world.connected();
  const [shown, forgotten] = [
    await startRemote(first, { command: 'echo shown' }),
    await startRemote(first, { command: 'echo forgotten' }),
  ];
  await Promise.all([shown.end, forgotten.end]);
  const gate = await world.gate('gate');
  const running = await startRemote(first, { command: `echo running; cat ${gate.path}` });
  await readUntil(first.log(running.run.name, running.run.job, { follow: true }), 'running');
  for (const { run } of [shown, forgotten]) first.release(run.name, run.job);
  await first.close();
  // The first controller died before it could remove the log of a forgotten run.
  const second = await world.connected([{ ...shown.run, phase: 'Completed' }, running.run]);
  const log = ({ run }: typeof shown) => readAll(second.log(run.name, run.job));
  expect(await Promise.all([shown, running, forgotten].map(log))).toEqual(['shown\n', 'running\n', '']);
  const end = endOf(second, running.run);
  await gate.open();
  await end;
});

test('remove() deletes the log of the run on the runner', async () => {
  await world.startRunner();
  const controller = await world.connected();
  const { run, end } = await startRemote(controller, { command: 'echo kept' });
  await end;
  expect(await readUntil(controller.log(run.name, run.job), 'kept')).toBe('kept\n');
  controller.release(run.name, run.job);
  controller.remove(run.name, run.job);
  const after = await startRemote(controller, { command: 'true' });
  await after.end;
  await expect(readUntil(controller.log(run.name, run.job), 'kept')).rejects.toThrow('ended without');
});

describe('runs that the next controller does not claim', () => {
  test('end, and the runner forgets them', async () => {
    await world.startRunner();
    const first = await world.connected();
    const { run } = await startRemote(first, { command: 'sleep 1000' });
    const ended = await startRemote(first, { command: 'true' });
    await ended.end;
    await first.close();
    await world.connected([]);
    await vi.waitFor(() => expect(startDirectories()).toEqual([]), { timeout: 60_000, interval: 5 });
    expect(world.children()).toEqual([]);
    const third = await world.connected([run, ended.run]);
    expect(third.observe(run.job), 'nothing is left of it').toMatchObject([{ state: 'NeverStarted' }]);
  });

  test('are not taken for a namesake, as of an LshJob that was created again', async () => {
    await world.startRunner({ LSH_RUNNER_GRACE: '1s' });
    const first = await world.connected();
    const { run } = await startRemote(first, { command: 'sleep 1000' });
    await first.close();
    const again = { ...run, jobUid: 'uid-of-the-next' };
    const second = await world.connected([again]);
    expect(second.observe(run.job), 'lost, rather than the other').toEqual([]);
    await vi.waitFor(() => expect(world.children()).toEqual([]), { timeout: 60_000, interval: 5 });
  });

  test('keep their names until they have ended', async () => {
    await world.startRunner({ LSH_RUNNER_GRACE: '10m' });
    const first = await world.connected();
    const { job, run } = await startRemote(first, {
      command: 'trap "" TERM; echo up; while :; do sleep 1; done',
    });
    await readUntil(first.log(run.name, run.job, { follow: true }), 'up');
    await first.close();
    const second = await world.connected([]);
    const again = { ...run, jobUid: 'uid-of-the-next' };
    await second.start(job, again);
    expect(await endOf(second, again)).toMatchObject({
      reason: 'SpawnError',
      message: 'A run of this name has not ended yet.',
    });
    expect(world.children().length).toBeGreaterThan(0);
  });
});

function startDirectories(): string[] {
  return readdirSync(join(world.stateDir, 'runs')).filter((entry) => entry.includes('~'));
}

test('a sentence that is too long for the connection is cut', async () => {
  await world.startRunner({ LSH_COMMAND_ALLOW_LIST: 'listed' });
  const controller = await world.connected();
  const command = Array.from({ length: 40 }, (_, index) => `program-${index}${'x'.repeat(100)}`).join('; ');
  const { end } = await startRemote(controller, { command });
  const { reason, message = '' } = await end;
  expect([reason, message.length]).toEqual(['Refused', 2000]);
  expect(controller.capacity()).toBeGreaterThan(0);
});
