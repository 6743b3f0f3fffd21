// The team's record as readers ask it, in a real project that several origins write to.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TeamRunDocument, TeamRunQuery } from '../../../src/contracts/team-record.ts';
import { runEntry, type JobEntry } from '../../../src/core/record/entry.ts';
import type { Run } from '../../../src/core/run.ts';
import { SupabaseRecord } from '../../../src/stores/supabase/reading/supabase-record.ts';
import { SupabaseHistory, type Origin } from '../../../src/stores/supabase/supabase-history.ts';
import { aRunAt, aSpec, T0 } from '../../support/builders.ts';
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

  test('a member of another team reads no row', async () => {
    await supabase.sql(`insert into lsh_teams (name) values ('red')`);
    await write([aRunAt('a', 1)], { team: 'red' });
    await write([aRunAt('b', 1)]);
    expect(await names()).toEqual(['b-1']);
    expect(await runs({}, record({ team: 'red' }))).toMatchObject([{ name: 'a-1' }]);
    const member = record({ team: 'red', accessToken: () => Promise.resolve(supabase.userToken('eve')) });
    expect(await runs({}, member)).toEqual([]);
  });

  describe('of jobs', () => {
    const job = (revision: number, change: Partial<JobEntry> = {}): JobEntry => ({
      kind: 'job',
      id: String(revision),
      job: 'local/backup',
      jobUid: 'uid-of-backup',
      revision,
      spec: aSpec({ command: 'make' }),
      labels: undefined,
      annotations: undefined,
      changedAt: T0 + revision,
      changedBy: 'ada',
      isRemoved: false,
      ...change,
    });

    test('has each that exists, where it lives, and its newest run there', async () => {
      await writer().record([job(1), job(2, { job: 'local/gone', isRemoved: true })]);
      await writer({ id: 'two', name: 'desktop' }).record([
        job(1, { spec: aSpec({ command: 'other' }), jobUid: 'other' }),
      ]);
      await write([aRunAt('backup', 1), aRunAt('backup', 2)]);
      const jobs = await record().jobs({});
      expect(jobs).toMatchObject([
        { name: 'backup', changedBy: 'ada', origin: { id: 'one' }, lastRun: { name: 'backup-2' } },
        { name: 'backup', spec: { command: 'other' }, origin: { id: 'two', name: 'desktop' } },
      ]);
      expect(jobs[1]).not.toHaveProperty('lastRun');
      expect(jobs[0]!.specHash).not.toBe(jobs[1]!.specHash);
      expect(await record().jobs({ job: 'backup', origin: 'desktop' })).toHaveLength(1);
      expect(await record().jobs({ job: 'gone' })).toEqual([]);
    });

    test('is read past the rows of one answer', async () => {
      const names = Array.from({ length: 1201 }, (_, number) => `job-${number}`);
      await writer().record(names.map((name, number) => job(number, { job: `local/${name}` })));
      expect((await record().jobs({})).map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    });

    test('tells how far the clock of an origin is off', async () => {
      await writer().record([job(1)]);
      const [origin] = await record().origins();
      expect(Math.abs(origin!.clockAheadMs!)).toBeLessThan(60_000);
      await supabase.sql(
        `update lsh_origins set clock_at = now() + interval '5 minutes', last_seen_at = now()`,
      );
      expect(await record().origins()).toMatchObject([{ clockAheadMs: 300_000 }]);
    });

    test('has figures for each origin, as the local store makes them', async () => {
      const timed = (number: number, ms: number, change: Partial<Run> = {}) =>
        aRunAt('backup', number, { startedAt: T0, finishedAt: T0 + ms, ...change });
      await write([timed(1, 100), timed(2, 300, { phase: 'Failed' }), timed(3, 200)]);
      await write([timed(4, 50, { jobUid: 'other', phase: 'Killed' })], { id: 'two', name: 'desktop' });
      expect(await record().stats({ job: 'backup' })).toEqual([
        {
          job: 'backup',
          namespace: 'local',
          origin: { id: 'one', name: 'laptop', kind: 'Host' },
          completed: 2,
          failed: 1,
          killed: 0,
          averageMs: 200,
          p95Ms: 300,
          recentDurationsMs: [100, 300, 200],
          firstRunAt: '2026-06-02T00:00:01Z',
          lastRunAt: '2026-06-02T00:00:03Z',
        },
        expect.objectContaining({ killed: 1, origin: { id: 'two', name: 'desktop', kind: 'Host' } }),
      ]);
      expect(await record().stats({ since: '2026-06-02T00:00:04Z' })).toHaveLength(1);
      expect(await record().stats({ origin: 'desktop' })).toHaveLength(1);
      expect(await record().stats({ job: 'none' })).toEqual([]);
    });
  });

  describe('of arrivals', () => {
    test('has what came after a place, once, also runs that are older', async () => {
      await write([aRunAt('a', 5)]);
      const start = await record().arrivals({});
      expect(start.runs).toEqual([]);
      await write([aRunAt('b', 2)]);
      await write([aRunAt('a', 9), aRunAt('a', 1, { phase: 'Failed' })], { id: 'late', name: 'late' });
      const next = await record().arrivals({}, start.after);
      expect(next.runs.map(({ name, origin }) => [name, origin?.name])).toEqual([
        ['b-2', 'laptop'],
        ['a-1', 'late'],
        ['a-9', 'late'],
      ]);
      expect((await record().arrivals({}, next.after)).runs).toEqual([]);
      const failed = await record().arrivals({ failed: true, job: 'a', origin: 'late' }, start.after);
      expect(failed.runs.map(({ name }) => name)).toEqual(['a-1']);
    });

    test('has the row of a transaction that began first and commits last', async () => {
      await write([aRunAt('a', 1)]);
      let place = (await record().arrivals({})).after;
      const seen: string[] = [];
      const look = async () => {
        const { runs: arrived, after } = await record().arrivals({}, place);
        place = after;
        seen.push(...arrived.map(({ name }) => name));
      };
      await supabase.inDatabase('postgres', async (query) => {
        await query(`begin; insert into lsh_runs (job_uid, name, namespace, job, trigger, slot, attempt, executor, phase,
          created_at, start_after) values ('slow', 'slow-1', 'local', 'slow', 'Manual', now(), 1, 'Shell', 'Completed', now(), now())`);
        await write([aRunAt('a', 2)]);
        await look();
        await query('commit');
      });
      await look();
      await write([aRunAt('a', 3)]);
      await look();
      expect(seen).toEqual(['slow-1', 'a-2', 'a-3']);
    });

    test('comes in parts when there is much of it', async () => {
      await write([aRunAt('a', 0)]);
      const { after: start } = await record().arrivals({});
      const history = writer();
      for (let batch = 0; batch < 3; batch++)
        await history.record(
          Array.from({ length: 300 }, (_, number) => runEntry(aRunAt('a', 1 + batch * 300 + number))),
        );
      const sizes: number[] = [];
      for (let place = start, size = 1; size > 0;) {
        const { runs: arrived, after } = await record().arrivals({}, place);
        [place, size] = [after, arrived.length];
        sizes.push(size);
      }
      expect(sizes).toEqual([600, 300, 0]);
    });
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
