// A concurrency group of a real daemon, which dies by kill -9 while one run holds the place and another waits.
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
