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

test('concurrent take() calls each get a private directory with a FIFO', async () => {
  const pool = new FifoPool(directory, PATH);
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

test('a returned directory comes back empty with a new token', async () => {
  const pool = new FifoPool(directory, PATH);
  const first = await pool.take();
  writeFileSync(join(first.path, 'status'), '1\n0\n');
  pool.give(first.path);
  const again = await pool.take();
  expect(statSync(join(again.path, 'fifo')).isFIFO()).toBe(true);
  expect(readdirSync(again.path)).toEqual(['fifo']);
  expect(again.token).not.toBe(first.token);
  await pool.close();
});

test('uses the directories of an earlier runner, and removes its incomplete ones', async () => {
  const earlier = new FifoPool(directory, PATH);
  await earlier.ready();
  await earlier.close();
  const left = readdirSync(directory);
  mkdirSync(join(directory, 'half-made'));
  const pool = new FifoPool(directory, PATH);
  expect(left).toContain((await pool.take()).token);
  await pool.close();
  expect(readdirSync(directory)).not.toContain('half-made');
});

test('rejects while directories cannot be made, and works again afterwards', async () => {
  const pool = new FifoPool(directory, PATH);
  rmdirSync(directory);
  await expect(pool.take()).rejects.toMatchObject({ code: 'ENOENT' });
  mkdirSync(directory, { mode: 0o700 });
  const { token } = await pool.take();
  expect(readdirSync(directory)).toContain(token);
  await pool.close();
});
