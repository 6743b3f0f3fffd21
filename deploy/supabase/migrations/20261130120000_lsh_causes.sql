-- Which run a run followed: that of a job with spec.after. Null for all others, and for rows from before these columns.

alter table public.lsh_runs
  add column if not exists cause_job text,
  add column if not exists cause_run text;
comment on column public.lsh_runs.cause_job is 'Job whose run this run followed; null unless the trigger is After.';
comment on column public.lsh_runs.cause_run is 'Name of the run that this run followed, its last attempt.';
comment on column public.lsh_runs.trigger is 'Schedule, CatchUp, Manual, After or Backfill.';

create or replace function public.lsh_schema_version() returns text
  language sql immutable set search_path = '' as $$ select '20261130120000' $$;

notify pgrst, 'reload schema';
