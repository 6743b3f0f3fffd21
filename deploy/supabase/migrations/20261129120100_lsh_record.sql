-- The rest of the team’s record: jobs, the output of runs, and who changed what. Retention and the state of the schema.

create table if not exists public.lsh_jobs (
  team text not null default 'default' references public.lsh_teams,
  origin text not null,
  namespace text not null,
  name text not null,
  uid text not null,
  revision bigint not null,
  spec jsonb not null check (jsonb_typeof(spec) = 'object'),
  spec_hash text not null,
  labels jsonb,
  annotations jsonb,
  changed_at timestamptz not null,
  changed_by text,
  removed_at timestamptz,
  recorded_at timestamptz not null default now(),
  primary key (team, origin, namespace, name),
  foreign key (team, origin) references public.lsh_origins (team, id)
);
create index if not exists lsh_jobs_of_name on public.lsh_jobs (team, name);

comment on table public.lsh_jobs is 'Jobs as they are now, one row for each machine or cluster that has the job.';
comment on column public.lsh_jobs.team is 'The team that the job belongs to.';
comment on column public.lsh_jobs.origin is 'Where the job lives: id in lsh_origins.';
comment on column public.lsh_jobs.namespace is 'Namespace of the job.';
comment on column public.lsh_jobs.name is 'Name of the job.';
comment on column public.lsh_jobs.uid is 'Identity of the job; a later job of the same name has another.';
comment on column public.lsh_jobs.revision is 'Grows with each change at the origin. A row of a lower revision changes nothing: it arrived late.';
comment on column public.lsh_jobs.spec is 'The spec, without the values of variables.';
comment on column public.lsh_jobs.spec_hash is 'Equal for equal specs: shows whether the job differs between origins.';
comment on column public.lsh_jobs.labels is 'Labels of the job.';
comment on column public.lsh_jobs.annotations is 'Annotations of the job.';
comment on column public.lsh_jobs.changed_at is 'When the job changed, on the clock of the origin.';
comment on column public.lsh_jobs.changed_by is 'The user who changed it.';
comment on column public.lsh_jobs.removed_at is 'When the job was removed; null while it exists.';
comment on column public.lsh_jobs.recorded_at is 'When the row was written, on the clock of the database.';

-- A request that timed out may still arrive after the next one.
create or replace function lsh.keep_newer_job() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if new.revision < old.revision then
    return null;
  end if;
  new.recorded_at := now();
  return new;
end
$$;
create or replace trigger lsh_jobs_keep_newer before update on public.lsh_jobs
  for each row execute function lsh.keep_newer_job();

create table if not exists public.lsh_run_logs (
  team text not null default 'default' references public.lsh_teams,
  job_uid text not null,
  run text not null,
  chunk integer not null check (chunk >= 0),
  start_byte bigint not null check (start_byte >= 0),
  output text not null check (octet_length(output) <= 262144),
  recorded_at timestamptz not null default now(),
  primary key (job_uid, run, chunk),
  foreign key (job_uid, run) references public.lsh_runs (job_uid, name) on delete cascade
);

comment on table public.lsh_run_logs is 'Output of runs in chunks. A run that is deleted takes them along.';
comment on column public.lsh_run_logs.team is 'The team that the run belongs to.';
comment on column public.lsh_run_logs.job_uid is 'Identity of the job.';
comment on column public.lsh_run_logs.run is 'Name of the run.';
comment on column public.lsh_run_logs.chunk is 'Place of the chunk, from 0.';
comment on column public.lsh_run_logs.start_byte is 'Where the chunk begins in the whole output; a gap is output that was not kept.';
comment on column public.lsh_run_logs.output is 'At most 256 KiB.';
comment on column public.lsh_run_logs.recorded_at is 'When the row was written, on the clock of the database.';

create table if not exists public.lsh_audit (
  team text not null default 'default' references public.lsh_teams,
  origin text not null,
  id bigint not null,
  at timestamptz not null,
  action text not null check (action ~ '^[A-Z][A-Za-z]{0,39}$'),
  namespace text,
  job text,
  job_uid text,
  actor text,
  details jsonb,
  recorded_at timestamptz not null default now(),
  primary key (team, origin, id),
  foreign key (team, origin) references public.lsh_origins (team, id)
);
create index if not exists lsh_audit_of_team on public.lsh_audit (team, at desc);
create index if not exists lsh_audit_of_job on public.lsh_audit (team, job, at desc);
create index if not exists lsh_audit_by_age on public.lsh_audit (at);

comment on table public.lsh_audit is 'Who changed what, when and where. Rows are added and never changed.';
comment on column public.lsh_audit.team is 'The team that the change belongs to.';
comment on column public.lsh_audit.origin is 'Where it happened: id in lsh_origins.';
comment on column public.lsh_audit.id is 'Grows with each change at the origin; makes a repeated write harmless.';
comment on column public.lsh_audit.at is 'When it happened, on the clock of the origin.';
comment on column public.lsh_audit.action is 'What happened, in one word such as Added, Configured, Paused or Removed.';
comment on column public.lsh_audit.namespace is 'Namespace of the job.';
comment on column public.lsh_audit.job is 'Name of the job; null if the change is not about one.';
comment on column public.lsh_audit.job_uid is 'Identity of the job.';
comment on column public.lsh_audit.actor is 'The user who did it.';
comment on column public.lsh_audit.details is 'What changed, without the values of variables.';
comment on column public.lsh_audit.recorded_at is 'When the row was written, on the clock of the database.';

create or replace trigger lsh_run_logs_never_change before update on public.lsh_run_logs
  for each statement execute function lsh.refuse_change();
create or replace trigger lsh_audit_never_changes before update on public.lsh_audit
  for each statement execute function lsh.refuse_change();

do $$
declare
  name text;
begin
  foreach name in array array['lsh_jobs', 'lsh_run_logs', 'lsh_audit'] loop
    execute format('alter table public.%I enable row level security', name);
    execute format('revoke all on public.%I from public, anon, authenticated, service_role', name);
    execute format('grant select on public.%I to authenticated, service_role', name);
    execute format('drop policy if exists lsh_service on public.%I', name);
    execute format('create policy lsh_service on public.%I to service_role using (true) with check (true)', name);
    execute format('drop policy if exists lsh_member_reads on public.%I', name);
    execute format(
      'create policy lsh_member_reads on public.%I for select to authenticated using (team = any (array(select lsh.my_teams())))',
      name
    );
  end loop;
end
$$;
grant insert, update on public.lsh_jobs to service_role;
grant insert on public.lsh_run_logs, public.lsh_audit to service_role;

-- Runs as the owner: no other role may delete a record. A call deletes a bounded number of rows, because the REST API ends
-- long statements; the caller repeats it until it deletes nothing.
create or replace function public.lsh_prune(
  keep_runs interval default '90 days', keep_audit interval default '1 year', at_most integer default 10000
) returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  runs bigint;
  jobs bigint;
  audit bigint;
begin
  if keep_runs < interval '1 day' or keep_audit < interval '1 day' or at_most < 1 then
    raise exception 'lsh_prune keeps at least the last day and deletes at least one row' using errcode = 'invalid_parameter_value';
  end if;
  delete from public.lsh_runs where (job_uid, name) in (
    select job_uid, name from public.lsh_runs where created_at < now() - keep_runs order by created_at limit at_most
  );
  get diagnostics runs = row_count;
  delete from public.lsh_jobs where removed_at < now() - keep_runs;
  get diagnostics jobs = row_count;
  delete from public.lsh_audit where (team, origin, id) in (
    select team, origin, id from public.lsh_audit where at < now() - keep_audit order by at limit at_most
  );
  get diagnostics audit = row_count;
  return jsonb_build_object('runs', runs, 'jobs', jobs, 'audit', audit);
end
$$;
comment on function public.lsh_prune(interval, interval, integer) is
  'Deletes runs with their output, and removed jobs, older than keep_runs, and audit rows older than keep_audit. Returns how many.';
revoke all on function public.lsh_prune(interval, interval, integer) from public, anon, authenticated;
grant execute on function public.lsh_prune(interval, interval, integer) to service_role;

-- Counts at most 100,000 rows of a table: a member's count passes each row through a policy.
create or replace function public.lsh_status() returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'schema', public.lsh_schema_version(),
    'role', current_user,
    'writes', has_table_privilege('public.lsh_runs', 'insert'),
    'newestRunAt', (
      select max(newest) from public.lsh_teams,
        lateral (select max(created_at) as newest from public.lsh_runs where team = lsh_teams.name) as runs
    ),
    'rows', jsonb_build_object(
      'teams', (select count(*) from (select from public.lsh_teams limit 100000) as bounded),
      'members', (select count(*) from (select from public.lsh_members limit 100000) as bounded),
      'origins', (select count(*) from (select from public.lsh_origins limit 100000) as bounded),
      'jobs', (select count(*) from (select from public.lsh_jobs limit 100000) as bounded),
      'runs', (select count(*) from (select from public.lsh_runs limit 100000) as bounded),
      'runLogs', (select count(*) from (select from public.lsh_run_logs limit 100000) as bounded),
      'audit', (select count(*) from (select from public.lsh_audit limit 100000) as bounded)
    )
  )
$$;
comment on function public.lsh_status() is
  'Version of the schema, rights of the caller, and rows that it sees (at most 100,000 of each table), for `lsh supabase status`.';
revoke all on function public.lsh_status() from public, anon;
grant execute on function public.lsh_status() to authenticated, service_role;

create or replace function public.lsh_schema_version() returns text
  language sql immutable set search_path = '' as $$ select '20261129120100' $$;

notify pgrst, 'reload schema';
