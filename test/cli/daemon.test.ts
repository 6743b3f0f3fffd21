import { once } from 'node:events';
import { cpSync, existsSync, linkSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DaemonStatus } from '../../src/local/socket/protocol.ts';
import { makeFifos } from '../../src/runners/subprocess/output/fifo-pool.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { bash, lsh, lshOk } from '../support/daemon/cli.ts';
import { tempDir } from '../support/temp-dir.ts';
import { aDaemon, aHome, aManifest, startDaemon, type TestHome } from '../support/daemon/daemon.ts';

/** A home whose daemon, if the test starts one, stops after the test. */
function aHomeToStop(): TestHome {
  const home = aHome();
  onTestFinished(async () => {
    await lsh(home, ['daemon', 'stop']);
  });
  return home;
}

const statusOf = async (home: TestHome) =>
  JSON.parse(await lshOk(home, ['daemon', 'status', '-o', 'json'])) as DaemonStatus;

describe('lsh daemon', () => {
  test('start, restart and stop print the result, also when repeated', async () => {
    const home = aHomeToStop();
    expect(await lshOk(home, ['daemon', 'start'])).toMatch(/^daemon started \(process \d+\)\n$/);
    const { pid } = await statusOf(home);
    expect(await lshOk(home, ['daemon', 'start'])).toBe(`daemon is already running (process ${pid})\n`);
    expect(await lshOk(home, ['daemon', 'status'])).toMatch(
      new RegExp(`^Daemon: +running, process ${pid}, lsh `),
    );

    expect(await lshOk(home, ['daemon', 'restart'])).toMatch(/^daemon stopped .*\ndaemon started .*\n$/);
    const after = await statusOf(home);
    expect(after.pid).not.toBe(pid);

    expect(await lshOk(home, ['daemon', 'stop'])).toBe(`daemon stopped (process ${after.pid})\n`);
    expect(await lshOk(home, ['daemon', 'stop'])).toBe('daemon is not running\n');
    expect((await lsh(home, ['daemon', 'status'])).status).toBe(3);
  });

  test('start prints the reason, the status and a hint of a daemon that cannot start', async () => {
    const home = aHomeToStop();
    await lshOk(home, ['daemon', 'start']);
    await lshOk(home, ['daemon', 'stop']);
    writeFileSync(home.paths.database, 'this is no database');
    const { status, stdout, stderr } = await lsh(home, ['daemon', 'start']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*lsh\.db.*\nhint: /);
    expect(stderr).toContain('[STORE_CORRUPT]');
    expect((await lsh(home, ['doctor'])).stdout).toMatch(/^FAIL +store .*damaged/m);
  });

  test('logs prints the last lines, one JSON object each', async () => {
    const home = aHomeToStop();
    expect((await lsh(home, ['daemon', 'logs'])).stderr).toContain('[FILE_UNREADABLE]');
    await lshOk(home, ['daemon', 'start']);
    await lshOk(home, ['daemon', 'stop']);
    const all = (await lshOk(home, ['daemon', 'logs'])).trimEnd().split('\n');
    expect(all.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('daemon started');
    expect(await lshOk(home, ['daemon', 'logs', '-n', '2'])).toBe(`${all.slice(-2).join('\n')}\n`);
  });

  test('logs shows a moved file, and does not deny a daemon whose file is gone', async () => {
    const home = aHomeToStop();
    await lshOk(home, ['daemon', 'start']);
    const { log } = home.paths;
    renameSync(log, `${log}.1`);
    expect(await lshOk(home, ['daemon', 'logs'])).toContain('"daemon started"');
    renameSync(`${log}.1`, `${log}-20260101`);
    const { status, stderr } = await lsh(home, ['daemon', 'logs']);
    expect(status).toBe(1);
    expect(stderr).toContain(`the daemon runs (process ${(await statusOf(home)).pid})`);
  });

  test('start, status, stop and cleanup find the daemon with another runtime directory', async () => {
    const home = aHomeToStop();
    await lshOk(home, ['daemon', 'start']);
    const { pid } = await statusOf(home);
    const elsewhere = { env: { ...home.env, LSH_RUNTIME_DIR: `${home.env['HOME']}/elsewhere` } };
    expect((await statusOf({ ...home, ...elsewhere })).pid).toBe(pid);
    expect(await lshOk(elsewhere, ['daemon', 'start'])).toContain(`already running (process ${pid})`);
    expect((await lsh(elsewhere, ['daemon', 'cleanup'])).stderr).toContain('[DAEMON_ALREADY_RUNNING]');
    expect(await lshOk(elsewhere, ['daemon', 'stop'])).toBe(`daemon stopped (process ${pid})\n`);
    expect((await lsh(elsewhere, ['daemon', 'status'])).status).toBe(3);
    expect(existsSync(home.paths.record)).toBe(false);
  });

  test('each verb says after 2 s that a frozen daemon does not answer, and how to continue it', async () => {
    const daemon = await aDaemon();
    daemon.child.kill('SIGSTOP');
    const list = startDaemon(daemon, {}, [BUNDLE, 'cron', 'list']);
    const [note] = (await once(list.child.stderr!, 'data')) as [Buffer];
    const pid = String(daemon.child.pid);
    expect(note.toString()).toMatch(new RegExp(`process ${pid}\\).*not answered for 2 s.*kill -CONT ${pid}`));
    const completion = await lsh(daemon, ['__complete', 'cron', 'get', '']);
    expect(completion).toMatchObject({ stdout: '', stderr: '' });
    daemon.child.kill('SIGCONT');
    expect((await list.ended).status).toBe(0);
  });

  test('logs -f says so as well while it waits for more', async () => {
    const daemon = await aDaemon();
    const gate = join(daemon.env['HOME']!, 'gate');
    await makeFifos([gate], process.env['PATH']!);
    await daemon.client.put({ job: aManifest('waits', { command: `echo up; cat ${gate}` }) });
    await daemon.client.trigger({ name: 'waits', id: 'one' });
    const logs = startDaemon(daemon, {}, [BUNDLE, 'cron', 'logs', '-f', 'waits']);
    await once(logs.child.stdout!, 'data');
    daemon.child.kill('SIGSTOP');
    const [note] = (await once(logs.child.stderr!, 'data')) as [Buffer];
    expect(note.toString()).toMatch(
      /has not answered for 2 s; its process is stopped, and `kill -CONT \d+` continues it\n$/,
    );
    daemon.child.kill('SIGCONT');
    await writeFile(gate, '');
    expect((await logs.ended).status).toBe(0);
  });

  test('cleanup removes a stale socket, and refuses while a daemon runs', async () => {
    const home = aHomeToStop();
    await lshOk(home, ['daemon', 'start']);
    const refused = await lsh(home, ['daemon', 'cleanup']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('[DAEMON_ALREADY_RUNNING]');
    expect(existsSync(home.paths.socket)).toBe(true);
    await lshOk(home, ['daemon', 'stop']);
    expect(await lshOk(home, ['daemon', 'cleanup'])).toBe('nothing to clean up\n');

    await aStaleSocket(home.paths.socket);
    expect(await lshOk(home, ['daemon', 'cleanup'])).toBe(`removed: ${home.paths.socket}\n`);
    expect(existsSync(home.paths.socket)).toBe(false);
  });

  test.runIf(process.platform === 'linux')(
    'install and uninstall leave no unit, also when systemctl fails',
    async () => {
      const home = aHome();
      const bin = tempDir();
      const unit = join(home.env['HOME']!, '.config/systemd/user/lshd.service');
      const script = (lines: string) => {
        writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$*" >>${bin}/calls\n${lines}\n`, {
          mode: 0o755,
        });
      };
      const env = { PATH: `${bin}:${home.env['PATH']}` };
      script('[ "$2" = daemon-reload ] || { echo no bus >&2; exit 1; }');
      const failed = await lsh(home, ['daemon', 'install'], { env });
      expect(failed.stderr).toMatch(/enable --now lshd.service` failed: no bus/);
      expect(existsSync(unit)).toBe(false);

      script('exit 0');
      await lshOk(home, ['daemon', 'install'], { env });
      expect(existsSync(unit)).toBe(true);
      script('exit 1');
      const removed = await lsh(home, ['daemon', 'uninstall'], { env });
      expect(removed).toMatchObject({ status: 1, stdout: `removed: ${unit}\n` });
      expect(existsSync(unit)).toBe(false);
      expect(readFileSync(join(bin, 'calls'), 'utf8')).toMatch(
        /disable --now lshd.service\n--user daemon-reload\n$/,
      );
      expect(await lshOk(home, ['daemon', 'uninstall'], { env })).toBe(`nothing to remove: ${unit}\n`);
    },
  );

  test('install warns that the cache of npx does not last', async () => {
    const home = aHome();
    const dist = join(home.env['HOME']!, '.npm/_npx/0a1b/node_modules/@lsh/lsh/dist');
    cpSync(dirname(BUNDLE), dist, { recursive: true });
    const program = join(dist, 'lsh.js');
    const { status, stderr } = await bash(home, '"$@" daemon install --no-now', [process.execPath, program]);
    expect(status).toBe(0);
    expect(stderr).toContain('note: npx runs this lsh from its cache');
    const installed = await lsh(home, ['daemon', 'install', '--no-now']);
    expect(installed).toMatchObject({ status: 0, stderr: '' });
  });

  test('install --print shows a service that runs this program, and writes nothing', async () => {
    const home = aHome();
    const service = await lshOk(home, ['daemon', 'install', '--print']);
    const directories = [home.paths.stateDir, home.paths.runtimeDir];
    const words = [join(dirname(BUNDLE), 'lsh'), 'daemon', 'run', ...directories];
    for (const word of words) expect(service).toMatch(word);
    expect(existsSync(`${home.env['HOME']}/.config`)).toBe(false);
  });
});

/** A closing server removes its socket file; a hard link to it stays, as after a kill. */
async function aStaleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.x`, resolve));
  linkSync(`${path}.x`, path);
  await new Promise((resolve) => server.close(resolve));
}

describe('lsh doctor', () => {
  test('passes with a daemon; without a daemon it fails and exits with 1', async () => {
    const home = aHomeToStop();
    const without = await lsh(home, ['doctor']);
    expect(without.status).toBe(1);
    expect(without.stdout).toMatch(/^FAIL +daemon .*not running/m);
    await lshOk(home, ['daemon', 'start']);
    const checks = JSON.parse(await lshOk(home, ['doctor', '-o', 'json'])) as {
      name: string;
      result: string;
      detail: string;
    }[];
    expect(checks.map(({ result }) => result)).toEqual(checks.map(() => 'ok'));
    expect(checks.find(({ name }) => name === 'output')?.detail).toBe(
      '0 MiB of 1024 MiB (LSH_MAX_LOG_BYTES)',
    );
    const { detail } = checks.find(({ name }) => name === 'node')!;
    for (const program of [process.execPath, join(dirname(BUNDLE), 'lsh')]) expect(detail).toContain(program);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'node',
        'clock',
        'environment',
        'cache',
        'state',
        'database',
        'socket',
        'store',
        'daemon',
      ]),
    );
  });

  test('names a variable with a bad value and a mistyped variable', async () => {
    const { stdout } = await lsh(aHome(), ['doctor'], { env: { LSH_LOG_LEVEL: 'loud', LSH_STAT_DIR: '/x' } });
    expect(stdout).toMatch(/^FAIL +environment +LSH_LOG_LEVEL must be/m);
    expect(stdout).toMatch(/^warn +environment +LSH_STAT_DIR .*LSH_STATE_DIR/m);
    expect(stdout).toMatch(/^\d+ of \d+ checks failed, with 1 warning\.$/m);
  });

  test('with warnings alone does not say that all is well', async () => {
    const home = aHomeToStop();
    await lshOk(home, ['daemon', 'start']);
    expect(await lshOk(home, ['doctor'])).toMatch(/^All is well\.$/m);
    expect(await lshOk(home, ['doctor'], { env: { LSH_STAT_DIR: '/x' } })).toMatch(
      /^No check failed, with 1 warning\.$/m,
    );
  });
});
