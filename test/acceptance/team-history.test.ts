// A daemon's jobs, runs and changes reach the team's real project: through an outage and two kills, each run once.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { DaemonStatus } from '../../src/local/socket/protocol.ts';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, aManifest, type TestHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

const RUNS = 1_000;
const JOBS = 20;

describe.skipIf(NO_SUPABASE)('a daemon with a team’s history', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());
  beforeEach(async () => {
    await supabase.clear();
    supabase.gateway.requests.length = 0;
  });

  async function started(env: Record<string, string> = {}): Promise<TestHome> {
    const home = aHome({
      SUPABASE_URL: supabase.url,
      SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
      USER: 'ada',
      ...env,
    });
    onTestFinished(async () => void (await lsh(home, ['daemon', 'stop'])));
    await lshOk(home, ['daemon', 'start']);
    return home;
  }

  const statusOf = async (home: TestHome) =>
    JSON.parse(await lshOk(home, ['daemon', 'status', '-o', 'json'])) as DaemonStatus;

  /** Kills the daemon and starts another. */
  async function replaceKilled(home: TestHome): Promise<void> {
    const { pid } = await home.client.status({});
    process.kill(pid, 'SIGKILL');
    await lshOk(home, ['daemon', 'start']);
  }

  test('records jobs, runs, and who changed what', async () => {
    const home = await started({ LSH_ORIGIN: 'build server' });
    const job = ['--name', 'backup', '--schedule', '@yearly', '--env', 'TOKEN=hunter2-canary'];
    await lshOk(home, ['cron', 'add', ...job, '--command', 'echo one']);
    await lshOk(home, ['cron', 'trigger', 'backup', '--wait']);
    await lshOk(home, ['cron', 'add', ...job, '--command', 'echo two']);
    await lshOk(home, ['cron', 'pause', 'backup']);
    await lshOk(home, ['cron', 'resume', 'backup']);
    await lshOk(home, ['cron', 'remove', 'backup']);
    await eventually(async () => (await home.client.status({})).history?.backlog === 0);
    const audit = await supabase.sql<{ action: string; actor: string }>(
      'select action, actor from lsh_audit order by id',
    );
    expect(audit.map(({ action }) => action)).toEqual([
      'Added',
      'Triggered',
      'Configured',
      'Paused',
      'Resumed',
      'Removed',
    ]);
    expect(new Set(audit.map(({ actor }) => actor))).toEqual(new Set(['ada']));
    expect(
      await supabase.sql(`select j.name, j.spec->>'command' as command, j.spec->'env' as env,
        j.removed_at is not null as removed, o.name as origin, o.kind from lsh_jobs j
        join lsh_origins o on o.id = j.origin`),
    ).toEqual([
      {
        name: 'backup',
        command: 'echo two',
        env: [{ name: 'TOKEN' }],
        removed: true,
        origin: 'build server',
        kind: 'Host',
      },
    ]);
    expect(await supabase.runs()).toMatchObject([
      { job: 'local/backup', phase: 'Completed', exitCode: 0, outputTail: 'one\n' },
    ]);
    const rows = await supabase.sql(
      'select to_json(a) from lsh_audit a union all select to_json(j) from lsh_jobs j',
    );
    expect(JSON.stringify(rows)).not.toContain('hunter2-canary');
    expect(await lshOk(home, ['daemon', 'status'])).toContain(`History: ${supabase.url}, up to date\n`);
    expect(await lshOk(home, ['doctor'])).toMatch(/^ok +history +.*up to date$/m);
  });

  test('records the output of runs, masked and bounded, and none that a job does not show', async () => {
    const home = await started({ LSH_SECRETS_KEY: 'k'.repeat(40), LSH_RECORD_OUTPUT_BYTES: '4KiB' });
    const put = (name: string, spec: object) =>
      home.client.put({ job: aManifest(name, { schedule: '@yearly', ...spec }) });
    await put('said', { command: 'echo "begin $LSH_SECRETS_KEY end"' });
    await put('long', { command: 'seq 1 100000' });
    await put('mute', { command: 'echo nothing', captureOutput: false });
    for (const name of ['said', 'long', 'mute']) await lshOk(home, ['cron', 'trigger', name, '--wait']);
    await eventually(async () => (await home.client.status({})).history!.backlog === 0);
    const chunks = await supabase.sql<{ job: string; output: string }>(
      `select r.job, l.output from lsh_runs r join lsh_run_logs l on (l.job_uid, l.run) = (r.job_uid, r.name)
        order by r.job, l.chunk`,
    );
    expect(chunks.map(({ job }) => job)).toEqual(['long', 'long', 'said']);
    expect(chunks[0]!.output).toMatch(/^1\n2\n/);
    expect(chunks[1]!.output).toMatch(/^\n\[lsh: 584799 bytes left out\]\n[^]*\n99999\n100000\n$/);
    expect(chunks[2]!.output).toBe('begin *** end\n');
  });

  test('a log that is gone before it is recorded leaves a line and the end', async () => {
    const home = await started();
    await home.client.put({ job: aManifest('long', { command: 'seq 1 1000', schedule: '@yearly' }) });
    await supabase.gateway.away();
    onTestFinished(() => supabase.gateway.back());
    await lshOk(home, ['cron', 'trigger', 'long', '--wait']);
    rmSync(join(home.paths.stateDir, 'logs'), { recursive: true });
    await supabase.gateway.back();
    await eventually(async () => (await home.client.status({})).history!.backlog === 0, { withinMs: 60_000 });
    const [row] = await supabase.sql<{ chunk: number; output: string }>(
      'select chunk, output from lsh_run_logs',
    );
    expect(row!.chunk).toBe(0);
    expect(row!.output).toMatch(/^\[lsh: 2869 bytes left out\]\n[^]*\n1000\n$/);
  });

  test('records the jobs that were there before the project, and those of a time without it', async () => {
    const home = await started({ SUPABASE_URL: '' });
    const withProject = { ...home, env: { ...home.env, SUPABASE_URL: supabase.url } };
    const put = (name: string, command: string) => home.client.put({ job: aManifest(name, { command }) });
    const jobs = () =>
      supabase.sql<{ name: string }>(
        `select name, spec->>'command' as command from lsh_jobs where removed_at is null order by name`,
      );
    await put('first', 'echo one');
    await put('gone', 'echo gone');
    await lshOk(withProject, ['daemon', 'restart']);
    await eventually(async () => (await jobs()).length === 2);
    await lshOk(home, ['daemon', 'restart']);
    await put('first', 'echo two');
    await put('second', 'echo three');
    await home.client.remove({ name: 'gone' });
    await lshOk(withProject, ['daemon', 'restart']);
    const isRemoved = async () => (await jobs()).every(({ name }) => name !== 'gone');
    await eventually(async () => (await jobs()).length === 2 && (await isRemoved()));
    expect(await jobs()).toEqual([
      { name: 'first', command: 'echo two' },
      { name: 'second', command: 'echo three' },
    ]);
  });

  test(`loses none of ${RUNS} runs while the project is away, killed twice, and writes each once`, async () => {
    const home = await started();
    for (let job = 0; job < JOBS; job++)
      await home.client.put({
        job: aManifest(`job-${job}`, { command: 'echo $LSH_RUN', schedule: '@yearly' }),
      });
    await supabase.gateway.away();
    onTestFinished(() => supabase.gateway.back());
    const names: string[] = [];
    const share = RUNS / 4;
    for (let part = 0; part < 4; part++) {
      // The runs of one job follow each other; those of several overlap.
      await Promise.all(
        Array.from({ length: JOBS }, async (_, job) => {
          for (let run = 0; run < share / JOBS; run++) {
            const { name } = await home.client.trigger({ name: `job-${job}`, id: `${part}-${run}` });
            await home.client.run({ run: name, wait: true });
            names.push(name);
          }
        }),
      );
      if (part === 0 || part === 2) await replaceKilled(home);
    }
    const away = await statusOf(home);
    // Its jobs, the runs, and the requests for them.
    expect(away.history!.backlog).toBeGreaterThanOrEqual(RUNS);
    await eventually(async () => (await statusOf(home)).history!.trouble !== undefined);
    const { stdout } = await lsh(home, ['doctor']);
    expect(stdout).toMatch(/^warn +history .*cannot be reached/m);
    await supabase.gateway.back();
    await eventually(async () => (await home.client.status({})).history!.backlog === 0, {
      withinMs: 120_000,
      what: 'an empty outbox',
    });
    const rows = await supabase.sql<{ name: string; job: string; at: Date }>(
      'select name, job, recorded_at as at from lsh_runs order by finished_at',
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    const logs = await supabase.sql<{ run: string; chunk: number; output: string }>(
      'select run, chunk, output from lsh_run_logs',
    );
    expect(logs.map(({ run }) => run).toSorted()).toEqual(names.toSorted());
    expect(logs.filter(({ run, chunk, output }) => chunk !== 0 || output !== `${run}\n`)).toEqual([]);
    for (const [, own] of Map.groupBy(rows, ({ job }) => job)) {
      const recorded = own.map(({ at }) => at.getTime());
      expect(recorded).toEqual(recorded.toSorted((a, b) => a - b));
    }
    expect((await statusOf(home)).history).toEqual({ url: supabase.url, backlog: 0 });
  }, 600_000);

  test('two daemons write to one team, each as an origin of its own', async () => {
    const homes = [await started({ LSH_ORIGIN: 'first' }), await started({ LSH_ORIGIN: 'second' })];
    for (const home of homes) {
      await home.client.put({ job: aManifest('backup', { command: 'true', schedule: '@yearly' }) });
      const { name } = await home.client.trigger({ name: 'backup', id: 'once' });
      await home.client.run({ run: name, wait: true });
    }
    const rows = () =>
      supabase.sql(`select o.name from lsh_runs r join lsh_origins o on (o.team, o.id) = (r.team, r.origin)
        where r.job = 'backup' order by o.name`);
    await eventually(async () => (await rows()).length === 2);
    expect(await rows()).toEqual([{ name: 'first' }, { name: 'second' }]);
  });

  test('runs jobs without the key, and says exactly what is missing', async () => {
    const home = await started({ SUPABASE_SERVICE_ROLE_KEY: '', SUPABASE_ANON_KEY: supabase.anonKey });
    await lshOk(home, ['cron', 'add', '--name', 'a', '--schedule', '@yearly', '--command', 'echo hello']);
    await lshOk(home, ['cron', 'trigger', 'a', '--wait']);
    const missing =
      'SUPABASE_SERVICE_ROLE_KEY is required when SUPABASE_URL is set: neither SUPABASE_ANON_KEY nor';
    expect(await lshOk(home, ['daemon', 'status'])).toContain(
      `nothing waits: The environment is not valid: ${missing}`,
    );
    expect(await lshOk(home, ['daemon', 'logs'])).toContain(missing);
    expect(supabase.gateway.requests).toEqual([]);
    expect((await lsh(home, ['doctor'])).stdout).toMatch(/^warn +history .*SUPABASE_SERVICE_ROLE_KEY/m);
  });
});
