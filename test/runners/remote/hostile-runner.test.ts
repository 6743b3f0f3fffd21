// A hostile process in the runner's place, over a real socket: what the controller believes, holds and waits for.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nonceOf, wireNameOf } from '../../../src/runners/remote/remote-runs.ts';
import type { RemoteRunner } from '../../../src/runners/remote/remote-runner.ts';
import type { Run } from '../../../src/core/run.ts';
import { aRunOf, aUniqueJob } from '../../support/builders.ts';
import { endOf } from '../../support/runners/run-output.ts';
import { HostileRunner } from '../../support/runners/hostile-runner.ts';
import { HOST, isConnected, RunnerWorld, seen } from '../../support/runners/runner-process.ts';

const NOW = Date.now();

let world: RunnerWorld;
let hostile: HostileRunner;

beforeEach(async () => {
  world = new RunnerWorld();
  hostile = await HostileRunner.listen(world.socketPath);
});
afterEach(async () => {
  await world.close();
  await hostile.close();
});

function aShellRun(changes: Partial<Run> = {}) {
  const job = aUniqueJob({ command: 'true' });
  return { job, run: aRunOf(job, { host: HOST, ...changes }) };
}

/** What the runner says of a run that it was given. */
function observed(run: Run, observation: object): object {
  const name = wireNameOf(run.job, run.name);
  return { type: 'observed', nonce: nonceOf(run), observation: { name, ...observation } };
}

function ended(run: Run, changes: object = {}): object {
  return observed(run, { state: 'Ended', finishedAt: NOW, exitCode: 0, ...changes });
}

/** A controller that was connected, and has given the runner one run. */
async function started() {
  const controller = world.controller();
  const connection = await hostile.ready();
  await isConnected(controller);
  const { job, run } = aShellRun();
  const start = controller.start(job, run);
  const { id } = await connection.hears('start');
  return { controller, connection, job, run, start, id };
}

describe('the controller believes nothing', () => {
  test('of a run that it did not give to this runner', async () => {
    const controller = world.controller();
    const connection = await hostile.ready();
    const { run } = aShellRun();
    connection.say(ended(run));
    await connection.cut();
    expect(controller.observe(run.job)).toEqual([]);
    expect(controller.capacity()).toBe(0);
  });

  test('of a run of another host', async () => {
    const { run } = aShellRun({ host: 'pod-b' });
    const controller = world.controller([run]);
    const connection = await hostile.connection();
    expect((await connection.hears('recover')).runs).toEqual([]);
    connection.say(ended(run));
    await connection.cut();
    expect(controller.observe(run.job)).toMatchObject([{ state: 'Running' }]);
  });

  test.each([
    ['of a namesake, whose LshJob has another uid', (run: Run) => ({ ...run, jobUid: 'uid-of-another' })],
    ['of another run of the same job', (run: Run) => ({ ...run, name: `${run.name}-2` })],
    ['under another namespace', (run: Run) => ({ ...run, job: 'elsewhere/job' })],
  ])('%s', async (_, changed) => {
    const { controller, connection, run, start } = await started();
    const failed = expect(start).rejects.toMatchObject({ code: 'RUNNER_UNREACHABLE' });
    connection.say(ended(changed(run)));
    await connection.cut();
    await failed;
    expect(controller.observe(run.job)).toMatchObject([{ name: run.name, state: 'Running' }]);
  });

  test('that a run never started, except after `recover`', async () => {
    const { controller, connection, run, start, id } = await started();
    connection.say({ type: 'started', id }, observed(run, { state: 'NeverStarted' }));
    await start;
    connection.say(ended(run, { exitCode: 7 }));
    expect(await endOf(controller, run)).toMatchObject({ exitCode: 7 });
  });

  test('a second end', async () => {
    const { controller, connection, run, start, id } = await started();
    connection.say(ended(run, { exitCode: 7 }), ended(run, { exitCode: 0 }), { type: 'started', id });
    await start;
    expect(controller.observe(run.job)).toMatchObject([{ exitCode: 7 }]);
  });

  test.each([
    ['`synced` twice', { type: 'synced' }],
    ['more capacity than a runner can have', { type: 'capacity', capacity: 10_001 }],
    ['an unknown message', { type: 'explode' }],
  ])('that sends %s, and cuts the connection', async (_, message) => {
    const controller = world.controller();
    const connection = await hostile.ready();
    connection.say(message);
    await connection.cut();
    expect(controller.capacity()).toBe(0);
  });

  test.each([
    ['a longer tail than a runner keeps', { outputTail: 'x'.repeat(1025) }],
    ['a longer message than a sentence', { message: 'x'.repeat(2001) }],
    ['more bytes than the API server stores', { outputBytes: 1e300 }],
  ])('%s, and cuts the connection', async (_, end) => {
    const { controller, connection, run, start } = await started();
    const failed = expect(start).rejects.toMatchObject({ code: 'RUNNER_UNREACHABLE' });
    connection.say(ended(run, end));
    await connection.cut();
    await failed;
    expect(controller.observe(run.job)).toMatchObject([{ state: 'Running' }]);
  });
});

describe('the next controller', () => {
  test('knows the runs of the ledger by their nonces, and believes the runner that repeats them', async () => {
    const { run } = aShellRun();
    const controller = world.controller([run]);
    const connection = await hostile.connection();
    const { runs } = await connection.hears('recover');
    expect(runs).toMatchObject([{ name: wireNameOf(run.job, run.name), nonce: nonceOf(run) }]);
    connection.say(ended(run, { exitCode: 9 }), { type: 'synced' });
    expect(await endOf(controller, run)).toMatchObject({ exitCode: 9 });
  });

  test('takes the end of a namesake for nothing', async () => {
    const { run } = aShellRun();
    const controller = world.controller([run]);
    const connection = await hostile.connection();
    connection.say(ended({ ...run, jobUid: 'uid-of-the-deleted-one' }));
    await connection.cut();
    expect(controller.observe(run.job)).toMatchObject([{ state: 'Running' }]);
  });
});

describe('the controller bounds', () => {
  test('what it holds of a runner that floods it', async () => {
    const controller = world.controller();
    const connection = await hostile.ready();
    await isConnected(controller);
    const before = heapBytes();
    const { run } = aShellRun();
    for (let count = 0; count < 100_000; count += 1000) {
      const names = Array.from({ length: 1000 }, (_, index) => `${run.name}-${count + index}`);
      connection.say(...names.map((name) => ended({ ...run, name })));
    }
    await connection.cut();
    expect(controller.observe(run.job)).toEqual([]);
    expect(heapBytes() - before).toBeLessThan(20 * 1024 * 1024);
  });

  test('what it waits for: a start without an answer holds up no worker for long', async () => {
    const { controller, run, start } = await started();
    await start;
    const again = aShellRun();
    const from = performance.now();
    await controller.start(again.job, again.run);
    expect(performance.now() - from).toBeLessThan(500);
    expect(controller.observe(run.job)).toMatchObject([{ state: 'Running' }]);
    expect(controller.capacity()).toBe(98);
  });

  test('a late answer still counts', async () => {
    const { controller, connection, run, start, id } = await started();
    await start;
    connection.say({ type: 'refused', id, detail: 'no room' });
    await seen(controller, run, 'Ended');
    expect(controller.observe(run.job)).toMatchObject([{ reason: 'SpawnError', message: 'no room' }]);
    expect(controller.capacity()).toBe(100);
  });

  test('how often it connects to a runner that breaks the rules', async () => {
    world.controller();
    for (let number = 0; number < 8; number++) {
      const connection = await hostile.ready(number);
      connection.say({ type: 'explode' });
      await connection.cut();
    }
    const last = await hostile.connection(7);
    const { openedAt } = await hostile.connection(8);
    expect(openedAt - last.closedAt!).toBeGreaterThan(900);
  });
});

test('a runner that lies about another controller loses this one for a lease only', async () => {
  const superseded = Promise.withResolvers<void>();
  const controller: RemoteRunner = world.controller([], {
    leaseDurationMs: 500,
    onSuperseded: superseded.resolve,
  });
  const connection = await hostile.ready();
  connection.say({ type: 'superseded' });
  await superseded.promise;
  await connection.cut();
  const next = await hostile.ready(1);
  expect(next.openedAt - connection.closedAt!).toBeGreaterThan(450);
  await isConnected(controller);
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
