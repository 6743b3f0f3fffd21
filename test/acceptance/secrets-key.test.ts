// The commands get the daemon's key of the secrets, and no output shows it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateKey } from '../../src/secrets/envelope/age-file.ts';
import { aStartedHome, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';

// A valid key: lsh doctor reports any other.
const { identity: KEY } = await generateKey('classic');

/** The bytes of all files in the directory. */
function everythingIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('a scheduled command has the key, and no file or output shows it', async () => {
  const home = await aStartedHome(aHome({ LSH_SECRETS_KEY: KEY, LSH_LOG_LEVEL: 'debug' }));
  const command = 'echo "length ${#LSH_SECRETS_KEY}"; env | grep SECRETS';
  const job = ['--name', 'key', '--schedule', '@yearly', '--command', command];
  const answers = [
    await lshOk(home, ['cron', 'add', ...job]),
    await lshOk(home, ['cron', 'trigger', 'key', '--wait']),
    await lshOk(home, ['cron', 'logs', 'key']),
    await lshOk(home, ['cron', 'history', 'key', '-o', 'json']),
    await lshOk(home, ['daemon', 'logs', '-n', '1000']),
    await lshOk(home, ['daemon', 'install', '--print']),
    await lshOk(home, ['doctor']),
  ];

  expect(answers[2]).toBe(`length ${KEY.length}\nLSH_SECRETS_KEY=***\n`);
  expect(answers.at(-1)).toMatch(/^ok +environment +set: .*LSH_SECRETS_KEY/m);
  expect(answers.join('\n')).not.toContain(KEY);
  expect(everythingIn(home.env['HOME']!)).not.toContain(KEY);
});
