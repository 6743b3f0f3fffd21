// What people ask of many recorded runs: Postgres answers by an index, and looks through no whole table.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_SUPABASE, Supabase } from '../../support/stores/supabase.ts';

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

  test('finds the runs that retention deletes by an index', async () => {
    const [plan] = await supabase.sql(
      `explain (format json) select job_uid, name from lsh_runs where created_at < now() - interval '90 days'
       order by created_at limit 10000`,
    );
    expect(JSON.stringify(plan)).toMatch(/"Index Name":"lsh_runs_by_age"/);
  });
});
