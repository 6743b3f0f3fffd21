// Jobs after jobs, with the real loop: one run for each end, also when the loop dies between the end and its follower.
import { describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { CrashWorld, START, type Death } from '../../support/core/crash-world.ts';

const MINUTE = 60_000;
const dueAt = (...minutes: number[]): JobSpecInput => ({ schedule: `${minutes.join(',')} 0 1 1 *` });
const after = (job: string, when: 'Completed' | 'Failed' | 'Ended' = 'Completed'): JobSpecInput => ({
  schedules: undefined,
  schedule: undefined,
  after: [{ job, when }],
});

async function aWorld(
  jobs: Record<string, JobSpecInput>,
  claim: 'ledger' | 'name' = 'ledger',
  death?: Death,
) {
  const world = new CrashWorld(claim, death);
  for (const [name, spec] of Object.entries(jobs)) world.add(name, spec);
  await world.begin();
  return world;
}

describe.each(['ledger', 'name'] as const)('a job after a job, its runs claimed by %s', (claim) => {
  test('runs once for each end, with its slot and its name', async () => {
    const world = await aWorld({ backup: dueAt(1, 2), upload: after('backup') }, claim);
    await world.passTo(START + MINUTE);
    const [first] = world.activeOf('backup');
    await world.end('backup');
    const [follower] = world.activeOf('upload');
    expect(world.runs.get(follower!)).toMatchObject({
      trigger: 'After',
      slot: START + MINUTE,
      cause: { job: 'backup', run: first },
    });
    await world.end('upload');
    await world.passTo(START + 2 * MINUTE);
    await world.end('backup');
    await world.end('upload');
    await world.passTo(START + 10 * MINUTE);
    expect(world.startedJobs()).toEqual(['backup', 'upload', 'backup', 'upload']);
  });

  test.each([
    ['Completed', 0, true],
    ['Completed', 1, false],
    ['Failed', 0, false],
    ['Failed', 1, true],
    ['Ended', 0, true],
    ['Ended', 1, true],
  ] as const)('after %s, an end with status %d starts a run: %s', async (when, exitCode, starts) => {
    const world = await aWorld({ backup: dueAt(1), upload: after('backup', when) }, claim);
    await world.passTo(START + MINUTE);
    await world.end('backup', exitCode);
    await world.passTo(START + 2 * MINUTE);
    expect(world.activeOf('upload')).toHaveLength(starts ? 1 : 0);
  });

  test('follows the last attempt of a slot alone', async () => {
    const retry = { limit: 1, initialSeconds: 10, jitter: 0 };
    const world = await aWorld({ backup: { ...dueAt(1), retry }, alarm: after('backup', 'Failed') }, claim);
    await world.passTo(START + MINUTE);
    await world.end('backup', 1);
    expect(world.activeOf('alarm')).toEqual([]);
    await world.passTo(START + 2 * MINUTE);
    await world.end('backup', 1);
    const [alarm] = world.activeOf('alarm');
    expect(world.runs.get(alarm!)?.cause?.run).toMatch(/-2$/);
  });

  test('a follower that still runs lets the next run wait, under Forbid as well', async () => {
    const world = await aWorld({ backup: dueAt(1, 2), upload: after('backup') }, claim);
    for (const minute of [1, 2]) {
      await world.passTo(START + minute * MINUTE);
      await world.end('backup');
    }
    expect(world.activeOf('upload')).toHaveLength(1);
    await world.end('upload');
    expect(world.activeOf('upload')).toHaveLength(1);
  });

  test('ends from before the follower, and those during its suspension, start nothing', async () => {
    const world = await aWorld({ backup: dueAt(1, 2, 3) }, claim);
    await world.passTo(START + MINUTE);
    await world.end('backup');
    world.add('upload', { ...after('backup'), suspend: true });
    await world.passTo(START + 2 * MINUTE);
    await world.end('backup');
    world.edit('upload', after('backup'));
    await world.passTo(START + 3 * MINUTE);
    expect(world.activeOf('upload')).toEqual([]);
    await world.end('backup');
    expect(world.activeOf('upload')).toHaveLength(1);
  });

  test('an end is followed although the history limits show none', async () => {
    const limits = { successfulRunsHistoryLimit: 0, failedRunsHistoryLimit: 0 };
    const world = await aWorld({ backup: { ...dueAt(1), ...limits }, upload: after('backup') }, claim);
    await world.passTo(START + MINUTE);
    await world.end('backup');
    expect(world.activeOf('upload')).toHaveLength(1);
  });

  test('an unknown job is a condition, until it exists', async () => {
    const world = await aWorld({ upload: after('backup') }, claim);
    const following = () => world.jobOf('upload').status?.conditions.find(({ type }) => type === 'Following');
    expect(following()).toMatchObject({ status: 'False', reason: 'PredecessorUnknown' });
    expect(world.jobOf('upload').status?.phase).toBe('Scheduled');
    world.add('backup', dueAt(1));
    await world.passTo(START + MINUTE);
    expect(following()).toMatchObject({ status: 'True' });
    await world.end('backup');
    expect(world.activeOf('upload')).toHaveLength(1);
  });

  test('jobs in a cycle are invalid, until one of them leaves it', async () => {
    const world = await aWorld({ a: after('b'), b: after('c'), c: after('a') }, claim);
    const phases = () => ['a', 'b', 'c'].map((name) => world.jobOf(name).status?.phase);
    expect(phases()).toEqual(['Invalid', 'Invalid', 'Invalid']);
    expect(world.jobOf('a').status?.conditions[0]).toMatchObject({ status: 'False', reason: 'AfterCycle' });
    world.edit('c', dueAt(1));
    await world.passTo(START + MINUTE);
    for (const name of ['c', 'b', 'a']) await world.end(name);
    expect(world.startedJobs()).toEqual(['c', 'b', 'a']);
  });

  const JOBS = {
    first: { ...dueAt(1, 2), successfulRunsHistoryLimit: 0 },
    second: after('first'),
    third: after('second', 'Ended'),
  };

  async function playAll(death?: Death): Promise<{ effects: number; started: string[] }> {
    const world = await aWorld(JOBS, claim, death);
    for (let turn = 1; turn < 12; turn++) {
      await world.passTo(Math.max(world.clock.now() + 5000, START + Math.min(turn, 2) * MINUTE));
      for (const name of Object.keys(JOBS)) if (world.activeOf(name).length > 0) await world.end(name);
    }
    return { effects: world.effects, started: world.startedJobs() };
  }

  test('a crash at any effect loses no run of a follower and starts none twice', async () => {
    const { effects, started } = await playAll();
    const expected = ['first', 'first', 'second', 'second', 'third', 'third'];
    expect(started.toSorted()).toEqual(expected);
    for (let effect = 1; effect <= effects; effect++) {
      for (const when of ['before', 'after'] as const) {
        const played = await playAll({ effect, when });
        expect(played.started.toSorted(), `${when} effect ${effect}`).toEqual(expected);
      }
    }
  });
});
