// Commands and jobs with the secrets of a project, by the built program: what a command gets, and that nothing else has it.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { CANARY, expectNone, filesBelow } from '../support/canary.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { aStartedHome, lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, type TestHome } from '../support/daemon/daemon.ts';

const ENV_FILE = `CANARY='${CANARY}'\nGREETING=hello\n`;

interface Place {
  home: TestHome;
  /** A project with secrets of prod. */
  cwd: string;
}

/** A home with a project whose .env is pushed as prod. */
async function aProject(home = aHome()): Promise<Place> {
  const cwd = join(home.env['HOME']!, 'app');
  mkdirSync(join(cwd, '.git'), { recursive: true });
  writeFileSync(join(cwd, '.gitignore'), '.env\n');
  writeFileSync(join(cwd, '.env'), ENV_FILE);
  await lshOk(home, ['push', '--env', 'prod'], { cwd });
  return { home, cwd };
}

const run = ({ home, cwd }: Place, ...args: string[]) => lsh(home, ['secrets', 'run', ...args], { cwd });

describe('lsh secrets run', () => {
  test('gives the variables to the command, and its exit status back', async () => {
    const place = await aProject();
    const script = 'printf "%s %s" "$GREETING" "$CANARY"; echo oops >&2; exit 7';
    expect(await run(place, '--env', 'prod', '--', 'sh', '-c', script)).toMatchObject({
      status: 7,
      stdout: `hello ${CANARY}`,
      stderr: 'oops\n',
    });
    expect(await run(place, '--env', 'prod', '--', 'sh', '-c', 'kill -9 $$')).toMatchObject({ status: 137 });
  });

  test('keeps stdin, and the values win over variables of the same name', async () => {
    const place = await aProject();
    const args = ['secrets', 'run', '--env', 'prod', '--', 'sh', '-c', 'cat; echo "$GREETING"'];
    const options = { cwd: place.cwd, stdin: 'from stdin\n', env: { GREETING: 'other' } };
    expect(await lshOk(place.home, args, options)).toBe('from stdin\nhello\n');
  });

  test('masks the values on request', async () => {
    const place = await aProject();
    const script = 'echo "$CANARY"; printf %s "$CANARY" | base64 >&2; exit 3';
    const ended = await run(place, '--env', 'prod', '--redact', '--', 'sh', '-c', script);
    expect(ended).toMatchObject({ status: 3, stdout: '***\n', stderr: '***\n' });
  });

  test('passes signals on, and ends with the command', async () => {
    const { home, cwd } = await aProject();
    // Ends by itself, should the signal never come.
    const script = 'trap "echo told; exit 9" TERM; echo up; for _ in $(seq 600); do sleep 0.1; done';
    const child: ChildProcess = spawn(
      process.execPath,
      [BUNDLE, 'secrets', 'run', '--env', 'prod', '--', 'sh', '-c', script],
      { cwd, env: home.env, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const output = text(child.stdout!);
    await once(child.stdout!, 'readable');
    child.kill('SIGTERM');
    const [status] = (await once(child, 'exit')) as [number];
    expect([status, await output]).toEqual([9, 'up\ntold\n']);
  });

  test('quotes no value that no process can be given', async () => {
    const { home, cwd } = await aProject();
    writeFileSync(join(cwd, '.env'), `CANARY='${CANARY}\0'\n`);
    await lshOk(home, ['push', '--env', 'nul'], { cwd });
    const { status, stderr } = await run({ home, cwd }, '--env', 'nul', '--', 'true');
    expect([status, stderr]).toEqual([125, expect.stringContaining('holds a NUL character')]);
    expectNone('the error', stderr);
  });

  test('says why the command did not start, with a status of its own', async () => {
    const place = await aProject();
    expect(await run(place, '--env', 'prod', '--', 'no-such-program')).toMatchObject({
      status: 125,
      stderr: expect.stringContaining('there is no program no-such-program') as string,
    });
    expect(await run(place, '--env', 'staging', '--', 'true')).toMatchObject({
      status: 125,
      stderr: expect.stringContaining('staging') as string,
    });
  });
});

describe('a job with secretsEnv', () => {
  const add = ({ home, cwd }: Place, command: string) =>
    lshOk(
      home,
      [
        'cron',
        'add',
        '--name',
        'report',
        '--schedule',
        '@yearly',
        '--secrets-env',
        'prod',
        '--command',
        command,
      ],
      { cwd },
    );
  const trigger = ({ home }: Place) => lsh(home, ['cron', 'trigger', 'report', '--wait']);

  test('gets the newest version at each start; history and explain name it', async () => {
    const place = await aProject(await aStartedHome());
    await add(place, 'echo "$GREETING ${#CANARY} $CANARY"');
    const logs = () => lshOk(place.home, ['cron', 'logs', 'report']);
    expect(await trigger(place)).toMatchObject({ status: 0 });
    expect(await logs()).toBe('hello 21 ***\n');
    writeFileSync(join(place.cwd, '.env'), ENV_FILE.replace('hello', 'servus!'));
    await lshOk(place.home, ['push', '--env', 'prod'], { cwd: place.cwd });
    expect(await trigger(place)).toMatchObject({ status: 0 });
    expect(await logs()).toBe('servus! 21 ***\n');
    const history = await lshOk(place.home, ['cron', 'history', 'report', '-o', 'wide']);
    expect(history).toMatch(/SECRETS[\s\S]*prod@2[\s\S]*prod@1/);
    const [{ slot }] = JSON.parse(await lshOk(place.home, ['cron', 'history', 'report', '-o', 'json'])) as [
      { slot: string },
    ];
    expect(await lshOk(place.home, ['cron', 'explain', 'report', '--at', slot])).toContain(
      'with the secrets prod@2',
    );
  });

  test('fails with the reason where nothing was pushed, is retried, and the daemon lives on', async () => {
    const place = await aProject(await aStartedHome());
    const args = [
      '--schedule',
      '@yearly',
      '--secrets-env',
      'staging',
      '--command',
      'true',
      '--retries',
      '1',
      '--retry-delay',
      '1s',
    ];
    await lshOk(place.home, ['cron', 'add', '--name', 'report', ...args], { cwd: place.cwd });
    const ended = await trigger(place);
    expect(ended.status).not.toBe(0);
    expect(ended.stdout + ended.stderr).toContain('the secrets of staging cannot be read');
    const runs = JSON.parse(await lshOk(place.home, ['cron', 'history', 'report', '-o', 'json'])) as object[];
    expect(runs).toHaveLength(2);
    expect(await lshOk(place.home, ['daemon', 'status'])).toContain('running');
  });

  test('no file, process or answer of lsh holds a value', async () => {
    const home = await aStartedHome(aHome({ LSH_LOG_LEVEL: 'debug' }));
    const place = await aProject(home);
    const gate = join(place.cwd, 'gate');
    // The command waits in one process: each `sleep` of a loop would end while its arguments are read.
    execFileSync('mkfifo', [gate]);
    await add(place, `echo "$CANARY"; printf %s "$CANARY" | base64; echo up; cat ${gate}; exit 3`);
    const waiting = trigger(place);
    const pids = await processesOf(home, 'report');
    expect(pids.length).toBeGreaterThan(1);
    for (const pid of pids) expectNone(`the arguments of ${pid}`, readFileSync(`/proc/${pid}/cmdline`));
    const { pid } = JSON.parse(await lshOk(home, ['daemon', 'status', '-o', 'json'])) as { pid: number };
    expectNone('the environment of the daemon', readFileSync(`/proc/${pid}/environ`));
    for (const [path, bytes] of filesBelow(home.paths.stateDir)) expectNone(path, bytes);
    writeFileSync(gate, '');
    rmSync(gate);
    const { stdout, stderr } = await waiting;
    expectNone('the answer of trigger', stdout + stderr);
    for (const verb of [
      ['get', 'report', '-o', 'json'],
      ['history', '-o', 'json'],
      ['logs', 'report'],
      ['explain', 'report'],
      ['export', 'report'],
    ])
      expectNone(verb.join(' '), await lshOk(home, ['cron', ...verb]));
    expectNone('the log of the daemon', await lshOk(home, ['daemon', 'logs']));
    await lshOk(home, ['pull', '--env', 'prod'], { cwd: place.cwd });
    rmSync(join(place.cwd, '.env'));
    for (const [path, bytes] of filesBelow(home.env['HOME']!))
      if (!path.includes('.env')) expectNone(path, bytes);
    for (const [path, bytes] of filesBelow(home.paths.stateDir)) expectNone(path, bytes);
  });
});

/** Pids of the processes of the job’s run, once its command has begun. */
async function processesOf(home: TestHome, job: string): Promise<string[]> {
  for (;;) {
    const log = await lsh(home, ['cron', 'logs', job]);
    if (log.stdout.includes('up')) break;
  }
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      return readFileSync(`/proc/${entry}/environ`, 'latin1').includes(`LSH_JOB=${job}\0`);
    } catch {
      return false;
    }
  });
}
