// Nothing secret that lsh can know reaches the team's record: real jobs of a daemon, then a search through a copy of every table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

const KEY = 'canary-of-LSH_SECRETS_KEY';
const VARIABLE = 'canary-of-a-variable';
const FORMER = 'canary-of-the-variable-before';
const ASSIGNED = 'canary-of-an-assignment';
const IN_URL = 'canary-of-a-connection-string';
const STORED = 'canary-of-an-environment';

/** Every form in which a command prints a value that lsh masks. */
const formsOf = (value: string) => [
  value,
  encodeURIComponent(value),
  ...[0, 1, 2].map((shift) =>
    Buffer.from('x'.repeat(shift) + value)
      .toString('base64')
      .replaceAll('=', '')
      .slice(4, -2),
  ),
];

describe.skipIf(NO_SUPABASE)('the team’s record', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());

  /** All rows of all tables of lsh, as text. */
  async function copied(): Promise<Map<string, string>> {
    const tables = await supabase.sql<{ name: string }>(
      `select table_name as name from information_schema.tables where table_name like 'lsh\\_%' order by 1`,
    );
    const texts = new Map<string, string>();
    for (const { name } of tables) {
      const rows = await supabase.sql<{ row: string }>(`select t::text as row from ${name} t`);
      texts.set(name, rows.map(({ row }) => row).join('\n'));
    }
    return texts;
  }

  test('has none of the values that lsh knows, in any row of any table', async () => {
    const home = aHome({
      SUPABASE_URL: supabase.url,
      SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
    });
    const cwd = join(home.env['HOME']!, 'app');
    mkdirSync(join(cwd, '.git'), { recursive: true });
    writeFileSync(join(cwd, '.gitignore'), '.env\n');
    writeFileSync(join(cwd, '.env'), `STORED=${STORED}\n`);
    await lshOk(home, ['push', '--env', 'prod'], { cwd });
    home.env['LSH_SECRETS_KEY'] = KEY;
    onTestFinished(async () => void (await lsh(home, ['daemon', 'stop'])));
    await lshOk(home, ['daemon', 'start']);
    const isWritten = () => eventually(async () => (await home.client.status({})).history?.backlog === 0);
    const add = (name: string, env: string, command: string, ...flags: string[]) =>
      lshOk(home, ['cron', 'add', '-n', name, '-s', '@yearly', '--env', env, '-c', command, ...flags], {
        cwd,
      });
    const run = async (name: string) => {
      await lsh(home, ['cron', 'trigger', name, '--wait']);
      await isWritten();
    };

    const says = `echo ${FORMER} "$TOKEN" "$LSH_SECRETS_KEY"`;
    await add('backup', `TOKEN=${FORMER}`, says);
    await run('backup');
    const command = [
      `echo 'x-key: ${VARIABLE}' "$TOKEN"; printf %s "$TOKEN" | base64; printf 'no newline %s' "$TOKEN" >&2`,
      `PGPASSWORD=${ASSIGNED} sh -c 'echo; echo "$PGPASSWORD"'; echo postgres://app:${IN_URL}@db ${KEY}`,
      `echo ${supabase.serviceRoleKey}; exit 3`,
    ].join('; ');
    await add('backup', `TOKEN=${VARIABLE}`, command, '--description', `with ${VARIABLE}`);
    await run('backup');
    await add('stored', 'PLAIN=public-by-choice', 'echo "$STORED"', '--secrets-env', 'prod', '--record-env');
    await run('stored');
    await lshOk(home, ['cron', 'pause', 'backup']);
    await lshOk(home, ['cron', 'remove', 'backup']);
    await isWritten();

    const texts = await copied();
    for (const value of [KEY, VARIABLE, FORMER, ASSIGNED, IN_URL, STORED, supabase.serviceRoleKey])
      for (const form of formsOf(value))
        for (const [table, text] of texts) expect(text.includes(form), `${table} holds ${form}`).toBe(false);
    // The search sees what is there.
    expect(texts.get('lsh_jobs')).toMatch(/TOKEN[\s\S]*PGPASSWORD=\*\*\* sh/);
    expect(texts.get('lsh_jobs')).toContain('public-by-choice');
    expect(texts.get('lsh_audit')).toContain('x-key: ***');
    expect(texts.get('lsh_runs')).toContain('postgres://app:***@db ***');
    expect(texts.get('lsh_run_logs')).toContain('postgres://app:***@db ***');
    expect(texts.get('lsh_secret_versions')).not.toBe('');
  });
});
