import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { spawnDaemon } from '../../../src/local/lifecycle/spawn-daemon.ts';
import { isAlive } from '../../../src/local/lifecycle/process-state.ts';
import { stopDaemon } from '../../../src/local/lifecycle/stop-daemon.ts';
import {
  DAEMON_ARGS,
  aDaemon,
  aHome,
  aManifest,
  startDaemon,
  type TestHome,
} from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { processesWith } from '../../support/side-effects.ts';

/** Sets this process's environment to that of the test home, because a detached daemon inherits it. */
function enter({ env }: TestHome): void {
  const before = { ...process.env };
  Object.assign(process.env, env);
  onTestFinished(() => {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

/** Longer than ten concurrent starts take on a busy machine. */
const START_MS = 120_000;

/** Starts detached as `lsh daemon start` does; the daemon is stopped when the test has finished. */
function spawnInBackground(home: TestHome, args = DAEMON_ARGS, timeoutMs = START_MS) {
  enter(home);
  onTestFinished(async () => void (await stopDaemon(home.client).catch(() => undefined)));
  return spawnDaemon({ ...home, command: [process.execPath, ...args], timeoutMs });
}

/** Returns a function that waits until the child has logged the message. */
function linesOf({ stdout }: ChildProcess): (message: string) => Promise<void> {
  let seen = '';
  stdout!.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  return async (message) => {
    while (!seen.includes(`"${message}"`)) await once(stdout!, 'data');
  };
}

describe('a daemon in the foreground', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    'ends at %s with status 0 and removes its socket',
    async (signal) => {
      const { child, ended, paths } = await aDaemon();
      expect(existsSync(paths.socket)).toBe(true);
      child.kill(signal);
      expect(await ended).toMatchObject({ status: 0, stderr: '' });
      expect(existsSync(paths.socket)).toBe(false);
    },
  );

  test.each(['SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const)(
    'logs and ignores %s, and opens no debugger',
    async (signal) => {
      const daemon = await aDaemon();
      const said = linesOf(daemon.child);
      daemon.child.kill(signal);
      await said('signal ignored');
      expect((await daemon.client.status({})).pid).toBe(daemon.child.pid);
      daemon.child.kill();
      expect(await daemon.ended).toMatchObject({ status: 0, stderr: '' });
    },
  );

  test('lives on at SIGHUP', async () => {
    const daemon = await aDaemon();
    const said = linesOf(daemon.child);
    daemon.child.kill('SIGHUP');
    await said('log reopened');
    expect((await daemon.client.status({})).pid).toBe(daemon.child.pid);
  });

  test('tells systemd that it is ready, once it answers', async () => {
    const bin = tempDir();
    // In the place of systemd's own program: what reaches it, and whether the daemon answers by then.
    const program = `#!/bin/sh\nprintf '%s\\n' "$NOTIFY_SOCKET $*" >${bin}/said.new && mv ${bin}/said.new ${bin}/said\n`;
    writeFileSync(join(bin, 'systemd-notify'), program, { mode: 0o755 });
    const env = { NOTIFY_SOCKET: join(bin, 'notify'), PATH: `${bin}:${process.env['PATH']}` };
    const { child, client } = await aDaemon(aHome(env));
    await eventually(() => existsSync(join(bin, 'said')));
    expect(readFileSync(join(bin, 'said'), 'utf8')).toContain(`${bin}/notify --ready --pid=${child.pid}`);
    expect((await client.status({})).pid).toBe(child.pid);
  });

  test.runIf(process.platform === 'linux')('stops in order when its terminal closes', async () => {
    const home = aHome();
    // `script` holds the terminal: without it, the kernel sends HUP to the daemon.
    const command = `exec ${[process.execPath, ...DAEMON_ARGS].join(' ')}`;
    const terminal = spawn('script', ['-qfec', command, '/dev/null'], { env: home.env, stdio: 'ignore' });
    const pid = await eventually(async () => (await home.client.status({}).catch(() => undefined))?.pid);
    terminal.kill('SIGKILL');
    await eventually(() => !isAlive(pid));
    // A daemon that broke off would leave both.
    expect([existsSync(home.paths.socket), existsSync(home.paths.record)]).toEqual([false, false]);
  });

  test('logs to stdout and writes no log file', async () => {
    const { child, ended, paths } = await aDaemon();
    child.kill();
    const lines = (await ended).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'daemon started',
      'daemon stopping',
      'daemon stopped',
    ]);
    expect(existsSync(paths.log)).toBe(false);
  });

  test('restores its socket after a logout has removed the directory', async () => {
    const { client, child, paths } = await aDaemon();
    let said = '';
    child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    // The daemon checks every two seconds; the listener must exist before its first check.
    child.kill('SIGSTOP');
    rmSync(paths.runtimeDir, { recursive: true });
    await expect(client.status({})).rejects.toMatchObject({ code: 'DAEMON_NOT_RUNNING' });
    child.kill('SIGCONT');
    while (!said.includes('the socket was removed and is restored')) await once(child.stdout!, 'data');
    expect((await client.status({})).pid).toBe(child.pid);
    expect(statSync(paths.socket).mode & 0o777).toBe(0o600);
    expect(statSync(paths.runtimeDir).mode & 0o777).toBe(0o700);
  });

  test('ends with a fatal line and status 1 after an uncaught exception', async () => {
    const code = 'process.on("SIGUSR2", () => { throw new Error("out of the blue"); })';
    const home = aHome({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` });
    const { child, ended } = await aDaemon(home);
    child.kill('SIGUSR2');
    const { status, stdout } = await ended;
    expect(status).toBe(1);
    expect(stdout).toMatch(/"level":"fatal".*out of the blue/);
    const again = await aDaemon({ ...home, env: { ...home.env, NODE_OPTIONS: '' } });
    expect((await again.client.status({})).pid).toBe(again.child.pid);
  });
});

describe('a second start', () => {
  test('reports the running daemon and does not affect it', async () => {
    const first = await aDaemon();
    const { ino } = lstatSync(first.paths.socket);
    const second = await startDaemon(first).ended;
    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(second.stderr).toContain('[DAEMON_ALREADY_RUNNING]');
    expect(lstatSync(first.paths.socket).ino).toBe(ino);
    expect((await first.client.status({})).pid).toBe(first.child.pid);
  });

  test('is refused although the directory of the socket was emptied', async () => {
    const first = await aDaemon();
    const elsewhere = { env: { ...first.env, LSH_RUNTIME_DIR: join(first.paths.stateDir, 'run') } };
    expect((await startDaemon(elsewhere).ended).stderr).toContain('[DAEMON_ALREADY_RUNNING]');
  });

  test('with another state directory but the same socket is refused', async () => {
    const first = await aDaemon();
    const other = { env: { ...first.env, LSH_STATE_DIR: join(first.paths.stateDir, 'other') } };
    expect((await startDaemon(other).ended).stderr).toContain('[DAEMON_ALREADY_RUNNING]');
    expect((await first.client.status({})).pid).toBe(first.child.pid);
  });

  test('in the background returns the running process', async () => {
    const home = aHome();
    const first = await spawnInBackground(home);
    expect(first.started).toBe(true);
    expect(await spawnInBackground(home)).toEqual({ pid: first.pid, started: false });
  });

  test('of ten at once exactly one starts, and all name the same process', async () => {
    const home = aHome();
    const results = await Promise.all(Array.from({ length: 10 }, () => spawnInBackground(home)));
    expect(results.filter(({ started }) => started)).toHaveLength(1);
    expect(new Set(results.map(({ pid }) => pid)).size).toBe(1);
    expect((await home.client.status({})).pid).toBe(results[0]?.pid);
  });
});

describe('a daemon in the background', () => {
  test('answers once start returns, and is gone once stop returns', async () => {
    const home = aHome();
    const { pid } = await spawnInBackground(home);
    expect(await home.client.status({})).toMatchObject({ pid, socketPath: home.paths.socket });
    expect(await stopDaemon(home.client)).toBe(pid);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(home.paths.socket)).toBe(false);
    await expect(stopDaemon(home.client)).rejects.toMatchObject({
      code: 'DAEMON_NOT_RUNNING',
      exitStatus: 3,
    });
  });

  test('reopens its log at SIGHUP, and logs into it again when it was moved without a signal', async () => {
    const home = aHome();
    const { pid } = await spawnInBackground(home);
    const { log } = home.paths;
    renameSync(log, `${log}.moved`);
    process.kill(pid, 'SIGHUP');
    await eventually(() => existsSync(log) && readFileSync(log, 'utf8').includes('log reopened'));
    renameSync(log, `${log}.moved`);
    process.kill(pid, 'SIGUSR2');
    await eventually(() => existsSync(log) && readFileSync(log, 'utf8').includes('signal ignored'));
    expect((await home.client.status({})).pid).toBe(pid);
  });

  test('has a log of JSON lines only: warnings of Node, and the last words of a crash', async () => {
    const code = `
      process.emitWarning('a warning');
      process.on('SIGUSR2', () => process.abort());`;
    const home = aHome({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` });
    const { pid } = await spawnInBackground(home);
    process.kill(pid, 'SIGUSR2');
    await eventually(() => !isAlive(pid));
    await spawnInBackground(home);
    const lines = readFileSync(home.paths.log, 'utf8').trimEnd().split('\n');
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages).toContain('warning of Node');
    expect(messages).toContain('an earlier daemon ended with this on stderr');
    expect(readFileSync(home.paths.stderr, 'utf8')).toBe('');
  });

  test('starts again after it was stopped', async () => {
    const home = aHome();
    const first = await spawnInBackground(home);
    await stopDaemon(home.client);
    const second = await spawnInBackground(home);
    expect(second.started).toBe(true);
    expect(second.pid).not.toBe(first.pid);
  });

  test.each([0o000, 0o022, 0o077])('keeps its files private under umask %o', async (umask) => {
    const before = process.umask(umask);
    onTestFinished(() => void process.umask(before));
    const home = aHome();
    await spawnInBackground(home);
    await home.client.put({ job: aManifest('a') });
    const { name } = await home.client.trigger({ name: 'a', id: '1' });
    await home.client.run({ run: name, wait: true });
    const { stateDir, runtimeDir, socket, database, log } = home.paths;
    for (const path of [socket, database, `${database}-wal`, log]) {
      expect([path, statSync(path).mode & 0o777]).toEqual([path, 0o600]);
    }
    for (const directory of [stateDir, runtimeDir]) {
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        const path = join(directory, entry.name);
        const mode = statSync(path).mode & 0o777;
        expect([path, mode]).toEqual([path, entry.isDirectory() ? 0o700 : 0o600]);
      }
    }
  });

  test('that cannot start reports the cause with its code', async () => {
    const home = aHome();
    mkdirSync(home.paths.stateDir, { mode: 0o700 });
    writeFileSync(home.paths.database, 'this is no database, and long enough to be looked at'.repeat(100));
    await expect(spawnInBackground(home)).rejects.toMatchObject({ code: 'STORE_CORRUPT', exitStatus: 1 });
  });

  test('that dies at once is reported with its status and the end of the log', async () => {
    const script = 'console.error("out of luck"); process.exit(7)';
    const failure = spawnInBackground(aHome(), ['-e', script]);
    await expect(failure).rejects.toMatchObject({
      code: 'DAEMON_START_FAILED',
      message: expect.stringContaining('status 7'),
      hint: expect.stringContaining('out of luck'),
    });
  });

  test('that never answers is killed and reported', async () => {
    const home = aHome();
    const script = 'setInterval(() => {}, 1000)';
    await expect(spawnInBackground(home, ['-e', script], 1_000)).rejects.toMatchObject({
      code: 'DAEMON_START_FAILED',
      message: expect.stringContaining('within 1 s'),
    });
    expect(processesWith(`LSH_STATE_DIR=${home.paths.stateDir}`)).toEqual([]);
  });
});

describe('after kill -9', () => {
  test('the next daemon replaces the stale socket and has every job', async () => {
    const first = await aDaemon();
    await first.client.put({ job: aManifest('kept', { description: 'still here' }) });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(existsSync(first.paths.socket)).toBe(true);
    await expect(first.client.list({})).rejects.toMatchObject({ code: 'DAEMON_NOT_RUNNING' });
    const second = await aDaemon(first);
    expect(await second.client.get({ name: 'kept' })).toMatchObject({ spec: { description: 'still here' } });
  });

  test('a start while the killed daemon still accepts connections waits for its end', async () => {
    const home = aHome();
    mkdirSync(dirname(home.paths.socket), { recursive: true, mode: 0o700 });
    let connections = 0;
    const dying = createServer((socket) => {
      connections += 1;
      socket.destroy();
      if (connections === 3) dying.close();
    }).listen(home.paths.socket);
    await once(dying, 'listening');
    expect(await spawnInBackground(home)).toMatchObject({ started: true });
    expect(connections).toBe(3);
  });
});
