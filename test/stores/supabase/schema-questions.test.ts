// What people ask of many recorded runs: Postgres answers by an index, and looks through no whole table.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TeamRunQuery } from '../../../src/contracts/team-record.ts';
import { SupabaseRecord } from '../../../src/stores/supabase/reading/supabase-record.ts';
import { NO_SUPABASE, Supabase } from '../../support/stores/supabase.ts';

const recordOf = ({ url, serviceRoleKey: apiKey }: Supabase) =>
  new SupabaseRecord({ url, apiKey, team: 'red', timeoutMs: 120_000 });

describe.skipIf(NO_SUPABASE)('of 100,000 runs, the database', () => {
  let supabase: Supabase;

  afterAll(() => supabase?.stop());
  beforeAll(async () => {
    supabase = await Supabase.start();
    await supabase.sql(`insert into lsh_teams (name) values ('red'), ('blue');
      insert into lsh_members (team, user_id) values ('red', 'ada-of-red');
      insert into lsh_origins (team, id, kind, name, version)
        select t.name, t.name || n, 'Host', 'h', '1' from lsh_teams t, generate_series(0, 9) n`);
    await supabase.sql(`insert into lsh_runs (team, origin, job_uid, name, namespace, job, trigger, slot, attempt,
        executor, phase, created_at, start_after)
      select team, team || n % 10, 'uid-' || n % 200, 'run-' || n, 'local', 'job-' || n % 200, 'Schedule', at, 1,
        'Shell', case when n % 50 = 0 then 'Failed' else 'Completed' end, at, at
      from generate_series(1, 100000) n,
        lateral (select now() - n * interval '1 minute' as at, case when n % 3 = 0 then 'red' else 'blue' end as team) t`);
    await supabase.sql(`insert into lsh_run_logs (team, job_uid, run, chunk, start_byte, output)
      select team, job_uid, name, 0, 0, 'x' from lsh_runs where name like 'run-%7'`);
    await supabase.sql(`insert into lsh_jobs (team, origin, namespace, name, uid, revision, spec, spec_hash, changed_at)
      select distinct on (origin, job) team, origin, namespace, job, job_uid, 1, '{}'::jsonb, 'x', now() from lsh_runs`);
    await supabase.sql('analyze');
  });

  const NEWEST = 'order by created_at desc limit 50';

  test.each([
    ['the newest', `select * from lsh_runs ${NEWEST}`],
    ['the newest of a team', `select * from lsh_runs where team = 'red' ${NEWEST}`],
    ['those of a job', `select * from lsh_runs where job = 'job-3' ${NEWEST}`],
    ['those of a job of a team', `select * from lsh_runs where team = 'red' and job = 'job-3' ${NEWEST}`],
    [
      'the next page of a job',
      `select * from lsh_runs where team = 'red' and job = 'job-3'
       and (created_at, name) < (now() - interval '20 days', 'run-28800') order by created_at desc, name desc limit 50`,
    ],
    ['the failures', `select * from lsh_runs where phase <> 'Completed' ${NEWEST}`],
    [
      'the failures of a team',
      `select * from lsh_runs where team = 'red' and phase <> 'Completed' ${NEWEST}`,
    ],
    ['those of a machine', `select * from lsh_runs where team = 'red' and origin = 'red3' ${NEWEST}`],
    ['those of a day', `select * from lsh_runs where created_at >= now() - interval '1 day' ${NEWEST}`],
    ['one by its name', `select * from lsh_runs where job_uid = 'uid-3' and name = 'run-3'`],
    [
      'the output of one',
      `select * from lsh_run_logs where job_uid = 'uid-7' and run = 'run-7' order by chunk`,
    ],
  ])('reads %s by an index, as a member and with the service role key', async (_, query) => {
    for (const [role, claims] of [
      ['authenticated', { sub: 'ada-of-red' }],
      ['service_role', {}],
    ] as const) {
      const [plan] = await supabase.sqlAs<Record<string, unknown>>(
        role,
        claims,
        `explain (format json) ${query}`,
      );
      const text = JSON.stringify(plan);
      expect(text).toMatch(/Index (Only )?Scan/);
      expect(text).not.toMatch(/"Node Type":"Seq Scan"[^}]*"Relation Name":"lsh_run/);
    }
  });

  /** The plans of the questions about runs that the work sends, as Postgres makes them for it. */
  async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
    supabase.gateway.requests.length = 0;
    await work();
    const paths = supabase.gateway.requests
      .map(({ path }) => path)
      .filter((path) => path.includes('/lsh_runs?'));
    const headers = {
      apikey: supabase.serviceRoleKey,
      authorization: `Bearer ${supabase.serviceRoleKey}`,
      accept: 'application/vnd.pgrst.plan+json',
    };
    return Promise.all(paths.map(async (path) => (await fetch(supabase.url + path, { headers })).text()));
  }

  const QUERIES: [string, TeamRunQuery][] = [
    ['all', {}],
    ['of a job', { job: 'job-3' }],
    ['of an origin', { origin: 'red3' }],
    ['of a job at an origin', { job: 'job-3', origin: 'red3' }],
    ['failures', { failed: true }],
    ['failures of a job', { failed: true, job: 'job-50' }],
    ['failures of an origin', { failed: true, origin: 'red0' }],
    ['since a day', { since: new Date(Date.now() - 86_400_000).toISOString() }],
    ['one by name', { run: 'run-3', job: 'job-3' }],
  ];
  test.each(QUERIES)('answers what `history --remote` asks by an index: %s', async (_, query) => {
    const record = recordOf(supabase);
    const plans = await plansOf(async () => {
      let pages = 0;
      for await (const page of record.runs(query)) if ((pages += page.length > 0 ? 1 : 0) === 2) break;
    });
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      expect(plan).toMatch(/Index (Only )?Scan/);
      expect(plan).not.toMatch(/Seq Scan/);
    }
  });

  test.each([
    ['the last run of each job', `select count(lsh_last_run(j)) from lsh_jobs j`],
    ['what has arrived', `select jsonb_array_length(lsh_arrivals('red', 1)->'runs')`],
    ['the figures of a job', `select jsonb_array_length(lsh_report('red', 'job-3'))`],
    [
      'the figures of a week',
      `select jsonb_array_length(lsh_report('red', since => now() - interval '7 days'))`,
    ],
  ])('reads %s without a sequential scan', async (_, query) => {
    for (const [role, claims] of [
      ['authenticated', { sub: 'ada-of-red' }],
      ['service_role', {}],
    ] as const) {
      // The counter holds the scans of earlier transactions until the session reports them.
      await supabase.sql('select pg_stat_force_next_flush()');
      const [answer] = await supabase.sqlAs<{ answer: unknown; scans: string }>(
        role,
        claims,
        `select (${query}) as answer, pg_stat_get_xact_numscans('lsh_runs'::regclass) as scans`,
      );
      expect(answer).toMatchObject({ answer: expect.anything() as unknown, scans: '0' });
    }
  });

  test('finds the runs that retention deletes by an index', async () => {
    const [plan] = await supabase.sql(
      `explain (format json) select job_uid, name from lsh_runs where created_at < now() - interval '90 days'
       order by created_at limit 10000`,
    );
    expect(JSON.stringify(plan)).toMatch(/"Index Name":"lsh_runs_by_age"/);
  });
});
