// A command that changes nothing writes nothing: the test compares the store byte by byte.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { aSharedDaemon, lshOk } from '../support/daemon/cli.ts';

const home = aSharedDaemon();
const ADD = ['cron', 'add', '--name', 'backup', '--schedule', '0 2 * * *', '--command'];

/** The whole content of the store. */
function storeBytes(): Buffer {
  return Buffer.concat(['', '-wal'].map((suffix) => readFileSync(home.paths.database + suffix)));
}

/** Waits for the first status of a job, which the loop records after the command has returned. */
async function recorded(name: string): Promise<void> {
  const job = JSON.parse(await lshOk(home, ['cron', 'get', name, '-o', 'json'])) as { status?: unknown };
  if (job.status === undefined) await recorded(name);
}

test('an unchanged job and every kind of dry run leave the store unchanged', async () => {
  await lshOk(home, [...ADD, 'echo one']);
  await recorded('backup');
  const before = storeBytes();
  expect(await lshOk(home, [...ADD, 'echo one'])).toMatch(/^job "backup" unchanged\n/);
  expect(await lshOk(home, [...ADD, 'echo two', '--dry-run'])).toContain('"echo one" -> "echo two"');
  const other = ['cron', 'add', '--name', 'other', '--schedule', '@daily', '--command', 'true', '--dry-run'];
  expect(await lshOk(home, other)).toMatch(/^job "other" created \(dry run\)\n/);
  expect(storeBytes().equals(before)).toBe(true);
  await lshOk(home, [...ADD, 'echo two']);
  expect(storeBytes().equals(before)).toBe(false);
});
