// No other user gets in: what a second user of the machine sees of a running daemon, when only lsh's own
// directories protect it.
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { aHome, aManifest, type TestHome } from '../support/daemon/daemon.ts';
import { aStartedHome, lsh } from '../support/daemon/cli.ts';
import { eventually } from '../support/eventually.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65534, gid: 65534, cwd: '/' };

/** A daemon that was started under this umask and has run a job, in a directory that every user may enter. */
async function aUsedHome(umask: number): Promise<TestHome> {
  const before = process.umask(umask);
  onTestFinished(() => void process.umask(before));
  const home = await aStartedHome();
  process.umask(before);
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

/** Every file and directory of lsh that gives a permission to other users. */
function openToOthers({ paths }: TestHome): string[] {
  return [paths.stateDir, paths.runtimeDir].flatMap((directory) =>
    [
      directory,
      ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
    ].filter((path) => (lstatSync(path).mode & 0o077) !== 0),
  );
}

describe.each([0o000, 0o077])('a daemon started under umask %o', (umask) => {
  test('leaves no file open to others, also after a run', async () => {
    expect(openToOthers(await aUsedHome(umask))).toEqual([]);
  });

  test.runIf(isRoot)('refuses requests of another user, who cannot read or stop it', async () => {
    const home = await aUsedHome(umask);
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
