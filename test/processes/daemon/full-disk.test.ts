// A disk without room: the daemon, `lsh daemon status` and `lsh doctor` say so, and agree.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { lsh, lshOk } from '../../support/daemon/cli.ts';
import { aDaemon, aHome, aManifest, startDaemon, type TestHome } from '../../support/daemon/daemon.ts';
import { eventually } from '../../support/eventually.ts';
import { SmallDisk } from '../../support/daemon/small-disk.ts';

const MIB = 1024 * 1024;

function aSmallDisk(home: TestHome, skip: TestContext['skip']): SmallDisk {
  return SmallDisk.mount(home.paths.stateDir, 4 * MIB) ?? skip('only root can mount a small disk');
}

describe('a full disk', () => {
  test('is named by status and doctor while the daemon runs, and not once there is room', async ({
    skip,
  }) => {
    const home = aHome();
    const disk = aSmallDisk(home, skip);
    const { client } = await aDaemon(home);
    await client.put({ job: aManifest('tick', { schedule: '* * * * * *' }) });
    expect((await lsh(home, ['daemon', 'status'])).status).toBe(0);
    disk.fill();
    const { status, stdout, stderr } = await lsh(home, ['daemon', 'status']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^Health: +1 problem/m);
    expect(stderr).toContain('[DISK_FULL]');
    const doctor = await lsh(home, ['doctor']);
    expect(doctor.status).toBe(1);
    for (const check of ['write', 'daemon'])
      expect(doctor.stdout).toMatch(new RegExp(`^FAIL +${check} .*has no room`, 'm'));
    await eventually(async () => (await lsh(home, ['cron', 'list'])).stderr.includes('1 job overdue'));
    expect((await client.status({})).health).toMatchObject({ overdueJobs: 1 });
    disk.free();
    await eventually(async () => (await client.status({})).health.problems.length === 0);
    expect(await lshOk(home, ['daemon', 'status'])).toMatch(/^Health: +ok/m);
    const all = { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
    const slots = await client.slots({ name: 'tick', ...all });
    expect(slots).toContainEqual(expect.objectContaining({ outcome: 'Missed', cause: 'LedgerFailed' }));
    expect(slots.map(({ outcome }) => outcome)).not.toContain('Forbidden');
  });

  test('keeps the daemon from starting, with its own code', async ({ skip }) => {
    const home = aHome();
    aSmallDisk(home, skip).fill();
    expect((await lsh(home, ['daemon', 'start'])).stderr).toContain('[DISK_FULL]');
    const run = await startDaemon(home).ended;
    expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining('[DISK_FULL]') });
    expect((await lsh(home, ['doctor'])).stdout).toMatch(/^FAIL +write .*has no room/m);
  });
});

test('a read-only state directory keeps the daemon from starting, and doctor names it', async ({ skip }) => {
  const home = aHome();
  aSmallDisk(home, skip).makeReadOnly();
  expect((await lsh(home, ['daemon', 'start'])).stderr).toContain('[STATE_DIR_UNWRITABLE]');
  expect((await startDaemon(home).ended).stderr).toContain('[STATE_DIR_UNWRITABLE]');
  expect((await lsh(home, ['doctor'])).stdout).toMatch(/^FAIL +write .*cannot write/m);
});

test('an empty database beside the output of runs is corrupt, and one without output is new', async () => {
  const home = aHome();
  const { stateDir, database } = home.paths;
  const logs = join(stateDir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  writeFileSync(database, '', { mode: 0o600 });
  const { child, ended } = await aDaemon(home);
  child.kill();
  await ended;
  writeFileSync(database, '');
  writeFileSync(join(logs, 'a-1.log'), 'output');
  expect((await lsh(home, ['daemon', 'start'])).stderr).toContain('[STORE_CORRUPT]');
  expect((await lsh(home, ['doctor'])).stdout).toMatch(/^FAIL +store .*is empty/m);
});
