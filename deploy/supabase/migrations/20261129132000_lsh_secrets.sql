-- The version of the secrets that a run had; and encrypted environments. The database sees ciphertext, names of projects and
-- environments, and who wrote when. A version is added by lsh_append_secret() alone, and never changes.

alter table public.lsh_runs add column if not exists secrets_version text;
comment on column public.lsh_runs.secrets_version is
  'Environment and version of the lsh secrets of a shell run, such as prod@7; null for a run without, and for a Kubernetes Job.';

create table if not exists public.lsh_secrets (
  team text not null default 'default' references public.lsh_teams,
  project text not null check (length(project) between 1 and 500),
  environment text not null check (environment ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
  created_at timestamptz not null default now(),
  primary key (team, project, environment)
);

comment on table public.lsh_secrets is 'Environments of projects, such as prod of github.com/acme/app.';
comment on column public.lsh_secrets.team is 'The team that the environment belongs to.';
comment on column public.lsh_secrets.project is 'The project, by its git remote or its own name.';
comment on column public.lsh_secrets.environment is 'Name of the environment.';
comment on column public.lsh_secrets.created_at is 'When its first version was stored, on the clock of the database.';

create table if not exists public.lsh_secret_versions (
  team text not null,
  project text not null,
  environment text not null,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  version integer not null check (version >= 1),
  parents text[] not null,
  author text not null check (length(author) <= 500),
  created_at timestamptz not null,
  origin text not null check (length(origin) between 1 and 190),
  envelope text not null check (octet_length(envelope) <= 4194304),
  recorded_at timestamptz not null default now(),
  recorded_by text,
  primary key (team, project, environment, hash),
  foreign key (team, project, environment) references public.lsh_secrets (team, project, environment)
);
create index if not exists lsh_secret_versions_newest
  on public.lsh_secret_versions (team, project, environment, version desc);

comment on table public.lsh_secret_versions is 'Versions of environments. Rows are added and never changed.';
comment on column public.lsh_secret_versions.team is 'The team that the environment belongs to.';
comment on column public.lsh_secret_versions.project is 'The project.';
comment on column public.lsh_secret_versions.environment is 'The environment.';
comment on column public.lsh_secret_versions.hash is 'SHA-256 of the envelope.';
comment on column public.lsh_secret_versions.version is 'Number of the version, from 1.';
comment on column public.lsh_secret_versions.parents is 'Hashes of the versions that it follows.';
comment on column public.lsh_secret_versions.author is 'USER@HOST, as the author says; the envelope proves it.';
comment on column public.lsh_secret_versions.created_at is 'When it was made, on the clock of the author.';
comment on column public.lsh_secret_versions.origin is 'The machine of the author.';
comment on column public.lsh_secret_versions.envelope is 'The armored age file; at most 4 MiB.';
comment on column public.lsh_secret_versions.recorded_at is 'When the row was written, on the clock of the database.';
comment on column public.lsh_secret_versions.recorded_by is 'The claim sub of the member who wrote it; null for the service role.';

create or replace trigger lsh_secret_versions_never_change before update or delete on public.lsh_secret_versions
  for each statement execute function lsh.refuse_change();

do $$
declare
  name text;
begin
  foreach name in array array['lsh_secrets', 'lsh_secret_versions'] loop
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

-- The functions below run as the owner, which no policy holds off, so each asks first.
create or replace function lsh.require_team(of_team text) returns void
  language plpgsql stable security definer set search_path = '' as $$
begin
  if nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' = 'service_role'
    or of_team in (select lsh.my_teams()) then
    return;
  end if;
  raise exception 'you are no member of the team %', of_team using errcode = 'insufficient_privilege';
end
$$;
revoke all on function lsh.require_team(text) from public;

create sequence if not exists lsh.secret_audit_ids;

create or replace function lsh.audit_secret(of_team text, of_project text, of_environment text, entry jsonb) returns void
  language plpgsql set search_path = '' as $$
declare
  place text := 'secrets@' || (entry ->> 'origin');
begin
  insert into public.lsh_origins (team, id, kind, name, version)
    values (of_team, place, 'Host', entry ->> 'origin', entry ->> 'lsh') on conflict do nothing;
  insert into public.lsh_audit (team, origin, id, at, action, actor, details) values (
    of_team, place, nextval('lsh.secret_audit_ids'), (entry ->> 'at')::timestamptz,
    'Secrets' || initcap(entry ->> 'action'), entry ->> 'actor',
    jsonb_strip_nulls(jsonb_build_object(
      'project', of_project, 'environment', of_environment,
      'version', (entry ->> 'version')::integer, 'hash', entry ->> 'hash', 'detail', entry ->> 'detail'
    ))
  );
end
$$;
revoke all on function lsh.audit_secret(text, text, text, jsonb) from public;

create index if not exists lsh_audit_of_secrets on public.lsh_audit (team, (details ->> 'project'), (details ->> 'environment'), at desc)
  where action like 'Secrets%';

-- The versions that no other one follows.
create or replace function public.lsh_secret_heads(of_team text, of_project text, of_environment text)
  returns setof public.lsh_secret_versions
  language sql stable set search_path = '' as $$
  select * from public.lsh_secret_versions as head
  where team = of_team and project = of_project and environment = of_environment
    and not exists (
      select from public.lsh_secret_versions as child
      where child.team = of_team and child.project = of_project and child.environment = of_environment
        and head.hash = any (child.parents)
    )
  order by version desc, hash
$$;
comment on function public.lsh_secret_heads(text, text, text) is 'The newest versions of an environment, mostly one.';

-- Adds a version and its audit row, if the newest versions are still exactly its parents; the row of the environment is the
-- lock. Returns appended or moved.
create or replace function public.lsh_append_secret(
  of_team text, of_project text, of_environment text, new jsonb, entry jsonb
) returns text
  language plpgsql security definer set search_path = '' as $$
declare
  parents text[] := array(select jsonb_array_elements_text(new -> 'parents') order by 1);
begin
  perform lsh.require_team(of_team);
  if new ->> 'hash' <> encode(sha256(convert_to(new ->> 'envelope', 'UTF8')), 'hex') then
    raise exception 'the hash is not that of the envelope' using errcode = 'check_violation';
  end if;
  insert into public.lsh_secrets (team, project, environment)
    values (of_team, of_project, of_environment) on conflict do nothing;
  perform from public.lsh_secrets
    where team = of_team and project = of_project and environment = of_environment for update;
  if array(select hash from public.lsh_secret_heads(of_team, of_project, of_environment) order by hash) <> parents then
    return 'moved';
  end if;
  insert into public.lsh_secret_versions (
    team, project, environment, hash, version, parents, author, created_at, origin, envelope, recorded_by
  ) values (
    of_team, of_project, of_environment, new ->> 'hash', (new ->> 'version')::integer, parents, new ->> 'author',
    (new ->> 'created_at')::timestamptz, new ->> 'origin', new ->> 'envelope',
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  );
  perform lsh.audit_secret(of_team, of_project, of_environment, entry);
  return 'appended';
end
$$;
comment on function public.lsh_append_secret(text, text, text, jsonb, jsonb) is
  'Adds a version of an environment if nothing newer than its parents is there: appended or moved.';

create or replace function public.lsh_audit_secret(of_team text, of_project text, of_environment text, entry jsonb)
  returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform lsh.require_team(of_team);
  perform lsh.audit_secret(of_team, of_project, of_environment, entry);
end
$$;
comment on function public.lsh_audit_secret(text, text, text, jsonb) is
  'Adds an audit row of an action that makes no version, such as a pull.';

do $$
declare
  signature text;
begin
  foreach signature in array array[
    'public.lsh_secret_heads(text, text, text)',
    'public.lsh_append_secret(text, text, text, jsonb, jsonb)',
    'public.lsh_audit_secret(text, text, text, jsonb)'
  ] loop
    execute format('revoke all on function %s from public, anon', signature);
    execute format('grant execute on function %s to authenticated, service_role', signature);
  end loop;
end
$$;

create or replace function public.lsh_schema_version() returns text
  language sql immutable set search_path = '' as $$ select '20261129132000' $$;

notify pgrst, 'reload schema';
