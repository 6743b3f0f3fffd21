// Jobs, audit rows and origins in a real project.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEntry, HistoryEntry, JobEntry } from '../../../src/core/record/entry.ts';
import { runEntry } from '../../../src/core/record/entry.ts';
import type { Run } from '../../../src/core/run.ts';
import { SupabaseHistory, type Origin } from '../../../src/stores/supabase/supabase-history.ts';
import { aRunAt, T0 } from '../../support/builders.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../../support/stores/supabase.ts';

const timeoutMs = 120_000;

function jobEntry(revision: number, change: Partial<JobEntry> = {}): JobEntry {
  return {
    kind: 'job',
    id: String(revision),
    job: 'local/backup',
    jobUid: 'uid',
    revision,
    spec: { command: `make ${revision}`, schedule: '@daily' },
    labels: undefined,
    annotations: { owner: 'ops' },
    changedAt: T0 + revision,
    changedBy: 'ada',
    isRemoved: false,
    ...change,
  };
}

function auditEntry(number: number, change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    kind: 'audit',
    id: String(number),
    job: 'local/backup',
    jobUid: 'uid',
    number,
    at: T0 + number,
    action: 'Configured',
    actor: 'ada',
    changes: [{ path: 'command', before: 'old\0', after: 'new' }],
    ...change,
  };
}

describe.skipIf(NO_SUPABASE)('the history in Supabase', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());
  beforeEach(() => supabase.clear());

  const recorder = (origin: Partial<Origin> = {}): SupabaseHistory => {
    const { url, serviceRoleKey: apiKey } = supabase;
    return new SupabaseHistory({
      url,
      apiKey,
      timeoutMs,
      output: TAILS,
      origin: { ...AN_ORIGIN, ...origin },
    });
  };
  const jobs = () =>
    supabase.sql<Record<string, unknown>>(
      'select origin, namespace, name, uid, revision::int, spec, spec_hash, changed_by, removed_at is not null as removed from lsh_jobs order by origin, name',
    );

  test('writes the output of runs in chunks, once, after their runs', async () => {
    const output = Buffer.from(`secret\0${'é'.repeat(100_000)}\n`);
    const of = (name: string, run: Partial<Run> = {}) =>
      runEntry(aRunAt(name, 1, { outputTail: 'é\n', outputBytes: output.length, ...run }));
    const entries = [of('long'), of('gone'), of('silent', { outputTail: undefined })];
    const kept = { size: output.length, head: output, end: Buffer.alloc(0) };
    const { url, serviceRoleKey: apiKey } = supabase;
    const history = new SupabaseHistory({
      url,
      apiKey,
      timeoutMs,
      origin: AN_ORIGIN,
      output: { maxBytes: 1024 * 1024, read: async ({ name }) => (name === 'long-1' ? kept : undefined) },
    });
    await history.record(entries);
    await history.record(entries.toReversed());
    const rows = await supabase.sql<{ run: string; chunk: number; start: number; output: string }>(
      'select run, chunk, start_byte::int as start, output from lsh_run_logs order by run, chunk',
    );
    expect(rows.map(({ run, chunk, start }) => [run, chunk, start])).toEqual([
      ['gone-1', 0, output.length - 3],
      ['long-1', 0, 0],
      ['long-1', 1, 65_535],
      ['long-1', 2, 131_071],
      ['long-1', 3, 196_607],
    ]);
    expect(rows[0]!.output).toBe(`[lsh: ${output.length - 3} bytes left out]\né\n`);
    // Postgres takes no NUL.
    const whole = rows.slice(1).map((row) => row.output);
    expect(whole.join('')).toBe(output.toString().replace('\0', '\uFFFD'));
  });

  test('writes no output of a run, not even its end, if none is to be recorded', async () => {
    const { url, serviceRoleKey: apiKey } = supabase;
    const history = new SupabaseHistory({ url, apiKey, origin: AN_ORIGIN, output: undefined });
    await history.record([runEntry(aRunAt('backup', 1, { outputTail: 'hello', outputBytes: 5 }))]);
    expect(await supabase.sql('select output_tail, output_bytes::int from lsh_runs')).toEqual([
      { output_tail: null, output_bytes: 5 },
    ]);
    expect(await supabase.sql('select 1 from lsh_run_logs')).toEqual([]);
  });

  test('reads its own jobs again, page after page, and marks one as removed by its name', async () => {
    const history = recorder();
    const entry = (number: number) =>
      jobEntry(number, { job: `team-a/job-${number}`, labels: { b: '1', a: '2' } });
    // More than one answer of a server may hold.
    await history.record(Array.from({ length: 2500 }, (_, number) => entry(number + 1)));
    await recorder({ id: 'other' }).record([jobEntry(1)]);
    const removal = { ...entry(7), id: 'removal', revision: 9000, isRemoved: true, spec: undefined };
    await history.record([removal]);
    await history.record([{ ...removal, revision: 5, changedBy: 'late' }]);
    const known = await history.jobs();
    expect(known).toHaveLength(2500);
    expect(known.filter(({ isRemoved }) => isRemoved)).toMatchObject([
      { job: 'team-a/job-7', uid: 'uid', revision: 9000 },
    ]);
    const one = known.find(({ job }) => job === 'team-a/job-8')!;
    expect(one.matches({ ...entry(8), labels: { a: '2', b: '1' } })).toBe(true);
    expect(one.matches({ ...entry(8), labels: { a: '3' } })).toBe(false);
    expect(one.matches({ ...entry(8), spec: { command: 'other' } })).toBe(false);
    const [row] = await supabase.sql(
      `select spec->>'command' as command, changed_by from lsh_jobs where name = 'job-7'`,
    );
    expect(row).toEqual({ command: 'make 7', changed_by: 'ada' });
  });

  test('writes a batch of every kind, with its origin, however often', async () => {
    const entries: HistoryEntry[] = [runEntry(aRunAt('backup', 1)), jobEntry(1), auditEntry(2)];
    const history = recorder();
    await history.record(entries);
    await history.record(entries);
    await recorder().record(entries);
    expect(await jobs()).toMatchObject([
      {
        origin: 'one',
        namespace: 'local',
        name: 'backup',
        uid: 'uid',
        revision: 1,
        changed_by: 'ada',
        removed: false,
      },
    ]);
    expect(await supabase.sql('select team, origin, name from lsh_runs')).toEqual([
      { team: 'default', origin: 'one', name: 'backup-1' },
    ]);
    expect(
      await supabase.sql('select id::int, action, namespace, job, actor, details from lsh_audit'),
    ).toEqual([
      {
        id: 2,
        action: 'Configured',
        namespace: 'local',
        job: 'backup',
        actor: 'ada',
        details: { changes: [{ path: 'command', before: 'old�', after: 'new' }] },
      },
    ]);
    expect(await supabase.sql('select id, kind, name, version from lsh_origins')).toEqual([
      { id: 'one', kind: 'Host', name: 'laptop', version: '1.0.0' },
    ]);
  });

  test('keeps the newest of several changes of a job, in one batch and over several', async () => {
    const history = recorder();
    await history.record([jobEntry(1), jobEntry(2)]);
    await history.record([jobEntry(4, { isRemoved: true }), jobEntry(5)]);
    await history.record([jobEntry(3)]);
    expect(await jobs()).toMatchObject([{ revision: 5, spec: { command: 'make 5' }, removed: false }]);
    await history.record([jobEntry(6, { isRemoved: true })]);
    expect(await jobs()).toMatchObject([{ revision: 6, removed: true }]);
  });

  test('a job has a row for each machine, which tell whether it differs', async () => {
    const same = { schedule: '@daily', command: 'make' };
    await recorder({ id: 'one' }).record([jobEntry(1, { spec: same })]);
    await recorder({ id: 'two' }).record([jobEntry(9, { spec: { command: 'make', schedule: '@daily' } })]);
    await recorder({ id: 'three' }).record([jobEntry(9, { spec: { ...same, command: 'other' } })]);
    const hashes = new Map((await jobs()).map(({ origin, spec_hash: hash }) => [origin, hash]));
    expect(hashes.get('one')).toBe(hashes.get('two'));
    expect(hashes.get('one')).not.toBe(hashes.get('three'));
  });

  test('the row of an origin follows its version, and says when it was heard of', async () => {
    await recorder().record([auditEntry(1)]);
    await supabase.sql(`update lsh_origins set last_seen_at = '2001-01-01', first_seen_at = '2001-01-01'`);
    await recorder({ version: '2.0.0' }).record([auditEntry(2)]);
    expect(
      await supabase.sql(`select version, last_seen_at > now() - interval '1 minute' as seen,
        first_seen_at < '2002-01-01' as known from lsh_origins`),
    ).toEqual([{ version: '2.0.0', seen: true, known: true }]);
  });

  test('a history whose origin was deleted writes it again', async () => {
    const history = recorder();
    await history.record([auditEntry(1)]);
    await supabase.sql('delete from lsh_audit; delete from lsh_origins');
    await expect(history.record([auditEntry(2)])).rejects.toMatchObject({ code: 'HISTORY_REFUSED' });
    await history.record([auditEntry(2)]);
    expect(await supabase.sql('select id::int from lsh_audit')).toEqual([{ id: 2 }]);
  });

  test('a team that is not there is named, with the step to add it', async () => {
    const error: unknown = await recorder({ team: 'payments' })
      .record([auditEntry(1)])
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'HISTORY_REFUSED',
      hint: expect.stringContaining('lsh_teams') as unknown,
    });
  });
});
