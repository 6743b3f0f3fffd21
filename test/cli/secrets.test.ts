// `lsh push` and the other verbs about secrets, as a user calls them: real processes, real files, nothing configured.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aStartedHome, bash, lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Machine {
  env: Record<string, string>;
}
interface User extends Machine {
  /** The clone of the project. */
  cwd: string;
  keys: string;
  versions: string;
}

const REMOTE = '[remote "origin"]\n\turl = git@github.com:Acme/App.git\n';

/** A user of a machine, with a clone. `data` is the store that several may share. */
function aUser(env = '', data = join(tempDir(), 'data')): User {
  const home = tempDir();
  const cwd = join(home, 'app');
  mkdirSync(join(cwd, '.git'), { recursive: true });
  writeFileSync(join(cwd, '.git', 'config'), REMOTE);
  writeFileSync(join(cwd, '.gitignore'), '.env\n.env.*\n');
  if (env !== '') writeFileSync(join(cwd, '.env'), env);
  return {
    env: { PATH: process.env['PATH'] ?? '', HOME: home, XDG_DATA_HOME: data, USER: 'ann', TZ: 'UTC' },
    cwd,
    keys: join(home, '.config/lsh/keys'),
    versions: join(data, 'lsh/secrets/github.com+acme+app/prod'),
  };
}

const run = (user: User, ...args: string[]) => lsh(user, args, { cwd: user.cwd });
const ok = (user: User, ...args: string[]) => lshOk(user, args, { cwd: user.cwd });
const envOf = (user: User, name = '.env') => readFileSync(join(user.cwd, name), 'utf8');
const write = (user: User, text: string, name = '.env') => writeFileSync(join(user.cwd, name), text);

/** Lets the second user open what the first one pushes. */
async function admit(first: User, second: User, name: string): Promise<void> {
  const recipient = (await ok(second, 'key', 'generate', '--classic')).trim();
  await ok(first, 'key', 'add-recipient', '--env', 'prod', name, recipient);
}

describe('lsh push with nothing configured', () => {
  test('makes a key, stores the file, and says each change by name', async () => {
    const user = aUser('# database\nDB_URL="postgres://x#y"\nAPI_KEY=s3cr3t-canary\nA=1\nA=2\n');
    const first = await run(user, 'push', '--env', 'prod');
    expect(first).toMatchObject({ status: 0 });
    expect(first.stdout).toMatch(
      /^github\.com\/acme\/app prod: version 1 stored for 1 recipient in .*\n {2}\+ DB_URL\n/,
    );
    expect(first.stderr).toContain(`There was no key yet: lsh made one in ${user.keys}.`);
    expect(first.stderr).toMatch(/A stands more than once in .*; line 5 counts\./);
    expect(first.stdout + first.stderr).not.toContain('s3cr3t-canary');
    expect(await ok(user, 'push', '--env', 'prod')).toBe('github.com/acme/app prod: unchanged, version 1\n');
    expect(readdirSync(user.versions)).toHaveLength(1);
  });

  test('what was pushed comes back byte for byte, with comments and order', async () => {
    const text = '\uFEFF# head\r\nexport B="x\ny" # b\r\n\r\nA=\'1\'\n# end';
    const user = aUser(text);
    await ok(user, 'push', '--env', 'prod');
    await ok(user, 'pull', '--env', 'prod', '--file', 'copy');
    expect(envOf(user, 'copy')).toBe(text);
    expect(JSON.parse(await ok(user, 'secrets', 'list', '--env', 'prod', '--reveal', '-o', 'json'))).toEqual({
      B: 'x\ny',
      A: '1',
    });
  });

  test('a Node without ML-KEM opens what one with it stores, and the other way round', async () => {
    const older = `const crypto = process.getBuiltinModule('node:crypto');
      const { createPrivateKey } = crypto;
      crypto.createPrivateKey = (key) => {
        if (key.asymmetricKeyType === 'ml-kem-768') throw new Error('no ML-KEM');
        return createPrivateKey(key);
      };`;
    const onOlder = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(older)}` };
    const user = aUser('A=1\n');
    const call = (env: Record<string, string>, ...args: string[]) =>
      lshOk(user, args, { cwd: user.cwd, env });
    await call(onOlder, 'push', '--env', 'prod');
    expect(await call({}, 'secrets', 'get', 'A', '--env', 'prod')).toBe('1');
    write(user, 'A=2\n');
    await call({}, 'push', '--env', 'prod');
    expect(await call(onOlder, 'secrets', 'get', 'A', '--env', 'prod')).toBe('2');
    expect(await call(onOlder, 'key', 'show')).toBe(await call({}, 'key', 'show'));
  });

  test('every file is private from the beginning, whatever the umask', async () => {
    const user = aUser('A=1\n');
    const script = `umask 000; cd '${user.cwd}'; export NODE=${process.execPath}
      "$NODE" ${BUNDLE} push --env prod && echo A=2 > .env && "$NODE" ${BUNDLE} push --env prod &&
      "$NODE" ${BUNDLE} pull --env prod --file pulled && "$NODE" ${BUNDLE} secrets audit --env prod`;
    expect(await bash(user, script)).toMatchObject({ status: 0 });
    const { HOME: home = '', XDG_DATA_HOME: data = '' } = user.env;
    const files = [data, join(home, '.config'), join(home, '.local')].flatMap((directory) =>
      readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
    );
    const open = [...files, join(user.cwd, 'pulled')].filter((path) => (statSync(path).mode & 0o077) !== 0);
    // The parents that XDG names are no directories of lsh.
    expect(open.filter((path) => statSync(path).isFile() || path.includes('lsh/'))).toEqual([]);
    expect(files.length).toBeGreaterThan(5);
  });

  test('needs a file, and refuses one that holds its own key or is no text', async () => {
    const user = aUser();
    expect(await run(user, 'push')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('.env.dev or .env') as string,
    });
    write(user, 'LSH_SECRETS_KEY=AGE-SECRET-KEY-1X\n');
    expect(await run(user, 'push')).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('SECRETS_FILE_HOLDS_KEY') as string,
    });
    writeFileSync(join(user.cwd, '.env'), Buffer.from([0x41, 0x3d, 0xff]));
    expect(await run(user, 'push')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not UTF-8') as string,
    });
    expect(await run(user, 'push', '--env', '../x')).toMatchObject({ status: 2 });
    expect(existsSync(user.keys)).toBe(false);
  });

  test('the job of the trace stores a version', async () => {
    const user = aUser('A=1\n');
    const home = await aStartedHome(aHome({ XDG_DATA_HOME: user.env['XDG_DATA_HOME']! }));
    const job = ['--name', 'rotate-secrets', '--schedule', '0 2 * * 0', '--command', 'lsh push --env prod'];
    await lshOk(home, ['cron', 'add', ...job], { cwd: user.cwd });
    await lshOk(home, ['cron', 'trigger', 'rotate-secrets', '--wait']);
    expect(await lshOk(home, ['cron', 'logs', 'rotate-secrets'])).toContain('prod: version 1 stored');
    expect(readdirSync(user.versions)).toHaveLength(1);
  });
});

describe('a team', () => {
  test('a push on an old base is refused by name; --merge and pull --merge are ways out', async () => {
    const ann = aUser('A=1\nB=1\n');
    const bob = aUser('', ann.env['XDG_DATA_HOME']);
    await ok(ann, 'push', '--env', 'prod');
    await admit(ann, bob, 'bob');
    await ok(bob, 'pull', '--env', 'prod', '--file', '.env');
    expect(envOf(bob)).toBe('A=1\nB=1\n');
    write(ann, 'A=ann-canary\nB=1\n');
    await ok(ann, 'push', '--env', 'prod');
    write(bob, 'A=1\nB=bob\nC=1\n');
    const refused = await run(bob, 'push', '--env', 'prod');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /has moved since[\s\S]*\n {2}A: changed\nhint: `lsh pull --env prod --merge`/,
    );
    expect(refused.stderr).not.toContain('ann-canary');
    expect(await ok(bob, 'push', '--env', 'prod', '--merge')).toMatch(/version 4 stored[\s\S]*~ B\n {2}\+ C/);
    expect(envOf(bob)).toBe('A=ann-canary\nB=bob\nC=1\n');
    write(ann, 'A=ann-canary\nB=1\nD=1\n');
    await ok(ann, 'pull', '--env', 'prod', '--merge');
    expect(envOf(ann)).toBe('A=ann-canary\nB=bob\nD=1\nC=1\n');
    write(ann, 'A=clash\n');
    write(bob, 'A=other clash\nB=bob\nC=1\n');
    await ok(bob, 'push', '--env', 'prod');
    expect(await run(ann, 'push', '--env', 'prod', '--merge')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/A: changed on both sides/) as string,
    });
  });

  test('dropping or blanking a value needs --force, and the versions before keep it', async () => {
    const user = aUser('A=1\nB=2\n');
    await ok(user, 'push', '--env', 'prod');
    write(user, 'A=\n');
    const refused = await run(user, 'push', '--env', 'prod');
    expect(refused).toMatchObject({
      status: 5,
      stderr: expect.stringMatching(/A: blanked\n {2}B: removed/) as string,
    });
    await ok(user, 'push', '--env', 'prod', '--force');
    expect(await ok(user, 'secrets', 'get', '--env', 'prod', 'B', '--revision', '1')).toBe('2');
    await ok(user, 'secrets', 'rollback', '--env', 'prod', '1');
    expect(await ok(user, 'secrets', 'get', '--env', 'prod', 'B')).toBe('2');
    expect(await ok(user, 'secrets', 'audit', '--env', 'prod')).toMatch(
      /rollback +3 .*to version 1[\s\S]*push +2/,
    );
    expect(await ok(user, 'diff', '1', '2', '--env', 'prod')).toContain('∅ A (now empty)');
  });

  test('who leaves opens no new version, and still opens the old ones', async () => {
    const ann = aUser('A=1\n');
    const bob = aUser('', ann.env['XDG_DATA_HOME']);
    await ok(ann, 'push', '--env', 'prod');
    expect(await run(bob, 'pull', '--env', 'prod')).toMatchObject({ status: 5 });
    await admit(ann, bob, 'bob');
    expect(await ok(bob, 'key', 'list', '--env', 'prod')).toMatch(/bob +classic/);
    await ok(ann, 'key', 'remove-recipient', '--env', 'prod', 'bob');
    await ok(ann, 'key', 'rekey', '--env', 'prod');
    write(ann, 'A=after\n');
    await ok(ann, 'push', '--env', 'prod');
    expect(await run(bob, 'pull', '--env', 'prod')).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('No key of this machine opens version 5 of prod') as string,
    });
    // Version 2 was sealed for Bob: plain age opens it with his key.
    const second = readdirSync(ann.versions).find((name) => name.startsWith('2-'))!;
    const { envelope } = JSON.parse(readFileSync(join(ann.versions, second), 'utf8')) as { envelope: string };
    const opened = spawnSync('age', ['-d', '-i', bob.keys], { input: envelope, encoding: 'utf8' });
    if (opened.error === undefined || process.env['CI']) expect(opened.stdout).toMatch(/\n\nA=1\n$/);
  });

  test('ten pushes at once end in one chain without a loss', async () => {
    const user = aUser('A=0\n');
    await ok(user, 'push', '--env', 'prod');
    const names = Array.from({ length: 10 }, (_, index) => `K${index}`);
    const ended = await Promise.all(
      names.map((name) =>
        lsh(user, ['secrets', 'set', '--env', 'prod', name], { cwd: user.cwd, stdin: 'x\n' }),
      ),
    );
    const stored = names.filter((_, index) => ended[index]!.status === 0);
    for (const { status, stderr } of ended)
      expect(status === 0 || stderr.includes('SECRETS_RACE')).toBe(true);
    const kept = await ok(user, 'secrets', 'list', '--env', 'prod', '-o', 'name');
    expect(kept.trim().split('\n').sort()).toEqual(['A', ...stored].sort());
    const history = JSON.parse(await ok(user, 'secrets', 'history', '--env', 'prod', '-o', 'json')) as {
      version: number;
      hash: string;
      parents: string[];
    }[];
    expect(history.map(({ version }) => version)).toEqual(history.map((_, index) => history.length - index));
    expect(history.slice(0, -1).map(({ parents }) => parents)).toEqual(
      history.slice(1).map(({ hash }) => [hash]),
    );
  });
});

describe('other programs', () => {
  test('import, export and scan', async () => {
    const user = aUser();
    const git = (...args: string[]) => execFileSync('git', args, { cwd: user.cwd, stdio: 'pipe' });
    git('init', '-q');
    write(user, '# old\nDB_URL=postgres://s3cr3t-canary\n', 'old.env');
    await ok(user, 'init');
    await ok(user, 'secrets', 'import', '--env', 'prod', 'old.env');
    expect(await ok(user, 'secrets', 'export', '--env', 'prod', '--format', 'shell')).toBe(
      "export DB_URL='postgres://s3cr3t-canary'\n",
    );
    expect(await ok(user, 'secrets', 'scan', '--staged')).toBe('no value of 1 environment in 0 files\n');
    git('add', 'old.env');
    expect(await run(user, 'secrets', 'scan', '--staged')).toMatchObject({
      status: 1,
      stdout: 'old.env:2: the value of DB_URL of prod\n',
    });
    expect(await run(user, 'secrets', 'scan')).toMatchObject({ status: 1 });
  });

  test('a value from the arguments is warned of, one from stdin is not', async () => {
    const user = aUser('A=1\n');
    await ok(user, 'push');
    const warned = await run(user, 'secrets', 'set', 'A=2');
    expect(warned).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('visible to other users') as string,
    });
    const stdin = await lsh(user, ['secrets', 'set', 'A'], { cwd: user.cwd, stdin: 'three\n' });
    expect(stdin).toMatchObject({ status: 0, stderr: '' });
    expect(await ok(user, 'secrets', 'get', 'A')).toBe('three');
    expect(await ok(user, 'secrets', 'list')).toMatch(/^A +\*{8}$/m);
  });
});

describe('a team that shares by git', () => {
  test('two branches push, git merges their files, and the next push follows both', async () => {
    const ann = aUser('A=1\nB=1\n');
    const git = (cwd: string, ...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd, stdio: 'pipe' });
    git(ann.cwd, 'init', '-q', '-b', 'main');
    await ok(ann, 'init', '--in-repo', '--project', 'shop');
    await ok(ann, 'push', '--env', 'prod');
    git(ann.cwd, 'add', '.');
    git(ann.cwd, 'commit', '-qm', 'secrets');
    expect(git(ann.cwd, 'ls-files').toString()).toMatch(
      /\.lsh\/project\.json\n\.lsh\/secrets\/prod\/1-[0-9a-f]{16}\.json\n/,
    );
    for (const [branch, text] of [
      ['ours', 'A=ours\nB=1\n'],
      ['theirs', 'A=1\nB=theirs\n'],
    ] as const) {
      git(ann.cwd, 'checkout', '-q', '-b', branch, 'main');
      await ok(ann, 'pull', '--env', 'prod', '--file', '.env');
      write(ann, text);
      await ok(ann, 'push', '--env', 'prod');
      git(ann.cwd, 'add', '.');
      git(ann.cwd, 'commit', '-qm', branch);
    }
    git(ann.cwd, 'merge', '-q', 'ours', '-m', 'merge');
    expect(await ok(ann, 'secrets', 'list', '--env', 'prod', '--reveal', '-o', 'json')).toBe(
      '{\n  "A": "ours",\n  "B": "theirs"\n}\n',
    );
    await ok(ann, 'pull', '--env', 'prod', '--file', '.env');
    expect(await ok(ann, 'push', '--env', 'prod')).toContain('version 3 stored');
    expect(await ok(ann, 'secrets', 'history', '--env', 'prod', '-o', 'json')).toMatch(/"version": 3/);
    git(ann.cwd, 'add', '.');
    git(ann.cwd, 'commit', '-qm', 'both');
    for (const branch of ['left', 'right']) {
      git(ann.cwd, 'checkout', '-q', '-b', branch, 'theirs');
      await ok(ann, 'pull', '--env', 'prod', '--file', '.env');
      write(ann, `A=${branch}\nB=theirs\n`);
      await ok(ann, 'push', '--env', 'prod');
      git(ann.cwd, 'add', '.');
      git(ann.cwd, 'commit', '-qm', branch);
    }
    git(ann.cwd, 'merge', '-q', 'left', '-m', 'merge');
    expect(await run(ann, 'push', '--env', 'prod')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('A: has two new values') as string,
    });
    write(ann, 'A=decided\nB=theirs\n');
    expect(await ok(ann, 'push', '--env', 'prod', '--force')).toContain('version 5 stored');
    expect(await ok(ann, 'secrets', 'get', '--env', 'prod', 'A')).toBe('decided');
  });
});
