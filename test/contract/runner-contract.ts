// The contract of Runner as one suite; every implementation runs it. Commands are POSIX sh.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Runner } from '../../src/control/ports.ts';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import { aUniqueJob, aRunOf } from '../support/builders.ts';
import { endOf } from '../support/runners/run-output.ts';

export interface RunnerUnderTest {
  /** Admits at least three runs at a time. */
  runner: Runner;
  /** Ends all processes and removes all files of the test. */
  close(): Promise<void>;
}

/** Registers the suite; `factory` makes a fresh runner for each test. */
export function runnerContract(name: string, factory: () => Promise<RunnerUnderTest>): void {
  describe(`${name} keeps the runner contract`, () => {
    let tested: RunnerUnderTest;
    let runner: Runner;

    beforeEach(async () => {
      tested = await factory();
      runner = tested.runner;
    });
    afterEach(() => tested.close());

    async function started(spec: JobSpecInput) {
      const job = aUniqueJob(spec);
      const run = aRunOf(job);
      const end = endOf(runner, run);
      await runner.start(job, run);
      return { job, run, end };
    }

    test('a command that ends with 0 is Ended with exit code 0 and its output tail', async () => {
      const { end, run } = await started({ command: 'echo out; echo err >&2' });
      expect(await end).toMatchObject({
        name: run.name,
        state: 'Ended',
        exitCode: 0,
        outputTail: 'out\nerr\n',
      });
      expect((await end).reason).toBeUndefined();
    });

    test('a command that fails is Ended with its exit code', async () => {
      const { end } = await started({ command: 'exit 42' });
      expect(await end).toMatchObject({ state: 'Ended', exitCode: 42 });
    });

    test('a command that does not exist is an observation, not an exception', async () => {
      const { end } = await started({ args: ['no-such-command-anywhere'] });
      expect(await end).toMatchObject({ state: 'Ended', reason: 'SpawnError' });
    });

    test('start() again with the same name starts nothing', async () => {
      const { end, job, run } = await started({ command: 'echo once' });
      await runner.start(job, run);
      expect((await end).outputTail).toBe('once\n');
      await runner.start(job, run);
      expect(runner.observe(job.key)).toEqual([await end]);
    });

    test('a run is observed as Running until it ends, and after that until release()', async () => {
      const { end, job, run } = await started({ command: 'sleep 1000' });
      expect(runner.observe(job.key)).toMatchObject([{ name: run.name, state: 'Running' }]);
      void runner.stop(run.name, 'StoppedByUser', 0, run.job);
      await end;
      expect(runner.observe(job.key)).toHaveLength(1);
      runner.release(run.name, run.job);
      expect(runner.observe(job.key)).toEqual([]);
    });

    test('stop() ends a run with its cause, and the first cause wins', async () => {
      const { end, run } = await started({ command: 'sleep 1000' });
      void runner.stop(run.name, 'TimedOut', 10_000, run.job);
      void runner.stop(run.name, 'StoppedByUser', 0, run.job);
      expect(await end).toMatchObject({ state: 'Ended', reason: 'TimedOut' });
    });

    test('stop() of an ended or unknown run changes nothing', async () => {
      const { end, run, job } = await started({ command: 'exit 3' });
      const ended = await end;
      void runner.stop(run.name, 'TimedOut', 0, run.job);
      void runner.stop('nobody-knows', 'TimedOut', 0, run.job);
      expect(runner.observe(job.key)).toEqual([ended]);
      expect(ended.reason).toBeUndefined();
    });

    test('capacity goes down with each start and comes back with each end', async () => {
      const before = runner.capacity();
      const { end, run } = await started({ command: 'sleep 1000' });
      expect(runner.capacity()).toBe(before - 1);
      void runner.stop(run.name, 'StoppedByUser', 0, run.job);
      await end;
      expect(runner.capacity()).toBe(before);
    });

    test('runs of one job are not observed under another', async () => {
      const one = await started({ command: 'true' });
      const two = await started({ command: 'true' });
      await Promise.all([one.end, two.end]);
      expect(runner.observe(one.job.key).map(({ name }) => name)).toEqual([one.run.name]);
    });
  });
}
