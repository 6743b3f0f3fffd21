// The verbs about runs with --cluster: the built command line, a real API server, and a real controller with real
// children.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { JobStats } from '../../../src/contracts/job-api.ts';
import type { JobDocument, RunDocument } from '../../../src/core/document.ts';
import { BUNDLE } from '../../support/daemon/bundle.ts';
import { lshOk } from '../../support/daemon/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';
import { tempDir } from '../../support/temp-dir.ts';

const YEARLY = ['--schedule', '0 0 1 1 *', '--executor', 'shell'];

describe.skipIf(NO_KUBE)('runs in a cluster', () => {
  const cli = aTestCluster('runs', { controller: true });

  const add = (name: string, command: string, ...more: string[]) =>
    cli.ok(['cron', 'add', '--name', name, ...YEARLY, '--command', command, ...more]);
  const running = (name: string) =>
    eventually(async () => {
      const { status } = await cli.json<JobDocument>('cron', 'get', name);
      return status?.active.find(({ phase }) => phase === 'Running');
    });

  test('trigger --wait exits with the code of the run; logs, history, report and get show the run', async () => {
    await add('fails', 'echo out; echo err >&2; exit 7');
    const waited = await cli.call(['cron', 'trigger', 'fails', '--wait']);
    expect(waited.status).toBe(7);
    expect(waited.stdout).toMatch(/^run "fails-m\S+" Failed \(exit 7\) after \S+\n$/);
    expect(waited.stderr).toMatch(/`lsh cron logs fails fails-m\S+ --cluster`/);

    expect(await cli.ok(['cron', 'logs', 'fails'])).toBe('out\nerr\n');
    const [run] = await cli.json<RunDocument[]>('cron', 'history', 'fails');
    expect(run).toMatchObject({ phase: 'Failed', reason: 'ExitCode', exitCode: 7, trigger: 'Manual' });
    expect(await cli.ok(['cron', 'logs', run!.name])).toBe('out\nerr\n');
    expect(await cli.ok(['cron', 'history'])).toMatch(/^RUN .*\nfails-.* Failed \(exit 7\) /);

    const [stats] = await cli.json<(JobStats & { successRate: number })[]>('cron', 'report', 'fails');
    expect(stats).toMatchObject({ job: 'fails', failed: 1, completed: 0, successRate: 0 });
    expect(stats!.recentDurationsMs).toHaveLength(1);
    expect(await cli.ok(['cron', 'list'])).toMatch(/^fails .*Failed \(exit 7\) .*Failing$/m);
  });

  test('completion offers the runs of the job, the newest first', async () => {
    await add('offered', 'true');
    for (const id of ['one', 'two']) await cli.ok(['cron', 'trigger', 'offered', '--wait', '--id', id]);
    const runs = await cli.json<RunDocument[]>('cron', 'history', 'offered');
    const offered = await lshOk(cli, ['__complete', 'cron', 'logs', '--cluster', 'offered', '']);
    expect(offered).toBe(runs.map(({ name }) => `${name}\tCompleted\n`).join(''));
    expect(runs).toHaveLength(2);
  });

  test('trigger --wait waits for the last attempt, and fails with 125 for an unknown job', async () => {
    const count = join(tempDir(), 'count');
    const retries = ['--retries', '2', '--retry-delay', '0s'];
    await add('flaky', `echo x >> ${count}; exit $(wc -l < ${count})`, ...retries);
    const waited = await cli.call(['cron', 'trigger', 'flaky', '--wait']);
    expect(waited.status).toBe(3);
    expect(waited.stdout).toMatch(/^run "flaky-\S+-3" Failed \(exit 3\) after \S+\n$/);
    expect(waited.stderr).toMatch(/\(exit 1\) .*; attempt 2 .*\n.*\(exit 2\) .*; attempt 3 /);
    expect((await cli.call(['cron', 'trigger', 'nobody', '--wait'])).status).toBe(125);
  });

  test('concurrent triggers with one id are one run', async () => {
    await add('once', 'true');
    const args = ['cron', 'trigger', 'once', '--id', 'deploy-1', '-o', 'name'];
    const names = await Promise.all([cli.ok(args), cli.ok(args), cli.ok(args)]);
    expect(new Set([...names, await cli.ok(args)]).size).toBe(1);
    expect(await cli.json<RunDocument[]>('cron', 'history', 'once')).toHaveLength(1);
  });

  test('concurrent triggers with different ids are all handled, in turn', async () => {
    await add('many', 'true', '--concurrency', 'allow');
    const names = await Promise.all(
      ['a', 'b', 'c'].map((id) => cli.ok(['cron', 'trigger', 'many', '--id', id, '-o', 'name'])),
    );
    expect(new Set(names).size).toBe(3);
    const { status } = await eventually(async () => {
      const job = await cli.json<JobDocument>('cron', 'get', 'many');
      return job.status?.totals.completed === 3 && job;
    });
    expect(status?.active).toEqual([]);
  });

  test('a trigger that the policy forbids fails with the reason, and stop ends the active run', async () => {
    const begun = join(tempDir(), 'begun');
    await add('long', `trap "echo told; exit 0" TERM; echo begun; touch ${begun}; sleep 1000 & wait`);
    const name = (await cli.ok(['cron', 'trigger', 'long', '-o', 'name'])).trim();
    await running('long');
    // The run is active before its shell has set the trap.
    await eventually(() => existsSync(begun));
    const refused = await cli.call(['cron', 'trigger', 'long']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('a run of it is active');
    const following = spawn(process.execPath, [BUNDLE, 'cron', 'logs', '-f', 'long', '--cluster'], {
      env: cli.env,
    });
    const ended = once(following, 'close');
    const printed = text(following.stdout);
    const [said] = (await once(following.stderr, 'data')) as [Buffer];
    // This controller runs outside the cluster.
    expect(said.toString()).toMatch(
      /^note: The output of long-\S+ appears here when it has ended: namespace "[\w-]+" has no pod \S+ with a/,
    );
    expect(await cli.ok(['cron', 'stop', 'long'])).toBe(`run "${name}" stopping\n`);
    expect(await ended).toEqual([0, null]);
    expect(await printed).toBe('begun\ntold\n');
    expect(await cli.ok(['cron', 'stop', 'long'])).toBe('job "long" has no active run\n');
    expect(await cli.json<RunDocument[]>('cron', 'history', 'long')).toMatchObject([
      { name, phase: 'Killed', reason: 'StoppedByUser' },
    ]);
  });

  test('a note says that only the end of a long output is kept', async () => {
    await add('chatty', 'seq 1 2000');
    await cli.ok(['cron', 'trigger', 'chatty', '--wait']);
    const { stdout, stderr } = await cli.call(['cron', 'logs', 'chatty']);
    expect(stdout).toMatch(/\n1999\n2000\n$/);
    expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(1024);
    expect(stderr).toMatch(/^note: Only the end of the output of chatty-m\S+ is kept \(10\d\d bytes\): /);
    expect(stderr).toMatch(/: namespace "[\w-]+" has no pod \S+ with a container shell\./);
  });

  test('explain shows the outcome of a slot, and history the runs within the limits', async () => {
    await cli.ok(['cron', 'add', '-n', 'tick', '-i', '1s', '--executor', 'shell', '-c', 'true']);
    const completed = async () => {
      const runs = await cli.json<RunDocument[]>('cron', 'history', 'tick');
      return runs.filter(({ phase }) => phase === 'Completed').length === 3 && runs;
    };
    await eventually(completed);
    // While the job is due each second, a run shown a moment ago may be beyond the limits.
    await cli.ok(['cron', 'pause', 'tick']);
    const [run] = await eventually(async () => {
      const runs = await completed();
      return runs && runs.length === 3 && runs;
    });
    expect(await cli.ok(['cron', 'explain', 'tick', '--at', run!.slot])).toMatch(
      /It ran: tick-\S+ started at /,
    );
    expect(await cli.json<RunDocument[]>('cron', 'history', 'tick', '--failed')).toEqual([]);
    const [before] = await cli.json<{ completed: number }[]>('cron', 'report', 'tick');
    expect(before!.completed).toBeGreaterThanOrEqual(3);
    const from = Date.parse(run!.slot) + 60_000;
    await cli.ok([
      'cron',
      'add',
      '-n',
      'tick',
      '-i',
      '1s',
      '--executor',
      'shell',
      '-c',
      'true',
      '--not-before',
      new Date(from).toISOString(),
    ]);
    expect(
      await cli.ok(['cron', 'explain', 'tick', '--at', new Date(from - 30_000).toISOString()]),
    ).toContain('is not a slot');
  });

  test('a trigger of a job that kubectl applied with an unknown zone fails with the problem', async () => {
    const spec = { schedule: '@daily', timeZone: 'Mars/Phobos', command: 'true' };
    await cli.client.json({
      method: 'POST',
      path: '/apis/lsh.dev/v1alpha1/namespaces/runs/lshjobs',
      body: { apiVersion: 'lsh.dev/v1alpha1', kind: 'LshJob', metadata: { name: 'martian' }, spec },
    });
    const refused = await cli.call(['cron', 'trigger', 'martian']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('Mars/Phobos');
    expect(await cli.ok(['cron', 'list'])).toMatch(/^martian .*Invalid$/m);
    expect(await cli.ok(['cron', 'pause', 'martian'])).toMatch(/^job "martian" paused/);
    expect(await cli.ok(['cron', 'export', 'martian'])).toContain('timeZone: Mars/Phobos');
  });

  test('unknown jobs and runs are not found, and a job without runs has no output', async () => {
    await add('fresh', 'true');
    const none = await cli.call(['cron', 'logs', 'fresh']);
    expect(none).toMatchObject({ status: 4, stdout: '' });
    expect(none.stderr).toContain('has not run yet');
    for (const verb of ['logs', 'get', 'trigger', 'stop', 'pause', 'remove', 'history', 'report', 'export']) {
      const { status, stderr } = await cli.call(['cron', verb, 'nobody']);
      expect({ verb, status }).toEqual({ verb, status: 4 });
      expect(stderr).toMatch(/\[(JOB_NOT_FOUND|RUN_NOT_FOUND)\]/);
    }
  });

  test('backfill runs past slots as shell runs, runs the failed ones again when asked to, and is cancelled', async () => {
    const directory = tempDir();
    const command = `echo $LSH_SLOT >> ${directory}/slots; test -e ${directory}/mended || test $LSH_SLOT != 2026-03-02T03:00:00Z`;
    const daily = ['--schedule', '0 3 * * *', '--tz', 'UTC', '--executor', 'shell'];
    await cli.ok(['cron', 'add', '--name', 'past', ...daily, '--command', command]);
    const range = ['cron', 'backfill', 'past', '--from', '2026-03-01', '--to', '2026-03-03 23:00'];
    expect(await cli.ok([...range, '--dry-run'])).toContain('would run 3 slots, at most 1 at a time');
    expect(await cli.ok(range)).toContain('backfill of job "past" started: 3 slots');
    const ends = (wanted: object) =>
      eventually(async () => {
        const { status } = await cli.json<JobDocument>('cron', 'get', 'past');
        const found = status?.backfill;
        return (
          found?.phase === 'Completed' && Object.entries(wanted).every(([k, v]) => found[k as 'slots'] === v)
        );
      });
    await ends({ slots: 3, completed: 2, failed: 1 });
    const slots = [1, 2, 3].map((day) => `2026-03-0${day}T03:00:00Z`);
    const ran = () => readFileSync(join(directory, 'slots'), 'utf8').trim().split('\n');
    expect(ran()).toEqual(slots);
    expect(await cli.ok([...range, '--dry-run'])).toMatch(
      /has no slot to run in this range; left out: 3 ran already/,
    );

    writeFileSync(join(directory, 'mended'), '');
    expect(await cli.ok([...range, '--failed-only'])).toContain('started: 1 slot,');
    await ends({ slots: 1, completed: 1, failed: 0 });
    expect(ran()).toEqual([...slots, slots[1]]);
    const runs = await cli.json<RunDocument[]>('cron', 'history', 'past');
    expect(new Set(runs.map(({ trigger }) => trigger))).toEqual(new Set(['Backfill']));
    const explained = await cli.ok(['cron', 'explain', 'past', '--at', '2026-03-02 03:00']);
    expect(explained).toMatch(/A backfill.* ran the slot 2026-03-02T03:00:00Z, as attempt 2: past-\S+/);
    expect(await cli.ok(['cron', 'backfill', 'past', '--cancel'])).toBe(
      'job "past" has no backfill under way\n',
    );
  });

  test('remove ends the active runs of the job', async () => {
    await add('doomed', 'sleep 1000');
    const name = (await cli.ok(['cron', 'trigger', 'doomed', '-o', 'name'])).trim();
    await running('doomed');
    const waiting = cli.call(['cron', 'logs', '-f', 'doomed']);
    expect(await cli.ok(['cron', 'remove', 'doomed'])).toBe(
      `job "doomed" removed (stopped 1 run: ${name})\n`,
    );
    expect((await waiting).status).not.toBe(0);
  });
});
