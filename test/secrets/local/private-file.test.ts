// A file that is replaced is the old one or the new one, wherever the writer dies, and private from its first byte.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFile, readText, replaceFile, STEPS } from '../../../src/secrets/local/private-file.ts';
import { tempDir } from '../../support/temp-dir.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;
const MODULE = join(import.meta.dirname, '../../../src/secrets/local/private-file.ts');

/** Replaces the file in a process that dies by SIGKILL before the step. */
function replaceAndDie(path: string, step: string): void {
  const script = `import { replaceFile } from ${JSON.stringify(MODULE)};
    process.umask(0);
    replaceFile(${JSON.stringify(path)}, 'new', (step) => step === ${JSON.stringify(step)} && process.kill(process.pid, 'SIGKILL'));`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  expect(signal).toBe('SIGKILL');
}

describe('a writer that dies', () => {
  test.each(STEPS)('before the step "%s" leaves the old file or the new one', (step) => {
    const path = join(tempDir(), 'env');
    writeFileSync(path, 'old', { mode: 0o600 });
    replaceAndDie(path, step);
    expect(readFileSync(path, 'utf8')).toBe(step === 'sync directory' ? 'new' : 'old');
    expect(modeOf(path)).toBe(0o600);
    for (const name of readdirSync(join(path, '..'))) expect(modeOf(join(path, '..', name))).toBe(0o600);
    replaceFile(path, 'newer');
    expect(readFileSync(path, 'utf8')).toBe('newer');
  });

  test.each(STEPS)('before the step "%s" leaves no half of a new file', (step) => {
    const path = join(tempDir(), 'env');
    replaceAndDie(path, step);
    expect(readText(path)).toBe(step === 'sync directory' ? 'new' : undefined);
  });
});

test('a failure leaves the old file and no other', () => {
  const directory = tempDir();
  const path = join(directory, 'env');
  writeFileSync(path, 'old');
  const fail = (step: string) => {
    if (step === 'publish') throw new Error('no more');
  };
  expect(() => replaceFile(path, 'new', fail)).toThrow(expect.objectContaining({ code: 'FILE_UNWRITABLE' }));
  expect(readdirSync(directory)).toEqual(['env']);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

test('a new file replaces none, not even through a link', () => {
  const directory = tempDir();
  const path = join(directory, 'keys');
  createFile(path, 'first');
  expect(() => createFile(path, 'second')).toThrow(expect.objectContaining({ code: 'FILE_UNWRITABLE' }));
  expect(readFileSync(path, 'utf8')).toBe('first');
  expect(modeOf(path)).toBe(0o600);
  symlinkSync('elsewhere', join(directory, 'link'));
  expect(() => createFile(join(directory, 'link'), 'x')).toThrow(
    expect.objectContaining({ code: 'FILE_UNWRITABLE' }),
  );
  expect(readdirSync(directory).sort()).toEqual(['keys', 'link']);
});

test('only UTF-8 is text', () => {
  const path = join(tempDir(), 'env');
  expect(readText(path)).toBeUndefined();
  writeFileSync(path, Buffer.from([0xef, 0xbb, 0xbf, 0x41]));
  expect(readText(path)).toBe('\uFEFFA');
  writeFileSync(path, Buffer.from([0xff]));
  expect(() => readText(path)).toThrow(expect.objectContaining({ code: 'FILE_UNREADABLE' }));
});
