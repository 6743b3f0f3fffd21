// The socket of a real `lsh runner`: access, and invalid input.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { userVariables } from '../../../src/runners/subprocess/command/child-env.ts';
import { requireNoToken } from '../../../src/processes/service-account.ts';
import { aRunOf, aUniqueJob } from '../../support/builders.ts';
import { BUNDLE } from '../../support/daemon/bundle.ts';
import { eventually } from '../../support/eventually.ts';
import { HOST, RunnerWorld, startRemote } from '../../support/runners/runner-process.ts';
import { endOf, readAll } from '../../support/runners/run-output.ts';
import { tempDir } from '../../support/temp-dir.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
const UPGRADE =
  'GET /v1/controller HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: lsh-runner\r\n\r\n';

let world: RunnerWorld;

beforeEach(() => {
  world = new RunnerWorld();
});
afterEach(() => world.close());

async function raw(): Promise<Socket> {
  const socket = connect(world.socketPath);
  await once(socket, 'connect');
  return socket;
}

/** All bytes until the runner closes the connection. */
function whole(socket: Socket): Promise<string> {
  return text(socket).catch(() => '');
}

async function works(): Promise<void> {
  const controller = await world.connected();
  const { end } = await startRemote(controller, { command: 'exit 3' });
  expect(await end).toMatchObject({ exitCode: 3 });
}

describe('invalid input', () => {
  test.each([
    ['bytes other than HTTP', '\u0000\u0001\u0002 nonsense\r\n\r\n'],
    ['bytes other than a message', `${UPGRADE}{"type":"recover"\n`],
    ['a message of an unknown type', `${UPGRADE}{"type":"explode"}\n`],
    ['a message of the wrong shape', `${UPGRADE}{"type":"recover","runs":[{"name":"../../etc"}]}\n`],
    ['JSON that is no object', `${UPGRADE}null\n`],
    ['a release before recover', `${UPGRADE}{"type":"release","name":"a"}\n`],
    ['an unknown page', 'GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
    [
      'a log outside the directory',
      'GET /v1/runs/..%2f..%2fx/log HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    ],
    ['another protocol', UPGRADE.replace('lsh-runner', 'websocket')],
    ['a negative term', UPGRADE.replace('\r\n\r\n', '\r\nlsh-term: -1\r\n\r\n')],
  ])('%s is hung up on, and the runner goes on', async (_, bytes) => {
    await world.startRunner();
    const socket = await raw();
    const answer = whole(socket);
    socket.write(bytes);
    await answer;
    await works();
    expect(world.process!.exitCode).toBeNull();
  });

  test('the runner cuts off an endless message before it costs memory', async () => {
    await world.startRunner();
    const socket = await raw();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(UPGRADE);
    const part = Buffer.alloc(1024 * 1024, 'x');
    const pour = () => {
      while (socket.writable && socket.write(part));
    };
    socket.on('drain', pour);
    pour();
    await closed;
    await works();
  });

  test('a malformed start ends that run only', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const { end } = await startRemote(controller, { command: 'true', env: [{ name: 'A', value: 'x' }] });
    await end;
    const spec = { command: 'true', colour: 'blue' };
    const strange = await startRemote(controller, { command: 'true' }, (job) =>
      Object.assign(job.spec, spec),
    );
    expect(await strange.end).toMatchObject({
      reason: 'SpawnError',
      message: expect.stringMatching(/understand/),
    });
    await works();
  });

  test('the runner refuses a controller of another protocol version with status 426', async () => {
    await world.startRunner();
    const asked = request({
      socketPath: world.socketPath,
      path: '/v2/controller',
      headers: { connection: 'upgrade', upgrade: 'lsh-runner' },
    });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(426);
    response.resume();
  });
});

describe('access', () => {
  test('only this user can open the socket and the directories', async () => {
    await world.startRunner();
    expect(statSync(world.socketPath).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(world.socketPath)).mode & 0o777).toBe(0o700);
    expect(statSync(world.stateDir).mode & 0o777).toBe(0o700);
  });

  test.runIf(isRoot)(
    'another user cannot connect; a member of the group only if the group has access',
    async () => {
      await world.startRunner();
      expect(await connectAs(NOBODY, NOBODY)).toMatch(/EACCES/);
      await world.killRunner('SIGTERM');
      await world.startRunner({ LSH_RUNNER_GROUP_ACCESS: 'true' });
      expect(statSync(world.socketPath).mode & 0o777).toBe(0o660);
      expect(statSync(dirname(world.socketPath)).mode & 0o7777).toBe(0o2770);
      expect(await connectAs(NOBODY, NOBODY)).toMatch(/EACCES/);
      expect(await connectAs(NOBODY, 0)).toBe('connected');
    },
  );

  async function connectAs(uid: number, gid: number): Promise<string> {
    const code = `require('node:net').connect(process.argv[1])
      .on('connect', function () { console.log('connected'); this.destroy(); })
      .on('error', (error) => console.log(error.code));`;
    const options = { uid, gid, cwd: '/', env: {} };
    // Its parents are open to others; the directory itself is not.
    chmodSync(world.path, 0o755);
    const child = spawn(process.execPath, ['-e', code, world.socketPath], options);
    return (await text(child.stdout)).trim();
  }

  test('a second runner on the same state or socket is refused, and the first goes on', async () => {
    await world.startRunner();
    const second = world.spawnRunner();
    const [[status], stderr] = await Promise.all([once(second, 'exit'), text(second.stderr!)]);
    expect(status).toBe(1);
    expect(stderr).toContain('[RUNNER_ALREADY_RUNNING]');
    await works();
  });

  test('the runner refuses to start with a mounted token, and hints at the fix', () => {
    const directory = tempDir();
    expect(() => requireNoToken(directory)).not.toThrow();
    writeFileSync(join(directory, 'token'), 'x');
    expect(() => requireNoToken(directory)).toThrow(
      expect.objectContaining({ code: 'RUNNER_HAS_TOKEN', hint: expect.stringContaining('automount') }),
    );
  });
});

test('commands inherit the variables of the user database, and nothing of the runner’s own environment', async () => {
  await world.startRunner({ LSH_RUNNER_SECRET: 'secret', KUBERNETES_SERVICE_HOST: '10.0.0.1' });
  const controller = await world.connected();
  const given = ['HOME', 'LSH_ATTEMPT', 'LSH_JOB', 'LSH_RUN', 'LSH_SCHEDULED_AT', 'LSH_SLOT', 'PATH'];
  const { end } = await startRemote(controller, { command: 'env | cut -d= -f1 | sort | tr "\\n" " "' });
  expect(
    (await end).outputTail
      ?.trim()
      .split(' ')
      .filter((name) => !/^(_|PWD|SHLVL|OLDPWD)$/.test(name)),
  ).toEqual([...new Set([...Object.keys(userVariables()), ...given])].toSorted());
});

test('commands get the trace and the cause of their run', async () => {
  await world.startRunner();
  const controller = await world.connected();
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
  const job = aUniqueJob({ command: 'echo $TRACEPARENT $LSH_AFTER_JOB $LSH_AFTER_RUN' });
  const run = aRunOf(job, { host: HOST, cause: { job: 'backup', run: 'backup-t1' } });
  const end = endOf(controller, run);
  await controller.start(job, { ...run, traceparent });
  expect((await end).outputTail).toBe(`${traceparent} backup backup-t1\n`);
});

test('help shows the usage', async () => {
  const child = spawn(process.execPath, [BUNDLE, 'runner', '--help']);
  expect(await text(child.stdout)).toMatch(/Examples:\n.*\n.*lsh runner/);
});

test('only the commands get the key of the secrets', async () => {
  const key = 'AGE-SECRET-KEY-1MADEUPFORATESTMADEUPFORATEST';
  await world.startRunner({ LSH_SECRETS_KEY: key, LSH_LOG_LEVEL: 'debug', NODE_ENV: 'production' });
  const controller = await world.connected();
  const { end, run, job } = await startRemote(controller, {
    command: 'echo "${#LSH_SECRETS_KEY} $LSH_SECRETS_KEY"',
  });
  const line = `${key.length} ***\n`;
  expect(await end).toMatchObject({ exitCode: 0, outputTail: line });
  expect(await readAll(controller.log(run.name, job.key))).toBe(line);
  expect(world.output).not.toContain(key);
});

describe('lsh runner logs', () => {
  const logs = (...args: string[]) =>
    spawn(process.execPath, [BUNDLE, 'runner', 'logs', ...args], {
      env: { PATH: process.env['PATH'], HOME: world.path, LSH_RUNNER_SOCKET: world.socketPath },
    });

  test('prints a run live, and whole to its end', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const gate = await world.gate('gate');
    const { run } = await startRemote(controller, { command: `echo begun; cat ${gate.path}; seq 1 5000` });
    const following = logs('-f', `local/${run.name}`);
    const chunks: string[] = [];
    following.stdout.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    await eventually(() => chunks.join('') === 'begun\n', { what: 'the first line, live' });
    const ended = once(following, 'close');
    await gate.open();
    expect(await ended).toEqual([0, null]);
    const whole = `begun\n${Array.from({ length: 5000 }, (_, index) => index + 1).join('\n')}\n`;
    expect(chunks.join('')).toBe(whole);
    expect(await text(logs(`local/${run.name}`).stdout)).toBe(whole);
  });

  test('stops with its standard input if told so, while the command is silent', async () => {
    await world.startRunner();
    const controller = await world.connected();
    const gate = await world.gate('gate');
    const { run, end } = await startRemote(controller, { command: `echo begun; cat ${gate.path}` });
    const following = logs('-f', '--until-eof', `local/${run.name}`);
    const [first] = (await once(following.stdout, 'data')) as [Buffer];
    expect(first.toString()).toBe('begun\n');
    const ended = once(following, 'close');
    following.stdin.end();
    expect(await ended).toEqual([0, null]);
    const again = logs('-f', '--until-eof', `local/${run.name}`);
    await once(again.stdout, 'data');
    const over = once(again, 'close');
    await gate.open();
    await end;
    // The run has ended, and the standard input has not.
    expect(await over).toEqual([0, null]);
  });

  test('says that a run has no output, and refuses another name', async () => {
    await world.startRunner();
    await world.connected();
    expect(await text(logs('local/nobody').stderr)).toBe('No output of local/nobody.\n');
    expect(await text(logs('../etc').stderr)).toContain('NAMESPACE/RUN');
    await world.killRunner();
    expect(await text(logs('local/nobody').stderr)).toContain('[RUNNER_UNREACHABLE]');
  });
});
