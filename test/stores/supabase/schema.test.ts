// The tables of the team's record: who may do what, with real tokens through the REST API.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runRow } from '../../../src/stores/supabase/rows.ts';
import { aRunAt, T0 } from '../../support/builders.ts';
import { NO_SUPABASE, serverDirectory, Supabase } from '../../support/stores/supabase.ts';
import { BINARIES } from '../../support/supabase/binaries.ts';
import { Postgres } from '../../support/supabase/postgres.ts';

const TABLES = [
  'lsh_teams',
  'lsh_members',
  'lsh_origins',
  'lsh_jobs',
  'lsh_runs',
  'lsh_run_logs',
  'lsh_audit',
];
/** No key writes them: versions are added by a function, see test/contract/supabase-secrets.test.ts. */
const SECRET_TABLES = ['lsh_secrets', 'lsh_secret_versions'];
/** Rows that never change once they are recorded. */
const RECORDS = ['lsh_runs', 'lsh_run_logs', 'lsh_audit'];
const AT = new Date(T0).toISOString();

/** One row for each table; each names the team but for the team itself. */
function rowsOf(team: string) {
  const origin = { team, origin: `host-of-${team}` };
  return {
    lsh_teams: { name: team },
    lsh_members: { team, user_id: `ada-of-${team}` },
    lsh_origins: { team, id: `host-of-${team}`, kind: 'Host', name: 'laptop', version: '1.0.0' },
    lsh_jobs: {
      ...origin,
      namespace: 'local',
      name: 'backup',
      uid: `uid-${team}`,
      revision: 2,
      spec: { command: 'make' },
      spec_hash: 'h2',
      changed_at: AT,
    },
    lsh_runs: { ...runRow(aRunAt('backup', 1, { jobUid: `uid-${team}` })), ...origin },
    lsh_run_logs: {
      team,
      job_uid: `uid-${team}`,
      run: 'backup-1',
      chunk: 0,
      start_byte: 0,
      output: 'hello',
    },
    lsh_audit: { ...origin, id: 1, at: AT, action: 'Added', namespace: 'local', job: 'backup' },
  } as Record<string, Record<string, unknown>>;
}

describe.skipIf(NO_SUPABASE)('the schema', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());
  beforeEach(async () => {
    await supabase.clear();
    for (const team of ['red', 'blue'])
      for (const table of TABLES)
        expect(await ask(supabase.serviceRoleKey, 'POST', table, rowsOf(team)[table])).toMatchObject({
          status: 201,
        });
  });

  async function ask(token: string, method: string, path: string, body?: object, prefer = '') {
    const response = await fetch(`${supabase.url}/rest/v1/${path}`, {
      method,
      body: JSON.stringify(body),
      headers: {
        apikey: supabase.anonKey,
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        prefer,
      },
    });
    const text = await response.text();
    return { status: response.status, text, rows: () => JSON.parse(text) as Record<string, unknown>[] };
  }

  /** Every row of every table but the times that the database sets. */
  async function contents() {
    const found: Record<string, unknown[]> = {};
    for (const table of TABLES)
      found[table] = await supabase.sql(`select to_json(t) as row from ${table} t order by t`);
    return found;
  }

  describe('a member of team red', () => {
    const ada = () => supabase.userToken('ada-of-red');

    test.each(TABLES)('reads of %s the rows of its team alone', async (table) => {
      const expected = rowsOf('red')[table]!;
      const { status, rows } = await ask(ada(), 'GET', table);
      expect(status).toBe(200);
      expect(rows()).toHaveLength(1);
      // The database writes instants in its own form.
      for (const [name, value] of Object.entries(expected))
        if (!/_at$|^at$|slot|start_after/.test(name)) expect(rows()[0]).toHaveProperty(name, value);
    });

    test.each(TABLES)('writes nothing into %s, neither for its team nor for another', async (table) => {
      const before = await contents();
      for (const team of ['red', 'blue']) {
        const fresh = { ...rowsOf(team)[table], name: 'other', id: 9, user_id: 'eve', chunk: 9 };
        const known = Object.fromEntries(
          Object.entries(fresh).filter(([name]) => name in rowsOf(team)[table]!),
        );
        expect(await ask(ada(), 'POST', table, known)).toMatchObject({ status: 403 });
        const filter = table === 'lsh_teams' ? `name=eq.${team}` : `team=eq.${team}`;
        const change = table === 'lsh_teams' ? { name: 'mine' } : { team: 'red' };
        expect(await ask(ada(), 'PATCH', `${table}?${filter}`, change)).toMatchObject({ status: 403 });
        expect(await ask(ada(), 'DELETE', `${table}?${filter}`)).toMatchObject({ status: 403 });
      }
      expect(await contents()).toEqual(before);
    });

    test('deletes no run by the function of retention', async () => {
      expect(await ask(ada(), 'POST', 'rpc/lsh_prune', {})).toMatchObject({ status: 403 });
    });

    test('reads the rows of both teams when it is a member of both', async () => {
      await supabase.sql(`insert into lsh_members (team, user_id) values ('blue', 'ada-of-red')`);
      expect((await ask(ada(), 'GET', 'lsh_runs')).rows()).toHaveLength(2);
      expect((await ask(ada(), 'GET', 'lsh_members')).rows()).toHaveLength(3);
    });

    test('reads nothing any more once it has left', async () => {
      await supabase.sql(`delete from lsh_members where user_id = 'ada-of-red'`);
      for (const table of TABLES) expect((await ask(ada(), 'GET', table)).text).toBe('[]');
    });

    test('reads nothing with an expired token', async () => {
      const token = supabase.token('authenticated', { sub: 'ada-of-red', exp: 1_700_000_000 });
      expect(await ask(token, 'GET', 'lsh_runs')).toMatchObject({ status: 401 });
    });
  });

  test.each(TABLES)(
    'a signed-in user without a team, or without a name, reads nothing of %s',
    async (table) => {
      for (const claims of [{ sub: 'eve' }, {}, { sub: '' }, { sub: null }])
        expect((await ask(supabase.token('authenticated', claims), 'GET', table)).text).toBe('[]');
    },
  );

  test.each(TABLES)('the public key neither reads nor writes %s', async (table) => {
    const before = await contents();
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'])
      expect(
        await ask(supabase.anonKey, method, table, method === 'POST' ? rowsOf('red')[table] : undefined),
      ).toMatchObject({ status: method === 'PATCH' ? expect.toBeOneOf([400, 401]) : 401 });
    for (const name of ['lsh_prune', 'lsh_status', 'lsh_schema_version'])
      expect(await ask(supabase.anonKey, 'POST', `rpc/${name}`, {})).toMatchObject({ status: 401 });
    expect(await contents()).toEqual(before);
  });

  test.each(TABLES)('row-level security keeps %s even when every role has every grant', async (table) => {
    await supabase.sql(`grant all on ${table} to anon, authenticated`);
    const before = await contents();
    const eve = supabase.userToken('eve');
    for (const token of [supabase.anonKey, eve]) {
      expect((await ask(token, 'GET', table)).text).toBe('[]');
      const filter = table === 'lsh_teams' ? 'name=eq.red' : 'team=eq.red';
      await ask(token, 'DELETE', `${table}?${filter}`);
      expect((await ask(token, 'POST', table, rowsOf('red')[table])).text).toContain('row-level security');
    }
    expect(await contents()).toEqual(before);
    // The migrations revoke the grant when they run again.
    await supabase.migrate();
    expect((await ask(supabase.anonKey, 'GET', table)).status).toBe(401);
    expect(await contents()).toEqual(before);
  });

  describe('a record', () => {
    test.each(RECORDS)('of %s is changed and deleted by no key', async (table) => {
      const before = await contents();
      const key = supabase.serviceRoleKey;
      const change = { team: 'blue' };
      expect(await ask(key, 'PATCH', `${table}?team=eq.red`, change)).toMatchObject({ status: 403 });
      expect(await ask(key, 'DELETE', `${table}?team=eq.red`)).toMatchObject({ status: 403 });
      const merge = 'resolution=merge-duplicates';
      expect(await ask(key, 'POST', table, rowsOf('red')[table], merge)).toMatchObject({ status: 403 });
      expect(await contents()).toEqual(before);
    });

    test.each(RECORDS)('of %s is changed not even by the owner of the database', async (table) => {
      await expect(supabase.sql(`update ${table} set team = 'blue'`)).rejects.toThrow(
        `a row of ${table} never changes once it is recorded`,
      );
    });
  });

  test('a job keeps its newer row when an older request arrives late', async () => {
    const put = (revision: number) =>
      ask(
        supabase.serviceRoleKey,
        'POST',
        'lsh_jobs?on_conflict=team,origin,namespace,name',
        { ...rowsOf('red')['lsh_jobs'], revision, spec_hash: `h${revision}` },
        'resolution=merge-duplicates',
      );
    for (const revision of [4, 3, 4]) expect((await put(revision)).status).toBeOneOf([200, 201]);
    expect(await supabase.sql(`select spec_hash from lsh_jobs where team = 'red'`)).toEqual([
      { spec_hash: 'h4' },
    ]);
  });

  test('an origin is heard of on the clock of the database', async () => {
    await supabase.sql(`update lsh_origins set last_seen_at = '2001-01-01', first_seen_at = '2001-01-01'`);
    const seen = { ...rowsOf('red')['lsh_origins'], last_seen_at: 'now' };
    await ask(supabase.serviceRoleKey, 'POST', 'lsh_origins', seen, 'resolution=merge-duplicates');
    const [row] = await supabase.sql<{ recent: boolean; old: boolean }>(
      `select last_seen_at > now() - interval '1 minute' as recent, first_seen_at < '2002-01-01' as old
       from lsh_origins where team = 'red'`,
    );
    expect(row).toEqual({ recent: true, old: true });
  });

  test('retention deletes old runs with their output, and old audit rows later', async () => {
    const insertRuns = `insert into lsh_runs (job_uid, name, namespace, job, trigger, slot, attempt, executor, phase,
      created_at, start_after) select 'old', 'r' || n, 'local', 'backup', 'Schedule', at, 1, 'Shell', 'Completed', at, at
      from generate_series(1, 25) n, lateral (select now() - interval '100 days' - n * interval '1 hour' as at) t`;
    await supabase.sql(insertRuns);
    await supabase.sql(
      `insert into lsh_run_logs (job_uid, run, chunk, start_byte, output) values ('old', 'r1', 0, 0, 'x')`,
    );
    await supabase.sql(`insert into lsh_audit (team, origin, id, at, action)
      select 'red', 'host-of-red', n, now() - n * interval '100 days', 'Paused' from generate_series(2, 5) n`);
    await supabase.sql(`update lsh_jobs set removed_at = now() - interval '91 days' where team = 'blue'`);
    // Those of T0 are of any age.
    await supabase.sql(`delete from lsh_runs where job_uid <> 'old'`);
    await supabase.sql('delete from lsh_audit where id = 1');
    const prune = async (body: object) =>
      JSON.parse((await ask(supabase.serviceRoleKey, 'POST', 'rpc/lsh_prune', body)).text) as object;
    expect(await prune({ at_most: 20 })).toEqual({ runs: 20, jobs: 1, audit: 2 });
    expect(await prune({ at_most: 20 })).toEqual({ runs: 5, jobs: 0, audit: 0 });
    expect(await prune({})).toEqual({ runs: 0, jobs: 0, audit: 0 });
    expect(await supabase.sql('select team from lsh_jobs')).toEqual([{ team: 'red' }]);
    expect(await supabase.sql('select * from lsh_run_logs')).toEqual([]);
    expect(await supabase.sql('select id::int from lsh_audit order by id')).toEqual([{ id: 2 }, { id: 3 }]);
    for (const body of [{ keep_runs: '1 hour' }, { keep_audit: '-1 days' }, { at_most: 0 }])
      await expect(prune(body)).resolves.toMatchObject({ code: '22023' });
  });

  test.each([
    ['a chunk of more than 256 KiB', 'lsh_run_logs', { chunk: 1, output: 'x'.repeat(262_145) }],
    ['output of no run', 'lsh_run_logs', { run: 'none' }],
    ['a run of an unknown origin', 'lsh_runs', { name: 'b-1', origin: 'elsewhere' }],
    ['a run of another team’s origin', 'lsh_runs', { name: 'b-1', origin: 'host-of-blue' }],
    ['a run of an unknown team', 'lsh_runs', { name: 'b-1', team: 'green', origin: null }],
    ['a spec that is no object', 'lsh_jobs', { name: 'b', spec: [] }],
    ['an action of several words', 'lsh_audit', { id: 2, action: 'was added' }],
    ['an origin that is neither host nor cluster', 'lsh_origins', { id: 'x', kind: 'Planet' }],
    ['a team with a space', 'lsh_teams', { name: 'the team' }],
  ])('refuses %s', async (_, table, change) => {
    const row = { ...rowsOf('red')[table], ...change };
    const { status, text } = await ask(supabase.serviceRoleKey, 'POST', table, row);
    expect(status).toBeOneOf([400, 409]);
    expect(text).toMatch(/"23(503|514)"/);
  });

  test('says what each table and column is for', async () => {
    const missing = await supabase.sql(`
      select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relname like 'lsh\\_%' and c.relkind = 'r' and a.attnum >= 0 and not a.attisdropped
        and coalesce(col_description(c.oid, a.attnum), '') = ''
      union all
      select relname, '' from pg_class where relname like 'lsh\\_%' and relkind = 'r'
        and coalesce(obj_description(oid, 'pg_class'), '') = ''`);
    expect(missing).toEqual([]);
    const [tables] = await supabase.sql<{ names: string[] }>(
      `select array_agg(relname::text order by relname) as names from pg_class
       where relname like 'lsh\\_%' and relkind = 'r'`,
    );
    expect(tables?.names).toEqual([...TABLES, ...SECRET_TABLES].toSorted());
  });
});

describe.skipIf(NO_SUPABASE)('a Postgres without Supabase', () => {
  let postgres: Postgres;
  let directory: string;

  beforeAll(async () => {
    directory = serverDirectory();
    postgres = await Postgres.start(BINARIES!.postgres, directory, 'plain');
  });
  afterAll(async () => {
    await postgres?.stop();
    rmSync(directory, { recursive: true });
  });

  test('takes the migrations from an owner who is no superuser, with the runs that it has', async () => {
    await postgres.migrate(1);
    const run = runRow(aRunAt('backup', 1));
    await postgres.query('insert into lsh_runs select * from json_populate_record(null::lsh_runs, $1)', [
      JSON.stringify({ ...run, recorded_at: AT }),
    ]);
    const rows = () => postgres.query('select * from lsh_runs');
    const [before] = await rows();
    await postgres.migrate();
    expect(await rows()).toMatchObject([{ ...before, team: 'default', origin: null }]);
    await postgres.migrate();
    expect(await rows()).toMatchObject([{ ...before, team: 'default', origin: null }]);
  });

  test('lets the roles do there what they may do in a project', async () => {
    await postgres.migrate();
    await postgres.query(`insert into lsh_members (team, user_id) values ('default', 'ada')`);
    const count = 'select count(*)::int as count from lsh_members';
    expect(await postgres.queryAs('authenticated', { sub: 'ada' }, count)).toEqual([{ count: 1 }]);
    expect(await postgres.queryAs('authenticated', { sub: 'eve' }, count)).toEqual([{ count: 0 }]);
    expect(await postgres.queryAs('service_role', {}, count)).toEqual([{ count: 1 }]);
    await expect(postgres.queryAs('anon', {}, count)).rejects.toThrow('permission denied');
    const change = `update lsh_members set user_id = 'eve'`;
    await expect(postgres.queryAs('authenticated', { sub: 'ada' }, change)).rejects.toThrow(
      'permission denied',
    );
    await postgres.queryAs('service_role', {}, change);
  });
});
