// Channels of kind command in a real daemon: their commands are runs, with all that a run has.
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lsh, lshOk } from '../../support/daemon/cli.ts';
import { aDaemon, aManifest, type TestHome } from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';
import { aHomeWith } from '../../support/notices/channels.ts';
import { processesWith } from '../../support/side-effects.ts';

const RUNS = { name: 'channel-ops' };

/** A job whose first run fails. */
async function fail({ client }: TestHome, name = 'backup'): Promise<void> {
  const spec = { command: 'echo "the disk is full"; exit 3', notify: [{ channels: ['ops'] }] };
  await client.put({ job: aManifest(name, spec) });
  const run = await client.trigger({ name, id: 'one' });
  await client.run({ run: run.name, wait: true });
}

const channel = (command: string, extra: object = {}) => ({ ops: { kind: 'command', command, ...extra } });
const standing = async ({ client }: TestHome) => (await client.notices({})).channels;
const taken = (home: TestHome) => eventually(async () => (await standing(home)).length === 0);
const dead = async (home: TestHome) => {
  await eventually(async () => (await standing(home))[0]?.dead === 1, { what: 'a dead letter' });
  return (await standing(home))[0]?.why;
};
const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** The processes of the channel's commands. */
function commandsOf({ env }: TestHome): number[] {
  const own = new Set(processesWith(`HOME=${env['HOME']}`));
  return processesWith('LSH_JOB=channel-ops').filter((pid) => own.has(pid));
}

describe('a channel of kind command', () => {
  test('runs its command as a run with the notice in its environment, and leaves no job', async () => {
    const shown = 'echo "$LSH_NOTICE_TITLE / $LSH_NOTICE_JOB $LSH_NOTICE_EXIT_CODE / $LSH_NOTICE_OUTPUT"';
    const home = await aDaemon(aHomeWith(channel(shown)));
    await fail(home);
    await taken(home);
    const runs = await home.client.runs(RUNS);
    expect(runs).toMatchObject([{ phase: 'Completed', exitCode: 0 }]);
    const said = 'backup failed: exit code 3 / backup 3 / the disk is full\n';
    expect(await lshOk(home, ['cron', 'logs', 'channel-ops'])).toBe(said);
    expect((await home.client.list({})).map(({ metadata }) => metadata.name)).toEqual(['backup']);
  });

  test('that fails is a dead letter, which causes no notice of its own and runs again when asked to', async () => {
    const home = await aDaemon(aHomeWith(channel('exit 4'), { LSH_NOTIFY: 'ops' }));
    await fail(home);
    expect(await dead(home)).toMatch(/^its command ended with exit code 4 \(run channel-ops-/);
    await home.client.notices({ retry: 'ops' });
    await eventually(async () => (await home.client.runs(RUNS)).length === 2);
    expect(await dead(home)).toMatch(/exit code 4/);
    expect(await home.client.runs(RUNS)).toHaveLength(2);
  });

  test('that asks for another try gets the same notice again', async () => {
    const command = 'echo "$LSH_NOTICE_ID" >>tries; test "$(wc -l <tries)" -gt 1 || exit 75';
    const home = await aDaemon(aHomeWith(channel(command)));
    await fail(home);
    await taken(home);
    const tries = textOf(join(home.env['HOME']!, 'tries')).split('\n').slice(0, -1);
    expect(tries).toHaveLength(2);
    expect(new Set(tries).size).toBe(1);
  });

  test('is stopped after its timeout, with its process group', async () => {
    const home = await aDaemon(aHomeWith(channel('sleep 4567 & sleep 4567', { timeoutSeconds: 1 })));
    await fail(home);
    expect(await dead(home)).toMatch(/^its command ended with TimedOut/);
    await eventually(() => commandsOf(home).length === 0);
  });

  test('does not run a command that the daemon refuses', async () => {
    const home = await aDaemon(aHomeWith(channel('touch told'), { LSH_COMMAND_ALLOW_LIST: 'echo,exit' }));
    await fail(home);
    expect(await dead(home)).toMatch(/touch/);
    expect(existsSync(join(home.env['HOME']!, 'told'))).toBe(false);
    const words = ['channel', 'add', 'other', '--kind', 'command', '--command', 'touch told'];
    const { status, stderr } = await lsh(home, words);
    expect(status).toBe(5);
    expect(stderr).toMatch(/COMMAND_REFUSED/);
  });

  test('runs once, although its daemon is killed meanwhile', async () => {
    const command = 'echo begun >>told; while ! test -e go; do sleep 0.05; done; echo ended >>told';
    const home = aHomeWith(channel(command));
    const told = join(home.env['HOME']!, 'told');
    const first = await aDaemon(home);
    await fail(home);
    await eventually(() => textOf(told) === 'begun\n');
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    await aDaemon(home);
    await eventually(async () => (await home.client.runs(RUNS)).length === 1);
    await home.client.put({ job: aManifest('go', { command: 'touch go' }) });
    await home.client.trigger({ name: 'go', id: 'go' });
    await taken(home);
    expect(textOf(told)).toBe('begun\nended\n');
    expect(await home.client.runs(RUNS)).toMatchObject([{ phase: 'Completed' }]);
  });

  test('that is being tried holds up no stop of the daemon', async () => {
    const command = 'echo begun >told; while ! test -e go; do sleep 0.05; done';
    const home = await aDaemon(aHomeWith(channel(command)));
    const told = join(home.env['HOME']!, 'told');
    const answer = home.client.notices({ test: 'ops' }).catch((error: unknown) => error);
    await eventually(() => textOf(told) === 'begun\n');
    home.child.kill('SIGTERM');
    expect(await answer).toMatchObject({ code: 'DAEMON_STOPPING' });
    expect(home.child.exitCode ?? (await once(home.child, 'exit'))[0]).toBe(0);
    writeFileSync(join(home.env['HOME']!, 'go'), '');
    await eventually(() => commandsOf(home).length === 0);
  });

  test('is tried by `lsh channel test`, by the daemon', async () => {
    const home = await aDaemon(aHomeWith({}));
    const words = ['--kind', 'command', '--command', 'echo "$LSH_NOTICE_TITLE"; exit $CODE', '--timeout'];
    await lshOk(home, ['channel', 'add', 'ops', ...words, '30s']);
    expect(await lshOk(home, ['channel', 'test', 'ops'])).toBe('channel "ops" took a test\n');
    expect(await lshOk(home, ['cron', 'logs', 'channel-ops'])).toBe('test of the channel ops\n');
    await lshOk(home, ['channel', 'add', 'ops', '--kind', 'command', '--command', 'exit 6']);
    const failed = await lsh(home, ['channel', 'test', 'ops']);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/did not take the message: its command ended with exit code 6/);
    expect(await lshOk(home, ['channel', 'list'])).toMatch(/ops +command +runs of channel-ops/);
  });
});
