// What changes nothing writes nothing: the store is compared byte by byte.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { aSharedDaemon, lshOk } from '../support/daemon/cli.ts';

const home = aSharedDaemon();
const ADD = ['cron', 'add', '--name', 'backup', '--schedule', '0 2 * * *', '--command'];

/** Everything the store holds. */
function storeBytes(): Buffer {
  return Buffer.concat(['', '-wal'].map((suffix) => readFileSync(home.paths.database + suffix)));
}

/** The loop records the first status of a job after the answer to the command that made it. */
async function recorded(name: string): Promise<void> {
  const job = JSON.parse(await lshOk(home, ['cron', 'get', name, '-o', 'json'])) as { status?: unknown };
  if (job.status === undefined) await recorded(name);
}

test('a job that is unchanged, and a dry run of whatever kind, leave the store as it was', async () => {
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
