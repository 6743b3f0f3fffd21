-- The team’s history: one row per finished run. lsh writes and reads it with the service role key.
-- `lsh supabase init` applies the files of this directory, as does `supabase db push --workdir deploy`, in any order of the
-- two: a second time they change nothing.

-- The roles of a Supabase project, for a Postgres that has none. No login: PostgREST switches to them.
do $$
declare
  missing text;
begin
  foreach missing in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = missing) then
      execute format('create role %I nologin', missing);
    end if;
  end loop;
end
$$;

create table if not exists public.lsh_runs (
  job_uid text not null, -- distinguishes a job from a later job of the same name
  name text not null, -- from job, slot and attempt
  namespace text not null,
  job text not null,
  trigger text not null, -- Schedule, CatchUp, Manual
  slot timestamptz not null, -- the instant at which the run was due
  trigger_id text,
  requested_by text, -- the user who requested a manual run
  attempt integer not null check (attempt >= 1),
  executor text not null, -- Job, Shell
  host text,
  phase text not null check (phase in ('Completed', 'Failed', 'Killed')),
  reason text, -- cause of the end, in one word
  message text, -- cause of the end, in one sentence
  created_at timestamptz not null,
  start_after timestamptz not null, -- jitter, or the delay of a retry
  started_at timestamptz,
  finished_at timestamptz,
  exit_code integer,
  signal text,
  stop_cause text,
  output_tail text, -- the end of stdout and stderr
  output_bytes bigint, -- size of the whole output
  recorded_at timestamptz not null default now(),
  primary key (job_uid, name)
);

comment on table public.lsh_runs is 'Finished runs of lsh jobs, one row per run.';

create index if not exists lsh_runs_of_job on public.lsh_runs (namespace, job, created_at desc);
create index if not exists lsh_runs_by_age on public.lsh_runs (created_at desc);

-- Output may be confidential. Supabase grants every new table to all holders of the public key; the statements below
-- revoke that, and no policy admits them. The service role bypasses row-level security, so a grant is enough for it. It
-- may not update, so that recorded runs never change.
alter table public.lsh_runs enable row level security;
revoke all on public.lsh_runs from public, anon, authenticated, service_role;
grant select, insert, delete on public.lsh_runs to service_role;

-- Makes the REST API reload its schema at once.
notify pgrst, 'reload schema';
