import { mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { FifoPool } from '../../../../src/runners/subprocess/output/fifo-pool.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const PATH = process.env['PATH']!;
let directory: string;

beforeEach(() => {
  directory = join(tempDir(), 'spare');
});

function newPool(concurrentRuns = 100): FifoPool {
  return new FifoPool({ directory, path: PATH, concurrentRuns });
}

test('concurrent take() calls each get a private directory with a FIFO', async () => {
  const pool = newPool();
  const taken = await Promise.all(Array.from({ length: 300 }, () => pool.take()));
  expect(new Set(taken.map(({ path }) => path)).size).toBe(300);
  expect(new Set(taken.map(({ token }) => token)).size).toBe(300);
  for (const { path } of taken) {
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, 'fifo')).isFIFO()).toBe(true);
    expect(statSync(join(path, 'fifo')).mode & 0o777).toBe(0o600);
  }
  await pool.close();
});

test('a returned directory comes back with a new token, and with the same FIFO and status file alone', async () => {
  const pool = newPool();
  const first = await pool.take();
  for (const name of ['status', 'rest', 'tail.0']) writeFileSync(join(first.path, name), '1\n0\n');
  const inode = (path: string, name: string) => statSync(join(path, name)).ino;
  const before = [inode(first.path, 'fifo'), inode(first.path, 'status')];
  pool.give(first.path);
  const again = await pool.take();
  expect(readdirSync(again.path).sort()).toEqual(['fifo', 'status']);
  expect([inode(again.path, 'fifo'), inode(again.path, 'status')]).toEqual(before);
  expect(again.token).not.toBe(first.token);
  await pool.close();
});

test('a second burst of as many runs as may run at once makes no directory', async () => {
  const pool = newPool(300);
  const burst = async () => {
    const taken = await Promise.all(Array.from({ length: 300 }, () => pool.take()));
    const inodes = taken.map(({ path }) => statSync(path).ino);
    for (const { path } of taken) pool.give(path);
    return inodes;
  };
  await burst();
  const all = new Set(readdirSync(directory).map((entry) => statSync(join(directory, entry)).ino));
  expect((await burst()).filter((inode) => !all.has(inode))).toEqual([]);
  await pool.close();
});

test('uses the directories of an earlier runner, and removes its incomplete ones', async () => {
  const earlier = newPool();
  await earlier.ready();
  await earlier.close();
  const left = readdirSync(directory);
  mkdirSync(join(directory, 'half-made'));
  const pool = newPool();
  expect(left).toContain((await pool.take()).token);
  await pool.close();
  expect(readdirSync(directory)).not.toContain('half-made');
});

test('rejects while directories cannot be made, and works again afterwards', async () => {
  const pool = newPool();
  rmdirSync(directory);
  await expect(pool.take()).rejects.toMatchObject({ code: 'ENOENT' });
  mkdirSync(directory, { mode: 0o700 });
  const { token } = await pool.take();
  expect(readdirSync(directory)).toContain(token);
  await pool.close();
});
