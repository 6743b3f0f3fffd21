import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readAll } from '../../../support/runners/run-output.ts';
import { RunnerHome, startRun } from '../../../support/runners/subprocess-runner.ts';

test('the oldest logs go until all together are within the limit, and that of an observed run stays', async () => {
  const home = new RunnerHome();
  onTestFinished(() => home.close());
  const runner = await home.runner();
  const { run, end } = await startRun(runner, { command: 'head -c 1000 /dev/zero' });
  await end;
  const logs = join(home.stateDir, 'logs');
  mkdirSync(logs, { recursive: true });
  utimesSync(join(logs, `${run.name}.log`), 1, 1);
  for (const [at, name] of ['oldest', 'middle', 'newest'].entries()) {
    const path = join(logs, `${name}.log`);
    writeFileSync(path, 'x'.repeat(1000));
    utimesSync(path, at + 2, at + 2);
  }
  expect(await runner.logBytes()).toBe(4000);
  expect(await runner.trimLogs(4000)).toBe(0);
  expect(await runner.trimLogs(2500)).toBe(2);
  expect(await runner.logBytes()).toBe(2000);
  expect((await readAll(runner.log(run.name))).length).toBe(1000);
  expect((await readAll(runner.log('newest'))).length).toBe(1000);
  expect(await runner.trimLogs(0)).toBe(1);
  runner.release(run.name);
  expect(await runner.trimLogs(0)).toBe(1);
  expect(await runner.logBytes()).toBe(0);
});

test('the beginning and the end of a log are readable once its run has ended, and nothing of a log that is gone', async () => {
  const home = new RunnerHome();
  onTestFinished(() => home.close());
  const runner = await home.runner();
  const { run, end } = await startRun(runner, {
    command: 'echo beginning; head -c 1000 /dev/zero; echo end',
  });
  const { outputBytes } = await end;
  const { size, head, end: last } = runner.keptOutput(run.name, 40)!;
  expect([size, head.length, last.length]).toEqual([outputBytes, 10, 30]);
  expect(Buffer.from(head).toString()).toBe('beginning\n');
  expect(Buffer.from(last).toString()).toMatch(/^\0+end\n$/);
  expect(runner.keptOutput(run.name, 2000)!.head).toHaveLength(outputBytes!);
  runner.release(run.name);
  runner.removeLog(run.name);
  expect(runner.keptOutput(run.name, 40)).toBeUndefined();
});
