// No other user gets in: what a second user of the machine sees of a running daemon, when only lsh's own
// directories protect it.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeFifos } from '../../src/runners/subprocess/output/fifo-pool.ts';
import { aHome, aManifest, type TestHome } from '../support/daemon/daemon.ts';
import { aStartedHome, lsh, lshOk } from '../support/daemon/cli.ts';
import { eventually } from '../support/eventually.ts';
import { RunnerWorld, startRemote } from '../support/runners/runner-process.ts';
import { processesWith } from '../support/side-effects.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65534, gid: 65534, cwd: '/' };

/** Until the test has finished, every process that it starts has this umask. */
function underUmask(umask: number): void {
  const before = process.umask(umask);
  onTestFinished(() => void process.umask(before));
}

/** A daemon that has run a job, in a directory that every user may enter. */
async function aUsedHome(): Promise<TestHome> {
  const home = await aStartedHome();
  chmodSync(home.env['HOME'] ?? '', 0o755);
  await home.client.put({
    job: aManifest('secret', { command: 'echo secret', env: [{ name: 'A', value: 'b' }] }),
  });
  const { name } = await home.client.trigger({ name: 'secret', id: '1' });
  await home.client.run({ run: name, wait: true });
  // The runner removes the start directory after it has reported the end.
  await eventually(() => readdirSync(join(home.paths.stateDir, 'runs')).length === 0);
  return home;
}

const isOpen = (path: string) => (lstatSync(path).mode & 0o077) !== 0;

/** What other users may use of the files and directories in the directory. */
function openIn(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.map((name) => join(directory, name)).filter(isOpen);
}

/** Every file and directory of the daemon that gives a permission to other users. */
function openToOthers({ paths }: TestHome): string[] {
  const directories = [paths.stateDir, paths.runtimeDir];
  return [...directories.filter(isOpen), ...directories.flatMap(openIn)];
}

describe.each([0o000, 0o077])('a daemon started under umask %o', (umask) => {
  test('leaves no file open to others, also after a run', async () => {
    underUmask(umask);
    expect(openToOthers(await aUsedHome())).toEqual([]);
  });

  test('has none open either while a command runs, nor while a stand-in reads its output', async () => {
    underUmask(umask);
    const home = await aStartedHome();
    const gate = join(home.env['HOME']!, 'gate');
    await makeFifos([gate], process.env['PATH']!);
    onTestFinished(() => {
      for (const pid of processesWith(`LSH_STATE_DIR=${home.paths.stateDir}`)) process.kill(pid, 'SIGKILL');
    });
    await home.client.put({ job: aManifest('waits', { command: `echo up; cat ${gate}; echo down` }) });
    const { name: run } = await home.client.trigger({ name: 'waits', id: '1' });
    await eventually(async () => (await lshOk(home, ['cron', 'logs', 'waits'])) === 'up\n');
    expect(openToOthers(home)).toEqual([]);
    await lshOk(home, ['daemon', 'stop']);
    const [reader, standIn] = ['runner.pid', 'stand-in.pid'].map((file) => join(home.paths.stateDir, file));
    await eventually(() => existsSync(reader!) && readFileSync(reader!).equals(readFileSync(standIn!)));
    expect(openToOthers(home)).toEqual([]);
    await lshOk(home, ['daemon', 'start']);
    await writeFile(gate, '');
    expect(await home.client.run({ run, wait: true })).toMatchObject({ phase: 'Completed' });
    expect(openToOthers(home)).toEqual([]);
  });

  test.runIf(process.platform === 'linux')(
    'lets others use neither the code that it caches nor its service file, a new or an old one',
    async () => {
      underUmask(umask);
      const home = aHome();
      await lshOk(home, ['daemon', 'install', '--no-now']);
      expect(openIn(home.env['HOME']!)).toEqual([]);
      expect(existsSync(join(home.env['HOME']!, '.cache/lsh/compile'))).toBe(true);
      const unit = join(home.env['HOME']!, '.config/systemd/user/lshd.service');
      chmodSync(unit, 0o666);
      await lshOk(home, ['daemon', 'install', '--no-now']);
      expect(isOpen(unit)).toBe(false);
    },
  );

  test.runIf(isRoot)('refuses requests of another user, who cannot read or stop it', async () => {
    underUmask(umask);
    const home = await aUsedHome();
    const { pid } = await home.client.status({});
    for (const args of [
      ['cron', 'list'],
      ['daemon', 'stop'],
      ['daemon', 'start'],
      ['cron', 'trigger', 'secret'],
    ]) {
      const { status, stdout, stderr } = await lsh(home, args, NOBODY);
      expect({ args, status, stdout }).toEqual({ args, status: 1, stdout: '' });
      expect(stderr).toMatch(/^error: .*\nhint: .*\n\[[A-Z_]+\]\n$/);
    }
    const { socket, database, log } = home.paths;
    for (const path of [socket, database, `${database}-wal`, log]) {
      expect(() => execFileSync('cat', [path], { ...NOBODY, stdio: 'ignore' })).toThrow();
    }
    expect((await home.client.status({})).pid).toBe(pid);
    expect(await home.client.runs({ name: 'secret' })).toHaveLength(1);
  });
});

test.each([0o000, 0o077])('a runner started under umask %o leaves no file open to others', async (umask) => {
  underUmask(umask);
  const world = new RunnerWorld();
  onTestFinished(() => world.close());
  await world.startRunner();
  const controller = await world.connected();
  await (
    await startRemote(controller, { command: 'echo secret' })
  ).end;
  expect(openIn(world.path)).toEqual([]);
});

test.runIf(isRoot)('two users each have their own daemon and see only their own jobs', async () => {
  const [mine, theirs] = [await aStartedHome(), aHome()];
  await mine.client.put({ job: aManifest('mine') });
  execFileSync('chown', ['-R', `${NOBODY.uid}:${NOBODY.gid}`, theirs.env['HOME']!]);
  onTestFinished(async () => void (await lsh(theirs, ['daemon', 'stop'], NOBODY)));
  expect((await lsh(theirs, ['daemon', 'start'], NOBODY)).status).toBe(0);
  const add = ['cron', 'add', '-n', 'theirs', '-s', '@yearly', '-c', 'id -u'];
  expect((await lsh(theirs, add, NOBODY)).status).toBe(0);
  const run = await lsh(theirs, ['cron', 'trigger', 'theirs', '--wait'], NOBODY);
  expect(run.status).toBe(0);
  expect((await lsh(theirs, ['cron', 'logs', 'theirs'], NOBODY)).stdout).toBe(`${NOBODY.uid}\n`);
  expect((await lsh(theirs, ['cron', 'list', '-o', 'name'], NOBODY)).stdout).toBe('theirs\n');
  expect((await lsh(mine, ['cron', 'list', '-o', 'name'])).stdout).toBe('mine\n');
});

test.runIf(isRoot)(
  'root reaches the daemon of another user by its directory alone, not by XDG_RUNTIME_DIR',
  async () => {
    const theirs = aHome();
    execFileSync('chown', ['-R', `${NOBODY.uid}:${NOBODY.gid}`, theirs.env['HOME']!]);
    onTestFinished(async () => void (await lsh(theirs, ['daemon', 'stop'], NOBODY)));
    expect((await lsh(theirs, ['daemon', 'start'], NOBODY)).status).toBe(0);
    // A checkout can give a warning about its own environment.
    expect(await lshOk(theirs, ['doctor'])).toMatch(/^(All is well|No check failed, with \d+ warnings?)\.$/m);
    expect(await lshOk(theirs, ['cron', 'list'])).toBe('');

    // As after `su`, which keeps the variable. The daemon of the other user listens in its directory `lsh`.
    const xdg = aHome();
    const { LSH_STATE_DIR: _state, LSH_RUNTIME_DIR: _runtime, ...env } = xdg.env;
    const runtime = join(xdg.env['HOME']!, 'run');
    mkdirSync(runtime);
    chownSync(runtime, NOBODY.uid, NOBODY.gid);
    chmodSync(xdg.env['HOME']!, 0o755);
    const other = { env: { ...env, HOME: runtime, XDG_RUNTIME_DIR: runtime } };
    onTestFinished(async () => void (await lsh(other, ['daemon', 'stop'], NOBODY)));
    expect((await lsh(other, ['daemon', 'start'], NOBODY)).status).toBe(0);
    const mine = { env: { ...env, XDG_RUNTIME_DIR: runtime } };
    for (const args of [
      ['cron', 'list'],
      ['daemon', 'start'],
      ['daemon', 'stop'],
      ['daemon', 'cleanup'],
    ]) {
      const { status, stdout, stderr } = await lsh(mine, args);
      expect({ args, status, stdout }).toEqual({ args, status: 1, stdout: '' });
      expect(stderr).toContain(`its directory belongs to user ${NOBODY.uid}, not to user 0`);
      expect(stderr).toContain('[DAEMON_UNTRUSTED]');
    }
  },
);

test.runIf(isRoot)(
  'a cache that another user may write, or owns, runs no code and is left as it is',
  async () => {
    const home = aHome();
    const cache = join(home.env['HOME']!, '.cache/lsh');
    mkdirSync(cache, { recursive: true });
    for (const spoil of [() => chmodSync(cache, 0o777), () => chownSync(cache, NOBODY.uid, NOBODY.gid)]) {
      spoil();
      const { stdout } = await lsh(home, ['doctor']);
      expect(stdout).toMatch(
        /^warn +cache +lsh does not use .*\.cache\/lsh: it (can be written|belongs to)/m,
      );
      expect(readdirSync(cache)).toEqual([]);
    }
  },
);
