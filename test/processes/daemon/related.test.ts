// Jobs of a real daemon that concern each other, and the daemon dies by kill -9 in between.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { aDaemon, aHome, aManifest } from '../../support/daemon/daemon.ts';
import { lsh } from '../../support/daemon/cli.ts';
import { eventually } from '../../support/eventually.ts';

describe('a concurrency group', () => {
  test('lets a run wait for the run of another job, across a kill -9 of the daemon', async () => {
    const home = aHome();
    const gate = join(home.env['HOME']!, 'gate');
    const journal = join(home.env['HOME']!, 'journal');
    execFileSync('mkfifo', [gate]);
    writeFileSync(journal, '');
    // A gate that has both ends keeps no run of a failed test.
    onTestFinished(() => closeSync(openSync(gate, 'r+')));
    const first = await aDaemon(home);
    const concurrencyGroup = { name: 'deploy' };
    const holder = { command: `echo holder >> ${journal}; cat ${gate}`, concurrencyGroup };
    await home.client.put({ job: aManifest('holder', holder) });
    await home.client.put({
      job: aManifest('waiter', { command: `echo waiter >> ${journal}`, concurrencyGroup }),
    });
    const held = await home.client.trigger({ name: 'holder', id: 'one' });
    await eventually(() => readFileSync(journal, 'utf8').includes('holder'), { what: 'the holder' });
    const waiting = await home.client.trigger({ name: 'waiter', id: 'two' });
    expect(waiting).toMatchObject({
      phase: 'Created',
      message: 'The run waits for concurrency group deploy.',
    });

    const explained = await lsh(home, ['cron', 'explain', 'waiter', '--at', waiting.slot]);
    expect(explained.stdout).toContain(
      `it waits for concurrency group deploy, where ${held.name} is active (max 1)`,
    );
    const ahead = await lsh(home, ['cron', 'explain', 'waiter', '--at', '2099-01-01']);
    expect(ahead.stdout).toMatch(
      new RegExp(`^${waiting.name} waits since .*; it waits for concurrency group deploy`, 'm'),
    );
    const listed = await lsh(home, ['cron', 'list']);
    expect(listed.stdout).toMatch(
      new RegExp(`waiter .*waits for concurrency group deploy, where ${held.name} is active`),
    );
    expect((await lsh(home, ['cron', 'get', 'waiter'])).stdout).toMatch(
      /Waits for: +concurrency group deploy/,
    );

    first.child.kill('SIGKILL');
    await first.ended;
    const second = await aDaemon(home);
    expect(await home.client.run({ run: waiting.name })).toMatchObject({ phase: 'Created' });
    expect(readFileSync(journal, 'utf8')).toBe('holder\n');
    writeFileSync(gate, '');
    expect(await home.client.run({ run: waiting.name, wait: true })).toMatchObject({ phase: 'Completed' });
    expect(readFileSync(journal, 'utf8')).toBe('holder\nwaiter\n');
    second.child.kill();
    await second.ended;
  });
});

describe('a job after a job', () => {
  test('runs once after the end of a run that no daemon saw, and knows what it follows', async () => {
    const home = aHome();
    const gate = join(home.env['HOME']!, 'gate');
    const journal = join(home.env['HOME']!, 'journal');
    execFileSync('mkfifo', [gate]);
    writeFileSync(journal, '');
    onTestFinished(() => closeSync(openSync(gate, 'r+')));
    const first = await aDaemon(home);
    const limits = { successfulRunsHistoryLimit: 0 };
    const command = `echo backup >> ${journal}; cat ${gate}; exit 3`;
    await home.client.put({ job: aManifest('backup', { command, ...limits }) });
    const write = `echo "upload after $LSH_AFTER_JOB $LSH_AFTER_RUN $LSH_SLOT" >> ${journal}`;
    const upload = {
      command: write,
      schedule: undefined,
      after: [{ job: 'backup', when: 'Ended' as const }],
    };
    const { warnings } = await home.client.put({ job: aManifest('upload', upload) });
    expect(warnings).toEqual([]);
    await home.client.put({
      job: aManifest('never', {
        command: `echo never >> ${journal}`,
        schedule: undefined,
        after: [{ job: 'backup' }],
      }),
    });
    const backup = await home.client.trigger({ name: 'backup', id: 'one' });
    await eventually(() => readFileSync(journal, 'utf8').includes('backup'), { what: 'the backup' });
    first.child.kill('SIGKILL');
    await first.ended;
    writeFileSync(gate, '');
    const second = await aDaemon(home);
    const followed = () => readFileSync(journal, 'utf8').includes('upload');
    await eventually(followed, { what: 'the upload' });
    expect(readFileSync(journal, 'utf8')).toBe(`backup\nupload after backup ${backup.name} ${backup.slot}\n`);
    const [run] = await home.client.runs({ name: 'upload' });
    expect(run).toMatchObject({ trigger: 'After', cause: { job: 'backup', run: backup.name } });
    const explained = await lsh(home, ['cron', 'explain', 'upload']);
    expect(explained.stdout).toContain(`The end of ${backup.name} of job backup started a run: ${run!.name}`);
    expect(explained.stdout).toContain('The job runs after backup (Ended).');
    expect((await lsh(home, ['cron', 'list'])).stdout).toMatch(/upload +after backup \(Ended\)/);
    second.child.kill();
    await second.ended;
  });

  test('follows a job that ran once and is gone from the list', async () => {
    const daemon = await aDaemon();
    const { client } = daemon;
    await client.put({ job: aManifest('follower', { schedule: undefined, after: [{ job: 'once' }] }) });
    const soon = new Date(Date.now() + 2000).toISOString().replace(/\.\d+Z/, 'Z');
    await client.put({ job: aManifest('once', { schedule: undefined, at: soon }) });
    const isGone = async () => (await client.list({})).every(({ metadata }) => metadata.name !== 'once');
    await eventually(isGone, { what: 'the removal of the job that ran once' });
    const runs = async () => client.runs({ name: 'follower' });
    await eventually(async () => (await runs()).length > 0, { what: 'the follower' });
    expect(await runs()).toMatchObject([{ trigger: 'After', cause: { job: 'once' } }]);
    daemon.child.kill();
    await daemon.ended;
  });

  test('a circle is refused, and an unknown job is a warning', async () => {
    const daemon = await aDaemon();
    const after = (job: string) => ({ schedule: undefined, after: [{ job }] });
    const { warnings } = await daemon.client.put({ job: aManifest('a', after('b')) });
    expect(warnings).toEqual(['There is no job "b" yet; its ends start this job once it exists.']);
    const shown = async () => (await lsh(daemon, ['cron', 'get', 'a'])).stdout;
    await eventually(async () => (await shown()).includes('There is no job "b" to follow.'), {
      what: 'the problem',
    });
    const refused = daemon.client.put({ job: aManifest('b', after('a')) });
    await expect(refused).rejects.toMatchObject({ code: 'AFTER_CYCLE', exitStatus: 2 });
    daemon.child.kill();
    await daemon.ended;
  });
});
