-- Teams, their members, and the machines and clusters that their rows come from. A member reads the rows of its teams; lsh
-- writes with the service role key; a recorded run never changes.

-- Functions that policies need, out of reach of the REST API.
create schema if not exists lsh;
grant usage on schema lsh to authenticated, service_role;

create table if not exists public.lsh_teams (
  name text primary key check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  title text check (length(title) <= 200),
  created_at timestamptz not null default now()
);

comment on table public.lsh_teams is 'Teams. Every row of the other tables belongs to one.';
comment on column public.lsh_teams.name is 'What LSH_TEAM names: small letters, digits and hyphens.';
comment on column public.lsh_teams.title is 'For people.';
comment on column public.lsh_teams.created_at is 'When the team was added.';

-- The team of rows whose writer names none.
insert into public.lsh_teams (name) values ('default') on conflict do nothing;

create table if not exists public.lsh_members (
  team text not null references public.lsh_teams,
  user_id text not null check (user_id <> ''),
  added_at timestamptz not null default now(),
  primary key (team, user_id)
);
create index if not exists lsh_members_of_user on public.lsh_members (user_id);

comment on table public.lsh_members is 'Who reads the rows of a team.';
comment on column public.lsh_members.team is 'The team.';
comment on column public.lsh_members.user_id is
  'The claim `sub` of the member’s token: of Supabase’s own sign-in, the id in auth.users. Text, because other providers have no UUIDs.';
comment on column public.lsh_members.added_at is 'When the member was added.';

create table if not exists public.lsh_origins (
  team text not null default 'default' references public.lsh_teams,
  id text not null check (length(id) between 1 and 200),
  kind text not null check (kind in ('Host', 'Cluster')),
  name text not null check (length(name) between 1 and 253),
  namespace text,
  version text not null,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  primary key (team, id)
);

comment on table public.lsh_origins is 'Machines and clusters that rows come from.';
comment on column public.lsh_origins.team is 'The team that it belongs to.';
comment on column public.lsh_origins.id is 'Chosen once by the daemon or the operator; two machines of one name have two.';
comment on column public.lsh_origins.kind is 'Host: a machine with a daemon. Cluster: a cluster with an operator.';
comment on column public.lsh_origins.name is 'Name of the machine or the cluster, for people.';
comment on column public.lsh_origins.namespace is 'Namespace of the operator; null for a machine.';
comment on column public.lsh_origins.version is 'Version of lsh there.';
comment on column public.lsh_origins.first_seen_at is 'When it was heard of first, on the clock of the database.';
comment on column public.lsh_origins.last_seen_at is 'When it was heard of last, on the clock of the database.';

-- Rows that exist belong to the team `default`; their origin is not known. An operator without a team keeps writing there.
alter table public.lsh_runs
  add column if not exists team text not null default 'default' references public.lsh_teams,
  add column if not exists origin text;

do $$
begin
  if not exists (select from pg_constraint where conname = 'lsh_runs_origin') then
    alter table public.lsh_runs
      add constraint lsh_runs_origin foreign key (team, origin) references public.lsh_origins (team, id);
  end if;
end
$$;

-- What people ask: the runs of a job, of a team, of a machine; the failures. Those of a job and the failures have no team in
-- front: the order by time holds for a member of several teams, too.
create index if not exists lsh_runs_by_job on public.lsh_runs (job, created_at desc, name);
create index if not exists lsh_runs_of_team on public.lsh_runs (team, created_at desc);
create index if not exists lsh_runs_of_origin on public.lsh_runs (team, origin, created_at desc);
create index if not exists lsh_runs_not_completed on public.lsh_runs (created_at desc) where phase <> 'Completed';
drop index if exists public.lsh_runs_of_job;

comment on column public.lsh_runs.team is 'The team that the run belongs to.';
comment on column public.lsh_runs.origin is 'Where it ran: id in lsh_origins; null for runs recorded before there were origins.';
comment on column public.lsh_runs.job_uid is 'Identity of the job; a later job of the same name has another.';
comment on column public.lsh_runs.name is 'Name of the run, from job, slot and attempt.';
comment on column public.lsh_runs.namespace is 'Namespace of the job.';
comment on column public.lsh_runs.job is 'Name of the job.';
comment on column public.lsh_runs.trigger is 'Schedule, CatchUp or Manual.';
comment on column public.lsh_runs.slot is 'When the run was due.';
comment on column public.lsh_runs.trigger_id is 'The request for a manual run.';
comment on column public.lsh_runs.requested_by is 'The user who requested a manual run.';
comment on column public.lsh_runs.attempt is 'Number of the run among those of its slot, from 1.';
comment on column public.lsh_runs.executor is 'Shell or Job.';
comment on column public.lsh_runs.host is 'Machine or pod of a shell run.';
comment on column public.lsh_runs.phase is 'Completed, Failed or Killed.';
comment on column public.lsh_runs.reason is 'Cause of the end, in one word.';
comment on column public.lsh_runs.message is 'Cause of the end, in one sentence.';
comment on column public.lsh_runs.created_at is 'When lsh decided to run it, on the clock of the origin.';
comment on column public.lsh_runs.start_after is 'Earliest start: after jitter, or the delay of a retry.';
comment on column public.lsh_runs.started_at is 'When the command began; null if it never did.';
comment on column public.lsh_runs.finished_at is 'When the run ended.';
comment on column public.lsh_runs.exit_code is 'Exit code of the command.';
comment on column public.lsh_runs.signal is 'Signal that ended the command.';
comment on column public.lsh_runs.stop_cause is 'Why lsh stopped it.';
comment on column public.lsh_runs.output_tail is 'End of stdout and stderr.';
comment on column public.lsh_runs.output_bytes is 'Size of the whole output in bytes.';
comment on column public.lsh_runs.recorded_at is 'When the row was written, on the clock of the database.';

-- Not even the owner changes a record by mistake.
create or replace function lsh.refuse_change() returns trigger
  language plpgsql set search_path = '' as $$
begin
  raise exception 'a row of % never changes once it is recorded', tg_table_name using errcode = 'restrict_violation';
end
$$;

create or replace trigger lsh_runs_never_change before update on public.lsh_runs
  for each statement execute function lsh.refuse_change();

-- Reads the members as the owner of the table: a policy on lsh_members that reads lsh_members would not end.
create or replace function lsh.my_teams() returns setof text
  language sql stable security definer set search_path = '' as $$
  select team from public.lsh_members
  where user_id = nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
$$;
comment on function lsh.my_teams() is 'Teams of the user whose token the request has.';
revoke all on function lsh.my_teams() from public;
grant execute on function lsh.my_teams() to authenticated, service_role;

-- Supabase grants every new table to all holders of the public key; lsh takes that back and grants what each role needs.
-- array(…) makes Postgres ask for the teams once, not once for each row.
do $$
declare
  name text;
begin
  foreach name in array array['lsh_teams', 'lsh_members', 'lsh_origins', 'lsh_runs'] loop
    execute format('alter table public.%I enable row level security', name);
    execute format('revoke all on public.%I from public, anon, authenticated, service_role', name);
    execute format('grant select on public.%I to authenticated, service_role', name);
    execute format('drop policy if exists lsh_service on public.%I', name);
    execute format('create policy lsh_service on public.%I to service_role using (true) with check (true)', name);
    execute format('drop policy if exists lsh_member_reads on public.%I', name);
    execute format(
      'create policy lsh_member_reads on public.%I for select to authenticated using (%I = any (array(select lsh.my_teams())))',
      name, case name when 'lsh_teams' then 'name' else 'team' end
    );
  end loop;
end
$$;
grant insert, update, delete on public.lsh_teams, public.lsh_members, public.lsh_origins to service_role;
grant insert on public.lsh_runs to service_role;

create or replace function public.lsh_schema_version() returns text
  language sql immutable set search_path = '' as $$ select '20261129120000' $$;
comment on function public.lsh_schema_version() is 'The newest migration of lsh that this database has.';
revoke all on function public.lsh_schema_version() from public, anon;
grant execute on function public.lsh_schema_version() to authenticated, service_role;

notify pgrst, 'reload schema';
