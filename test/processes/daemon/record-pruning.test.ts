import { expect, onTestFinished, test } from 'vitest';
import type { Run } from '../../../src/core/run.ts';
import { pruneHourly } from '../../../src/processes/daemon/record-pruning.ts';
import { aRun, at } from '../../support/builders.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { openTemporaryStore } from '../../support/stores/sqlite-store.ts';

const NOW = at('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

function finishedRun(name: string, createdAt: number): Run {
  return aRun({ name, createdAt, finishedAt: createdAt + 1, phase: 'Completed', exitCode: 0 });
}

async function pruning() {
  const { store, close } = await openTemporaryStore();
  onTestFinished(close);
  const clock = new ManualClock(NOW);
  const removed = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const waiting = [...removed];
  const removeLog = (run: string) => waiting.shift()?.resolve(run);
  const stop = pruneHourly({ store, removeLog, clock, log: silent, retentionDays: 90 });
  onTestFinished(stop);
  const commit = (...runs: Run[]) => store.commit('local/backup', { runs, slots: [], forget: [] });
  return { store, clock, commit, stop, removed: removed.map(({ promise }) => promise) };
}

test('a minute after the start, pruning deletes old runs with their logs and keeps the others', async () => {
  const { store, clock, commit, removed } = await pruning();
  await commit(finishedRun('old', NOW - 91 * DAY_MS), finishedRun('young', NOW - 89 * DAY_MS));
  clock.advanceTo(NOW + 60_000);
  expect(await removed[0]).toBe('old');
  expect((await store.runs({})).map(({ name }) => name)).toEqual(['young']);
});

test('pruning repeats each hour', async () => {
  const { clock, commit, removed } = await pruning();
  await commit(finishedRun('first', NOW - 91 * DAY_MS));
  clock.advanceTo(NOW + 60_000);
  await removed[0];
  await commit(finishedRun('second', NOW - 91 * DAY_MS));
  clock.advanceTo(NOW + 60_000 + 3_600_000);
  expect(await removed[1]).toBe('second');
});

test('a stopped pruning leaves no timer', async () => {
  const { clock, stop } = await pruning();
  expect(clock.pending).toBe(1);
  stop();
  expect(clock.pending).toBe(0);
});
