// Secrets that the kubelet mounts beside the runner: what a run gets, also while the kubelet changes them.
import { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, test } from 'vitest';
import { mountedSecrets } from '../../../../src/runners/subprocess/command/mounted-secrets.ts';
import { deliveredData, MountedSecret } from '../../../support/runners/mounted-secret.ts';
import { endOf, readUntil } from '../../../support/runners/run-output.ts';
import { RunnerHome, startRun } from '../../../support/runners/subprocess-runner.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const TOKEN = 'canary-of-the-mount';
const BY = { job: 'jobs/report', workingDir: '/' };

let root: string;
beforeEach(() => {
  root = tempDir();
});

const mounted = (environment = 'prod') => new MountedSecret(root, 'jobs', environment);
const opened = (environment = 'prod', by = BY) => mountedSecrets(root).open(environment, by);

test('each start gets the variables and the version that are mounted then', async () => {
  const secret = mounted();
  secret.write(deliveredData('prod@1', { TOKEN, LINES: 'one\ntwo\n', EMPTY: '' }));
  expect(await opened()).toMatchObject({
    version: 'prod@1',
    variables: { TOKEN, LINES: 'one\ntwo\n', EMPTY: '' },
  });
  secret.write(deliveredData('prod@2', { OTHER: 'x' }));
  const { version, variables } = await opened();
  expect({ version, variables }).toEqual({ version: 'prod@2', variables: { OTHER: 'x' } });
});

test('a start while the kubelet changes the Secret gets one version whole', async () => {
  const secret = mounted();
  const of = (version: number) =>
    deliveredData(
      `prod@${version}`,
      Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`K${key}`, `${version}`])),
    );
  secret.write(of(1));
  // Another process changes the Secret at any point of a read.
  const { promise: changed, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(new URL('../../../fixtures/change-secret.ts', import.meta.url), {
    workerData: { root, versions: Array.from({ length: 200 }, (_, index) => of(index + 2)) },
  });
  worker.on('error', reject).on('exit', () => resolve());
  const end = new AbortController();
  void changed.finally(() => end.abort());
  const seen = new Set<string>();
  while (!end.signal.aborted) {
    const { version, variables } = await opened();
    expect(Object.keys(variables)).toHaveLength(20);
    expect([...new Set(Object.values(variables))]).toEqual([version.slice('prod@'.length)]);
    seen.add(version);
    await new Promise((next) => setImmediate(next));
  }
  await changed;
  expect(seen.size).toBeGreaterThan(1);
});

describe('says what to do', () => {
  test.each([
    [
      'for a Secret that does not exist',
      'prod',
      BY,
      'the Secret lsh-secrets-prod of the namespace jobs does not exist',
    ],
    ['for an environment that is not mounted', 'dev', BY, 'shell.secretsEnv of the chart does not list dev'],
    [
      'for a job of another namespace',
      'prod',
      { ...BY, job: 'shop/report' },
      'shell runs of the namespace shop have none',
    ],
  ])('%s', async (_, environment, by, message) => {
    mounted();
    await expect(opened(environment, by)).rejects.toThrow(message);
  });

  test('for a Secret that lsh did not deliver', async () => {
    mounted().write({ TOKEN: 'eA==' });
    await expect(opened()).rejects.toThrow('`lsh push --to kubernetes` did not deliver it');
  });
});

describe('a run', () => {
  const command = 'echo "$LSH_SECRETS_VERSION ${#TOKEN} $TOKEN"';
  const SPEC = { secretsEnv: 'prod', workingDir: '/' };
  /** The builders of jobs have this namespace. */
  const ofTheJob = () => new MountedSecret(root, 'local', 'prod');

  test('has the variables, and its output and record have the version alone', async () => {
    ofTheJob().write(deliveredData('prod@7', { TOKEN }));
    const home = new RunnerHome();
    const runner = await home.runner({ secretSource: mountedSecrets(root) });
    const { end } = await startRun(runner, { ...SPEC, command });
    expect(await end).toMatchObject({ exitCode: 0, outputTail: 'prod@7 19 ***\n', secretsVersion: 'prod@7' });
    await home.close();
  });

  test('with a NUL in a value does not start, and the reason does not quote it', async () => {
    ofTheJob().write(deliveredData('prod@7', { TOKEN: `${TOKEN}\0` }));
    const home = new RunnerHome();
    const runner = await home.runner({ secretSource: mountedSecrets(root) });
    const { end } = await startRun(runner, { ...SPEC, command });
    const { reason, message } = await end;
    expect(reason).toBe('SpawnError');
    expect(message).toContain('NUL');
    expect(message).not.toContain(TOKEN);
    await home.close();
  });

  test.each([
    ['masks on with the version that the run has', () => undefined, 'token: ***.\n'],
    [
      'leaves the rest out once the Secret has changed',
      (secret: MountedSecret) => secret.write(deliveredData('prod@8', { TOKEN: 'another-value' })),
      'token: [lsh: the output from here on is left out; the secrets prod@7 cannot be read any more: the Secret has changed since the run began]\n',
    ],
  ])('outlives its runner; the next one %s', async (_, change, outputTail) => {
    const secret = ofTheJob();
    secret.write(deliveredData('prod@7', { TOKEN }));
    const home = new RunnerHome();
    const gate = await home.gate('gate');
    const first = await home.runner({ secretSource: mountedSecrets(root) });
    const halves = [`printf 'token: %.10s' "$TOKEN"`, `printf '%s' "\${TOKEN#??????????}"`];
    const { run } = await startRun(first, {
      ...SPEC,
      command: `${halves[0]}; cat ${gate.path}; ${halves[1]}; echo .`,
    });
    await readUntil(first.log(run.name, { follow: true }), 'token: ');
    await first.close();
    change(secret);
    const second = await home.runner({ secretSource: mountedSecrets(root) }, [run]);
    const end = endOf(second, run);
    await gate.open();
    expect(await end).toMatchObject({ outputTail, secretsVersion: 'prod@7' });
    await home.close();
  });
});
