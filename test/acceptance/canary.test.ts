// A full run with secrets, with the record and the secrets in a real Supabase project: no table, log, file, argument or answer
// holds a value, in any form that lsh knows.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { RunDocument } from '../../src/core/document.ts';
import { CANARY, expectNone, filesBelow } from '../support/canary.ts';
import { aStartedHome, lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/side-effects.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

const EMAIL = 'ada@example.com';
const PASSWORD = 'correct horse battery staple';

describe.skipIf(NO_SUPABASE)('a secret value', () => {
  let supabase: Supabase;
  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());

  /** Every row of every table of lsh, as text, by table. */
  async function tables(): Promise<[string, string][]> {
    const names = await supabase.sql<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' and tablename like 'lsh\\_%'`,
    );
    return Promise.all(
      names.map(async ({ name }): Promise<[string, string]> => {
        const rows = await supabase.sql<{ row: string }>(`select t::text as row from ${name} t`);
        return [name, rows.map(({ row }) => row).join('\n')];
      }),
    );
  }

  test('turns up nowhere while a job prints it in every way, fails and is retried', async () => {
    const member = supabase.signIn.add(EMAIL, PASSWORD);
    await supabase.sql('insert into lsh_members (team, user_id) values ($1, $2)', ['default', member]);
    const home = aHome({
      LSH_LOG_LEVEL: 'debug',
      SUPABASE_URL: supabase.url,
      SUPABASE_ANON_KEY: supabase.anonKey,
      SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
    });
    const cwd = join(home.env['HOME']!, 'app');
    mkdirSync(join(cwd, '.git'), { recursive: true });
    writeFileSync(join(cwd, '.gitignore'), '.env\n');
    writeFileSync(join(cwd, '.env'), `CANARY='${CANARY}'\n`);
    const ok = (...args: string[]) => lshOk(home, args, { cwd });
    await lshOk(home, ['supabase', 'login', '--email', EMAIL], { stdin: `${PASSWORD}\n` });
    await aStartedHome(home);

    const answers = [await ok('push', '--env', 'prod'), await ok('secrets', 'list', '--env', 'prod')];
    const gate = join(cwd, 'gate');
    execFileSync('mkfifo', [gate]);
    const prints = [
      'echo "$CANARY"',
      'printf %s "$CANARY" | base64',
      'printf "user:%s" "$CANARY" | base64',
      'printf %.9s "$CANARY"',
      `cat '${gate}'`,
      'printf "%s\\n" "${CANARY#?????????}"',
      'echo "$CANARY" >&2',
      'exit 3',
    ].join('; ');
    const job = ['--name', 'report', '--schedule', '@yearly', '--secrets-env', 'prod', '--command', prints];
    answers.push(await ok('cron', 'add', ...job, '--retries', '1', '--retry-delay', '1s'));
    const again = ['--name', 'rotate-secrets', '--schedule', '@yearly', '--command', 'lsh push --env prod'];
    answers.push(await ok('cron', 'add', ...again));
    onTestFinished(async () => void (await lsh(home, ['cron', 'stop', 'report'])));

    const waiting = lsh(home, ['cron', 'trigger', 'report', '--wait'], { cwd });
    const { pid } = await home.client.status({});
    for (const attempt of [1, 2]) {
      const pids = await eventually(() => {
        const found = processesWith('LSH_JOB=report').filter((each) =>
          environmentOf(each).includes(`LSH_ATTEMPT=${attempt}`),
        );
        return found.some((each) => argumentsOf(each).startsWith('cat\0')) && found;
      });
      for (const each of pids) expectNone(`the arguments of ${each}`, argumentsOf(each));
      expectNone('the environment of the daemon', readFileSync(`/proc/${pid}/environ`));
      for (const [path, bytes] of filesBelow(home.paths.stateDir)) expectNone(path, bytes);
      await writeFile(gate, '');
    }
    const ended = await waiting;
    answers.push(ended.stdout + ended.stderr, await ok('cron', 'trigger', 'rotate-secrets', '--wait'));
    writeFileSync(join(cwd, '.env'), 'OTHER=1\n');
    // Would lose the variable, so it is refused: the reason names it.
    const refused = await lsh(home, ['push', '--env', 'prod'], { cwd });
    expect(refused.stderr).toContain('CANARY');
    answers.push(refused.stdout + refused.stderr);

    await eventually(async () => (await home.client.status({})).history!.backlog === 0);
    const runs = JSON.parse(await ok('cron', 'history', 'report', '-o', 'json')) as RunDocument[];
    expect(runs.map(({ exitCode, outputTail }) => [exitCode, outputTail])).toEqual(
      [1, 2].map(() => [3, `***\n***\ndXNlcj***=\n***\n***\n`]),
    );
    for (const verb of [
      ['get', 'report'],
      ['logs', 'report'],
      ['explain', 'report'],
      ['export', 'report'],
      ['history', '--remote'],
    ])
      answers.push(await ok('cron', ...verb));
    answers.push(
      await ok('daemon', 'logs', '-n', '100000'),
      await ok('doctor'),
      await ok('secrets', 'audit', '--env', 'prod'),
    );
    for (const answer of answers) expectNone('an answer', answer);
    for (const [path, bytes] of filesBelow(home.env['HOME']!)) expectNone(path, bytes);
    const stored = await tables();
    const filled = [
      'lsh_jobs',
      'lsh_runs',
      'lsh_run_logs',
      'lsh_audit',
      'lsh_secrets',
      'lsh_secret_versions',
    ];
    expect(stored.filter(([, text]) => text !== '').map(([name]) => name)).toEqual(
      expect.arrayContaining(filled),
    );
    for (const [name, text] of stored) expectNone(name, text);
    expect(Object.fromEntries(stored)['lsh_run_logs']).toContain('***');
  });
});

/** Empty for a process that has ended. */
function argumentsOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`);
}

function environmentOf(pid: number): string[] {
  return read(`/proc/${pid}/environ`).split('\0');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
