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
