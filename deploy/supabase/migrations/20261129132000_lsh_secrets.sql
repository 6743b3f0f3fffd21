-- The version of the secrets that a run had.

alter table public.lsh_runs add column if not exists secrets_version text;
comment on column public.lsh_runs.secrets_version is
  'Environment and version of the lsh secrets of a shell run, such as prod@7; null for a run without, and for a Kubernetes Job.';

create or replace function public.lsh_schema_version() returns text
  language sql immutable set search_path = '' as $$ select '20261129132000' $$;

notify pgrst, 'reload schema';
