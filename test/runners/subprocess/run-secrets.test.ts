// A job with secretsEnv: each run gets the variables of the newest version; nothing that lsh keeps shows a value.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SecretSource } from '../../../src/runners/subprocess/command/run-secrets.ts';
import { endOf, readAll, readUntil } from '../../support/runners/run-output.ts';
import { processesOf, RunnerHome, startRun } from '../../support/runners/subprocess-runner.ts';

const TOKEN = 'canary-of-the-run-1';
const SPEC = { secretsEnv: 'prod', workingDir: '/' };

let home: RunnerHome;
/** The versions of prod, oldest first. */
let versions: Record<string, string>[];

const secretSource: SecretSource = {
  open: (environment, { workingDir }) => {
    const at = versions.length;
    if (environment !== 'prod' || at === 0)
      return Promise.reject(new Error(`there is no environment ${environment} of ${workingDir}.`));
    return Promise.resolve({ variables: versions[at - 1]!, version: `prod@${at}`, reference: String(at) });
  },
  reopen: async (reference) => {
    const variables = versions[Number(reference) - 1];
    if (variables === undefined) throw new Error('the key is gone.');
    return { variables, version: `prod@${reference}`, reference };
  },
};

beforeEach(() => {
  home = new RunnerHome();
  versions = [{ TOKEN }];
});
afterEach(() => home.close());

/** The bytes of all files of the runner. */
function everything(): string {
  const entries = readdirSync(home.path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describe('a run', () => {
  test('gets the variables of the version that is the newest at its start, and its record names the version', async () => {
    const runner = await home.runner({ secretSource });
    const command = 'echo "${#TOKEN} $TOKEN"';
    const first = await startRun(runner, { ...SPEC, command });
    expect(await first.end).toMatchObject({ exitCode: 0, outputTail: '19 ***\n', secretsVersion: 'prod@1' });
    versions.push({ TOKEN: 'another-value' });
    const second = await startRun(runner, { ...SPEC, command });
    expect(await second.end).toMatchObject({ outputTail: '13 ***\n', secretsVersion: 'prod@2' });
    expect(await readAll(runner.log(first.run.name))).toBe('19 ***\n');
    expect(everything()).not.toContain(TOKEN);
  });

  test('of another job gets none of them', async () => {
    const runner = await home.runner({ secretSource });
    await (
      await startRun(runner, { ...SPEC, command: 'true' })
    ).end;
    const other = await startRun(runner, { command: 'env' });
    const end = await other.end;
    expect(end.secretsVersion).toBeUndefined();
    expect(end.outputTail).not.toContain('TOKEN');
  });

  test('has its own variables in place of those of the same name', async () => {
    const runner = await home.runner({ secretSource });
    const { end } = await startRun(runner, {
      ...SPEC,
      command: 'echo "$TOKEN $LSH_ATTEMPT"',
      env: [{ name: 'TOKEN', value: 'own' }],
    });
    expect((await end).outputTail).toBe('own 1\n');
  });

  test('fails with the reason if there is no version', async () => {
    versions = [];
    const runner = await home.runner({ secretSource });
    const { end } = await startRun(runner, { ...SPEC, command: 'true' });
    expect(await end).toMatchObject({
      reason: 'SpawnError',
      message: expect.stringContaining(
        'the secrets of prod cannot be read: there is no environment prod of /',
      ),
    });
  });

  test('is refused, without a value in the reason, if its secrets make the validator refuse it', async () => {
    const runner = await home.runner({
      secretSource,
      check: ({ env = [] }) => env.find(({ name }) => name === 'TOKEN')?.value,
    });
    const { end, run } = await startRun(runner, { ...SPEC, command: 'true' });
    const message = 'With the variables of the secrets prod@1, this command is refused.';
    expect(await end).toMatchObject({ reason: 'Refused', message });
    expect(await readAll(runner.log(run.name))).toBe(`lsh: ${message}\n`);
  });

  test('has no value in the arguments of a process', async () => {
    const gate = await home.gate('gate');
    const runner = await home.runner({ secretSource });
    const { end, run } = await startRun(runner, { ...SPEC, command: `echo up; cat ${gate.path}` });
    await readUntil(runner.log(run.name, { follow: true }), 'up');
    const processes = processesOf(run);
    expect(processes.length).toBeGreaterThan(0);
    for (const pid of processes) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(TOKEN);
    await gate.open();
    await end;
  });
});

describe('the next runner', () => {
  const half = `printf 'token: %.10s' "$TOKEN"`;
  const rest = `printf '%s' "\${TOKEN#??????????}"`;

  async function interrupted() {
    const gate = await home.gate('gate');
    const first = await home.runner({ secretSource });
    const { run } = await startRun(first, { ...SPEC, command: `${half}; cat ${gate.path}; ${rest}; echo .` });
    await readUntil(first.log(run.name, { follow: true }), 'token: ');
    await first.close();
    return { gate, run };
  }

  test('masks the values of the version that the run has, not of a newer one', async () => {
    const { gate, run } = await interrupted();
    versions.push({ TOKEN: 'another-value' });
    const second = await home.runner({ secretSource }, [run]);
    const end = endOf(second, run);
    await gate.open();
    expect(await end).toMatchObject({ outputTail: 'token: ***.\n', secretsVersion: 'prod@1' });
    expect(everything()).not.toContain(TOKEN.slice(0, 10));
  });

  test('leaves the output out if it cannot read that version any more', async () => {
    const { gate, run } = await interrupted();
    versions = [];
    const second = await home.runner({ secretSource }, [run]);
    const end = endOf(second, run);
    await gate.open();
    expect((await end).outputTail).toBe(
      'token: [lsh: the output from here on is left out; the secrets prod@1 cannot be read any more: the key is gone]\n',
    );
    expect(everything()).not.toContain(TOKEN.slice(10));
  });
});
