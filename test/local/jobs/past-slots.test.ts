// What the store of a daemon says of past slots, for a backfill.
import { expect, onTestFinished, test } from 'vitest';
import { slotRunName } from '../../../src/core/naming.ts';
import { pastSlots } from '../../../src/local/jobs/past-slots.ts';
import { aChange, aRunAt, aSlotAt, SECOND, T0 } from '../../support/builders.ts';
import { openTemporaryStore } from '../../support/stores/sqlite-store.ts';

const JOB = { key: 'local/a', name: 'a' };
const slotAt = (second: number) => T0 + second * SECOND;
const attempt = (second: number, number: number) =>
  aRunAt('a', second, { name: slotRunName('a', slotAt(second), number), attempt: number });

test('the last attempt of each slot, the stretches without a run, and since when all is known', async () => {
  const { store, close } = await openTemporaryStore();
  onTestFinished(close);
  const missed = aSlotAt('a', 120, { to: slotAt(180), count: 2, outcome: 'Missed', run: undefined });
  const slots = [aSlotAt('a', 60), missed, aSlotAt('a', 240)];
  const runs = [attempt(60, 1), attempt(60, 2), attempt(240, 1), aRunAt('b', 120)];
  await store.commit('local/a', aChange({ runs, slots }));
  const past = await pastSlots(store, JOB, [0, 60, 120, 180, 240].map(slotAt));
  expect(past.runs.map(({ slot, attempt: number }) => [slot, number])).toEqual([
    [slotAt(60), 2],
    [slotAt(240), 1],
  ]);
  expect(past.closed).toMatchObject([{ from: slotAt(120), to: slotAt(180), outcome: 'Missed' }]);
  expect(past.completeFrom).toBe(slotAt(60));
  await store.prune(slotAt(200));
  expect((await pastSlots(store, JOB, [slotAt(240)])).completeFrom).toBe(slotAt(240));
});

test('nothing of a job without slots', async () => {
  const { store, close } = await openTemporaryStore();
  onTestFinished(close);
  expect(await pastSlots(store, JOB, [])).toEqual({ closed: [], runs: [] });
  expect(await pastSlots(store, JOB, [T0])).toEqual({ closed: [], runs: [] });
});
