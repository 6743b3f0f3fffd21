// `lsh cron … --remote`, as users call it, against a real Postgres and a real PostgREST.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TeamRunDocument } from '../../src/contracts/team-record.ts';
import { runEntry } from '../../src/core/record/entry.ts';
import type { Run } from '../../src/core/run.ts';
import { SupabaseHistory, type Origin } from '../../src/stores/supabase/supabase-history.ts';
import { aRunAt } from '../support/builders.ts';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, type TestHome } from '../support/daemon/daemon.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../support/stores/supabase.ts';

describe.skipIf(NO_SUPABASE)('lsh cron --remote', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());
  beforeEach(() => supabase.clear());
  afterEach(() => {
    supabase.gateway.answer = undefined;
  });

  const reader = (env: Record<string, string> = {}): TestHome =>
    aHome({ SUPABASE_URL: supabase.url, SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey, ...env });

  function writer(origin: Partial<Origin> = {}): SupabaseHistory {
    const { url, serviceRoleKey: apiKey } = supabase;
    return new SupabaseHistory({ url, apiKey, output: TAILS, origin: { ...AN_ORIGIN, ...origin } });
  }
  const write = (runs: Run[], origin?: Partial<Origin>) => writer(origin).record(runs.map(runEntry));
  const remote = (args: string[], home = reader()) => lshOk(home, ['cron', ...args, '--remote']);

  /** What the command prints on stderr; it must fail, and print nothing else. */
  async function refusal(args: string[], home = reader(), status = 1): Promise<string> {
    const ended = await lsh(home, ['cron', ...args]);
    expect({ status: ended.status, stdout: ended.stdout }).toEqual({ status, stdout: '' });
    expect(ended.stderr).not.toContain(supabase.serviceRoleKey);
    return ended.stderr;
  }

  describe('history', () => {
    beforeEach(async () => {
      await write([
        aRunAt('backup', 1),
        aRunAt('backup', 2, { phase: 'Failed', reason: 'ExitCode', exitCode: 3 }),
      ]);
      await write([aRunAt('report', 3, { message: '=HYPERLINK("x")' })], {
        id: 'two',
        name: 'prod',
        kind: 'Cluster',
      });
    });

    test('shows the runs of every origin, newest first', async () => {
      const lines = (await remote(['history'])).split('\n');
      expect(lines[0]).toMatch(/^RUN +ORIGIN +STARTED +DURATION +RESULT/);
      expect(lines.slice(1, 4).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
        ['report-3', 'prod'],
        ['backup-2', 'laptop'],
        ['backup-1', 'laptop'],
      ]);
      expect(lines[2]).toContain('Failed (exit 3)');
    });

    test('filters by job, origin, result and time', async () => {
      const names = (...args: string[]) => remote(['history', ...args, '-o', 'name']);
      expect(await names('backup')).toBe('backup-2\nbackup-1\n');
      expect(await names('--origin', 'prod')).toBe('report-3\n');
      expect(await names('--failed')).toBe('backup-2\n');
      expect(await names('--since', '2026-06-02T00:00:02Z')).toBe('report-3\nbackup-2\n');
      expect(await names('-n', '1')).toBe('report-3\n');
      expect(await names('-n', 'all')).toBe('report-3\nbackup-2\nbackup-1\n');
      expect(await names('--since', 'now')).toBe('');
    });

    test('prints the documents of the local verb, and where each run was', async () => {
      const runs = JSON.parse(await remote(['history', '-o', 'json'])) as TeamRunDocument[];
      expect(runs[1]).toMatchObject({
        name: 'backup-2',
        job: 'backup',
        phase: 'Failed',
        exitCode: 3,
        namespace: 'local',
        origin: { id: 'one', name: 'laptop', kind: 'Host' },
      });
      expect(JSON.parse(await remote(['history', 'none', '-o', 'json']))).toEqual([]);
    });

    test('prints CSV that no spreadsheet computes', async () => {
      const [heads, first] = (await remote(['history', '-o', 'csv'])).split('\r\n');
      expect(heads).toMatch(/^run,job,slot,.*,namespace,origin,originId$/);
      expect(first).toContain(`,"'=HYPERLINK(""x"")",`);
      expect(first).toMatch(/,local,prod,two$/);
    });
  });

  describe('refuses', () => {
    test.each([
      ['a verb that only acts', ['pause', 'x', '--remote'], '`lsh cron pause` has no --remote'],
      ['a cluster beside it', ['history', '--remote', '--cluster'], 'give one of the two'],
      ['an origin without it', ['history', '--origin', 'x'], '--origin is about the team’s record'],
      ['slots', ['history', '--remote', '--missed'], 'no slots without a run'],
      ['all runs without it', ['history', '-n', 'all'], 'give it with --remote'],
    ])('%s', async (_, args, sentence) => {
      expect(await refusal(args, reader(), 2)).toContain(sentence);
    });

    test('an unknown origin', async () => {
      await write([aRunAt('backup', 1)]);
      const stderr = await refusal(['history', '--remote', '--origin', 'lapto'], reader(), 4);
      expect(stderr).toContain('No machine or cluster of the team default is named "lapto".');
      expect(stderr).toContain('Did you mean laptop?');
    });
  });

  describe('says what is wrong, and what to do', () => {
    const history = ['history', '--remote'];

    test.each([
      ['no project', () => ({ SUPABASE_URL: '' }), ['SUPABASE_URL is not set', '[SUPABASE_NOT_CONFIGURED]']],
      [
        'the key of another project',
        () => ({ SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_of-another-project' }),
        ['HTTP 401: Invalid API key', 'Project Settings, API Keys'],
      ],
      [
        'no key but the public one',
        () => ({ SUPABASE_SERVICE_ROLE_KEY: '', SUPABASE_ANON_KEY: supabase.anonKey }),
        ['public key reads nothing', 'lsh supabase login'],
      ],
      [
        'the public key in its place',
        () => ({ SUPABASE_SERVICE_ROLE_KEY: supabase.anonKey }),
        ['permission denied', 'service role key'],
      ],
    ])('with %s', async (_, env, expected) => {
      const stderr = await refusal(history, reader(env()));
      for (const text of expected) expect(stderr).toContain(text);
    });

    test.each([
      ['a paused project', { status: 540, body: '' }, ['the project is paused', 'Restore the project']],
      [
        'a proxy that answers with a page',
        { status: 200, body: '<!DOCTYPE html><title>Sign in</title>' },
        ['does not come from Supabase', 'proxy'],
      ],
    ])('before %s', async (_, answer, expected) => {
      supabase.gateway.answer = answer;
      const stderr = await refusal(history);
      for (const text of expected) expect(stderr).toContain(text);
    });
  });
});
