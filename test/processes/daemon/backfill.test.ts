// A backfill of a real daemon, which dies by kill -9 in between.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lsh } from '../../support/daemon/cli.ts';
import { aDaemon, aHome, aManifest } from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';

const EACH_DAY = '0 3 * * *';
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-03-05T23:00:00Z' };
const SLOTS = [1, 2, 3, 4, 5].map((day) => `2026-03-0${day}T03:00:00Z`);

/** A home with a journal of the command, and a gate that each of its runs waits at. */
function aGatedHome() {
  const home = aHome();
  const gate = join(home.env['HOME']!, 'gate');
  const journal = join(home.env['HOME']!, 'journal');
  execFileSync('mkfifo', [gate]);
  writeFileSync(journal, '');
  // A gate that has both ends keeps no run of a failed test.
  onTestFinished(() => closeSync(openSync(gate, 'r+')));
  return {
    home,
    gate,
    command: `echo "$LSH_SLOT" >> ${journal}; cat ${gate}`,
    started: () => readFileSync(journal, 'utf8').split('\n').filter(Boolean),
  };
}

test('goes on after each kill -9, runs each slot once, with the slot of then', async () => {
  const { home, gate, command, started } = aGatedHome();
  let daemon = await aDaemon(home);
  await home.client.put({ job: aManifest('report', { schedule: EACH_DAY, command }) });
  const order = ['cron', 'backfill', 'report', '--from', MARCH.from, '--to', MARCH.to];
  const dry = await lsh(home, [...order, '--dry-run']);
  expect(dry.stdout).toContain('would run 5 slots, at most 1 at a time');
  expect(await home.client.runs({})).toEqual([]);
  const ordered = await lsh(home, order);
  expect(ordered).toMatchObject({ status: 0, stderr: expect.stringContaining('--cancel') });
  expect(ordered.stdout).toBe('backfill of job "report" started: 5 slots, at most 1 at a time\n');
  expect(await lsh(home, order)).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('BACKFILL_ACTIVE'),
  });

  for (const [index] of SLOTS.entries()) {
    await eventually(() => started().length === index + 1, { what: `slot ${index + 1}` });
    if (index === 0)
      expect((await lsh(home, ['cron', 'list'])).stdout).toMatch(/Running for \S+ \(backfill\)/);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    // Every second run ends while no daemon sees it.
    if (index % 2 === 0) writeFileSync(gate, '');
    daemon = await aDaemon(home);
    if (index % 2 === 1) writeFileSync(gate, '');
  }
  const isDone = async () =>
    (await home.client.get({ name: 'report' })).status?.backfill?.phase === 'Completed';
  await eventually(isDone, { what: 'the end of the backfill' });
  expect(started()).toEqual(SLOTS);
  const runs = await home.client.runs({ name: 'report' });
  expect(runs.map(({ slot, trigger, phase }) => `${slot} ${trigger} ${phase}`).sort()).toEqual(
    SLOTS.map((slot) => `${slot} Backfill Completed`),
  );

  expect((await lsh(home, ['cron', 'get', 'report'])).stdout).toMatch(
    /Backfill: +Completed: 5 of 5 slots ran;/,
  );
  expect((await lsh(home, ['cron', 'history', 'report'])).stdout).toContain('Backfill');
  const explained = await lsh(home, ['cron', 'explain', 'report', '--at', SLOTS[0]!]);
  expect(explained.stdout).toContain(`ran the slot ${SLOTS[0]}: `);
  const again = await lsh(home, order);
  expect(again.stdout).toBe('job "report" has no slot to run in this range; left out: 5 ran already\n');
  daemon.child.kill();
  await daemon.ended;
});

test('is cancelled between two slots, also across a kill -9, and a later one runs the rest', async () => {
  const { home, gate, command, started } = aGatedHome();
  const first = await aDaemon(home);
  await home.client.put({ job: aManifest('report', { schedule: EACH_DAY, command }) });
  const order = ['cron', 'backfill', 'report', '--from', MARCH.from, '--to', MARCH.to];
  await lsh(home, order);
  await eventually(() => started().length === 1, { what: 'the first slot' });
  const cancelled = await lsh(home, ['cron', 'backfill', 'report', '--cancel']);
  expect(cancelled.stdout).toBe('backfill of job "report" cancelled: 0 of 5 slots ran, 4 did not start\n');
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await aDaemon(home);
  const [run] = await home.client.runs({ name: 'report' });
  writeFileSync(gate, '');
  expect(await home.client.run({ run: run!.name, wait: true })).toMatchObject({ phase: 'Completed' });
  expect(started()).toEqual([SLOTS[0]]);
  expect((await lsh(home, ['cron', 'backfill', 'report', '--cancel'])).stdout).toBe(
    'job "report" has no backfill under way\n',
  );
  const dryRun = await lsh(home, [...order, '--parallel', '2', '--dry-run']);
  expect(dryRun.stdout).toContain('would run 4 slots, at most 1 at a time');
  expect(dryRun.stderr).toContain('--parallel needs the concurrencyPolicy Allow');
  expect((await lsh(home, order)).stdout).toContain('started: 4 slots, at most 1 at a time; left out: 1 ran');
  for (let slot = 2; slot <= 5; slot++) {
    await eventually(() => started().length === slot, { what: `slot ${slot}` });
    writeFileSync(gate, '');
  }
  await eventually(async () => (await home.client.runs({ phases: ['Completed'] })).length === 5, {
    what: 'the end of all runs',
  });
  expect(started()).toEqual(SLOTS);
  second.child.kill();
  await second.ended;
});

test('with --failed-only runs what failed again, as the next attempt', async () => {
  const daemon = await aDaemon();
  const { client } = daemon;
  const spec = { schedule: EACH_DAY, concurrencyPolicy: 'Allow', command: 'exit 3' } as const;
  await client.put({ job: aManifest('report', spec) });
  const isDone = async () => (await client.get({ name: 'report' })).status?.backfill?.phase === 'Completed';
  const order = { name: 'report', ...MARCH, parallel: 3 };
  await client.backfill({ ...order, id: 'one' });
  await eventually(isDone, { what: 'the first backfill' });
  await client.put({ job: aManifest('report', { ...spec, command: 'test "$LSH_ATTEMPT" = 2' }) });
  const { slots } = await client.backfill({ ...order, id: 'two', failedOnly: true });
  expect(slots.map(({ slot, attempt }) => `${slot} ${attempt}`)).toEqual(SLOTS.map((slot) => `${slot} 2`));
  await eventually(isDone, { what: 'the second backfill' });
  const { status } = await client.get({ name: 'report' });
  expect(status?.backfill).toMatchObject({ slots: 5, completed: 5, failed: 0 });
  expect(await client.backfill({ ...order, id: 'three', failedOnly: true })).toEqual({
    job: 'report',
    slots: [],
    left: { NoFailure: 5 },
  });
  await expect(client.backfill({ ...order, from: '2020-01-01T00:00:00Z', id: 'four' })).rejects.toMatchObject(
    { code: 'BACKFILL_INVALID' },
  );
  daemon.child.kill();
  await daemon.ended;
});
