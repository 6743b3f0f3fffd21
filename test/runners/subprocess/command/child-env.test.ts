import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { childEnvironment, variablesOfFiles } from '../../../../src/runners/subprocess/command/child-env.ts';
import { makeFifos } from '../../../../src/runners/subprocess/output/fifo-pool.ts';
import type { Job } from '../../../../src/core/job.ts';
import type { JobSpec } from '../../../../src/core/spec/job-spec.ts';
import type { StartingRun } from '../../../../src/core/run.ts';
import { aUniqueJob, aRunOf } from '../../../support/builders.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { RunnerHome, startRun } from '../../../support/runners/subprocess-runner.ts';

let directory: string;
beforeEach(() => {
  directory = tempDir();
});

/** The environment of a command that runs in the directory. */
async function environmentOf(
  job: Job,
  { inherited = {}, run = aRunOf(job) }: { inherited?: Record<string, string>; run?: StartingRun } = {},
) {
  return childEnvironment(inherited, job, run, await variablesOfFiles(job.spec, directory));
}

test('the LSH_* variables describe the run', async () => {
  const job = aUniqueJob({ command: 'true', timeZone: 'Pacific/Chatham' });
  const slot = Date.UTC(2026, 0, 4, 2);
  const run = aRunOf(job, { attempt: 3, slot, startAfter: slot + 1500 });
  expect(await environmentOf(job, { inherited: { TZ: 'Europe/Berlin' }, run })).toEqual({
    TZ: 'Europe/Berlin',
    LSH_JOB: job.name,
    LSH_RUN: run.name,
    LSH_SLOT: '2026-01-04T02:00:00Z',
    LSH_ATTEMPT: '3',
    LSH_SCHEDULED_AT: '2026-01-04T02:00:01.500Z',
  });
});

test('a run that follows another knows that run and its job', async () => {
  const job = aUniqueJob({ after: [{ job: 'backup' }] });
  const run = aRunOf(job, { trigger: 'After', cause: { job: 'backup', run: 'backup-t1' } });
  expect(await environmentOf(job, { inherited: {}, run })).toMatchObject({
    LSH_AFTER_JOB: 'backup',
    LSH_AFTER_RUN: 'backup-t1',
  });
});

test('a traced run has TRACEPARENT, unless the job or its file sets another', async () => {
  writeFileSync(join(directory, 'own.env'), 'TRACEPARENT=of-the-file\n');
  const traced = (job: Job) => environmentOf(job, { run: { ...aRunOf(job), traceparent: 'of-the-run' } });
  const env = [{ name: 'TRACEPARENT', value: 'of-the-job' }];
  expect(await traced(aUniqueJob({}))).toMatchObject({ TRACEPARENT: 'of-the-run' });
  expect(await traced(aUniqueJob({ envFrom: [{ file: 'own.env' }] }))).toMatchObject({
    TRACEPARENT: 'of-the-file',
  });
  expect(await traced(aUniqueJob({ env }))).toMatchObject({ TRACEPARENT: 'of-the-job' });
  expect(await environmentOf(aUniqueJob({}))).not.toHaveProperty('TRACEPARENT');
});

test('env wins over envFrom, a later file over an earlier one, and LSH_RUN over everything', async () => {
  writeFileSync(join(directory, 'a.env'), 'A=1\nB="two words"\nC=3 # remark\n');
  writeFileSync(join(directory, 'b.env'), 'B=b\nLSH_RUN=fake\n');
  const job = aUniqueJob({
    command: 'true',
    env: [{ name: 'A', value: 'own' }],
    envFrom: [{ file: 'a.env' }, { file: join(directory, 'b.env') }, { file: 'a.env', prefix: 'P_' }],
  });
  const run = aRunOf(job);
  const env = await environmentOf(job, { inherited: { C: 'inherited' }, run });
  expect(env).toMatchObject({ A: 'own', B: 'b', C: '3', P_B: 'two words', LSH_RUN: run.name });
});

test('a missing file is an error that names it, unless it is optional', async () => {
  const required = aUniqueJob({ command: 'true', envFrom: [{ file: 'no.env' }] });
  await expect(environmentOf(required)).rejects.toMatchObject({
    code: 'SPAWN_FAILED',
    message: expect.stringContaining(join(directory, 'no.env')),
  });
  const optional = aUniqueJob({ command: 'true', envFrom: [{ file: 'no.env', optional: true }] });
  const run = aRunOf(optional);
  expect(await environmentOf(optional, { run })).toMatchObject({ LSH_RUN: run.name });
});

test('a path other than a regular file, such as a FIFO without a writer, is an error and blocks nothing', async () => {
  const fifo = join(directory, 'fifo.env');
  await makeFifos([fifo], '/usr/bin');
  for (const file of [fifo, directory]) {
    const job = aUniqueJob({ command: 'true', envFrom: [{ file }] });
    await expect(environmentOf(job)).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      message: expect.stringContaining(`${file} cannot be read (not a regular file)`),
    });
  }
});

test.each([
  ['more than 1 MiB', `A=${'x'.repeat(1024 * 1024)}`],
  ['more than 100 blank lines in a row', `A=1${'\n'.repeat(200)}B=2`],
])('a file with %s is an error: reading it would hold up the runner', async (why, text) => {
  writeFileSync(join(directory, 'a.env'), text);
  const job = aUniqueJob({ command: 'true', envFrom: [{ file: 'a.env' }] });
  await expect(environmentOf(job)).rejects.toMatchObject({
    code: 'SPAWN_FAILED',
    message: expect.stringContaining(`(${why})`),
  });
});

test('an unreadable optional file is an error', async () => {
  const job = aUniqueJob({ command: 'true', envFrom: [{ file: '.', optional: true }] });
  await expect(environmentOf(job)).rejects.toMatchObject({
    code: 'SPAWN_FAILED',
  });
});

test('a command is checked with the names in its env files, too', async () => {
  writeFileSync(join(directory, 'a.env'), 'PRELOAD=/tmp/x.so\n');
  const home = new RunnerHome();
  try {
    const check = ({ env = [] }: JobSpec) =>
      env.some(({ name }) => name === 'LD_PRELOAD') ? 'no' : undefined;
    const runner = await home.runner({ check });
    const envFrom = [{ file: join(directory, 'a.env'), prefix: 'LD_' }];
    const { end } = await startRun(runner, { command: 'true', envFrom });
    expect(await end).toMatchObject({ reason: 'Refused', message: 'no' });
  } finally {
    await home.close();
  }
});

test('the command gets exactly that environment, and a bad file ends the run', async () => {
  const home = new RunnerHome();
  try {
    const inherit = { GIVEN: 'g', USER: 'u', LOGNAME: 'l', HOME: '/', SHELL: '/bin/sh' };
    const runner = await home.runner({ inherit });
    const { end, job, run } = await startRun(runner, {
      command: 'env | LC_ALL=C sort',
      env: [{ name: 'OWN', value: 'a  b' }],
    });
    const lines = (await end).outputTail?.trimEnd().split('\n') ?? [];
    const own = lines.filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(line));
    expect(own).toEqual([
      'GIVEN=g',
      'HOME=/',
      'LOGNAME=l',
      'LSH_ATTEMPT=1',
      `LSH_JOB=${job.name}`,
      `LSH_RUN=${run.name}`,
      'LSH_SCHEDULED_AT=2026-01-01T00:01:00Z',
      'LSH_SLOT=2026-01-01T00:01:00Z',
      'OWN=a  b',
      'PATH=/usr/local/bin:/usr/bin:/bin',
      'SHELL=/bin/sh',
      'USER=u',
    ]);
    const broken = await startRun(runner, { command: 'true', envFrom: [{ file: '/no/such.env' }] });
    expect(await broken.end).toMatchObject({
      reason: 'SpawnError',
      message: expect.stringContaining('/no/such.env'),
    });
  } finally {
    await home.close();
  }
});
