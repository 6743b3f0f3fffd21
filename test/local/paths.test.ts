import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ensureDirectories, ensurePrivateFile, localPaths } from '../../src/local/paths.ts';
import { tempDir } from '../support/temp-dir.ts';

const mode = (path: string) => statSync(path).mode & 0o777;
const isRoot = process.getuid?.() === 0;

function withUmask(umask: number): void {
  const before = process.umask(umask);
  onTestFinished(() => void process.umask(before));
}

describe('the paths', () => {
  test('are in the XDG directories', () => {
    const paths = localPaths({ home: '/home/ann', xdgStateHome: '/x/state', xdgRuntimeDir: '/run/user/7' });
    expect(paths).toMatchObject({
      database: '/x/state/lsh/lsh.db',
      log: '/x/state/lsh/lshd.log',
      socket: '/run/user/7/lsh/lshd.sock',
    });
  });

  test('are under ~/.local/state/lsh without XDG', () => {
    expect(localPaths({ home: '/home/ann' })).toMatchObject({
      stateDir: '/home/ann/.local/state/lsh',
      socket: '/home/ann/.local/state/lsh/run/lshd.sock',
    });
  });

  test('are in LSH_STATE_DIR and LSH_RUNTIME_DIR if these are set', () => {
    const paths = localPaths({ home: '/h', xdgStateHome: '/x', stateDir: '/s', runtimeDir: '/r' });
    expect(paths).toMatchObject({ stateDir: '/s', runtimeDir: '/r' });
  });

  test('ignore a relative XDG path', () => {
    expect(localPaths({ home: '/h', xdgStateHome: 'state' }).stateDir).toBe('/h/.local/state/lsh');
  });

  test('need HOME or XDG: without both there is an error with a hint', () => {
    expect(() => localPaths({})).toThrow(
      expect.objectContaining({ code: 'HOME_MISSING', hint: expect.stringContaining('LSH_STATE_DIR') }),
    );
  });

  test('refuse a socket path beyond the limit of the system, with its length', () => {
    expect(() => localPaths({ home: `/${'h'.repeat(120)}` })).toThrow(
      expect.objectContaining({
        code: 'SOCKET_PATH_TOO_LONG',
        hint: expect.stringContaining('LSH_RUNTIME_DIR'),
      }),
    );
    expect(localPaths({ home: `/${'h'.repeat(120)}`, runtimeDir: '/r' }).socket).toBe('/r/lshd.sock');
  });
});

describe('the directories on disk', () => {
  test.each([0o000, 0o022, 0o077])('are 0700 under umask %o', (umask) => {
    const paths = localPaths({ home: tempDir() });
    withUmask(umask);
    ensureDirectories(paths);
    for (const path of [paths.stateDir, paths.runtimeDir]) expect(mode(path)).toBe(0o700);
  });

  test('that others could read are restricted', () => {
    const stateDir = join(tempDir(), 'state');
    mkdirSync(stateDir);
    chmodSync(stateDir, 0o777);
    ensureDirectories(localPaths({ stateDir }));
    expect(mode(stateDir)).toBe(0o700);
  });

  test.runIf(isRoot)('of another user are refused', () => {
    const stateDir = join(tempDir(), 'state');
    mkdirSync(stateDir);
    chownSync(stateDir, 65534, 65534);
    expect(() => ensureDirectories(localPaths({ stateDir }))).toThrow(/belongs to user 65534/);
  });

  test('are not followed through a symbolic link', () => {
    const base = tempDir();
    mkdirSync(join(base, 'elsewhere'));
    symlinkSync(join(base, 'elsewhere'), join(base, 'state'));
    expect(() => ensureDirectories(localPaths({ stateDir: join(base, 'state') }))).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_UNSAFE' }),
    );
    expect(mode(join(base, 'elsewhere'))).not.toBe(0);
  });

  test('are refused when a file is in their place', () => {
    const stateDir = join(tempDir(), 'state');
    writeFileSync(stateDir, '');
    expect(() => ensureDirectories(localPaths({ stateDir }))).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_UNSAFE' }),
    );
  });

  test.each([0o000, 0o077])('a private file is 0600 under umask %o, also an existing one', (umask) => {
    const path = join(tempDir(), 'file');
    withUmask(umask);
    ensurePrivateFile(path);
    expect(mode(path)).toBe(0o600);
    chmodSync(path, 0o666);
    ensurePrivateFile(path);
    expect(mode(path)).toBe(0o600);
  });

  test.runIf(process.platform === 'linux')('below /proc, where mkdir fails, are an error at once', () => {
    expect(() => ensureDirectories(localPaths({ stateDir: '/proc/none/of/these' }))).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_UNWRITABLE' }),
    );
  });

  test('a private file is not opened through a symbolic link', () => {
    const base = tempDir();
    symlinkSync(join(base, 'target'), join(base, 'file'));
    expect(() => ensurePrivateFile(join(base, 'file'))).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_UNSAFE' }),
    );
  });
});
