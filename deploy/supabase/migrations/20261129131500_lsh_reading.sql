-- What readers ask of the team’s record: runs in the order of their arrival, the last run of each job, figures, and the
-- clocks of the origins.

-- A laptop that was offline writes runs that are days old, so the times of a run say nothing about when its row came. Nor
-- does recorded_at: of two transactions, the one that began first may commit last. The number of the transaction does: below
-- the number of the oldest transaction that is still open, no row can appear any more. In two steps, because a column with
-- such a default would rewrite the table; rows that exist keep null.
alter table public.lsh_runs add column if not exists arrival bigint;
alter table public.lsh_runs alter column arrival set default (pg_current_xact_id()::text::bigint);
create index if not exists lsh_runs_by_arrival on public.lsh_runs (team, arrival);

comment on column public.lsh_runs.arrival is
  'Number of the transaction that wrote the row: the order in which rows became visible. Null for rows from before this column.';

alter table public.lsh_origins add column if not exists clock_at timestamptz;
comment on column public.lsh_origins.clock_at is
  'What the clock of the origin said at last_seen_at; the difference is how far that clock is off.';

-- The rows that arrived after the number, oldest first, and the number to ask with next. Without a number, only the number to
-- begin with. The rows of one transaction stay together.
create or replace function public.lsh_arrivals(
  for_team text, after_arrival bigint default null, of_job text default null, at_origins text[] default null,
  only_failed boolean default false
) returns jsonb
  language sql stable set search_path = '' as $$
  with settled as materialized (
    select pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 as arrival
  ), page as materialized (
    select r.* from public.lsh_runs r
    where r.team = for_team and r.arrival > after_arrival and r.arrival <= (select s.arrival from settled s)
      and (of_job is null or r.job = of_job)
      and (at_origins is null or r.origin = any (at_origins))
      and (not only_failed or r.phase <> 'Completed')
    order by r.arrival
    fetch first 500 rows with ties
  )
  select jsonb_build_object(
    'arrival', case when (select count(*) from page) < 500
      then (select s.arrival from settled s) else (select max(p.arrival) from page p) end,
    'runs', coalesce(
      (select jsonb_agg(to_jsonb(p) order by p.arrival, p.created_at, p.name, p.job_uid) from page p), '[]'
    )
  )
$$;
comment on function public.lsh_arrivals(text, bigint, text, text[], boolean) is
  'Runs in the order of their arrival, for `lsh cron history --remote --follow`.';
revoke all on function public.lsh_arrivals(text, bigint, text, text[], boolean) from public, anon;
grant execute on function public.lsh_arrivals(text, bigint, text, text[], boolean) to authenticated, service_role;

-- A column of lsh_jobs for the REST API.
create or replace function public.lsh_last_run(public.lsh_jobs) returns jsonb
  language sql stable set search_path = '' as $$
  select to_jsonb(r) - 'output_tail' from public.lsh_runs r
  where r.team = ($1).team and r.job = ($1).name and r.origin = ($1).origin and r.namespace = ($1).namespace
  order by r.created_at desc limit 1
$$;
comment on function public.lsh_last_run(public.lsh_jobs) is 'The newest run of the job, for `lsh cron list --remote`.';
revoke all on function public.lsh_last_run(public.lsh_jobs) from public, anon;
grant execute on function public.lsh_last_run(public.lsh_jobs) to authenticated, service_role;

-- One array, because the REST API cuts a list of rows. Two parts, because Postgres plans a condition such as
-- `of_job is null or job = of_job` without the index.
create or replace function public.lsh_report(
  for_team text, of_job text default null, at_origins text[] default null, since timestamptz default null
) returns jsonb
  language sql stable set search_path = '' as $$
  with chosen as (
    select namespace, job, origin, phase, created_at, started_at, finished_at from public.lsh_runs
    where of_job is not null and team = for_team and job = of_job and created_at >= coalesce(since, '-infinity')
    union all
    select namespace, job, origin, phase, created_at, started_at, finished_at from public.lsh_runs
    where of_job is null and team = for_team and created_at >= coalesce(since, '-infinity')
  ), timed as (
    select namespace, job, origin, phase, created_at,
      round(extract(epoch from finished_at - started_at) * 1000)::bigint as ms
    from chosen where at_origins is null or origin = any (at_origins)
  ), figures as (
    select namespace, job, origin,
      count(*) filter (where phase = 'Completed') as completed,
      count(*) filter (where phase = 'Failed') as failed,
      count(*) filter (where phase = 'Killed') as killed,
      round(avg(ms)) as average_ms,
      percentile_disc(0.95) within group (order by ms) as p95_ms,
      (array_agg(ms order by created_at desc) filter (where ms is not null))[1:30] as newest_durations_ms,
      min(created_at) as first_run_at,
      max(created_at) as last_run_at
    from timed group by namespace, job, origin
  )
  select coalesce(jsonb_agg(to_jsonb(f) order by f.job, f.namespace, f.origin), '[]') from figures f
$$;
comment on function public.lsh_report(text, text, text[], timestamptz) is
  'Figures of each job at each origin, for `lsh cron report --remote`.';
revoke all on function public.lsh_report(text, text, text[], timestamptz) from public, anon;
grant execute on function public.lsh_report(text, text, text[], timestamptz) to authenticated, service_role;

create or replace function public.lsh_schema_version() returns text
  language sql immutable set search_path = '' as $$ select '20261129131500' $$;

notify pgrst, 'reload schema';
