// `lsh supabase`, as users call it, against a real Postgres and a real PostgREST.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MIGRATIONS, NEWEST_VERSION } from '../../src/stores/supabase/migrations.ts';
import { projectStatus } from '../../src/stores/supabase/project-status.ts';
import { aRunAt } from '../support/builders.ts';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, type TestHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { NO_SUPABASE, RunRecorder, Supabase } from '../support/stores/supabase.ts';

describe.skipIf(NO_SUPABASE)('lsh supabase', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start(0);
  });
  afterAll(() => supabase?.stop());
  afterEach(() => {
    supabase.gateway.answer = undefined;
  });

  const project = () => ({
    SUPABASE_URL: supabase.url,
    SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
    SUPABASE_DB_URL: supabase.databaseUrl,
  });
  const configured = (env: Record<string, string> = {}): TestHome => aHome({ ...project(), ...env });

  /** What `lsh supabase status` prints, which must fail. */
  async function refusal(home: TestHome): Promise<string> {
    const { status, stdout, stderr } = await lsh(home, ['supabase', 'status']);
    expect(status).toBe(1);
    expect(stdout + stderr).not.toContain(supabase.serviceRoleKey);
    return stderr;
  }

  // The tests of this part make one story: each needs the ones before.
  describe('from an empty database on', () => {
    test('status names the missing tables, and init as the next step', async () => {
      const stderr = await refusal(configured());
      expect(stderr).toContain('has no tables of lsh');
      expect(stderr).toContain('`lsh supabase init`');
      expect(stderr).toContain('[SUPABASE_SCHEMA_MISSING]');
    });

    test('init --dry-run prints the statements, and changes nothing', async () => {
      const { stdout, stderr } = await lsh(configured(), ['supabase', 'init', '--dry-run']);
      expect(stdout).toContain('create table if not exists public.lsh_runs');
      expect(stderr).toContain(`the database lacks ${MIGRATIONS.length} migrations`);
      expect(await supabase.sql(`select to_regclass('lsh_runs') as runs`)).toEqual([{ runs: null }]);
      const offline = await lsh(configured({ SUPABASE_DB_URL: '' }), ['supabase', 'init', '--dry-run']);
      expect(offline).toMatchObject({ status: 0, stdout });
      expect(offline.stderr).toContain('SUPABASE_DB_URL is not set');
    });

    test('the printed statements make the schema, as they would in the SQL editor', async () => {
      const { stdout } = await lsh(configured(), ['supabase', 'init', '--dry-run']);
      await supabase.sql(`create database editor owner postgres`);
      await supabase.inDatabase('editor', async (query) => {
        await query(stdout);
        expect(await query('select lsh_schema_version() as version')).toEqual([{ version: NEWEST_VERSION }]);
      });
      await supabase.sql('drop database editor');
    });

    test('init applies what is missing, and a second time nothing', async () => {
      const first = await lshOk(configured(), ['supabase', 'init']);
      const applied = MIGRATIONS.map(({ version, name }) => `applied ${version} ${name}\n`);
      expect(first).toBe(`${applied.join('')}the schema is up to date\n`);
      expect(await lshOk(configured(), ['supabase', 'init'])).toBe('the schema is up to date\n');
    });

    test('status then says that lsh may write, and counts rows', async () => {
      const { url, serviceRoleKey: apiKey } = supabase;
      const home = configured();
      // PostgREST reads the new schema when it hears of it.
      await eventually(async () => (await lsh(home, ['supabase', 'status'])).status === 0);
      await new RunRecorder({ url, apiKey }).record([aRunAt('a', 1), aRunAt('a', 2)]);
      const stdout = await lshOk(home, ['supabase', 'status']);
      expect(stdout).toContain(`Project: ${url}, answered in `);
      expect(stdout).toContain('Key:     role service_role\n');
      expect(stdout).toContain(`Schema:  ${NEWEST_VERSION}, up to date\n`);
      expect(stdout).toContain('Rights:  reads and writes\n');
      expect(stdout).toContain(
        'Rows:    2 runs, 0 jobs, 1 origin, 0 output chunks, 0 audit rows, 1 team, 0 members\n',
      );
      expect(stdout).toContain('Clock:   agrees with the project’s\n');
      const document = JSON.parse(await lshOk(home, ['supabase', 'status', '-o', 'json'])) as object;
      expect(document).toMatchObject({ facts: { writes: true, rows: { runs: 2 } }, problems: [] });
    });

    test('an older and a newer schema are told apart, with the step for each', async () => {
      const makeVersion = (version: string) =>
        supabase.alter(`create or replace function lsh_schema_version() returns text
          language sql immutable set search_path = '' as $$ select '${version}' $$`);
      await makeVersion('20261129120000');
      const older = await refusal(configured());
      expect(older).toMatch(
        /version 20261129120000 of the schema; this lsh is made for version \d+\.\nhint: .*supabase init/,
      );
      await makeVersion('20991231000000');
      expect(await refusal(configured())).toContain('[SUPABASE_SCHEMA_TOO_NEW]');
      const init = await lsh(configured(), ['supabase', 'init']);
      expect(init).toMatchObject({ status: 1, stdout: '' });
      expect(init.stderr).toContain('Install the lsh version that made it');
      await makeVersion(NEWEST_VERSION);
    });

    test('the schema of the first release, which cannot tell its version, is an older one', async () => {
      await supabase.alter('alter function lsh_status() rename to other');
      expect(await refusal(configured())).toContain('version 20261125120000 of the schema');
      await supabase.alter('alter function other() rename to lsh_status');
    });
  });

  describe('status says what is wrong, and what to do', () => {
    test.each([
      [
        'the key of another project',
        () => ({ SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_of-another-project' }),
        ['HTTP 401: Invalid API key', 'Project Settings, API Keys'],
      ],
      [
        'the public key',
        () => ({ SUPABASE_SERVICE_ROLE_KEY: supabase.anonKey }),
        ['permission denied for function lsh_status', 'service role key'],
      ],
      [
        'no key but the public one',
        () => ({ SUPABASE_SERVICE_ROLE_KEY: '', SUPABASE_ANON_KEY: supabase.anonKey }),
        ['You are not signed in', '`lsh supabase login`, or set SUPABASE_SERVICE_ROLE_KEY'],
      ],
      ['no project', () => ({ SUPABASE_URL: '' }), ['SUPABASE_URL is not set', '[SUPABASE_NOT_CONFIGURED]']],
      [
        'an address with a path',
        () => ({ SUPABASE_URL: `${supabase.url}/project` }),
        ['HTTP 404: there is no REST API of Supabase', 'without a path'],
      ],
    ])('with %s', async (_, env, expected) => {
      const stderr = await refusal(configured(env()));
      for (const text of expected) expect(stderr).toContain(text);
    });

    test('with an expired key', async () => {
      const expired = supabase.token('service_role', { exp: 1_700_000_000 });
      supabase.gateway.accept(expired);
      const stderr = await refusal(configured({ SUPABASE_SERVICE_ROLE_KEY: expired }));
      expect(stderr).toContain('JWT expired: the key has expired');
      expect(stderr).toContain('hint: Set SUPABASE_SERVICE_ROLE_KEY');
      expect(stderr).not.toContain(expired);
    });

    test('with the key of a signed-in user, who only reads', async () => {
      const token = supabase.userToken('ada');
      supabase.gateway.accept(token);
      const stderr = await refusal(configured({ SUPABASE_SERVICE_ROLE_KEY: token }));
      expect(stderr).toContain('The key of the role authenticated may not write');
    });

    test.each([
      ['a paused project', { status: 540, body: '' }, ['the project is paused', 'Restore the project']],
      [
        'a proxy that answers with a page',
        { status: 200, body: '<!DOCTYPE html><title>Sign in</title>' },
        ['does not come from Supabase', 'proxy'],
      ],
      [
        'a proxy that fails',
        { status: 502, body: '<html><h1>Bad gateway</h1></html>' },
        ['HTTP 502: a web page in place of an answer', 'proxy'],
      ],
      [
        'a redirect',
        { status: 308, headers: { location: 'https://elsewhere' } },
        ['HTTP 308: a redirect', 'without a path'],
      ],
      [
        'a database without room',
        {
          status: 500,
          body: JSON.stringify({ code: '53100', message: 'could not extend file: No space left' }),
        },
        ['(53100)', 'lsh_prune'],
      ],
    ])('before %s', async (_, answer, expected) => {
      supabase.gateway.answer = answer;
      const stderr = await refusal(configured());
      for (const text of expected) expect(stderr).toContain(text);
    });

    test('of a project that does not answer', async () => {
      await supabase.gateway.away();
      const stderr = await refusal(configured());
      await supabase.gateway.back();
      expect(stderr).toMatch(/cannot be reached: connect ECONNREFUSED/);
      expect(stderr).toContain('[HISTORY_UNAVAILABLE]');
    });

    test.each([
      ['ahead of', 300_000],
      ['behind', -300_000],
    ])('when the clock of this machine is five minutes %s the project’s', async (_, skewMs) => {
      const { url, serviceRoleKey: apiKey } = supabase;
      const { clockAheadMs } = await projectStatus({ url, apiKey }, () => Date.now() + skewMs);
      expect(clockAheadMs! + skewMs).toBeGreaterThan(-60_000);
      expect(clockAheadMs! + skewMs).toBeLessThan(60_000);
    });
  });

  test('init without SUPABASE_DB_URL says where to find it', async () => {
    const { status, stderr } = await lsh(configured({ SUPABASE_DB_URL: '' }), ['supabase', 'init']);
    expect(status).toBe(1);
    expect(stderr).toContain('SUPABASE_DB_URL is not set');
    expect(stderr).toContain('connection string of its page Connect');
  });
});
