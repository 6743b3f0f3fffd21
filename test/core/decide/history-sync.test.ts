// What the team's history lacks stays in the ledger, and a condition says whether people can rely on it.
import { describe, expect, test } from 'vitest';
import { decideInvalid } from '../../../src/core/decide/decide.ts';
import { LshError } from '../../../src/core/errors.ts';
import type { HistoryProgress } from '../../../src/core/decide/history-sync.ts';
import { traitsOf, World } from '../../support/world.ts';

const LIMITED = { schedule: '* * * * *', successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 1 };
const TROUBLE = { reason: 'HistoryUnavailable', message: 'The team’s history cannot be written.' };

/** Lives through so many minutes with a run each, which end as told. */
function live(world: World, minutes: number, exitCode = 0): void {
  for (let minute = 1; minute <= minutes; minute++) {
    world.evaluate(world.now - (world.now % 60_000) + 60_000);
    world.end({ exitCode });
    world.evaluate(world.now + 1000);
  }
}

/** Nothing, or all that has ended, has arrived. */
function arrived(world: World, all: boolean, trouble?: HistoryProgress['trouble']): void {
  const shown = [...world.runs.values()].filter(({ name }) => !world.forgotten.includes(name));
  const missing = all ? [] : shown.filter(({ phase }) => phase !== 'Running').map(({ name }) => name);
  world.lacking = { missing: new Set(missing), trouble };
}

const synced = ({ job }: World) => job.status?.conditions.find(({ type }) => type === 'HistorySynced');

describe('runs beyond the history limits', () => {
  test('stay until the team’s history has them', () => {
    const world = new World(LIMITED);
    for (let minute = 0; minute < 3; minute++) {
      arrived(world, false);
      live(world, 1);
    }
    expect(world.forgotten).toEqual([]);
    arrived(world, true);
    world.evaluate();
    expect(world.forgotten).toHaveLength(2);
    expect(world.runs.size - world.forgotten.length).toBe(1);
  });

  test.each([
    ['a Kubernetes Job, at each evaluation', 'Job', 9],
    ['a log, once', 'Shell', 3],
  ] as const)('leave nothing but their record meanwhile: not %s', (_, executor, times) => {
    const world = new World({ ...LIMITED, executor });
    const removed: string[] = [];
    const evaluate = (instant?: number) => {
      const { actions } = world.evaluate(instant);
      removed.push(...actions.flatMap((action) => (action.kind === 'Remove' ? [action.name] : [])));
    };
    for (let minute = 1; minute <= 4; minute++) {
      arrived(world, false);
      evaluate(world.now - (world.now % 60_000) + 60_000);
      world.end();
      arrived(world, false);
      evaluate(world.now + 1000);
    }
    expect(world.forgotten).toEqual([]);
    expect(new Set(removed)).toEqual(new Set([...world.runs.keys()].slice(0, 3)));
    expect(removed.length).toBe(times);
  });

  test('go at once where no history is kept beside the ledger', () => {
    const world = new World(LIMITED);
    live(world, 3);
    expect(world.forgotten).toHaveLength(2);
  });

  test('are kept to the newest hundred, however long nothing can be written', () => {
    const world = new World(LIMITED);
    for (let minute = 0; minute < 120; minute++) {
      arrived(world, false, TROUBLE);
      live(world, 1);
    }
    const shown = [...world.runs.keys()].filter((name) => !world.forgotten.includes(name));
    expect(shown).toHaveLength(101);
    expect(shown).toEqual([...world.runs.keys()].slice(-101));
  });
});

describe('the condition HistorySynced', () => {
  test('is there only where a history is kept', () => {
    const world = new World(LIMITED);
    live(world, 1);
    expect(synced(world)).toBeUndefined();
  });

  test('is true as long as nothing is in the way, also with a run that is under way there', () => {
    const world = new World(LIMITED);
    arrived(world, true);
    live(world, 1);
    expect(synced(world)).toMatchObject({ status: 'True', reason: 'Recorded' });
    arrived(world, false);
    expect(world.evaluate().change.status).toBeUndefined();
  });

  test('is false, and says why, while the job’s runs cannot be written, and true again afterwards', () => {
    const world = new World(LIMITED);
    arrived(world, true, TROUBLE);
    world.evaluate('2026-01-01T00:00:30Z');
    expect(synced(world)).toMatchObject({ status: 'True' });
    live(world, 1);
    expect(synced(world)).toMatchObject({ status: 'False', ...TROUBLE });
    arrived(world, false, TROUBLE);
    expect(world.evaluate().change.status).toBeUndefined();
    arrived(world, true);
    world.evaluate();
    expect(synced(world)).toMatchObject({ status: 'True' });
  });

  test('stays false under the next leader, who has tried nothing yet, until the runs have arrived', () => {
    const world = new World(LIMITED);
    arrived(world, true, TROUBLE);
    live(world, 1);
    arrived(world, false);
    expect(world.evaluate().change.status).toBeUndefined();
    expect(synced(world)).toMatchObject({ status: 'False', ...TROUBLE });
    arrived(world, true);
    world.evaluate();
    expect(synced(world)).toMatchObject({ status: 'True' });
  });

  test('is told of a job whose spec cannot be evaluated too', () => {
    const world = new World(LIMITED);
    live(world, 1);
    arrived(world, false, TROUBLE);
    const { job, now, lacking } = world;
    const known = { job, runs: [...world.runs.values()], observations: [], now, traitsOf, capacity: 1 };
    const invalid = { ...known, evaluatingSince: world.evaluatingSince, history: lacking };
    const { change } = decideInvalid(invalid, new LshError('EXECUTOR_UNAVAILABLE', { executor: 'Shell' }));
    expect(change.status?.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Ready False',
      'Scheduled True',
      'Failing False',
      'HistorySynced False',
    ]);
  });
});
