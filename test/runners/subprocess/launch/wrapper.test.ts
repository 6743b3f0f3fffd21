import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { wrapperArguments } from '../../../../src/runners/subprocess/launch/wrapper.ts';
import { tempDir } from '../../../support/temp-dir.ts';

/** A directory with what a start has before its command: the FIFO. */
function startDirectory(): string {
  const directory = tempDir();
  spawnSync('mkfifo', [join(directory, 'fifo')]);
  return directory;
}

/** Runs a command under the wrapper, after a script for the shell that becomes the wrapper. */
function wrapped(directory: string, command: string[], before = ':') {
  const ownerFile = join(tempDir(), 'owner');
  writeFileSync(ownerFile, `${process.pid}\n`);
  const words = wrapperArguments({ ownerFile, descriptor: '' }, { directory, umask: 0o22, command });
  const script = `${before}; exec /bin/sh "$@"`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', ...words], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('a wrapper whose directory is gone runs nothing', () => {
  const directory = join(tempDir(), 'gone~token');
  expect(wrapped(directory, ['echo', 'ran'])).toMatchObject({ status: 125, stdout: '' });
  expect(existsSync(directory)).toBe(false);
});

test('a wrapper in a directory that is being removed runs nothing: the seal may be gone already', () => {
  expect(wrapped(tempDir(), ['echo', 'ran'])).toMatchObject({ status: 125, stdout: '' });
});

test('a lower hard limit of open files stays as it is', () => {
  const { stdout } = wrapped(
    startDirectory(),
    ['sh', '-c', 'ulimit -S -n; ulimit -H -n'],
    'ulimit -S -n 512; ulimit -H -n 512',
  );
  expect(stdout).toBe('512\n512\n');
});

const SCORE = '/proc/self/oom_score_adj';

test.runIf(process.platform === 'linux').each([
  [850, 1000],
  [1000, 1000],
])('the score of a command under a wrapper with %i is %i, and never out of bounds', (own, expected) => {
  expect(wrapped(startDirectory(), ['cat', SCORE], `echo ${own} >${SCORE}`)).toEqual({
    status: 0,
    stdout: `${expected}\n`,
    stderr: '',
  });
});
