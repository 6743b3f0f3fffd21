// The controller's side: a runner that stops and restarts, with the real loop, and runs of other hosts.
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/control/clock.ts';
import { ClockSteps } from '../../../src/control/clock-steps.ts';
import { Controller } from '../../../src/control/controller.ts';
import { Reconciler } from '../../../src/control/reconciler.ts';
import type { Run } from '../../../src/core/run.ts';
import { StoreJobSource } from '../../../src/local/jobs/job-source.ts';
import { makeFifos } from '../../../src/runners/subprocess/output/fifo-pool.ts';
import { RemoteRunner } from '../../../src/runners/remote/remote-runner.ts';
import { hearRunEnds, type ReportedEnd } from '../../../src/runners/remote/run-ends.ts';
import { readStatus } from '../../../src/runners/subprocess/run-files.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryStore } from '../../support/stores/memory-store.ts';
import { aUniqueJob, aRunOf } from '../../support/builders.ts';
import { endOf } from '../../support/runners/run-output.ts';
import {
  HOST,
  RunnerWorld,
  isConnected,
  quietLogger,
  seen,
  startRemote,
} from '../../support/runners/runner-process.ts';
import { FORK_SERVER } from '../../support/runners/subprocess-runner.ts';

let world: RunnerWorld;

beforeEach(() => {
  world = new RunnerWorld();
});
afterEach(() => world.close());

function startDirectoryOf(run: Run): string {
  const runs = join(world.stateDir, 'runs');
  return join(
    runs,
    readdirSync(runs).find((entry) => entry.startsWith(`local.${run.name}~`))!,
  );
}

/** Waits for the process that claims the run, shortly after its start. */
async function claimantOf(run: Run): Promise<number> {
  return vi.waitFor(
    () => {
      const status = readStatus(startDirectoryOf(run));
      if (status.claim !== 'Pid') throw new Error(`the claim is ${status.claim}`);
      return status.pid;
    },
    { timeout: 60_000, interval: 5 },
  );
}

describe('without a runner', () => {
  test('start() rejects with a retryable error, and the run is not taken for lost', async () => {
    await world.startRunner();
    const controller = await world.connected();
    await world.killRunner();
    await disconnected(controller);
    const job = aUniqueJob({ command: 'true' });
    const run = aRunOf(job);
    await expect(controller.start(job, run)).rejects.toMatchObject({
      code: 'RUNNER_UNREACHABLE',
      retryable: true,
    });
    expect(controller.observe(run.job)).toMatchObject([{ name: run.name, state: 'Running' }]);
    await world.startRunner();
    await seen(controller, run, 'NeverStarted');
    const end = endOf(controller, run);
    await controller.start(job, run);
    expect(await end).toMatchObject({ exitCode: 0 });
  });

  test('the real loop starts a run exactly once after its start was not delivered', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const claims: Run[] = [];
    const loop = await aLoop(controller, 'echo $LSH_RUN >>starts', async (claim) => {
      if (claims.push(claim) === 1) await world.killRunner();
    });
    await loop.recorded((run) => run.phase === 'Running');
    await disconnected(controller);
    expect(loop.runs()).toMatchObject([{ phase: 'Running', host: HOST }]);
    await world.startRunner();
    const run = await loop.recorded(({ phase }) => phase === 'Completed');
    expect(world.lines('starts')).toEqual([run.name]);
    expect(
      claims.map(({ name }) => name),
      'claimed again before it was started',
    ).toEqual([run.name, run.name]);
    expect(controller.observe(run.job), 'released').toEqual([]);
    await loop.stop();
  });

  test('a stop reaches the run once the runner is back', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const { run, end } = await startRemote(controller, { command: 'sleep 1000' });
    await world.killRunner();
    await disconnected(controller);
    controller.stop(run.name, 'StoppedByUser', 100, run.job);
    controller.stop(run.name, 'TimedOut', 100, run.job);
    await world.startRunner();
    expect(await end).toMatchObject({ reason: 'StoppedByUser' });
    expect(world.children()).toEqual([]);
  });
});

describe('a runner that restarts after kill -9', () => {
  test('adopts living children, which the controller observes as Running throughout', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const gate = await world.gate('gate');
    const { run, end } = await startRemote(controller, { command: `cat ${gate.path}; echo after; exit 6` });
    const states: string[] = [];
    controller.onChange((key) => states.push(...controller.observe(key).map(({ state }) => state)));
    await world.killRunner();
    await disconnected(controller);
    expect(controller.observe(run.job)).toMatchObject([{ name: run.name, state: 'Running' }]);
    await world.startRunner();
    await isConnected(controller);
    await gate.open();
    expect(await end).toMatchObject({ exitCode: 6, outputTail: 'after\n' });
    expect(new Set(states)).toEqual(new Set(['Running', 'Ended']));
  });

  test('has what a child wrote meanwhile, more than its pipe holds', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const [first, second] = [await world.gate('first'), await world.gate('second')];
    const command = `cat ${first.path}; head -c 300000 /dev/zero; echo written >>marks; cat ${second.path}`;
    const { end } = await startRemote(controller, { command });
    await world.killRunner();
    await first.open();
    // Opens when the child has written all of it, without a runner.
    await second.open();
    await world.startRunner();
    expect(await end).toMatchObject({ exitCode: 0, outputBytes: 300_000 });
    expect(world.lines('marks')).toEqual(['written']);
  });

  test('reports how two children ended meanwhile', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const gate = await world.gate('gate');
    const ended = await startRemote(controller, { command: `cat ${gate.path}; exit 9` });
    const killed = await startRemote(controller, { command: 'sleep 1000' });
    await world.killRunner();
    await gate.open();
    const status = () => readStatus(startDirectoryOf(ended.run));
    await vi.waitFor(() => expect(status()).toMatchObject({ exitCode: 9 }), { timeout: 60_000, interval: 5 });
    process.kill(-(await claimantOf(killed.run)), 'SIGKILL');
    await vi.waitFor(() => expect(world.children()).toEqual([]), { timeout: 60_000, interval: 5 });
    await world.startRunner();
    expect(await ended.end).toMatchObject({ exitCode: 9 });
    // A shell that starts the command dies with it.
    expect(await killed.end).toMatchObject({ reason: FORK_SERVER === null ? 'Lost' : 'Signal' });
  });

  test('proves that an unclaimed start never happened', async () => {
    await world.startRunner();
    const controller = await world.connected();
    await (
      await startRemote(controller, { command: 'true' })
    ).end;
    await controller.close();
    await world.killRunner();
    const job = aUniqueJob({ command: 'echo run >>starts' });
    const run = aRunOf(job, { host: HOST });
    const directory = join(world.stateDir, 'runs', `local.${run.name}~token`);
    mkdirSync(directory, { mode: 0o700 });
    await makeFifos([join(directory, 'fifo')], process.env['PATH']!);
    await world.startRunner();
    const next = await world.connected([run]);
    expect(next.observe(run.job)).toEqual([{ name: run.name, state: 'NeverStarted' }]);
    const end = endOf(next, run);
    await next.start(job, run);
    expect(await end).toMatchObject({ exitCode: 0 });
    expect(world.lines('starts')).toEqual(['run']);
  });

  test('without its state, as in a new pod of the same name, forgets the runs: they are lost', async () => {
    await world.startRunner();
    const run = aRunOf(aUniqueJob({ command: 'true' }), { host: HOST });
    const controller = world.controller([run]);
    expect(await endOf(controller, run)).toMatchObject({ state: 'Ended', reason: 'Lost' });
    controller.release(run.name, run.job);
    expect(controller.observe(run.job)).toEqual([]);
  });

  test('ends the recovered runs after a lease without a controller, and tells the next one', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const { run } = await startRemote(controller, { command: 'sleep 1000' });
    await controller.close();
    await world.killRunner();
    expect(world.children().length).toBeGreaterThan(0);
    await world.startRunner({ LSH_RUNNER_LEASE: '200ms' });
    await vi.waitFor(() => expect(world.children()).toEqual([]), { timeout: 60_000, interval: 5 });
    const next = world.controller([run]);
    expect(await endOf(next, run)).toMatchObject({ reason: 'ControllerGone', exitCode: 143 });
  });
});

test('a stopping runner lets its children end by themselves, and meanwhile has no capacity', async () => {
  const runner = await world.startRunner();
  const exited = once(runner, 'exit');
  const controller = await world.connected();
  const gate = await world.gate('gate');
  const { end } = await startRemote(controller, { command: `cat ${gate.path}; exit 3` });
  runner.kill('SIGTERM');
  await disconnected(controller);
  await gate.open();
  const ended = await end;
  expect(ended).toMatchObject({ exitCode: 3 });
  expect(ended.reason).toBeUndefined();
  expect(await exited).toEqual([0, null]);
});

test('a stopping runner ends its children after a lease, reports their ends, and exits with 0', async () => {
  const runner = await world.startRunner({ LSH_RUNNER_LEASE: '3s', LSH_RUNNER_GRACE: '5s' });
  const controller = await world.connected();
  const polite = await startRemote(controller, { command: 'sleep 1000' });
  const stubborn = await startRemote(controller, {
    command: 'trap "" TERM; echo up; sleep 1000; sleep 1000',
  });
  for await (const part of controller.log(stubborn.run.name, stubborn.run.job, { follow: true })) {
    if (Buffer.from(part).toString().includes('up')) break;
  }
  await world.killRunner('SIGTERM');
  expect(runner.exitCode).toBe(0);
  expect(await polite.end).toMatchObject({ reason: 'ShuttingDown', exitCode: 143 });
  expect(await stubborn.end).toMatchObject({ reason: 'ShuttingDown', signal: 'SIGKILL' });
  expect(world.children()).toEqual([]);
});

test('a controller that does not lead hears of every end, and does not renew the lease', async () => {
  await world.startRunner({ LSH_RUNNER_LEASE: '2s' });
  const controller = await world.connected();
  const early = await startRemote(controller, { command: 'exit 3' });
  await early.end;
  const late = await startRemote(controller, { command: 'sleep 1000' });
  await controller.close();
  const heard = new Map<string, ReportedEnd>();
  const stop = new AbortController();
  const listening = hearRunEnds({
    socketPath: world.socketPath,
    leaseDurationMs: 2000,
    signal: stop.signal,
    onOpen: () => undefined,
    onEnd: (reported) => {
      heard.set(`${reported.key} ${reported.end.name}`, reported);
      if (heard.size === 2) stop.abort();
    },
  });
  await listening;
  const toldOf = ({ run }: { run: Run }) => heard.get(`${run.job} ${run.name}`)!;
  const endOfRun = (started: { run: Run }) => toldOf(started).end;
  expect(endOfRun(early)).toMatchObject({ exitCode: 3 });
  expect(endOfRun(late)).toMatchObject({ reason: 'ControllerGone' });
  const { isOf } = toldOf(early);
  expect([isOf(early.run), isOf(late.run), isOf({ ...early.run, jobUid: 'another' })]).toEqual([
    true,
    false,
    false,
  ]);
});

test('a socket that is not to be trusted gets no connection of any kind, until it is', async () => {
  await world.startRunner();
  let fault: string | undefined = 'it belongs to user 7';
  const socketFault = () => fault;
  const warned = Promise.withResolvers<object>();
  const log = { ...quietLogger, warn: (fields: object) => warned.resolve(fields) };
  const controller = world.controller([], { socketFault, log });
  const refusal = { code: 'RUNNER_UNREACHABLE', message: expect.stringContaining('it belongs to user 7') };
  expect(await warned.promise).toMatchObject({ err: refusal });
  const job = aUniqueJob({ command: 'true' });
  await expect(controller.log('backup-1', job.key).next()).rejects.toMatchObject(refusal);
  const listening = hearRunEnds({
    socketPath: world.socketPath,
    socketFault,
    leaseDurationMs: 2000,
    signal: new AbortController().signal,
    onOpen: () => undefined,
    onEnd: () => undefined,
  });
  await expect(listening).rejects.toMatchObject(refusal);
  fault = undefined;
  await isConnected(controller);
  expect(await (await startRemote(controller, { command: 'exit 3' })).end).toMatchObject({ exitCode: 3 });
});

describe('runs of another host', () => {
  const START = Date.UTC(2026, 0, 1);

  test('are Running until their runner must have ended them, then vanish, and their job is announced', () => {
    const { clock, controller, announced } = observed();
    const run = aRunOf(aUniqueJob({ command: 'true' }), { host: 'pod-b', startedAt: START - 5000 });
    controller.recover([run]);
    clock.advanceTo(START + 17_999);
    expect(controller.observe(run.job)).toEqual([
      { name: run.name, state: 'Running', startedAt: START - 5000 },
    ]);
    expect(announced).toEqual([]);
    clock.advanceTo(START + 18_000);
    expect(controller.observe(run.job)).toEqual([]);
    expect(announced).toEqual([run.job]);
  });

  test('do not vanish earlier when the clock is set', () => {
    const { clock, controller, announced } = observed();
    const run = aRunOf(aUniqueJob({ command: 'true' }), { host: 'pod-b' });
    controller.recover([run]);
    clock.stepBy(3_600_000);
    expect(controller.observe(run.job)).toHaveLength(1);
    clock.advanceTo(START + 3_600_000 + 18_000);
    expect(announced).toEqual([run.job]);
  });

  test('vanish as soon as their host is gone, and those of other hosts do not', async () => {
    const gone = new Set<string>();
    const { clock, controller, announced } = observed(async (host) => gone.has(host));
    const [here, there] = ['pod-b', 'pod-c'].map((host) =>
      aRunOf(aUniqueJob({ command: 'true' }), { host }),
    ) as [Run, Run];
    controller.recover([here, there]);
    clock.advanceTo(START + 1000);
    await vi.waitFor(() => expect(clock.pending).toBe(2));
    expect(announced).toEqual([]);
    gone.add('pod-c');
    await vi.waitFor(() => {
      clock.advanceTo(clock.now() + 1000);
      expect(announced).toEqual([there.job]);
    });
    expect(clock.now()).toBeLessThan(START + 18_000);
    expect(controller.observe(here.job)).toHaveLength(1);
    expect(controller.observe(there.job)).toEqual([]);
  });

  function observed(isHostGone?: (host: string) => Promise<boolean>) {
    const clock = new ManualClock(START);
    const controller = new RemoteRunner({
      socketPath: world.socketPath,
      host: HOST,
      clock,
      leaseDurationMs: 15_000,
      graceMs: 1000,
      ...(isHostGone && { isHostGone }),
      log: quietLogger,
    });
    afterwards.push(controller);
    const announced: string[] = [];
    controller.onChange((key) => announced.push(key));
    return { clock, controller, announced };
  }

  const afterwards: RemoteRunner[] = [];
  afterEach(() => Promise.all(afterwards.splice(0).map((controller) => controller.close())));
});

/** Resolves when the controller has noticed the lost connection. */
async function disconnected(controller: RemoteRunner): Promise<void> {
  await vi.waitFor(() => expect(controller.capacity()).toBe(0), { timeout: 60_000, interval: 2 });
}

/** The operator's loop with one triggered job, which has no other slot. */
async function aLoop(runner: RemoteRunner, command: string, onClaim: (run: Run) => Promise<void>) {
  const store = new MemoryStore();
  const source = new StoreJobSource(store, store, systemClock);
  await source.load();
  const job = { ...aUniqueJob({ command, schedule: '0 0 1 1 *' }), trigger: { id: 'once' } };
  await store.putJob(job);
  await source.load();
  const waiting = new Set<() => void>();
  const ledger = {
    runsOf: (key: string) => source.runsOf(key),
    shownRunsOf: (key: string) => source.shownRunsOf(key),
    commit: async (...change: Parameters<StoreJobSource['commit']>) => {
      await source.commit(...change);
      const claim = change[1].runs.find(({ phase }) => phase === 'Running');
      if (claim) await onClaim(claim);
      setImmediate(() => waiting.forEach((look) => look()));
    },
  };
  const clockSteps = new ClockSteps(systemClock, 'this boot');
  const reconciler = new Reconciler({
    source,
    ledger,
    runners: { Shell: runner },
    onRecorded: [],
    clockSteps,
    evaluatingSince: systemClock.now(),
    host: HOST,
  });
  const loop = new Controller({
    source,
    runners: [runner],
    reconciler,
    clock: systemClock,
    clockSteps,
    logger: quietLogger,
    workers: 4,
    evaluationIntervalMs: 60_000,
  });
  loop.start();
  const runs = () => source.runsOf(job.key);
  const recorded = (wanted: (run: Run) => boolean) =>
    new Promise<Run>((resolve) => {
      const look = () => {
        const found = runs().find(wanted);
        if (found) resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { runs, recorded, stop: () => loop.stop() };
}
