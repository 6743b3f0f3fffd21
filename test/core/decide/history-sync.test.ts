// Runs that the team's history lacks stay in the ledger, and a condition reports failed writes.
import { describe, expect, test } from 'vitest';
import { decideInvalid } from '../../../src/core/decide/decide.ts';
import { LshError } from '../../../src/core/errors.ts';
import type { HistoryProgress } from '../../../src/core/decide/history-sync.ts';
import { traitsOf, World } from '../../support/core/world.ts';

const LIMITED = { schedule: '* * * * *', successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 1 };
const REASON = { reason: 'HistoryUnavailable', message: 'The team’s history cannot be written.' };
const TROUBLE = { ...REASON, hint: 'Wait.' };

/** Evaluates for some minutes, with a run in each that ends with the exit code. */
function live(world: World, minutes: number, exitCode = 0): void {
  for (let minute = 1; minute <= minutes; minute++) {
    world.evaluate(world.now - (world.now % 60_000) + 60_000);
    world.end({ exitCode });
    world.evaluate(world.now + 1000);
  }
}

/** All finished runs have reached the history, or none. */
function arrived(world: World, all: boolean, trouble?: HistoryProgress['trouble']): void {
  const shown = [...world.runs.values()].filter(({ name }) => !world.forgotten.includes(name));
  const missing = all ? [] : shown.filter(({ phase }) => phase !== 'Running').map(({ name }) => name);
  world.history = { missing: new Set(missing), trouble };
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
  ] as const)('keep their record alone: the decision removes %s', (_, executor, times) => {
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

  test('take no earlier attempt with them that the team’s history lacks', () => {
    const world = new World({ ...LIMITED, successfulRunsHistoryLimit: 0, retry: { limit: 1 } });
    live(world, 1, 1);
    const [failed] = world.runs.keys();
    world.history = { missing: new Set([failed!]), trouble: undefined };
    world.evaluate(world.now + 30_000);
    world.end();
    world.evaluate();
    world.evaluate();
    expect(world.forgotten).toEqual([`${failed}-2`]);
  });

  test('leave the ledger at once if no team history is configured', () => {
    const world = new World(LIMITED);
    live(world, 3);
    expect(world.forgotten).toHaveLength(2);
  });

  test('are limited to the newest hundred while the history takes no writes', () => {
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
  test('exists only if a team history is configured', () => {
    const world = new World(LIMITED);
    live(world, 1);
    expect(synced(world)).toBeUndefined();
  });

  test('is True while no write fails, even if a run has not arrived yet', () => {
    const world = new World(LIMITED);
    arrived(world, true);
    live(world, 1);
    expect(synced(world)).toMatchObject({ status: 'True', reason: 'Recorded' });
    arrived(world, false);
    expect(world.evaluate().change.status).toBeUndefined();
  });

  test('is False with the reason while writes of the job’s runs fail, and True again afterwards', () => {
    const world = new World(LIMITED);
    arrived(world, true, TROUBLE);
    world.evaluate('2026-01-01T00:00:30Z');
    expect(synced(world)).toMatchObject({ status: 'True' });
    live(world, 1);
    expect(synced(world)).toMatchObject({ status: 'False', ...REASON });
    arrived(world, false, TROUBLE);
    expect(world.evaluate().change.status).toBeUndefined();
    arrived(world, true);
    world.evaluate();
    expect(synced(world)).toMatchObject({ status: 'True' });
  });

  test('stays False under the next leader until the runs have arrived', () => {
    const world = new World(LIMITED);
    arrived(world, true, TROUBLE);
    live(world, 1);
    arrived(world, false);
    expect(world.evaluate().change.status).toBeUndefined();
    expect(synced(world)).toMatchObject({ status: 'False', ...REASON });
    arrived(world, true);
    world.evaluate();
    expect(synced(world)).toMatchObject({ status: 'True' });
  });

  test('is set on a job with an invalid spec too', () => {
    const world = new World(LIMITED);
    live(world, 1);
    arrived(world, false, TROUBLE);
    const { job, now, clock, history } = world;
    const known = {
      job,
      clock,
      runs: [...world.runs.values()],
      observations: [],
      now,
      traitsOf,
      capacity: 1,
    };
    const invalid = { ...known, evaluatingSince: world.evaluatingSince, history };
    const { change } = decideInvalid(invalid, new LshError('EXECUTOR_UNAVAILABLE', { executor: 'Shell' }));
    expect(change.status?.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Ready False',
      'Scheduled True',
      'Failing False',
      'HistorySynced False',
    ]);
  });
});
