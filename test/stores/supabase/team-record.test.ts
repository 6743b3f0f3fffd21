// The team's record as readers ask it, in a real project that several origins write to.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TeamRunDocument, TeamRunQuery } from '../../../src/contracts/team-record.ts';
import { runEntry } from '../../../src/core/record/entry.ts';
import type { Run } from '../../../src/core/run.ts';
import { SupabaseRecord } from '../../../src/stores/supabase/reading/supabase-record.ts';
import { SupabaseHistory, type Origin } from '../../../src/stores/supabase/supabase-history.ts';
import { aRunAt, T0 } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../../support/stores/supabase.ts';

const timeoutMs = 120_000;

describe.skipIf(NO_SUPABASE)('the team’s record in Supabase', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());
  beforeEach(() => supabase.clear());
  afterEach(() => {
    supabase.gateway.answer = undefined;
  });

  const project = () => ({ url: supabase.url, apiKey: supabase.serviceRoleKey, timeoutMs });
  const record = (options: object = {}) => new SupabaseRecord({ ...project(), team: 'default', ...options });
  const writer = (origin: Partial<Origin> = {}) =>
    new SupabaseHistory({ ...project(), output: TAILS, origin: { ...AN_ORIGIN, ...origin } });
  const write = (runs: Run[], origin: Partial<Origin> = {}) => writer(origin).record(runs.map(runEntry));

  async function runs(query: TeamRunQuery = {}, of = record()): Promise<TeamRunDocument[]> {
    const all: TeamRunDocument[] = [];
    for await (const page of of.runs(query)) all.push(...page);
    return all;
  }
  const names = async (query: TeamRunQuery = {}) => (await runs(query)).map(({ name }) => name);

  /** As a project's setting; the default of a hosted one is 1000. */
  async function setMaxRows(rows: number | undefined): Promise<void> {
    const change = rows === undefined ? `reset pgrst.db_max_rows` : `set pgrst.db_max_rows = '${rows}'`;
    await supabase.sql(`alter role authenticator ${change}; notify pgrst, 'reload config'`);
  }

  test('has each run once, with its origin, newest first', async () => {
    const run = aRunAt('a', 1);
    await write([run, aRunAt('a', 3)]);
    await write([run, aRunAt('a', 2, { jobUid: 'other' })], { id: 'two', name: 'desktop' });
    await write([aRunAt('b', 4)], { id: 'three', kind: 'Cluster', name: 'prod', namespace: 'lsh-system' });
    expect(await runs()).toMatchObject([
      { name: 'b-4', origin: { id: 'three', name: 'prod', kind: 'Cluster' } },
      { name: 'a-3', origin: { id: 'one', name: 'laptop', kind: 'Host' } },
      { name: 'a-2', origin: { id: 'two', name: 'desktop', kind: 'Host' }, jobUid: 'other' },
      { name: 'a-1', origin: { id: 'one' } },
    ]);
  });

  test('filters by job, origin, result and time', async () => {
    await write([aRunAt('a', 1, { phase: 'Failed' }), aRunAt('a', 2), aRunAt('b', 3)]);
    await write([aRunAt('c', 4, { phase: 'Killed' })], { id: 'two', name: 'desktop' });
    expect(await names({ job: 'a' })).toEqual(['a-2', 'a-1']);
    expect(await names({ origin: 'desktop' })).toEqual(['c-4']);
    expect(await names({ origin: 'one' })).toEqual(['b-3', 'a-2', 'a-1']);
    expect(await names({ failed: true })).toEqual(['c-4', 'a-1']);
    expect(await names({ since: new Date(T0 + 3000).toISOString() })).toEqual(['c-4', 'b-3']);
    expect(await names({ limit: 2 })).toEqual(['c-4', 'b-3']);
    expect(await names({ run: 'a-2' })).toEqual(['a-2']);
  });

  test('an origin that is not there is refused, with the one that was meant', async () => {
    await write([aRunAt('a', 1)]);
    await expect(runs({ origin: 'latop' })).rejects.toMatchObject({
      code: 'ORIGIN_NOT_FOUND',
      hint: expect.stringContaining('Did you mean laptop?') as string,
    });
  });

  test('reads past the rows that the project allows in one answer, also those of one instant', async () => {
    const count = 40;
    const many = Array.from({ length: count }, (_, number) =>
      // Half of them were created in one instant, and names need quotes.
      aRunAt(number % 2 === 0 ? 'same' : 'a', number, {
        name: `run-${number}`,
        createdAt: T0 + Math.min(number, count / 2),
        jobUid: `uid"of\\${number},(a)`,
      }),
    );
    await write(many);
    await setMaxRows(7);
    try {
      const page = async () => (await record().runs({})[Symbol.asyncIterator]().next()).value as unknown[];
      await eventually(async () => (await page()).length === 7);
      const read = await runs();
      expect(new Set(read.map(({ name }) => name)).size).toBe(count);
      expect(read).toHaveLength(count);
      const times = read.map(({ createdAt }) => Date.parse(createdAt));
      expect(times).toEqual(times.toSorted((a, b) => b - a));
      expect(await names({ limit: 10 })).toHaveLength(10);
    } finally {
      await setMaxRows(undefined);
      await eventually(async () => (await runs({ limit: 8 })).length === 8);
    }
  });

  test('a run that was recorded before there were origins has none', async () => {
    await write([aRunAt('a', 1)]);
    await supabase.sql('alter table lsh_runs disable trigger lsh_runs_never_change');
    await supabase.sql('update lsh_runs set origin = null');
    await supabase.sql('alter table lsh_runs enable trigger lsh_runs_never_change');
    const [run] = await runs();
    expect(run).not.toHaveProperty('origin');
  });

  test('of another team, nobody reads a row', async () => {
    await supabase.sql(`insert into lsh_teams (name) values ('red')`);
    await write([aRunAt('a', 1)], { team: 'red' });
    await write([aRunAt('b', 1)]);
    expect(await names()).toEqual(['b-1']);
    expect(await runs({}, record({ team: 'red' }))).toMatchObject([{ name: 'a-1' }]);
    const member = record({ team: 'red', accessToken: () => Promise.resolve(supabase.userToken('eve')) });
    expect(await runs({}, member)).toEqual([]);
  });

  test('says that the schema is older, and that it is missing', async () => {
    const version = `create or replace function lsh_schema_version() returns text language sql immutable
      set search_path = '' as`;
    await supabase.alter(
      `alter table lsh_runs rename column job to task; ${version} $$ select '20261129120100' $$`,
    );
    try {
      await expect(runs({ job: 'a' })).rejects.toMatchObject({ code: 'SUPABASE_SCHEMA_OLD' });
    } finally {
      await supabase.sql('alter table lsh_runs rename column task to job');
      await supabase.migrate();
    }
    expect(await runs()).toEqual([]);
  });

  test('says what stands before the project', async () => {
    supabase.gateway.answer = { status: 200, body: '<!DOCTYPE html><title>Sign in</title>' };
    await expect(runs()).rejects.toMatchObject({ code: 'HISTORY_REFUSED' });
    supabase.gateway.answer = 'silence';
    await expect(runs({}, record({ timeoutMs: 100 }))).rejects.toMatchObject({
      code: 'HISTORY_UNAVAILABLE',
      message: expect.stringContaining('no answer within 0.1 s') as string,
    });
  });
});
