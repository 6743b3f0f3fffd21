// Concurrency groups over several jobs, with the real loop: who starts when, and that no crash lets one run too many start.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { CrashWorld, START, type Death } from '../../support/core/crash-world.ts';

const MINUTE = 60_000;
const group = (max = 1) => ({ concurrencyGroup: { name: 'deploy', max } });
/** Due once, so many minutes after START. */
const dueAt = (minute: number, spec: JobSpecInput = {}): JobSpecInput => ({
  schedule: `${minute} 0 1 1 *`,
  ...group(),
  ...spec,
});

/** A world whose jobs are due at the given minutes; it checks the group’s number at each start. */
async function aWorld(jobs: Record<string, JobSpecInput>, max = 1, claim: 'ledger' | 'name' = 'ledger') {
  const world = new CrashWorld(claim);
  await beginWith(world, jobs, max);
  return world;
}

async function beginWith(world: CrashWorld, jobs: Record<string, JobSpecInput>, max: number): Promise<void> {
  world.onStart = () => {
    if (world.active().length > max) throw new Error(`${world.active().join(', ')} are active at once`);
  };
  for (const [name, spec] of Object.entries(jobs)) world.add(name, spec);
  await world.begin();
}

describe.each(['ledger', 'name'] as const)('a concurrency group whose runs are claimed by %s', (claim) => {
  test('starts the older slot first, then the higher priority', async () => {
    const jobs = {
      holder: dueAt(1),
      late: dueAt(3, { priority: 10 }),
      low: dueAt(2, { priority: 1 }),
      high: dueAt(2, { priority: 9 }),
    };
    const world = await aWorld(jobs, 1, claim);
    await world.passTo(START + 4 * MINUTE);
    for (const name of ['holder', 'high', 'low', 'late']) {
      expect(world.activeOf(name)).toHaveLength(1);
      await world.end(name);
    }
    expect(world.startedJobs()).toEqual(['holder', 'high', 'low', 'late']);
  });

  test('lets as many runs be active as the smallest max of its jobs', async () => {
    const jobs = { a: dueAt(1, group(3)), b: dueAt(1, group(2)), c: dueAt(1, group(5)) };
    const world = await aWorld(jobs, 2, claim);
    await world.passTo(START + 2 * MINUTE);
    expect(world.active()).toHaveLength(2);
    world.edit('b', dueAt(1, group(3)));
    world.onStart = () => undefined;
    await world.passTo(START + 3 * MINUTE);
    expect(world.active()).toHaveLength(3);
  });

  test('a run that is lost frees its place', async () => {
    const world = await aWorld({ a: dueAt(1), b: dueAt(2) }, 1, claim);
    await world.passTo(START + 3 * MINUTE);
    await world.lose('a');
    expect(world.activeOf('b')).toHaveLength(1);
  });

  test('a removed job leaves the line, and its run holds its place until it has ended', async () => {
    const world = await aWorld({ a: dueAt(1), b: dueAt(2), c: dueAt(3) }, 1, claim);
    await world.passTo(START + 4 * MINUTE);
    world.remove('b');
    world.remove('a');
    await world.passTo(START + 5 * MINUTE);
    expect(world.startedJobs()).toEqual(['a', 'c']);
  });

  test('a suspended job leaves the line', async () => {
    const world = await aWorld({ a: dueAt(1), b: dueAt(2), c: dueAt(3) }, 1, claim);
    await world.passTo(START + 4 * MINUTE);
    world.edit('b', dueAt(2, { suspend: true }));
    await world.end('a');
    expect(world.activeOf('c')).toHaveLength(1);
  });

  test('a job whose evaluations fail holds up no other job', async () => {
    const world = await aWorld({ a: dueAt(1), b: dueAt(2), c: dueAt(3) }, 1, claim);
    await world.passTo(START + 4 * MINUTE);
    world.refused = world.jobOf('b').key;
    world.edit('b', dueAt(2, { description: 'changed' }));
    await world.end('a');
    await world.passTo(START + 6 * MINUTE);
    expect(world.startedJobs().slice(0, 2)).toEqual(['a', 'c']);
  });

  test('groups of other names and jobs without a group do not wait', async () => {
    const world = new CrashWorld(claim);
    world.add('a', dueAt(1));
    world.add('b', dueAt(1, { concurrencyGroup: { name: 'backup' } }));
    world.add('c', { schedule: '1 0 1 1 *' });
    await world.begin();
    await world.passTo(START + 2 * MINUTE);
    expect(world.active()).toHaveLength(3);
  });

  const JOBS = { a: dueAt(1), b: dueAt(1), c: dueAt(2), d: dueAt(2) };

  /** Lets every run end as soon as it is active; returns how many effects that took. */
  async function playAll(death?: Death): Promise<{ effects: number; started: string[] }> {
    const world = new CrashWorld(claim, death);
    await beginWith(world, JOBS, 1);
    await world.passTo(START + 2 * MINUTE);
    for (let turn = 0; turn < 12; turn++) {
      for (const name of Object.keys(JOBS)) if (world.activeOf(name).length > 0) await world.end(name);
      await world.passTo(world.clock.now() + 5000);
    }
    return { effects: world.effects, started: world.startedJobs() };
  }

  test('a crash at any effect starts each run once and never two at a time', async () => {
    const { effects, started } = await playAll();
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    for (let effect = 1; effect <= effects; effect++) {
      for (const when of ['before', 'after'] as const) {
        const played = await playAll({ effect, when });
        expect(played.started.toSorted(), `${when} effect ${effect}`).toEqual(['a', 'b', 'c', 'd']);
      }
    }
  });
});
