import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { acquireFileLock } from '../../src/stores/file-lock.ts';
import { tempDir } from '../support/temp-dir.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/hold-lock.ts');

async function contend(path: string): Promise<{ child: ChildProcess; word: string }> {
  const child = spawn(process.execPath, [FIXTURE, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [word] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, word: word.toString().trim() };
}

test('only one holder has a lock, and release() frees it', () => {
  const path = join(tempDir(), 'lock');
  const lock = acquireFileLock(path);
  expect(lock).toBeDefined();
  expect(acquireFileLock(path)).toBeUndefined();
  lock?.release();
  const again = acquireFileLock(path);
  expect(again).toBeDefined();
  again?.release();
});

test('of five concurrent processes one gets the lock', async () => {
  const path = join(tempDir(), 'lock');
  const contenders = await Promise.all(Array.from({ length: 5 }, () => contend(path)));
  expect(contenders.map(({ word }) => word).sort()).toEqual(['busy', 'busy', 'busy', 'busy', 'held']);
});

test('the kernel frees the lock of a killed process', async () => {
  const path = join(tempDir(), 'lock');
  const { child, word } = await contend(path);
  expect(word).toBe('held');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = acquireFileLock(path);
  expect(lock).toBeDefined();
  lock?.release();
});
