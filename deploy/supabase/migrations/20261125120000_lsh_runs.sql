-- The team’s history: one row for each run that has finished, written by lsh with the service role key and read with it.
-- `supabase db push --workdir deploy` applies it, or paste it into the SQL editor. Applied again it changes nothing.

create table if not exists public.lsh_runs (
  job_uid text not null, -- a job that is removed and made again is another one
  name text not null, -- made of job, slot and attempt
  namespace text not null,
  job text not null,
  trigger text not null, -- Schedule, CatchUp, Manual
  slot timestamptz not null, -- when it was due
  trigger_id text,
  requested_by text, -- who asked for a manual run
  attempt integer not null check (attempt >= 1),
  executor text not null, -- Job, Shell
  host text,
  phase text not null check (phase in ('Completed', 'Failed', 'Killed')),
  reason text, -- why it ended so, in one word
  message text, -- and in one sentence
  created_at timestamptz not null,
  start_after timestamptz not null, -- jitter, or the delay of a retry
  started_at timestamptz,
  finished_at timestamptz,
  exit_code integer,
  signal text,
  stop_cause text,
  output_tail text, -- the end of stdout and stderr
  output_bytes bigint, -- of all that was written
  recorded_at timestamptz not null default now(),
  primary key (job_uid, name)
);

comment on table public.lsh_runs is 'Finished runs of lsh jobs, one row per run.';

create index if not exists lsh_runs_of_job on public.lsh_runs (namespace, job, created_at desc);
create index if not exists lsh_runs_by_age on public.lsh_runs (created_at desc);

-- Output may hold what only the team should see. Supabase grants every new table to everybody who has the public key:
-- taken back here, and no policy lets them in. The service role passes by row-level security and needs the grant alone.
-- It may not update: what has been recorded stays as it is.
alter table public.lsh_runs enable row level security;
revoke all on public.lsh_runs from public, anon, authenticated, service_role;
grant select, insert, delete on public.lsh_runs to service_role;

-- The REST API learns of the table at once.
notify pgrst, 'reload schema';
