// Whatever is wrong, the user gets one clear error with a hint and the documented status, and the jobs that
// existed before still exist.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ERRORS, type ErrorCode, type LshError } from '../../src/core/errors.ts';
import { aHome, aManifest, type Ended, type TestHome } from '../support/daemon/daemon.ts';
import { aSharedDaemon, aStartedHome, lsh, lshOk } from '../support/daemon/cli.ts';
import { eventually } from '../support/eventually.ts';

const isRoot = process.getuid?.() === 0;
const KEPT = ['cron', 'add', '-n', 'kept', '-s', '@yearly', '-c', 'echo kept'];
const NOBODY = { uid: 65534, gid: 65534, cwd: '/' };

/** One error, its hint and its code on stderr, nothing on stdout, and the status in docs/errors.md. */
function expectOneError({ status, stdout, stderr }: Ended, code: ErrorCode): void {
  expect(stderr).toMatch(/^error: [^\n]+\n( {2}[^\n]+\n)*hint: [^\n]+\n( {2}[^\n]*\n)*\[[A-Z_]+\]\n$/);
  expect(stderr).toContain(`[${code}]`);
  expect({ status, stdout }).toEqual({ status: ERRORS[code].exit, stdout: '' });
}

const ADD = ['cron', 'add', '-n', 'bad', '-c', 'true'];

const shared = aSharedDaemon();
beforeAll(() => lshOk(shared, KEPT));

describe('a bad job', () => {
  test.each<[string, string[], RegExp, ErrorCode]>([
    ['an empty expression', [...ADD, '-s', ''], /spec\.schedule: .*empty/, 'JOB_INVALID'],
    ['an expression of 4 fields', [...ADD, '-s', '* * * *'], /spec\.schedule: .*4 fields/, 'JOB_INVALID'],
    ['a day that never comes', [...ADD, '-s', '0 0 31 2 *'], /spec\.schedule: .*never/, 'JOB_INVALID'],
    [
      'an unknown zone',
      [...ADD, '-s', '@daily', '--tz', 'Mars/Olympus'],
      /spec\.timeZone: .*Mars/,
      'JOB_INVALID',
    ],
    [
      'a name of 300 characters',
      ['cron', 'add', '-n', 'x'.repeat(300), '-s', '@daily', '-c', 'true'],
      /metadata\.name: .*300/,
      'JOB_INVALID',
    ],
    ['10 MB in one field', ['apply', '-f', 'large.json'], /larger/, 'REQUEST_TOO_LARGE'],
    ['a flag that does not exist', [...ADD, '-s', '@daily', '--bogus'], /--bogus/, 'USAGE'],
    ['no command', ['cron', 'add', '-n', 'bad', '-s', '@daily'], /command/, 'JOB_INVALID'],
    ['a missing file', ['apply', '-f', 'absent.yaml'], /absent\.yaml/, 'FILE_UNREADABLE'],
    ['an unknown job', ['cron', 'get', 'absent'], /absent/, 'JOB_NOT_FOUND'],
    ['a refused command', [...ADD.slice(0, -1), 'rm -rf /', '-s', '@daily'], /rm/, 'COMMAND_REFUSED'],
  ])('%s', async (_, args, said, code) => {
    const directory = shared.env['HOME'] ?? '';
    const description = 'x'.repeat(10_000_000);
    writeFileSync(join(directory, 'large.json'), JSON.stringify(aManifest('bad', { description })));
    const ended = await lsh(shared, args, { cwd: directory });
    expectOneError(ended, code);
    expect(ended.stderr).toMatch(said);
    expect(await jobsOf(shared)).toEqual(['kept']);
  });
});

describe('a bad request', () => {
  const half = 'POST /v1/job.list HTTP/1.1\r\nhost: lsh\r\ncontent-length: 100\r\n\r\n{"half":';
  const large = `POST /v1/job.put HTTP/1.1\r\nhost: lsh\r\ncontent-length: 10000000\r\n\r\n${'x'.repeat(10_000_000)}`;

  test.each([
    ['garbage', '\0\u0001\u0002 not HTTP at all\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a request of 10 MB', large, /^HTTP\/1\.1 413 [^]*REQUEST_TOO_LARGE/],
    ['half a request', half, /^(HTTP\/1\.1 400 [^]*)?$/],
  ])('%s on the socket is answered once and costs nothing', async (_, bytes, answer) => {
    const { pid } = await shared.client.status({});
    const socket = connect(shared.paths.socket);
    // The daemon may close before it has read everything.
    socket.on('error', () => undefined);
    socket.end(bytes);
    expect(await text(socket).catch(() => 'closed')).toMatch(answer);
    expect((await shared.client.status({})).pid).toBe(pid);
    expect(await jobsOf(shared)).toEqual(['kept']);
  });
});

describe('a bad directory', () => {
  test('no HOME', async () => {
    expectOneError(await lsh({ env: { PATH: process.env['PATH']! } }, ['daemon', 'start']), 'HOME_MISSING');
    expectOneError(await lsh({ env: { PATH: process.env['PATH']! } }, ['cron', 'list']), 'HOME_MISSING');
  });

  test('a socket path over 108 bytes', async () => {
    const home = aHome();
    const env = { ...home.env, LSH_RUNTIME_DIR: join(home.env['HOME'] ?? '', 'x'.repeat(108)) };
    for (const args of [
      ['daemon', 'start'],
      ['cron', 'list'],
      ['daemon', 'status'],
    ]) {
      expectOneError(await lsh({ env }, args), 'SOCKET_PATH_TOO_LONG');
    }
  });

  test.runIf(isRoot)('a read-only state directory', async () => {
    const home = await aHomeWithAJob();
    await lshOk(home, ['daemon', 'stop']);
    const { stateDir, runtimeDir } = home.paths;
    chmodSync(home.env['HOME'] ?? '', 0o755);
    execFileSync('chown', ['-R', `${NOBODY.uid}:${NOBODY.gid}`, stateDir, runtimeDir]);
    chmodSync(stateDir, 0o500);
    expectOneError(await lsh(home, ['daemon', 'start'], NOBODY), 'STATE_DIR_UNWRITABLE');
    execFileSync('chown', ['-R', 'root:root', stateDir, runtimeDir]);
    chmodSync(stateDir, 0o700);
    await expectKept(home);
  });

  test.runIf(isRoot)('a state directory of another user', async () => {
    const home = aHome();
    mkdirSync(home.paths.stateDir, { mode: 0o700 });
    chownSync(home.paths.stateDir, NOBODY.uid, NOBODY.gid);
    expectOneError(await lsh(home, ['daemon', 'start']), 'STATE_DIR_UNSAFE');
  });
});

describe('a bad database', () => {
  test('a damaged file stays unchanged, and the fix in the hint works', async () => {
    const home = await aHomeWithAJob();
    await lshOk(home, ['daemon', 'stop']);
    const { database } = home.paths;
    cpSync(database, `${database}.copy`);
    const damaged = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8192, 'x')]);
    writeFileSync(database, damaged);

    const ended = await lsh(home, ['daemon', 'start']);
    expectOneError(ended, 'STORE_CORRUPT');
    expect(readFileSync(database).equals(damaged)).toBe(true);
    const [move] = /mv "[^"]+" "[^"]+"/.exec(ended.stderr)!;
    execFileSync('/bin/sh', ['-c', move]);
    cpSync(`${database}.copy`, database);
    await expectKept(home);
  });

  test('a file without its second half is not taken for an empty one', async () => {
    const home = await aHomeWithAJob();
    await lshOk(home, ['daemon', 'stop']);
    truncateSync(home.paths.database, 6000);
    expectOneError(await lsh(home, ['daemon', 'start']), 'STORE_CORRUPT');
  });

  test('the file of a newer version stays unchanged', async () => {
    const home = await aHomeWithAJob();
    await lshOk(home, ['daemon', 'stop']);
    const before = schemaVersion(home, 99);
    expectOneError(await lsh(home, ['daemon', 'start']), 'STORE_TOO_NEW');
    expect(schemaVersion(home, before)).toBe('99');
    await expectKept(home);
  });

  test('a file on a full disk takes no new job, keeps the others, and works again when there is space', async ({
    skip,
  }) => {
    const disk = mountSmallDisk();
    if (disk === undefined) return skip('mounting a tmpfs is not permitted here');
    const stateDir = join(disk, 'state');
    const home = aHome({ LSH_STATE_DIR: stateDir });
    await aStartedHome(home);
    const { pid } = await home.client.status({});
    await lshOk(home, KEPT);
    const filler = join(disk, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(16_000_000))).toThrow('ENOSPC');

    const added = await addUntilRefused(home);
    expectOneError(added.refusal, 'STORE_FULL');
    expect((await home.client.status({})).pid).toBe(pid);
    expect(await jobsOf(home)).toEqual([...added.names, 'kept']);

    rmSync(filler);
    await lshOk(home, ['cron', 'add', '-n', 'zz-after', '-s', '@yearly', '-c', 'true']);
    await lshOk(home, ['daemon', 'restart']);
    expect(await jobsOf(home)).toEqual([...added.names, 'kept', 'zz-after']);
  });
});

describe('a running or dead daemon', () => {
  test('a second start succeeds in the background, and is refused in the foreground', async () => {
    const home = await aHomeWithAJob();
    const { pid } = await home.client.status({});
    expect(await lshOk(home, ['daemon', 'start'])).toBe(`daemon is already running (process ${pid})\n`);
    expectOneError(await lsh(home, ['daemon', 'run']), 'DAEMON_ALREADY_RUNNING');
    expect((await home.client.status({})).pid).toBe(pid);
    expect(await jobsOf(home)).toEqual(['kept']);
  });

  test('no daemon, and a stale socket, are both "not running", status 3; the next start replaces it', async () => {
    const home = await aHomeWithAJob();
    process.kill((await home.client.status({})).pid, 'SIGKILL');
    await goneSilent(home);
    for (const args of [
      ['cron', 'list'],
      ['daemon', 'status'],
      ['cron', 'trigger', 'kept'],
    ]) {
      expectOneError(await lsh(home, args), 'DAEMON_NOT_RUNNING');
    }
    await expectKept(home);
    await lshOk(home, ['daemon', 'stop']);
    expectOneError(await lsh(home, ['cron', 'list']), 'DAEMON_NOT_RUNNING');
    expect(await lshOk(home, ['daemon', 'stop'])).toBe('daemon is not running\n');
  });
});

/** A home with a running daemon and one job, `kept`. */
async function aHomeWithAJob(): Promise<TestHome> {
  const home = await aStartedHome();
  await lshOk(home, KEPT);
  return home;
}

async function jobsOf(home: TestHome): Promise<string[]> {
  return (await home.client.list({})).map(({ metadata }) => metadata.name);
}

/** The next daemon starts, and has the job unchanged. */
async function expectKept(home: TestHome): Promise<void> {
  await lshOk(home, ['daemon', 'start']);
  expect(await jobsOf(home)).toEqual(['kept']);
  expect((await home.client.get({ name: 'kept' })).spec.command).toBe('echo kept');
}

/** Sets the version of the schema; returns the earlier version. */
function schemaVersion({ paths }: TestHome, version: unknown): unknown {
  const database = new DatabaseSync(paths.database);
  const before = database.prepare("SELECT value FROM meta WHERE key = 'schema_version'").get()?.['value'];
  database.prepare("UPDATE meta SET value = ? WHERE key = 'schema_version'").run(String(version));
  database.close();
  return before;
}

/** A disk of 4 MB, if this user may mount one. */
function mountSmallDisk(): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), 'lsh-test-disk-'));
  onTestFinished(() => rmSync(disk, { recursive: true, force: true }));
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('/bin/umount', [disk]));
  return disk;
}

/** Adds jobs until one is refused: a full store may have free space in its allocated pages. */
async function addUntilRefused(home: TestHome): Promise<{ names: string[]; refusal: Ended }> {
  const names: string[] = [];
  for (let count = 0; count < 100; count++) {
    const name = `a-${String(count).padStart(3, '0')}`;
    const description = 'x'.repeat(1000);
    const args = ['cron', 'add', '-n', name, '-s', '@yearly', '-c', `echo ${description}`, '-d', description];
    const ended = await lsh(home, args);
    if (ended.status !== 0) return { names, refusal: ended };
    names.push(name);
  }
  throw new Error('the disk never became full');
}

/** Resolves when the socket has no listener: a dying daemon may still accept a call and drop it. */
async function goneSilent({ client }: TestHome): Promise<void> {
  await eventually(() =>
    client.status({}).then(
      () => false,
      ({ code }: LshError) => code === 'DAEMON_NOT_RUNNING',
    ),
  );
}
