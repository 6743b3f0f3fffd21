// What the daemon and its commands inherit from the shell that starts the daemon.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BUNDLE } from '../../support/daemon/bundle.ts';
import { bash, lsh, lshOk } from '../../support/daemon/cli.ts';
import { aHome, type TestHome } from '../../support/daemon/daemon.ts';

/** Starts a daemon from a bash script that prepares its process with `preparation`; `$1` is a path for its files. */
async function startedAfter(preparation: string, home: TestHome = aHome()): Promise<TestHome> {
  onTestFinished(async () => void (await lsh(home, ['daemon', 'stop'])));
  const script = `${preparation}\n"$2" "$3" daemon start`;
  const path = join(dirname(home.paths.stateDir), 'lock');
  const { status, stderr } = await bash(home, script, [path, process.execPath, BUNDLE]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return home;
}

/** The output of a command that runs as a job. */
async function outputOf(home: TestHome, command: string): Promise<string> {
  await lshOk(home, ['cron', 'add', '--name', 'probe', '--schedule', '@yearly', '--command', command]);
  await lshOk(home, ['cron', 'trigger', 'probe', '--wait']);
  return lshOk(home, ['cron', 'logs', 'probe']);
}

test('a command has the umask, the nice value and the control group of the shell that started the daemon', async () => {
  const home = await startedAfter('umask 027; renice -n 1 -p $$ >"$1"');
  const group = readFileSync('/proc/self/cgroup', 'utf8');
  expect(await outputOf(home, 'umask; nice; cat /proc/self/cgroup')).toBe(`0027\n1\n${group}`);
});

test('a lock on a descriptor of the caller ends with the caller', async () => {
  const home = await startedAfter('exec 7>"$1.low" 200>"$1"; flock -n 7 && flock -n 200 || exit 9');
  const path = join(dirname(home.paths.stateDir), 'lock');
  const { pid } = await home.client.status({});
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  expect(open.filter((target) => target?.startsWith(path))).toEqual([]);
  for (const file of [path, `${path}.low`])
    expect((await bash(home, 'flock -n "$1" true', [file])).status, file).toBe(0);
});

test('a command of a daemon in the foreground has the standard descriptors only', async () => {
  const home = aHome();
  const path = join(dirname(home.paths.stateDir), 'held');
  onTestFinished(async () => void (await lsh(home, ['daemon', 'stop'])));
  const ended = bash(home, 'exec 7>"$1" 200>"$1"; exec "$2" "$3" daemon run', [
    path,
    process.execPath,
    BUNDLE,
  ]);
  await expect
    .poll(
      () =>
        home.client.status({}).then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true);
  // The listing itself takes the lowest free descriptor.
  expect(await outputOf(home, 'ls /proc/self/fd')).toBe('0\n1\n2\n3\n');
  await lshOk(home, ['daemon', 'stop']);
  expect((await ended).status).toBe(0);
});

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
