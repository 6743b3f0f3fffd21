import { readFileSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLog, type LogOptions } from '../../src/telemetry/log.ts';
import { SmallDisk } from '../support/daemon/small-disk.ts';
import { tempDir } from '../support/temp-dir.ts';

function openTestLog(options: Partial<LogOptions> = {}) {
  const directory = tempDir();
  const path = join(directory, 'lshd.log');
  const log = openLog({ level: 'info', path, ...options });
  onTestFinished(() => log.close());
  const lines = (file = path) =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { directory, path, log, lines };
}

test('each line is a JSON object with time, level, component and the facts', () => {
  const { log, lines } = openTestLog();
  log.component('runner').info({ job: 'local/a', run: 'a-1' }, 'run started');
  log.component('runner').debug({}, 'not at this level');
  expect(lines()).toEqual([
    expect.objectContaining({ level: 'info', component: 'runner', job: 'local/a', msg: 'run started' }),
  ]);
  expect(Date.parse(String(lines()[0]?.['time']))).toBeGreaterThan(0);
});

test('a line holds the message, code and cause of an error', () => {
  const { log, lines } = openTestLog();
  log.error({ err: Object.assign(new Error('no', { cause: new Error('disk') }), { code: 'EX' }) }, 'failed');
  expect(lines()[0]?.['err']).toMatchObject({ code: 'EX', message: 'no: disk' });
});

test('the log redacts variables and secrets at any depth of an object', () => {
  const { log, path } = openTestLog();
  log.info({ env: { A: 'hush' }, job: { spec: { env: [{ name: 'A', value: 'hush' }] } } }, 'job');
  log.info({ token: 'hush', request: { authorization: 'hush', password: 'hush' } }, 'request');
  log.info({ config: { secretsKey: 'hush', inheritedSecrets: { LSH_SECRETS_KEY: 'hush' } } }, 'config');
  log.info({ config: { supabaseServiceRoleKey: 'hush' }, project: { apiKey: 'hush' } }, 'history');
  log.info({ a: { b: [{ c: { d: { password: { deep: 'hush' } } } }] } }, 'deep');
  log.error({ err: Object.assign(new Error('no'), { headers: { authorization: 'hush' } }) }, 'failed');
  expect(readFileSync(path, 'utf8')).not.toContain('hush');
  expect(readFileSync(path, 'utf8')).toContain('[redacted]');
});

test('a text that looks like a secret key changes nothing', () => {
  const { log, lines } = openTestLog();
  const message = 'the reply was {"token": "x", "env":1} "password":';
  log.info({ job: 'local/a' }, message);
  expect(lines()).toEqual([expect.objectContaining({ job: 'local/a', msg: message })]);
});

test('the file has mode 0600 under umask 000, and after a rotation', () => {
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  const { directory, log } = openTestLog({ maxBytes: 300 });
  for (let index = 0; index < 10; index += 1) log.info({ index }, 'line');
  for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
});

test('three files bound its size and hold the newest lines whole and in order', () => {
  const { directory, path, log, lines } = openTestLog({ maxBytes: 10_000 });
  for (let index = 0; index < 2_000; index += 1) log.info({ index, pad: 'x'.repeat(50) }, 'line');
  expect(readdirSync(directory).sort()).toEqual(['lshd.log', 'lshd.log.1', 'lshd.log.2']);
  for (const name of readdirSync(directory))
    expect(statSync(join(directory, name)).size).toBeLessThan(10_001);
  const indexes = [`${path}.2`, `${path}.1`, path].flatMap((file) => lines(file)).map(({ index }) => index);
  expect(indexes).toEqual(Array.from({ length: indexes.length }, (_, i) => 2_000 - indexes.length + i));
  expect(indexes.length).toBeGreaterThan(100);
});

test('a new log appends to an existing file', () => {
  const { path, log, lines } = openTestLog();
  log.info({}, 'before');
  const again = openLog({ level: 'info', path });
  again.info({}, 'after');
  again.close();
  expect(lines().map(({ msg }) => msg)).toEqual(['before', 'after']);
});

test('a moved file gets no further line: the next one is in a new file at the path', () => {
  const { path, log, lines } = openTestLog();
  log.info({}, 'before');
  renameSync(path, `${path}.old`);
  log.info({}, 'after');
  expect(lines(`${path}.old`).map(({ msg }) => msg)).toEqual(['before']);
  expect(lines().map(({ msg }) => msg)).toEqual(['after']);
});

test('a truncated file counts from its new size', () => {
  const { directory, path, log, lines } = openTestLog({ maxBytes: 300 });
  log.info({}, 'x'.repeat(200));
  truncateSync(path);
  log.info({}, 'after');
  expect(lines().map(({ msg }) => msg)).toEqual(['after']);
  expect(readdirSync(directory)).toEqual(['lshd.log']);
});

test('a disk that fills within a line leaves no half line, and later the number of lost lines', ({
  skip,
}) => {
  const directory = tempDir();
  const disk = SmallDisk.mount(directory, 256 * 1024) ?? skip('only root can mount a small disk');
  const path = join(directory, 'lshd.log');
  const log = openLog({ level: 'info', path });
  onTestFinished(() => log.close());
  log.info({}, 'before');
  disk.fill();
  for (let index = 0; index < 50; index += 1) log.info({ pad: 'x'.repeat(1000) }, 'on the full disk');
  disk.free();
  log.info({}, 'after');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const last = lines.map((line) => JSON.parse(line) as Record<string, unknown>).slice(-2);
  expect(last).toEqual([
    expect.objectContaining({ droppedLines: expect.any(Number) as number }),
    expect.objectContaining({ msg: 'after' }),
  ]);
});

test('a full disk drops lines and throws nothing', () => {
  const log = openLog({ level: 'info', path: '/dev/full' });
  onTestFinished(() => log.close());
  expect(() => log.info({}, 'nowhere to go')).not.toThrow();
});

test('a line controls no terminal, and its text is the same to a program', () => {
  const { log, path, lines } = openTestLog();
  const job = 'a\u001B[2J\u009B2J\u202Eb\u007F';
  log.info({ job, err: new Error(job) }, job);
  expect(readFileSync(path, 'utf8')).not.toMatch(/(?!\n)[\p{Cc}\u202E]/u);
  expect(lines()[0]).toMatchObject({ job, msg: job, err: { message: job } });
});
