// `lsh cron … --remote`, as users call it, against a real Postgres and a real PostgREST.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { TeamRunDocument } from '../../src/contracts/team-record.ts';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import { runEntry, type JobEntry } from '../../src/core/record/entry.ts';
import type { Run } from '../../src/core/run.ts';
import { SupabaseHistory, type Origin } from '../../src/stores/supabase/supabase-history.ts';
import { aRunAt, aSpec, T0 } from '../support/builders.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { aStartedHome, lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, aManifest, type TestHome } from '../support/daemon/daemon.ts';
import { onTerminal } from '../support/daemon/terminal.ts';
import { eventually } from '../support/eventually.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../support/stores/supabase.ts';

function aJobEntry(name: string, spec: JobSpecInput): JobEntry {
  return {
    kind: 'job',
    id: name,
    job: `local/${name}`,
    jobUid: `uid-of-${name}`,
    revision: 1,
    spec: aSpec(spec),
    labels: undefined,
    annotations: undefined,
    changedAt: T0,
    changedBy: 'ada',
    isRemoved: false,
  };
}

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
      expect(JSON.parse(await remote(['history', '--since', 'now', '-o', 'json']))).toEqual([]);
    });

    test('prints CSV that no spreadsheet computes', async () => {
      const [heads, first] = (await remote(['history', '-o', 'csv'])).split('\n');
      expect(heads).toMatch(/^run,job,slot,.*,namespace,origin,originId$/);
      expect(first).toContain(`,"'=HYPERLINK(""x"")",`);
      expect(first).toMatch(/,local,prod,two$/);
    });
  });

  describe('list', () => {
    beforeEach(async () => {
      await writer().record([
        aJobEntry('backup', { command: 'make' }),
        aJobEntry('single', { command: 'make' }),
      ]);
      await writer({ id: 'two', name: 'desktop' }).record([
        aJobEntry('backup', { command: 'other', tags: ['x'] }),
      ]);
      await supabase.sql(`update lsh_origins set last_seen_at = now() - interval '3 hours',
        clock_at = now() - interval '3 hours' + interval '5 minutes' where id = 'two'`);
      await write([aRunAt('backup', 1)]);
    });

    test('says where each job lives, whether its definitions differ, when its origins were heard of, and whose clock is off', async () => {
      const [heads, backup, single] = (await remote(['list'])).split('\n').map((line) => line.split(/ {2,}/));
      expect(heads).toEqual(['NAME', 'SCHEDULE', 'LAST', 'DEFINITIONS', 'ORIGINS']);
      expect(backup!.toSpliced(2, 1)).toEqual([
        'backup',
        '* * * * *',
        '2 differ',
        expect.stringMatching(/^laptop \((now|\d+ seconds? ago)\), desktop \(3 hours ago, clock 5m ahead\)$/),
      ]);
      expect(backup![2]).toMatch(/^Completed .* ago$/);
      expect(single!.slice(2, 4)).toEqual(['-', '-']);
    });

    test('prints a row for each origin with -o wide, and one document for each job', async () => {
      const wide = await remote(['list', '--job', 'backup', '-o', 'wide']);
      expect(
        wide
          .split('\n')
          .slice(1, 3)
          .map((line) => line.split(/ {2,}/).slice(0, 2)),
      ).toEqual([
        ['backup', 'laptop'],
        ['backup', 'desktop'],
      ]);
      const jobs = JSON.parse(await remote(['list', '-o', 'json'])) as object[];
      expect(jobs).toMatchObject([
        {
          kind: 'LshJob',
          metadata: { name: 'backup' },
          definitions: 2,
          origins: [
            { origin: { id: 'one' }, lastRun: { name: 'backup-1' } },
            { origin: { id: 'two', clockAheadMs: 300_000 } },
          ],
        },
        { metadata: { name: 'single' }, definitions: 1 },
      ]);
      expect(await remote(['list', '-o', 'name'])).toBe('backup\nsingle\n');
      expect(await remote(['list', '-o', 'name', '--origin', 'desktop'])).toBe('backup\n');
      expect(await remote(['list', '-o', 'name', '--tag', 'x'])).toBe('backup\n');
    });
  });

  test('report has the figures of each job at each origin', async () => {
    await write([aRunAt('backup', 1), aRunAt('backup', 2, { phase: 'Failed' })]);
    await write([aRunAt('backup', 3, { jobUid: 'other' })], { id: 'two', name: 'desktop' });
    const [heads, ...rows] = (await remote(['report']))
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(heads!.slice(0, 7)).toEqual(['NAME', 'ORIGIN', 'RUNS', 'SUCCESS', 'FAILED', 'KILLED', 'MISSED']);
    expect(rows.map((row) => row.slice(0, 7))).toEqual([
      ['backup', 'laptop', '2', '50 %', '1', '0', '-'],
      ['backup', 'desktop', '1', '100 %', '0', '0', '-'],
    ]);
    const csv = await remote(['report', 'backup', '--origin', 'desktop', '-o', 'csv']);
    expect(csv).toMatch(/^job,.*,namespace,origin,originId\nbackup,1,0,0,,1\.0000,.*,local,desktop,two\n$/);
    expect(await refusal(['report', 'backu', '--remote'], reader(), 4)).toContain(
      'There is no job named "backu".',
    );
  });

  test('history --follow shows the newest runs, then each when it arrives, also late ones and after an outage', async () => {
    await write([aRunAt('backup', 1), aRunAt('backup', 2)]);
    const home = reader();
    const child = spawn(process.execPath, [BUNDLE, 'cron', 'history', '--remote', '--follow', '-o', 'name'], {
      env: home.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(async () => {
      if (child.exitCode === null) child.kill('SIGKILL');
      await supabase.gateway.back();
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
    await eventually(() => stdout === 'backup-1\nbackup-2\n');
    await write([aRunAt('backup', 5)]);
    await eventually(() => stdout.endsWith('backup-5\n'));
    await supabase.gateway.away();
    await eventually(() => stderr.includes('cannot be reached'));
    await supabase.gateway.back();
    await write([aRunAt('backup', 3)], { id: 'late', name: 'late' });
    await eventually(() => stdout.endsWith('backup-3\n'));
    expect(stderr).toMatch(/^note: .* cannot be reached: .*\nnote: the project is back after \d+s/);
    expect(stdout).toBe('backup-1\nbackup-2\nbackup-5\nbackup-3\n');
    child.kill('SIGINT');
    await once(child, 'exit');
  });

  describe('logs', () => {
    beforeEach(async () => {
      const output = Buffer.from(`first\n${'x'.repeat(200_000)}\nlast\n`);
      const kept = { size: output.length, head: output, end: Buffer.alloc(0) };
      await new SupabaseHistory({
        url: supabase.url,
        apiKey: supabase.serviceRoleKey,
        origin: AN_ORIGIN,
        output: { maxBytes: 1024 * 1024, read: async () => kept },
      }).record([runEntry(aRunAt('backup', 1, { outputTail: 'last\n', outputBytes: output.length }))]);
      await write([aRunAt('backup', 1, { jobUid: 'other', outputTail: 'of two\n' })], {
        id: 'two',
        name: 'desktop',
      });
    });

    test('prints the output of the newest run, whole', async () => {
      expect(await remote(['logs', 'backup', '--origin', 'desktop'])).toBe('of two\n');
      const { stdout, stderr } = await lsh(reader(), [
        'cron',
        'logs',
        'backup',
        '--remote',
        '--origin',
        'laptop',
      ]);
      expect(stdout).toBe(`first\n${'x'.repeat(200_000)}\nlast\n`);
      expect(stderr).toMatch(/^backup-1 on laptop: Completed, .* ago\n$/);
      expect(await remote(['logs', 'backup', '--origin', 'laptop', '-n', '1'])).toBe('last\n');
    });

    test('tells runs of one name apart by their origin', async () => {
      const stderr = await refusal(['logs', 'backup-1', '--remote'], reader(), 2);
      expect(stderr).toContain('Several origins have a run named backup-1: ');
      expect(await remote(['logs', 'backup-1', '--origin', 'two'])).toBe('of two\n');
      expect(await remote(['logs', 'backup', 'backup-1', '--origin', 'two'])).toBe('of two\n');
    });

    test('prints all since an instant, with their heads', async () => {
      const all = await remote(['logs', 'backup', '--since', '2026-06-01T00:00:00Z', '-n', '1']);
      expect(all.replaceAll(/: Tue [^,]*/g, '')).toBe(
        '==> backup-1 on laptop, Completed <==\nlast\n==> backup-1 on desktop, Completed <==\nof two\n',
      );
    });

    test('cannot follow, and says why', async () => {
      expect(await refusal(['logs', 'backup', '--remote', '-f'], reader(), 2)).toContain('after its end');
    });
  });

  describe('explain', () => {
    test('says for each origin what the record knows, and what it cannot know', async () => {
      await writer().record([aJobEntry('backup', { schedule: '* * * * *' })]);
      await writer({ id: 'two', name: 'desktop' }).record([aJobEntry('backup', { schedule: '* * * * *' })]);
      await write([
        aRunAt('backup', 60, { phase: 'Failed', reason: 'ExitCode', exitCode: 3 }),
        aRunAt('backup', 60, { name: 'backup-60-2', attempt: 2, createdAt: T0 + 61_000 }),
      ]);
      const answer = await remote(['explain', 'backup', '--at', '2026-06-02T00:01:00Z']);
      const [laptop, desktop] = answer.split('\n\n');
      expect(laptop).toContain('backup on laptop at Tue 2026-06-02 00:01 (UTC');
      expect(laptop).toContain('It ran: backup-60 started at 2026-06-02T00:01:00Z and ended as Failed');
      expect(laptop).toContain('Attempt 2: backup-60-2');
      expect(desktop).toContain('the team’s record has no run of it from desktop');
      expect(desktop).toContain('`lsh cron explain backup --at 2026-06-02T00:01:00Z` on desktop says why');
      const documents = JSON.parse(
        await remote([
          'explain',
          'backup',
          '--origin',
          'laptop',
          '--at',
          '2026-06-02T00:01:30Z',
          '-o',
          'json',
        ]),
      ) as object[];
      expect(documents).toMatchObject([{ job: 'backup', origin: { name: 'laptop' }, slots: [] }]);
      expect(JSON.stringify(documents)).toContain('is not a slot of');
    });
  });

  describe('pull', () => {
    const pulled = async (home: TestHome, ...args: string[]) => lsh(home, ['cron', 'pull', ...args]);

    test('shows the job, and adds it only when told to', async () => {
      await writer().record([aJobEntry('backup', { command: 'make', retry: { limit: 2 }, tags: ['x'] })]);
      const home = await aStartedHome(reader());
      const shown = await pulled(home, 'backup');
      expect(shown.status).toBe(2);
      expect(shown.stdout).toContain('command: make');
      expect(shown.stdout).toContain('job "backup" created (dry run)');
      expect(shown.stderr).toMatch(/^backup of laptop, changed at 2026-06-02T00:00:00Z by ada:\n/);
      expect(shown.stderr).toContain('Give --yes');
      expect(await home.client.list({})).toEqual([]);
      expect(await lshOk(home, ['cron', 'pull', 'backup', '--yes'])).toContain('job "backup" created');
      expect(await home.client.get({ name: 'backup' })).toMatchObject({
        spec: { command: 'make', retry: { limit: 2 }, tags: ['x'], timeZone: 'UTC' },
      });
      expect(await lshOk(home, ['cron', 'pull', 'backup'])).toBe('job "backup" unchanged\n');
      // Its own row in the record is no other definition.
      await eventually(async () => (await home.client.status({})).history?.backlog === 0);
      await lshOk(home, ['cron', 'pause', 'backup']);
      await eventually(async () => (await home.client.status({})).history?.backlog === 0);
      expect(await lshOk(home, ['cron', 'pull', 'backup', '--yes'])).toContain('suspend: true -> false');
    });

    test('shows the difference to the job here, and keeps the values of its variables', async () => {
      const env = [{ name: 'TOKEN' }, { name: 'URL' }];
      await writer().record([aJobEntry('backup', { command: 'new', env })]);
      const home = await aStartedHome(reader());
      const job = aManifest('backup', {
        command: 'old',
        schedule: '* * * * *',
        env: [{ name: 'TOKEN', value: 'mine' }],
      });
      await home.client.put({ job });
      const refused = await pulled(home, 'backup', '--yes');
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain('spec.env[1]: URL has no value');
      expect(refused.stderr).toContain('lsh cron pull backup --env URL=…');
      const dry = await lshOk(home, ['cron', 'pull', 'backup', '--env', 'URL=x', '--dry-run']);
      expect(dry).toContain('  command: "old" -> "new"\n  env.URL: added\n');
      expect(dry).not.toContain('mine');
      await lshOk(home, ['cron', 'pull', 'backup', '--env', 'URL=x', '--yes']);
      const { spec } = await home.client.get({ name: 'backup' });
      expect(spec.env).toEqual([
        { name: 'TOKEN', value: 'mine' },
        { name: 'URL', value: 'x' },
      ]);
    });

    test('writes a manifest, and names the values that it lacks', async () => {
      await writer().record([aJobEntry('backup', { command: 'make', env: [{ name: 'TOKEN' }] })]);
      const home = reader();
      const { stdout, stderr } = await pulled(home, 'backup', '-o', 'yaml');
      expect(stdout).toContain('env:\n    - name: TOKEN\n');
      expect(stderr).toBe('missing: the value of TOKEN (spec.env[0])\n');
      const apply = await lsh(home, ['cron', 'validate', '-'], { stdin: stdout });
      expect(apply.stdout + apply.stderr).toContain('must have a value');
    });

    test('asks on a terminal, and changes the job only after a yes', async () => {
      await writer().record([aJobEntry('backup', { command: 'make' })]);
      const home = await aStartedHome(reader());
      const answered = async (keys: string) => {
        const terminal = onTerminal(home, ['cron', 'pull', 'backup']);
        await terminal.shows('Add the job "backup" here? [y/N] ');
        terminal.type(keys);
        return terminal.ended();
      };
      const refused = await answered('\r');
      expect(refused).toMatchObject({ status: 0, screen: expect.stringContaining('nothing was changed') });
      expect(refused.screen).toContain('command: make');
      expect((await answered('n\r')).screen).toContain('nothing was changed');
      expect(await home.client.list({})).toEqual([]);
      expect((await answered('y\r')).screen).toContain('job "backup" created');
      expect(await home.client.get({ name: 'backup' })).toMatchObject({ spec: { command: 'make' } });
    });

    test('takes no masked text for a command: the job here keeps its own, else the user fills it in', async () => {
      const env = [{ name: 'TOKEN' }];
      await writer().record([aJobEntry('backup', { command: `curl -H 'x: ***'`, env, priority: 9 })]);
      const home = await aStartedHome(reader());
      const refused = await pulled(home, 'backup', '--env', 'TOKEN=hunter2-canary', '--yes');
      expect(refused).toMatchObject({ status: 2, stdout: '' });
      expect(refused.stderr).toContain('spec.command: the record has *** in place of a secret');
      expect(refused.stderr).toContain(
        'fill in what is missing, and apply it: `lsh cron pull backup -o yaml',
      );
      const { stderr } = await pulled(home, 'backup', '-o', 'yaml');
      expect(stderr).toBe(
        'missing: the secret behind *** (spec.command)\nmissing: the value of TOKEN (spec.env[0])\n',
      );
      const command = `curl -H 'x: hunter2-canary'`;
      const own = [{ name: 'TOKEN', value: 'hunter2-canary' }];
      await home.client.put({
        job: aManifest('backup', { command, env: own, schedule: '* * * * *', timeZone: 'UTC' }),
      });
      const changed = await lshOk(home, ['cron', 'pull', 'backup', '--yes']);
      expect(changed).toContain('  priority: 5 -> 9\n');
      expect(changed).not.toContain('command');
      expect(await home.client.get({ name: 'backup' })).toMatchObject({ spec: { command, env: own } });
    });

    test('brings the values of a job that records them', async () => {
      const env = [{ name: 'LEVEL', value: 'chatty' }];
      await writer().record([aJobEntry('backup', { command: 'make', env, recordEnv: true })]);
      const home = await aStartedHome(reader());
      await lshOk(home, ['cron', 'pull', 'backup', '--yes']);
      expect(await home.client.get({ name: 'backup' })).toMatchObject({ spec: { env, recordEnv: true } });
    });

    test('wants to know which definition is meant where they differ', async () => {
      await writer().record([aJobEntry('backup', { command: 'one' })]);
      await writer({ id: 'two', name: 'desktop' }).record([aJobEntry('backup', { command: 'two' })]);
      const stderr = await refusal(['pull', 'backup', '-o', 'yaml'], reader(), 2);
      expect(stderr).toContain('The definitions of backup differ: ');
      expect((await pulled(reader(), 'backup', '--origin', 'two', '-o', 'yaml')).stdout).toContain(
        'command: two',
      );
      expect(await refusal(['pull', 'bakup', '-o', 'yaml'], reader(), 4)).toContain('Did you mean backup?');
    });
  });

  test('supabase status names the machine whose clock is off', async () => {
    await writer().record([aJobEntry('backup', {})]);
    await supabase.sql(`update lsh_origins set clock_at = last_seen_at - interval '5 minutes'`);
    const { status, stderr } = await lsh(reader(), ['supabase', 'status']);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: laptop: clock 5m behind when it wrote last, .*\. Set it: /);
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

    test('an unknown job', async () => {
      expect(await refusal(['history', 'none', '--remote'], reader(), 4)).toContain(
        'There is no job named "none".',
      );
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
