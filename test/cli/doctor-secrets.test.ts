// `lsh doctor` about keys, env files and environments, by the built program in a real repository.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

interface User {
  env: Record<string, string>;
  cwd: string;
}

function aUser(name: string, data: string): User {
  const { env } = aHome({ XDG_DATA_HOME: data, USER: name });
  const cwd = join(env['HOME']!, 'app');
  mkdirSync(join(cwd, '.lsh'), { recursive: true });
  execFileSync('git', ['init', '--quiet', cwd]);
  writeFileSync(
    join(cwd, '.lsh/project.json'),
    '{"project": "app", "rotation": {"prod": "0s", "dev": "90d"}}',
  );
  writeFileSync(join(cwd, '.gitignore'), '.env\n.env.prod\n');
  writeFileSync(join(cwd, '.env'), 'TOKEN=a\n');
  return { env, cwd };
}

const ok = (user: User, args: string[], stdin = '') => lshOk(user, args, { cwd: user.cwd, stdin });

/** The lines about keys and secrets, without their place in the table. */
async function doctor(user: User): Promise<string[]> {
  const { stdout } = await lsh(user, ['doctor'], { cwd: user.cwd });
  return [...stdout.matchAll(/^(ok|warn|FAIL) +(?:keys|secrets) +(.*)$/gm)].map(
    ([, mark, text]) => `${mark} ${text}`,
  );
}

test('nothing stored, and no key, is no fault', async () => {
  const user = aUser('ann', tempDir());
  expect(await doctor(user)).toEqual([
    'ok none yet (the first `lsh push` makes one)',
    'ok app: nothing is stored',
  ]);
});

test('names what is too old, half done, public, or open to a teammate who never came', async () => {
  const data = tempDir();
  const [ann, bob] = [aUser('ann', data), aUser('bob', data)];
  await ok(ann, ['push', '--env', 'prod']);
  await ok(ann, ['push', '--env', 'dev']);
  await ok(bob, ['push', '--env', 'other']);
  const recipient = (await ok(bob, ['key', 'show'])).trim();
  await ok(ann, ['key', 'add-recipient', '--env', 'prod', 'bob', recipient]);
  await ok(ann, ['secrets', 'set', '--env', 'prod', 'TOKEN_NEXT'], 'b');
  await ok(ann, ['secrets', 'set', '--env', 'prod', 'TOKEN_ROTATION'], 'generated 2026-01-01T00:00:00Z');
  await ok(ann, ['secrets', 'set', '--env', 'dev', 'TOKEN_PREVIOUS'], 'b');
  const promoted = 'promoted 2026-01-01T00:00:00Z until 2026-01-02T00:00:00Z';
  await ok(ann, ['secrets', 'set', '--env', 'dev', 'TOKEN_ROTATION'], promoted);
  for (const name of ['.env.prod', '.env.staging', '.env.example'])
    writeFileSync(join(ann.cwd, name), 'TOKEN=a\n');
  const about = (text: string) => expect.stringMatching(new RegExp(text)) as string;
  expect(await doctor(ann)).toEqual([
    about('^ok 1 key in .*/keys, readable by you alone$'),
    about('^warn git does not ignore .*/app/.env.staging$'),
    'ok app: dev@3, other@1, prod@4',
    about('^warn the old value of TOKEN in dev was to be retired .* days ago$'),
    'ok No key of this machine opens version 1 of other.',
    about('^warn prod@4 was stored .*; the project allows 0ms$'),
    'warn prod opens for bob, of whom no push and no pull is recorded',
    about('^warn the rotation of TOKEN in prod stopped .* days ago$'),
  ]);
  await ok(bob, ['pull', '--env', 'prod']);
  expect((await doctor(ann)).filter((line) => line.includes('bob'))).toEqual([]);
  execFileSync('git', ['-C', ann.cwd, 'add', '--force', '.env.staging']);
  expect(await doctor(ann)).toContainEqual(about('^warn git tracks .*/app/.env.staging$'));
});

test('fails for keys that others may read, and for settings that it cannot read', async () => {
  const user = aUser('ann', tempDir());
  await ok(user, ['push', '--env', 'prod']);
  const keys = join(user.env['HOME']!, '.config/lsh/keys');
  chmodSync(keys, 0o644);
  expect((await doctor(user))[0]).toBe(`FAIL Other users may read the keys in ${keys}: its mode is 644.`);
  writeFileSync(join(user.cwd, '.lsh/project.json'), '{"rotation": {"prod": "often"}}');
  expect(await doctor(user)).toEqual([expect.stringContaining('rotation needs durations such as 90d')]);
});
