// Each cause that keeps a daemon from starting gives one error with a hint and a status, and no data is lost.
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { aDaemon, aHome, aManifest, startDaemon } from '../../support/daemon/daemon.ts';
import { tempDir } from '../../support/temp-dir.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

async function refusal(env: Record<string, string>, options = {}): Promise<string> {
  const { status, stderr, stdout } = await startDaemon({ env }, options).ended;
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^error: .+\nhint: .+\n\[[A-Z_]+\]\n$/);
  return stderr;
}

test('no HOME', async () => {
  expect(await refusal({ PATH: '/usr/bin:/bin' })).toContain('LSH_STATE_DIR');
});

test('a socket path that is too long', async () => {
  const { env } = aHome();
  const stderr = await refusal({ ...env, LSH_RUNTIME_DIR: join(tempDir(), 'x'.repeat(108)) });
  expect(stderr).toMatch(/LSH_RUNTIME_DIR[^]*\[SOCKET_PATH_TOO_LONG\]/);
});

test.runIf(isRoot)('a state directory of another user', async () => {
  const { env, paths } = aHome();
  mkdirSync(paths.stateDir);
  chownSync(paths.stateDir, NOBODY, NOBODY);
  expect(await refusal(env)).toContain('[STATE_DIR_UNSAFE]');
});

test.runIf(isRoot)('a state directory that is read-only', async () => {
  const { env, paths } = aHome();
  mkdirSync(paths.stateDir);
  chownSync(paths.stateDir, NOBODY, NOBODY);
  chmodSync(paths.stateDir, 0o500);
  chmodSync(join(paths.stateDir, '..'), 0o755);
  const stderr = await refusal(env, { uid: NOBODY, gid: NOBODY, cwd: '/' });
  expect(stderr).toContain('[STATE_DIR_UNWRITABLE]');
});

test('a file where the state directory should be', async () => {
  const { env, paths } = aHome();
  writeFileSync(paths.stateDir, 'mine');
  expect(await refusal(env)).toContain('[STATE_DIR_UNSAFE]');
  expect(readFileSync(paths.stateDir, 'utf8')).toBe('mine');
});

test('a damaged database, which stays as it is', async () => {
  const { env, paths } = aHome();
  mkdirSync(paths.stateDir, { mode: 0o700 });
  const damaged = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8192, 'x')]);
  writeFileSync(paths.database, damaged);
  expect(await refusal(env)).toContain('[STORE_CORRUPT]');
  expect(readFileSync(paths.database).equals(damaged)).toBe(true);
});

test('a database of a newer version, which the newer version can still read', async () => {
  const home = aHome();
  const first = await aDaemon(home);
  await first.client.put({ job: aManifest('kept') });
  first.child.kill();
  await first.ended;
  const database = new DatabaseSync(home.paths.database);
  const original = database.prepare("SELECT value FROM meta WHERE key = 'schema_version'").get()?.['value'];
  database.exec("UPDATE meta SET value = 99 WHERE key = 'schema_version'");
  database.close();

  expect(await refusal(home.env)).toContain('[STORE_TOO_NEW]');

  const again = new DatabaseSync(home.paths.database);
  again.prepare("UPDATE meta SET value = ? WHERE key = 'schema_version'").run(original ?? null);
  again.close();
  const second = await aDaemon(home);
  expect((await second.client.get({ name: 'kept' })).metadata.name).toBe('kept');
});
