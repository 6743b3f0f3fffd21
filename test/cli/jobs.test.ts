import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { JobStats, PutResult } from '../../src/contracts/job-api.ts';
import type { JobDocument, RunDocument, SlotDocument } from '../../src/core/document.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { aSharedDaemon, bash, lsh, lshOk } from '../support/daemon/cli.ts';
import { aDaemon, aHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Is not due during a test. */
const YEARLY = ['--schedule', '0 0 1 1 *'];

const home = aSharedDaemon();

beforeEach(async () => {
  for (const { metadata } of await home.client.list({})) await home.client.remove({ name: metadata.name });
});

const add = (name: string, command: string, ...more: string[]) =>
  lshOk(home, ['cron', 'add', '--name', name, ...YEARLY, '--command', command, ...more]);

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse(await lshOk(home, [...args, '-o', 'json'])) as T;
}

describe('get', () => {
  test('shows every time in the zone of the job, as its schedule is', async () => {
    const timeZone = 'Pacific/Kiritimati';
    await lshOk(home, ['cron', 'add', '--name', 'far', ...YEARLY, '--tz', timeZone, '--command', 'true']);
    await lshOk(home, ['cron', 'trigger', 'far', '--wait']);
    const { metadata, status } = await home.client.get({ name: 'far' });
    const inZone = (instant: string) =>
      new Date(instant).toLocaleString('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
    const page = await lshOk(home, ['cron', 'get', 'far']);
    expect(page).toContain(`(${timeZone})`);
    expect(page).toMatch(new RegExp(`^Created: .* ${inZone(metadata.creationTimestamp)}`, 'm'));
    expect(page).toMatch(new RegExp(`^Last success: .* ${inZone(status!.lastSuccessfulTime!)}`, 'm'));
  });
});

describe('add', () => {
  test('prints created, unchanged or configured, the changes and the next runs', async () => {
    const args = ['cron', 'add', '--name', 'rotate', '--schedule', '0 2 * * 0', '--tz', 'America/New_York'];
    const created = await lshOk(home, [...args, '--command', 'true']);
    expect(created).toMatch(
      /^job "rotate" created\n {2}next runs \(America\/New_York\):\n( {4}Sun \S+ 02:00 {2}in .*\n){3}$/,
    );
    expect(await lshOk(home, [...args, '--command', 'true'])).toMatch(/^job "rotate" unchanged\n/);
    const configured = await lshOk(home, [...args, '--command', 'echo', '--retries', '2']);
    expect(configured).toMatch(
      /^job "rotate" configured\n {2}command: "true" -> "echo"\n {2}retry\.limit: 0 -> 2\n/,
    );
  });

  test('says what a job without a schedule of its own runs after', async () => {
    const args = ['cron', 'add', '--name', 'follower', '--after', 'rotate:Ended', '--command', 'true'];
    expect(await lshOk(home, args)).toBe('job "follower" created\n  runs after rotate (Ended)\n');
  });

  test('names the variables that change, and prints no value of them', async () => {
    const add = (...more: string[]) =>
      lshOk(home, ['cron', 'add', '--name', 'sealed', ...YEARLY, '--command', 'true', ...more]);
    await add('--env', 'TOKEN=old-secret', '--env', 'GONE=gone-secret');
    const args = ['--env', 'TOKEN=new-secret', '--env', 'NEW=fresh-secret'];
    // The document is the job as it becomes, and holds no earlier value.
    expect(await add(...args, '--dry-run', '-o', 'json')).not.toMatch(/old-secret|gone-secret/);
    const changed = await add(...args);
    expect(changed).toContain('  env.TOKEN: changed\n  env.GONE: removed\n  env.NEW: added\n');
    expect(changed).not.toContain('-secret');
  });

  test('--env-file may name a file that does not exist yet: Node does not read it as its own option', async () => {
    const args = [
      'cron',
      'add',
      '--name',
      'later',
      ...YEARLY,
      '--env-file',
      'later.env',
      '--command',
      'true',
    ];
    const { status, stderr } = await bash(home, `PATH="$1:$PATH" "$2" "\${@:3}"`, [
      dirname(process.execPath),
      BUNDLE,
      ...args,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('--dry-run prints the same and changes nothing', async () => {
    expect(await add('ghost', 'true', '--dry-run')).toMatch(/^job "ghost" created \(dry run\)\n/);
    expect(await json<JobDocument[]>('cron', 'list')).toEqual([]);
  });

  test('-o json prints the whole answer, and stdout has nothing else', async () => {
    const { result, next, job } = JSON.parse(await add('a', 'true', '-o', 'json')) as PutResult;
    expect(result).toBe('created');
    expect(next).toHaveLength(3);
    expect(next[0]).toMatch(/^\d{4}-01-01T00:00:00Z$/);
    expect(job.metadata.name).toBe('a');
    expect(await add('b', 'true', '-o', 'name')).toBe('b\n');
  });

  test('--not-before takes a date in the zone of the schedule', async () => {
    const zone = ['--tz', 'Asia/Kolkata', '--not-before', '2099-01-01', '--not-after', '2099-06-01 14:00'];
    const { job } = JSON.parse(await add('bounded', 'true', ...zone, '-o', 'json')) as PutResult;
    expect(job.spec).toMatchObject({ notBefore: '2098-12-31T18:30:00Z', notAfter: '2099-06-01T08:30:00Z' });
    const refused = await lsh(home, [
      'cron',
      'add',
      '-n',
      'b',
      ...YEARLY,
      '-c',
      'true',
      '--not-before',
      'soon',
    ]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/--not-before needs a time, not "soon"[^]*2026-01-31/);
  });

  test('explain --at and next --from read a time in the zone of the job', async () => {
    await add('zoned', 'true', '--tz', 'Asia/Kolkata');
    expect(await lshOk(home, ['cron', 'explain', 'zoned', '--at', '2020-01-01 02:00'])).toMatch(
      /^zoned at Wed 2020-01-01 02:00 \(Asia\/Kolkata, /,
    );
    expect(await lshOk(home, ['cron', 'next', 'zoned', '-n', '1', '--from', '2030-06-01'])).toMatch(
      /^Wed 2031-01-01 00:00 /,
    );
  });

  test('warns of a working directory that does not exist; each run says so wherever its user looks', async () => {
    const args = ['cron', 'add', '-n', 'lost', ...YEARLY, '-c', 'true', '-w', '/no/such'];
    const missing = 'the working directory /no/such does not exist';
    const added = await lsh(home, args);
    expect(added).toMatchObject({
      status: 0,
      stderr: `warning: ${missing}; until that changes, every run fails\n`,
    });
    const sentence = `The command did not start: ${missing}.`;
    const waited = await lsh(home, ['cron', 'trigger', 'lost', '--wait']);
    expect(waited).toMatchObject({ status: 125, stderr: `${sentence}\n` });
    expect(await lshOk(home, ['cron', 'logs', 'lost'])).toBe(`lsh: ${sentence}\n`);
    expect(await lshOk(home, ['cron', 'history', 'lost'])).toContain(sentence);
    expect(await lshOk(home, ['cron', 'get', 'lost'])).toContain(sentence);
  });

  test('logs says how much output was deleted', async () => {
    await add('tidied', 'echo 1234');
    const run = (await lshOk(home, ['cron', 'trigger', 'tidied', '--wait', '-o', 'name'])).trim();
    rmSync(join(home.paths.stateDir, 'logs', `${run}.log`));
    expect(await lshOk(home, ['cron', 'logs', 'tidied'])).toBe('[lsh: 5 bytes left out]\n');
    expect(await lshOk(home, ['daemon', 'status'])).toMatch(/^Output: +\d+ MiB of 1024 MiB/m);
  });

  test('arguments after -- run without a shell', async () => {
    await lshOk(home, ['cron', 'add', '--name', 'plain', ...YEARLY, '--', 'printf', '%s|', 'a  b', '$HOME']);
    await lshOk(home, ['cron', 'trigger', 'plain', '--wait']);
    expect(await lshOk(home, ['cron', 'logs', 'plain'])).toBe('a  b|$HOME|');
  });

  test.each([
    ['a refused command', ['--schedule', '@daily', '--command', 'rm -rf /'], 5, 'COMMAND_REFUSED'],
    ['a schedule of four fields', ['--schedule', '0 2 * *', '--command', 'true'], 2, 'JOB_INVALID'],
    ['an unknown zone', [...YEARLY, '--tz', 'Mars/Phobos', '--command', 'true'], 2, 'JOB_INVALID'],
    ['no command', YEARLY, 2, 'JOB_INVALID'],
    ['a day that never comes', ['--schedule', '0 0 31 2 *', '--command', 'true'], 2, 'JOB_INVALID'],
  ])('refuses %s with its status and code', async (_case, args, status, code) => {
    const result = await lsh(home, ['cron', 'add', '--name', 'x', ...args]);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toContain(`[${code}]`);
  });

  test('reports one problem for a name of 300 characters', async () => {
    const { status, stderr } = await lsh(home, [
      'cron',
      'add',
      '-n',
      'x'.repeat(300),
      ...YEARLY,
      '-c',
      'true',
    ]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ {2}metadata\.name: .*63/m);
  });
});

describe('runs', () => {
  test('logs prints the newest run that has begun while a retry waits, and says so', async () => {
    await add('flaky', 'echo tried; exit 1', '--retries', '1', '--retry-delay', '2h');
    await lsh(home, ['cron', 'trigger', 'flaky']);
    await eventually(async () => (await json<RunDocument[]>('cron', 'history', 'flaky')).length === 2);
    const { stdout, stderr } = await lsh(home, ['cron', 'logs', 'flaky']);
    expect(stdout).toBe('tried\n');
    expect(stderr).toMatch(
      /^Attempt 2 \((flaky-m\S+)-2\) has not begun: it starts in 2 hours; this is the output of \1\.\n$/,
    );
    await lshOk(home, ['cron', 'remove', 'flaky']);
  });

  test('logs says that a run has no output', async () => {
    await add('silent', 'true');
    await lshOk(home, ['cron', 'trigger', 'silent', '--wait']);
    const { stdout, stderr } = await lsh(home, ['cron', 'logs', 'silent']);
    expect([stdout, stderr]).toEqual(['', expect.stringMatching(/^No output of silent-m\S+\.\n$/)]);
  });

  test('trigger --wait exits with the exit code of the run; logs, history, report and get show the run', async () => {
    await add('fails', 'echo out; echo err >&2; exit 7');
    const waited = await lsh(home, ['cron', 'trigger', 'fails', '--wait']);
    expect(waited.status).toBe(7);
    expect(waited.stdout).toMatch(/^run "fails-\S+" Failed \(exit 7\) after \S+\n$/);

    expect(await lshOk(home, ['cron', 'logs', 'fails'])).toBe('out\nerr\n');
    const [run] = await json<RunDocument[]>('cron', 'history', 'fails');
    expect(run).toMatchObject({ phase: 'Failed', reason: 'ExitCode', exitCode: 7, trigger: 'Manual' });
    expect(await lshOk(home, ['cron', 'logs', run!.name])).toBe('out\nerr\n');
    expect(await lshOk(home, ['cron', 'history'])).toMatch(/^RUN .*\nfails-.* Failed \(exit 7\) /);

    const [stats] = await json<(JobStats & { successRate: number })[]>('cron', 'report', 'fails');
    expect(stats).toMatchObject({ job: 'fails', failed: 1, completed: 0, successRate: 0 });
    const table = await lshOk(home, ['cron', 'report', 'fails']);
    expect(table).toMatch(/^fails +1 +0 % .*▇$/m);
    const csv = await lshOk(home, ['cron', 'report', '-o', 'csv']);
    expect(csv).toMatch(/^job,completed,failed,killed,missed,successRate,[^]*\nfails,0,1,0,0,0\.0000,/);

    expect(await lshOk(home, ['cron', 'get', 'fails'])).toMatch(
      /Status: +Failing\n[^]*Recent runs\n[^]*Failed \(exit 7\)/,
    );
    expect(await lshOk(home, ['cron', 'list'])).toMatch(/^fails .*Failed \(exit 7\) .*Failing$/m);
  });

  test('trigger --wait waits for the last attempt, and tells the end of each earlier one', async () => {
    const count = join(tempDir(), 'count');
    await add(
      'flaky',
      `echo x >> ${count}; exit $(wc -l < ${count})`,
      '--retries',
      '2',
      '--retry-delay',
      '0s',
    );
    const waited = await lsh(home, ['cron', 'trigger', 'flaky', '--wait']);
    expect(waited.status).toBe(3);
    expect(waited.stdout).toMatch(/^run "flaky-\S+-3" Failed \(exit 3\) after \S+\n$/);
    expect(waited.stderr).toMatch(
      /^run "flaky-\S+" Failed \(exit 1\) after \S+; attempt 2 .*\nrun "flaky-\S+-2" Failed \(exit 2\) after \S+; attempt 3 .*\n/,
    );

    const args = ['--retries', '5', '--retry-delay', '0s'];
    await add('mends', `echo x >> ${count}; test $(wc -l < ${count}) -ge 5`, ...args);
    const mended = await lsh(home, ['cron', 'trigger', 'mends', '--wait', '-o', 'json']);
    expect(mended.status).toBe(0);
    expect(JSON.parse(mended.stdout)).toMatchObject({ phase: 'Completed', attempt: 2 });
    await add('kills', 'kill -KILL $$');
    expect((await lsh(home, ['cron', 'trigger', 'kills', '--wait'])).status).toBe(137);
  });

  test.each([
    ['an unknown job', ['nobody'], 'JOB_NOT_FOUND'],
    ['an unknown option', ['nobody', '--bogus'], 'USAGE'],
    ['a missing name', [], 'USAGE'],
  ])('trigger --wait fails with 125 for %s: 1 to 5 belong to the job', async (_case, words, code) => {
    const { status, stderr } = await lsh(home, ['cron', 'trigger', '--wait', ...words]);
    expect(status).toBe(125);
    expect(stderr).toContain(`[${code}]`);
  });

  test('trigger --wait ends with 125 and the reason for a run that did not start', async () => {
    await add('lost', 'true', '-w', '/nonexistent');
    const { status, stderr } = await lsh(home, ['cron', 'trigger', 'lost', '--wait']);
    expect(status).toBe(125);
    expect(stderr).toContain('/nonexistent');
    expect(stderr).not.toContain('lsh cron logs');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s ends the wait of trigger --wait, and says that the run goes on',
    async (signal, expected) => {
      const job = `on-after-${expected}`;
      await add(job, 'echo begun; sleep 1000');
      const child = spawn(process.execPath, [BUNDLE, 'cron', 'trigger', job, '--wait'], {
        env: home.env,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const said = text(child.stderr);
      const ended = once(child, 'exit');
      const { name: run } = await eventually(async () => (await home.client.runs({ name: job }))[0]);
      await runWithOutput(job, 'begun');
      child.kill(signal);
      expect(await ended).toEqual([expected, null]);
      expect(await said).toBe(
        `run "${run}" goes on; lsh waits for it no longer\n` +
          `hint: Follow it with \`lsh cron logs -f ${job} ${run}\`, stop it with \`lsh cron stop ${job}\`.\n`,
      );
      expect((await home.client.run({ run })).phase).toBe('Running');
    },
  );

  test('the same trigger id starts no second run', async () => {
    await add('once', 'true');
    const args = ['cron', 'trigger', 'once', '--id', 'deploy-1', '-o', 'name'];
    const first = await lshOk(home, args);
    expect(await lshOk(home, args)).toBe(first);
    expect(await json<RunDocument[]>('cron', 'history', 'once')).toHaveLength(1);
  });

  test('logs -f prints until the run ends, and stop ends the run', async () => {
    await add('long', 'trap "echo told; exit 0" TERM; echo begun; sleep 1000 & wait');
    await lshOk(home, ['cron', 'trigger', 'long']);
    const following = lshOk(home, ['cron', 'logs', '-f', 'long']);
    const run = await runWithOutput('long', 'begun');
    expect(await lshOk(home, ['cron', 'stop', 'long'])).toBe(`run "${run}" stopping\n`);
    expect(await following).toBe('begun\ntold\n');
    // The output ends before the end of the run is recorded.
    await home.client.run({ run, wait: true });
    expect(await lshOk(home, ['cron', 'stop', 'long'])).toBe('job "long" has no active run\n');
  });

  async function runWithOutput(name: string, expected: string): Promise<string> {
    for await (const chunk of home.client.log({ name, follow: true })) {
      if (Buffer.from(chunk).toString().includes(expected)) break;
    }
    const [run] = await home.client.runs({ name });
    return run!.name;
  }

  test('history --slots shows what became of each slot, --missed those that did not run', async () => {
    await lshOk(home, ['cron', 'add', '-n', 'busy', '-i', '1s', '-c', 'exec sleep 1000']);
    await lshOk(home, ['cron', 'add', '-n', 'calm', ...YEARLY, '-c', 'true']);
    const missed = () => json<SlotDocument[]>('cron', 'history', 'busy', '--missed', '-n', '1');
    const [slot] = await eventually(async () => (await missed()).length > 0 && missed());
    expect(slot).toMatchObject({ job: 'busy', count: 1, outcome: 'Forbidden', cause: 'RunActive' });
    await lshOk(home, ['cron', 'pause', 'busy']);
    await lshOk(home, ['cron', 'stop', 'busy']);
    const [run] = await eventually(async () => {
      const runs = await json<RunDocument[]>('cron', 'history', 'busy');
      return runs.every(({ phase }) => phase === 'Killed') && runs;
    });
    const why = 'another run of the job was active, and concurrencyPolicy is Forbid';
    const all = await lshOk(home, ['cron', 'history', 'busy', '--slots', '-n', '1000']);
    expect(all).toMatch(/^JOB +SLOT +SLOTS +RESULT +RUN OR REASON\n/);
    expect(all).toMatch(new RegExp(`^busy .* 1 +Forbidden +${why}$`, 'm'));
    expect(all).toMatch(new RegExp(`^busy .* 1 +Killed \\(StoppedByUser\\) +${run!.name}$`, 'm'));
    const ofAllJobs = await lshOk(home, ['cron', 'history', '--missed', '--since', '1h']);
    expect(ofAllJobs).toContain(why);
    expect(ofAllJobs).not.toContain(run!.name);
    expect(await lsh(home, ['cron', 'history', 'calm', '--missed'])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: 'No slot was missed.\n',
    });
    expect(await lsh(home, ['cron', 'history', 'none', '--slots'])).toMatchObject({ status: 4 });
    expect(await lsh(home, ['cron', 'history', '--slots', '--failed'])).toMatchObject({ status: 2 });
  });

  test('logs -n prints the last lines, with -f also those that follow', async () => {
    const gate = join(tempDir(), 'gate');
    execFileSync('mkfifo', [gate]);
    await add('counts', `seq 1 30000; cat ${gate}; printf end`);
    const [run] = (await lshOk(home, ['cron', 'trigger', 'counts', '-o', 'name'])).split('\n');
    await eventually(async () => (await lshOk(home, ['cron', 'logs', 'counts'])).endsWith('30000\n'));
    expect(await lshOk(home, ['cron', 'logs', '-n', '2', 'counts'])).toBe('29999\n30000\n');
    const following = spawn(process.execPath, [BUNDLE, 'cron', 'logs', '-f', '-n', '1', 'counts'], {
      env: home.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(following.stdout, 'data')) as [Buffer];
    expect(String(line)).toBe('30000\n');
    writeFileSync(gate, 'more\n');
    expect(await text(following.stdout)).toBe('more\nend');
    await home.client.run({ run: run!, wait: true });
    expect(await lshOk(home, ['cron', 'logs', '-n', '1', 'counts'])).toBe('end');
    expect(await lshOk(home, ['cron', 'logs', '-n', '100000', 'counts'])).toMatch(
      /^1\n2\n[^]*30000\nmore\nend$/,
    );
  });

  test('logs --since prints every run since then under its name, oldest first', async () => {
    await add('twice', 'echo $LSH_RUN; echo last');
    const first = (await lshOk(home, ['cron', 'trigger', 'twice', '--wait', '-o', 'name'])).trim();
    const second = (await lshOk(home, ['cron', 'trigger', 'twice', '--wait', '-o', 'name'])).trim();
    expect(await lshOk(home, ['cron', 'logs', 'twice', '--since', '1 hour ago', '-n', '2'])).toMatch(
      new RegExp(`^==> ${first}: .*, Completed <==\n${first}\nlast\n==> ${second}: .*\n${second}\nlast\n$`),
    );
    const none = await lsh(home, ['cron', 'logs', 'twice', '--since', 'now']);
    expect(none).toMatchObject({ status: 0, stdout: '', stderr: expect.stringMatching(/^No run since /) });
    expect(await lsh(home, ['cron', 'logs', 'twice', first, '--since', '2h'])).toMatchObject({ status: 2 });
  });

  test('get shows lists and mappings in words', async () => {
    await add('worded', 'true', '--env', 'A=1', '--env', 'B=two words', '--tag', 'x,y', '--retries', '3');
    const page = await lshOk(home, ['cron', 'get', 'worded']);
    expect(page).toMatch(/^ *env: +A=1, B=two words$/m);
    expect(page).toMatch(/^ *tags: +x, y$/m);
    expect(page).toMatch(/^ *retry: +limit: 3\b/m);
    const notify = ['--notify', 'hook:failed,recovered', '--notify', 'gone', '--notify-after', '2'];
    await add('worded', 'true', ...notify, '--after', 'one:Failed', '--after', 'two');
    const lists = await lshOk(home, ['cron', 'get', 'worded']);
    expect(lists).toMatch(
      /^ *notify: +hook:Failed,Recovered \(after 2 failures\); gone \(after 2 failures\)$/m,
    );
    expect(lists).toMatch(/^ *after: +one:Failed; two(:Completed)?$/m);
  });

  test('a job that has not run has no output, and an unknown job is not found', async () => {
    await add('fresh', 'true');
    const none = await lsh(home, ['cron', 'logs', 'fresh']);
    expect(none).toMatchObject({ status: 4, stdout: '' });
    expect(none.stderr).toContain('has not run yet');
    for (const verb of ['logs', 'get', 'trigger', 'stop', 'pause', 'remove', 'history', 'report', 'export']) {
      expect({ verb, status: (await lsh(home, ['cron', verb, 'nobody'])).status }).toEqual({
        verb,
        status: 4,
      });
    }
  });
});

describe('changes', () => {
  test('an unknown name is answered with the job that the user most likely meant', async () => {
    await add('rotate-secrets', 'true');
    const { status, stderr } = await lsh(home, ['cron', 'pause', 'rotate-secret']);
    expect(status).toBe(4);
    expect(stderr).toContain('hint: Did you mean rotate-secrets?');
    expect((await lsh(home, ['cron', 'pause', 'zzz'])).stderr).not.toContain('Did you mean');
  });

  test('remove without a name, as xargs of an empty list calls it, removes nothing and names xargs -r', async () => {
    await add('a', 'true');
    const { status, stderr } = await lsh(home, ['cron', 'remove']);
    expect(status).toBe(2);
    expect(stderr).toContain('`xargs -r` runs nothing for an empty list');
    expect(await lshOk(home, ['cron', 'list', '-o', 'name'])).toBe('a\n');
  });

  test('pause and resume print the result, also for a job in that state already', async () => {
    await add('a', 'true');
    expect(await lshOk(home, ['cron', 'pause', 'a'])).toMatch(/^job "a" paused\n.*lsh cron resume a/);
    expect(await lshOk(home, ['cron', 'pause', 'a'])).toMatch(/^job "a" already paused\n/);
    const until = ['cron', 'pause', 'a', '--until', '2099-01-01T00:00:00Z'];
    expect(await lshOk(home, until)).toMatch(
      /^job "a" paused\n {2}paused: no run until .*2099.*, or `lsh cron resume a`\n/,
    );
    expect(await lshOk(home, ['cron', 'get', 'a'])).toContain('paused until Thu 2099-01-01 00:00');
    const past = await lsh(home, ['cron', 'pause', 'a', '--until', 'yesterday']);
    expect(past).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--until must be later than now'),
    });
    expect(await lshOk(home, ['cron', 'list'])).toMatch(/^a .*paused until 2099.* Suspended$/m);
    const over = (await lshOk(home, ['cron', 'export', 'a'])).replace('2099-01-01', '2020-01-01');
    await lshOk(home, ['apply', '-f', '-'], { stdin: over });
    expect(await lshOk(home, ['cron', 'get', 'a'])).toMatch(
      /^ *resumeAt: +2020-01-01T00:00:00Z \(the pause is over\)$/m,
    );
    expect(await lshOk(home, ['cron', 'resume', 'a'])).toMatch(/^job "a" resumed\n {2}next runs/);
  });

  test('remove names the jobs that follow the removed one', async () => {
    await add('first', 'true');
    await lshOk(home, ['cron', 'add', '-n', 'second', '--after', 'first', '-c', 'true']);
    expect(await lsh(home, ['cron', 'remove', 'first'])).toMatchObject({
      status: 0,
      stdout: 'job "first" removed\n',
      stderr: expect.stringContaining('warning: Job "second" follows job "first"'),
    });
    expect(await lsh(home, ['cron', 'remove', 'second'])).toMatchObject({ status: 0, stderr: '' });
  });

  test('remove stops active runs and keeps the history; an unknown name does not stop the others', async () => {
    await add('a', 'sleep 1000');
    await add('b', 'true');
    const started = (await lshOk(home, ['cron', 'trigger', 'a', '-o', 'name'])).trim();
    const { status, stdout, stderr } = await lsh(home, ['cron', 'remove', 'a', 'nobody', 'b']);
    expect(stdout).toBe(`job "a" removed (stopped 1 run: ${started})\njob "b" removed\n`);
    expect(stderr).toContain('There is no job named "nobody".');
    expect(status).toBe(4);
    await home.client.run({ run: started, wait: true });
    expect(await json<RunDocument[]>('cron', 'history', 'a')).toMatchObject([
      { phase: 'Killed', reason: 'JobRemoved' },
    ]);
  });

  test('edit applies the saved text, and shows a problem above the text until the text is valid', async () => {
    await add('a', 'true', '--description', 'before');
    const editor = join(tempDir(), 'editor');
    const seen = `${editor}.seen`;
    // The first call breaks the schedule; the second keeps a copy of the shown text and mends the schedule.
    writeFileSync(
      editor,
      `#!/bin/sh
if [ -e '${seen}' ]; then cp "$1" '${seen}'; sed -i 's/99 0 1/5 0 1/' "$1"
else touch '${seen}'; sed -i 's/0 0 1/99 0 1/; s/before/after/' "$1"; fi
`,
    );
    chmodSync(editor, 0o700);
    const out = await lshOk(home, ['cron', 'edit', 'a'], { env: { EDITOR: editor } });
    expect(out).toMatch(/^job "a" configured\n/);
    expect(out).toContain('description: "before" -> "after"');
    expect(out).toContain('schedule: "0 0 1 1 *" -> "5 0 1 1 *"');
    expect(readFileSync(seen, 'utf8')).toMatch(/^#! .*\n#! .*spec\.schedule.*\n/);
  });

  test('edit applies nothing if the user empties the file', async () => {
    await add('a', 'true');
    const editor = join(tempDir(), 'editor');
    writeFileSync(editor, '#!/bin/sh\nprintf "\\n# nothing\\n" > "$1"\n');
    chmodSync(editor, 0o700);
    const emptied = await lsh(home, ['cron', 'edit', 'a'], { env: { EDITOR: editor } });
    expect(emptied).toMatchObject({ status: 0, stdout: '' });
    expect(emptied.stderr).toBe('job "a" unchanged: the saved text is empty\n');
  });

  test.each([
    ['makes the same mistake again', '', 2, 'JOB_INVALID'],
    ['fails after the change', 'exit 1', 1, 'EDITOR_FAILED'],
  ])(
    'edit keeps the text in a file that the error names if the editor %s',
    async (_case, then, status, code) => {
      await add('a', 'true');
      const directory = tempDir();
      const editor = join(directory, 'editor');
      writeFileSync(editor, `#!/bin/sh\nsed -i '/^#! /d; s/0 0 1/99 0 1/' "$1"\n${then}\n`);
      chmodSync(editor, 0o700);
      const given = await lsh(home, ['cron', 'edit', 'a'], { env: { EDITOR: editor, TMPDIR: directory } });
      expect(given).toMatchObject({ status, stdout: '' });
      expect(given.stderr).toContain(`[${code}]`);
      const [, file = ''] = /Your text is in (\S+);/.exec(given.stderr) ?? [];
      expect(readFileSync(file, 'utf8')).toMatch(/^apiVersion: [^]*schedule: 99 0 1 /);
    },
  );

  test('edit opens again after a refused command, and keeps the text', async () => {
    await add('a', 'true');
    const editor = join(tempDir(), 'editor');
    writeFileSync(
      editor,
      `#!/bin/sh\ngrep -q '^#! ' "$1" || sed -i 's/command: .*/command: rm -rf \\//' "$1"\n`,
    );
    chmodSync(editor, 0o700);
    const { status, stderr } = await lsh(home, ['cron', 'edit', 'a'], {
      env: { EDITOR: editor, TMPDIR: dirname(editor) },
    });
    expect(status).toBe(5);
    expect(stderr).toMatch(
      /^The command was refused: .*\nerror: The command was refused[^]*Your text is in /,
    );
  });

  test('edit changes nothing if the editor fails or the text stays the same', async () => {
    await add('a', 'true');
    const failed = await lsh(home, ['cron', 'edit', 'a'], { env: { EDITOR: 'false' } });
    expect(failed).toMatchObject({ status: 1, stdout: '' });
    expect(failed.stderr).toContain('[EDITOR_FAILED]');
    const same = await lsh(home, ['cron', 'edit', 'a'], { env: { EDITOR: 'true' } });
    expect(same).toMatchObject({ status: 0, stdout: '', stderr: 'job "a" unchanged\n' });
  });
});

describe('documents', () => {
  const RICH = [
    '--tz',
    'Asia/Kolkata',
    '--timeout',
    '1h',
    '--retries',
    '3',
    '--retry-delay',
    '20s',
    '--concurrency',
    'queue',
    '--env',
    'A=multi\nline "quoted" # no comment',
    '--env',
    'EMPTY=',
    '--tag',
    'x,y',
    '--description',
    'ünï: - [x]',
    '--jitter',
    '5m',
    '--not-after',
    '2099-01-01T00:00:00Z',
    '--priority',
    '0',
    '--suspend',
  ];

  test.each(['yaml', 'json'])(
    'apply of an export as %s changes nothing here, and creates the same jobs in an empty daemon',
    async (format) => {
      await add('rich', 'printf "%s\n" "a: b"', ...RICH);
      await add('plain', 'true');
      const exported = await lshOk(home, ['cron', 'export', '-o', format]);
      const here = await lshOk(home, ['apply', '-f', '-'], { stdin: exported });
      expect(here).toBe('job "plain" unchanged\njob "rich" unchanged\n');
      const other = await aDaemon();
      expect(await lshOk(other, ['apply', '-f', '-'], { stdin: exported })).toBe(
        'job "plain" created\njob "rich" created\n',
      );
      expect(await lshOk(other, ['cron', 'export', '-o', format])).toBe(exported);
      const single = await lshOk(home, ['cron', 'export', 'rich', '-o', format]);
      expect(await lshOk(other, ['apply', '-f', '-'], { stdin: single })).toBe('job "rich" unchanged\n');
    },
  );

  test('apply accepts the documents of list', async () => {
    await add('a', 'true');
    const listed = await lshOk(home, ['cron', 'list', '-o', 'yaml']);
    expect(await lshOk(home, ['apply', '-f', '-'], { stdin: listed })).toBe('job "a" unchanged\n');
  });

  test('apply puts the valid documents, locates the problems of the others, and fails', async () => {
    const file = join(tempDir(), 'jobs.yaml');
    const job = (name: string, spec: string) =>
      `apiVersion: lsh.dev/v1alpha1\nkind: LshJob\nmetadata:\n  name: ${name}\nspec:\n  ${spec}\n`;
    writeFileSync(
      file,
      [
        job('good', "schedule: '@daily'\n  command: 'true'"),
        job('bad', 'schedule: 1 2 3\n  command: x'),
        'a: [\n',
        job('also', 'args: [a]\n  schedule: "@hourly"'),
      ].join('---\n'),
    );
    const { status, stdout, stderr } = await lsh(home, ['apply', '-f', file]);
    expect(stdout).toBe('job "good" created\njob "also" created\n');
    expect(stderr).toContain(`${file}:14:3: spec.schedule: `);
    expect(stderr).toMatch(/jobs\.yaml:18:\d+: /);
    expect(status).toBe(2);

    const checked = await lsh(home, ['cron', 'validate', file]);
    expect(checked.status).toBe(2);
    expect(checked.stdout).toContain(`${file}:14:3: error: spec.schedule: `);
    expect(checked.stdout).toMatch(/4 documents, 2 problems\n$/);
  });

  test('delete -f removes what apply -f created', async () => {
    await add('a', 'true');
    const file = join(tempDir(), 'a.yaml');
    writeFileSync(file, await lshOk(home, ['cron', 'export', 'a']));
    expect(await lshOk(home, ['delete', '-f', file])).toBe('job "a" removed\n');
    expect((await lsh(home, ['delete', '-f', file])).status).toBe(4);
    expect(await lshOk(home, ['delete', '-f', file, '--ignore-not-found'])).toBe('');
  });

  test('create-from-template makes a job of a template, its parameters and flags', async () => {
    const out = await lshOk(home, [
      'cron',
      'create-from-template',
      'disk-monitor',
      '--name',
      'disk',
      '--set',
      'percent=101',
      '--schedule',
      '0 0 1 1 *',
      '--env',
      'EXTRA=1',
    ]);
    expect(out).toMatch(/^job "disk" created\n/);
    expect(await json<JobDocument>('cron', 'get', 'disk')).toMatchObject({
      spec: {
        schedule: '0 0 1 1 *',
        priority: 7,
        env: [
          { name: 'PERCENT', value: '101' },
          { name: 'EXTRA', value: '1' },
        ],
      },
    });
    expect((await lsh(home, ['cron', 'trigger', 'disk', '--wait'])).status).toBe(0);
    const wrong = await lsh(home, ['cron', 'create-from-template', 'disk-monitor', '--set', 'pct=1']);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
  });
});

describe('output', () => {
  test('list filters by tag, -o name prints names, and an empty list is no error', async () => {
    expect(await lsh(home, ['cron', 'list'])).toMatchObject({ status: 0, stdout: '' });
    await add('a', 'true', '--tag', 'x,y');
    await add('b', 'true', '--tag', 'x');
    expect(await lshOk(home, ['cron', 'list', '--tag', 'x', '-o', 'name'])).toBe('a\nb\n');
    expect(await lshOk(home, ['cron', 'list', '--tag', 'x', '--tag', 'y', '-o', 'name'])).toBe('a\n');
    expect(await lshOk(home, ['cron', 'list', '-o', 'wide'])).toMatch(/^a .* x,y +true$/m);
  });

  test('colours: none in a pipe, some with FORCE_COLOR', async () => {
    await add('a', 'true');
    const escape = String.fromCodePoint(27);
    expect(await lshOk(home, ['cron', 'list'])).not.toContain(escape);
    expect(await lshOk(home, ['cron', 'list'], { env: { FORCE_COLOR: '1' } })).toContain(`${escape}[`);
    expect(await lshOk(home, ['cron', 'list', '-o', 'json'], { env: { FORCE_COLOR: '1' } })).not.toContain(
      escape,
    );
  });

  test('a reader that closes the pipe early is no error', async () => {
    for (const name of ['a', 'b', 'c']) await add(name, `true # ${'x'.repeat(9000)}`);
    const script = 'set -o pipefail; "$@" | head -c 1; echo " ${PIPESTATUS[0]}"';
    const { stdout, stderr } = await bash(home, script, [process.execPath, BUNDLE, 'cron', 'export']);
    expect({ stdout, stderr }).toEqual({ stdout: 'a 0\n', stderr: '' });
  });

  test.runIf(existsSync('/dev/full'))('a failed write to stdout is a failure', async () => {
    const { status, stderr } = await bash(home, '"$@" > /dev/full', [
      process.execPath,
      BUNDLE,
      'cron',
      'next',
      '@daily',
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: lsh cannot write its output: .*ENOSPC/);
  });

  test('TZ is the zone of an expression, as it is of a job', async () => {
    const env = { TZ: 'America/New_York' };
    expect(await lshOk(home, ['cron', 'next', '0 2 * * *', '--explain'], { env })).toMatch(/UTC-0[45]:00/);
    const schedule = await lshOk(home, ['cron', 'validate', '30 2 * * *'], { env });
    expect(schedule).toContain('in America/New_York: 02:30 does not exist; runs at 03:00.');
    expect(await lsh(home, ['doctor'], { env })).toMatchObject({
      stdout: expect.stringContaining('in America/New_York'),
    });
  });

  test('add notes what a schedule means; the same command again does not', async () => {
    const command = ['cron', 'add', '--name', 'noted', '--schedule', '0 0 13 * FRI', '--', 'true'];
    expect((await lsh(home, command)).stderr).toBe(
      'note: The job is due on days that match "13" or "FRI", as in cron. Write `+FRI` to require both.\n',
    );
    expect((await lsh(home, command)).stderr).toBe('');
  });

  test('with an unknown TZ, times are in UTC', async () => {
    const out = await lshOk(home, ['cron', 'next', '0 2 * * *'], { env: { TZ: 'Mars/Phobos' } });
    expect(out).toContain(' 02:00 ');
  });
});

test('without a daemon, the status is 3 and the hint names `lsh daemon start`', async () => {
  const { status, stdout, stderr } = await lsh(aHome(), ['cron', 'list']);
  expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
  expect(stderr).toBe(
    'error: The daemon is not running.\nhint: Start it with `lsh daemon start`.\n[DAEMON_NOT_RUNNING]\n',
  );
});
