// Requests of users to a real daemon, through the client, the socket, the loop, the store and real children.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../../src/local/lifecycle/process-state.ts';
import { aDaemon, aHome, aManifest, type TestHome } from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';

/** A FIFO. Its reader waits until the test writes, so the test decides how long a run lasts. */
function aGate(directory: string, name = 'gate'): { path: string; open: (text?: string) => void } {
  const path = join(directory, name);
  execFileSync('mkfifo', [path]);
  return { path, open: (text = '') => writeFileSync(path, text) };
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of bytes) text += Buffer.from(chunk).toString();
  return text;
}

describe('putting a job', () => {
  test('creates the job, finds it unchanged, and lists the changes', async () => {
    const { client } = await aDaemon();
    const first = await client.put({ job: aManifest('a', { command: 'echo one' }) });
    expect(first).toMatchObject({ result: 'created', changes: [], job: { metadata: { generation: 1 } } });
    expect(first.next).toHaveLength(3);

    expect(await client.put({ job: aManifest('a', { command: 'echo one' }) })).toMatchObject({
      result: 'unchanged',
      changes: [],
      job: { metadata: { uid: first.job.metadata.uid, generation: 1 } },
    });

    expect(await client.put({ job: aManifest('a', { command: 'echo two' }) })).toMatchObject({
      result: 'configured',
      changes: [{ path: 'command', before: 'echo one', after: 'echo two' }],
      job: { metadata: { uid: first.job.metadata.uid, generation: 2 } },
    });
  });

  test('with dryRun gives the same answer and changes nothing', async () => {
    const { client } = await aDaemon();
    expect((await client.put({ job: aManifest('a'), dryRun: true })).result).toBe('created');
    expect(await client.list({})).toEqual([]);
    await client.put({ job: aManifest('a') });
    const changed = aManifest('a', { command: 'false' });
    expect(await client.put({ job: changed, dryRun: true })).toMatchObject({
      result: 'configured',
      changes: [{ path: 'command', before: 'true', after: 'false' }],
    });
    expect((await client.put({ job: aManifest('a'), dryRun: true })).result).toBe('unchanged');
    expect((await client.get({ name: 'a' })).spec.command).toBe('true');
  });

  test('names every problem with its field', async () => {
    const { client } = await aDaemon();
    const job = aManifest('a', { schedule: '* * * *', timeZone: 'Mars/Olympus' });
    const refused = client.put({ job });
    await expect(refused).rejects.toMatchObject({ code: 'JOB_INVALID', exitStatus: 2 });
    const { problems } = (await refused.catch((error: unknown) => error)) as { problems: { path: string }[] };
    expect(problems.map(({ path }) => path).sort()).toEqual(['spec.schedule', 'spec.timeZone']);
    expect(await client.list({})).toEqual([]);
  });

  test('refuses a command that would destroy the machine, at admission', async () => {
    const { client } = await aDaemon();
    const job = aManifest('a', { command: 'rm -rf /' });
    await expect(client.put({ job })).rejects.toMatchObject({ code: 'COMMAND_REFUSED', exitStatus: 5 });
  });

  test('admits the command with a warning if configured, and refuses it once that is no longer configured', async () => {
    const home = aHome({ LSH_ALLOW_DANGEROUS_COMMANDS: 'true' });
    const lenient = await aDaemon(home);
    const job = aManifest('a', { command: 'true || rm -rf /' });
    const { warnings } = await lenient.client.put({ job });
    expect(warnings).not.toEqual([]);
    lenient.child.kill();
    await lenient.ended;
    const strict = await aDaemon({ ...home, env: { ...home.env, LSH_ALLOW_DANGEROUS_COMMANDS: 'false' } });
    const { name } = await strict.client.trigger({ name: 'a', id: '1' });
    expect(await strict.client.run({ run: name, wait: true })).toMatchObject({
      phase: 'Failed',
      reason: 'Refused',
    });
  });

  test('admits and runs a refused command of the one job that its configuration names', async () => {
    // The validator refuses eval of an output; this one prints nothing.
    const command = 'eval "$(true)"';
    const { client } = await aDaemon(aHome({ LSH_ALLOW_DANGEROUS_JOBS: 'named,other/unnamed' }));
    const { warnings } = await client.put({ job: aManifest('named', { command }) });
    expect(warnings).toEqual([expect.stringContaining('eval runs the output')]);
    const { name } = await client.trigger({ name: 'named', id: '1' });
    expect(await client.run({ run: name, wait: true })).toMatchObject({ phase: 'Completed' });
    const refused = client.put({ job: aManifest('unnamed', { command }) });
    await expect(refused).rejects.toMatchObject({
      code: 'COMMAND_REFUSED',
      hint: expect.stringContaining('LSH_ALLOW_DANGEROUS_JOBS'),
    });
  });

  test('suspends and resumes the job, and answers “not found” for an unknown job', async () => {
    const { client } = await aDaemon();
    await client.put({ job: aManifest('a') });
    expect(await client.suspend({ name: 'a', suspend: true })).toMatchObject({
      result: 'configured',
      changes: [{ path: 'suspend', before: false, after: true }],
      next: [],
    });
    expect((await client.suspend({ name: 'a', suspend: true })).result).toBe('unchanged');
    expect(await client.status({})).toMatchObject({ jobs: { total: 1, suspended: 1 } });
    await expect(client.suspend({ name: 'b', suspend: true })).rejects.toMatchObject({
      code: 'JOB_NOT_FOUND',
      exitStatus: 4,
    });
  });

  test('lists jobs by name, and by all given tags', async () => {
    const { client } = await aDaemon();
    await client.put({ job: aManifest('b', { tags: ['x', 'y'] }) });
    await client.put({ job: aManifest('a', { tags: ['x'] }) });
    const names = async (tags?: string[]) =>
      (await client.list({ ...(tags && { tags }) })).map(({ metadata }) => metadata.name);
    expect(await names()).toEqual(['a', 'b']);
    expect(await names(['x', 'y'])).toEqual(['b']);
  });
});

describe('a manual run', () => {
  test('ends with the output and the exit code of the command', async () => {
    const { client } = await aDaemon();
    await client.put({ job: aManifest('a', { command: 'echo out; echo err >&2; exit 3' }) });
    const { name } = await client.trigger({ name: 'a', id: '1', requestedBy: 'ann' });
    expect(await client.run({ run: name, wait: true })).toMatchObject({
      trigger: 'Manual',
      requestedBy: 'ann',
      phase: 'Failed',
      reason: 'ExitCode',
      exitCode: 3,
    });
    expect(await textOf(client.log({ name: 'a' }))).toBe('out\nerr\n');
    expect(await client.stats({ name: 'a' })).toMatchObject([{ job: 'a', failed: 1, completed: 0 }]);
  });

  test('requested twice with one id is one run, also after a restart', async () => {
    const first = await aDaemon();
    await first.client.put({ job: aManifest('a') });
    const { name } = await first.client.trigger({ name: 'a', id: 'once' });
    await first.client.run({ run: name, wait: true });
    await first.client.trigger({ name: 'a', id: 'other' });
    expect((await first.client.trigger({ name: 'a', id: 'once' })).name).toBe(name);
    first.child.kill();
    await first.ended;
    const second = await aDaemon(first);
    expect((await second.client.trigger({ name: 'a', id: 'once' })).name).toBe(name);
    expect(await second.client.runs({ name: 'a' })).toHaveLength(2);
  });

  test('is refused with a reason while another run is active', async () => {
    const home = aHome();
    const { client, paths } = await aDaemon(home);
    const gate = aGate(paths.stateDir);
    await client.put({ job: aManifest('a', { command: `cat ${gate.path}` }) });
    const { name } = await client.trigger({ name: 'a', id: '1' });
    await expect(client.trigger({ name: 'a', id: '2' })).rejects.toMatchObject({
      code: 'RUN_FORBIDDEN',
      message: expect.stringContaining('a run of it is active'),
    });
    gate.open();
    expect((await client.run({ run: name, wait: true })).phase).toBe('Completed');
  });

  test('is stopped on request, with every process it started', async () => {
    const { client, paths } = await aDaemon();
    const gate = aGate(paths.stateDir);
    const command = `echo $$; cat ${gate.path} & cat ${gate.path}`;
    await client.put({ job: aManifest('a', { command }) });
    const { name } = await client.trigger({ name: 'a', id: '1' });
    const output = client.log({ name: 'a', follow: true })[Symbol.asyncIterator]();
    const pid = Number(Buffer.from((await output.next()).value as Uint8Array).toString());
    expect(isAlive(pid)).toBe(true);
    expect(await client.stop({ name: 'a' })).toEqual({ stopped: [name] });
    expect(await client.run({ run: name, wait: true })).toMatchObject({
      phase: 'Killed',
      reason: 'StoppedByUser',
    });
    expect(isAlive(pid)).toBe(false);
    expect(await output.next()).toMatchObject({ done: true });
    expect(await client.stop({ name: 'a' })).toEqual({ stopped: [] });
    await expect(client.stop({ name: 'a', run: 'other' })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  test('can be followed from before its first byte to its end', async () => {
    const { client, paths } = await aDaemon();
    const gate = aGate(paths.stateDir);
    await client.put({ job: aManifest('a', { command: `cat ${gate.path}; echo end` }) });
    await client.trigger({ name: 'a', id: '1' });
    const followed = textOf(client.log({ name: 'a', follow: true }));
    gate.open('middle\n');
    expect(await followed).toBe('middle\nend\n');
  });

  test('of a command that does not exist fails, and the daemon lives', async () => {
    const { client, child } = await aDaemon();
    await client.put({ job: aManifest('a', { command: undefined, args: ['/does/not/exist'] }) });
    const { name } = await client.trigger({ name: 'a', id: '1' });
    expect(await client.run({ run: name, wait: true })).toMatchObject({
      phase: 'Failed',
      reason: 'SpawnError',
    });
    expect((await client.status({})).pid).toBe(child.pid);
  });

  test('of a job without runs is not found, with a message of its own', async () => {
    const { client } = await aDaemon();
    await client.put({ job: aManifest('a') });
    await expect(textOf(client.log({ name: 'a' }))).rejects.toMatchObject({
      code: 'RUN_NONE_YET',
      exitStatus: 4,
    });
    await expect(textOf(client.log({ name: 'b' }))).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await expect(client.run({ run: 'a-1' })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
});

describe('removing a job', () => {
  test('stops active runs and keeps the records', async () => {
    const { client, paths } = await aDaemon();
    const gate = aGate(paths.stateDir);
    await client.put({ job: aManifest('a', { command: `cat ${gate.path}` }) });
    const { name } = await client.trigger({ name: 'a', id: '1' });
    expect(await client.remove({ name: 'a' })).toEqual({ stopped: [name], warnings: [] });
    expect(await client.run({ run: name, wait: true })).toMatchObject({
      phase: 'Killed',
      reason: 'JobRemoved',
    });
    expect(await client.runs({ name: 'a' })).toHaveLength(1);
    await expect(client.get({ name: 'a' })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});

describe('a daemon', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'that ends by %s leaves its running run to the next daemon',
    async (signal) => {
      const first = await aDaemon();
      const gate = aGate(first.paths.stateDir);
      await first.client.put({ job: aManifest('a', { command: `echo $$; cat ${gate.path}; exit 7` }) });
      const { name } = await first.client.trigger({ name: 'a', id: '1' });
      const output = first.client.log({ name: 'a', follow: true })[Symbol.asyncIterator]();
      const pid = Number(Buffer.from((await output.next()).value as Uint8Array).toString());
      first.child.kill(signal);
      await first.ended;
      expect(isAlive(pid)).toBe(true);

      const second = await aDaemon(first);
      expect(await second.client.run({ run: name })).toMatchObject({ phase: 'Running' });
      gate.open('goes on\n');
      expect(await second.client.run({ run: name, wait: true })).toMatchObject({
        phase: 'Failed',
        exitCode: 7,
      });
      expect(await textOf(second.client.log({ name: 'a' }))).toBe(`${pid}\ngoes on\n`);
      expect(await second.client.runs({ name: 'a' })).toHaveLength(1);
    },
  );

  test('tells waiting clients that it is shutting down', async () => {
    const { client, child, ended, paths } = await aDaemon();
    const gate = aGate(paths.stateDir);
    await client.put({ job: aManifest('a', { command: `cat ${gate.path}` }) });
    const { name } = await client.trigger({ name: 'a', id: '1' });
    const waiting = client.run({ run: name, wait: true });
    // The answer to a later request shows that the waiting request has arrived.
    await client.status({});
    child.kill();
    await expect(waiting).rejects.toMatchObject({ code: 'DAEMON_STOPPING', exitStatus: 3 });
    expect((await ended).status).toBe(0);
    gate.open();
  });
});

test('@reboot runs once per boot, @daemon-start at each start of the daemon, under any missedRunPolicy', async () => {
  const home = aHome();
  const first = await aDaemon(home);
  let newest = 0;
  for (const schedule of ['@reboot', '@daemon-start']) {
    const job = aManifest(schedule.slice(1), { schedule, missedRunPolicy: 'Skip' });
    const { metadata } = (await first.client.put({ job })).job;
    newest = Math.max(newest, Date.parse(metadata.creationTimestamp));
  }
  first.child.kill();
  await first.ended;
  const completed = async (daemon: TestHome, name: string) =>
    (await daemon.client.runs({ name, phases: ['Completed'] })).length;

  const sameBoot = await afterSecondOf(newest, home);
  await eventually(async () => (await completed(sameBoot, 'daemon-start')) === 1);
  expect(await sameBoot.client.slots({ name: 'reboot', ...ALL_TIME })).toEqual([]);
  sameBoot.child.kill();
  await sameBoot.ended;

  const database = new DatabaseSync(home.paths.database);
  database.exec(
    `UPDATE meta SET value = json_set(value, '$.boot', 'an earlier one') WHERE key = 'first_start'`,
  );
  database.close();
  const nextBoot = await afterSecondOf(Date.now(), home);
  await eventually(async () => (await completed(nextBoot, 'reboot')) === 1);
  expect((await nextBoot.client.get({ name: 'reboot' })).status?.phase).toBe('Scheduled');
  nextBoot.child.kill();
  await nextBoot.ended;

  const again = await afterSecondOf(Date.now(), home);
  await eventually(async () => (await completed(again, 'daemon-start')) === 3);
  expect(await completed(again, 'reboot')).toBe(1);
});

const ALL_TIME = { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };

/** Slots are whole seconds, so the start must come in a later second. */
async function afterSecondOf(at: number, home: TestHome) {
  await eventually(() => Date.now() >= Math.floor(at / 1000) * 1000 + 1000);
  return aDaemon(home);
}

test('every slot of an every-second job has one run and one record', async () => {
  const { client, child } = await aDaemon();
  // A run longer than a second must not keep the next slot from its run.
  await client.put({ job: aManifest('every', { schedule: '* * * * * *', concurrencyPolicy: 'Allow' }) });
  const seen = new Set<string>();
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const [, name] of chunk.toString().matchAll(/Run (every-\w+) completed/g)) seen.add(name ?? '');
  });
  while (seen.size < 3) await once(child.stdout!, 'data');
  const runs = await client.runs({ name: 'every', phases: ['Completed'] });
  expect(runs.length).toBeGreaterThanOrEqual(3);
  const slots = await client.slots({
    name: 'every',
    from: '2000-01-01T00:00:00Z',
    to: '2100-01-01T00:00:00Z',
  });
  expect(slots.every(({ outcome, count }) => outcome === 'Ran' && count === 1)).toBe(true);
  expect(new Set(slots.map(({ from }) => from)).size).toBe(slots.length);
});
