import { expect, test } from 'vitest';
import { Workqueue } from '../../src/control/workqueue.ts';
import { ManualClock } from '../support/manual-clock.ts';

function aQueue(priorities: Record<string, number> = {}) {
  const clock = new ManualClock(1_000_000);
  const seen = { ready: 0, timers: 0 };
  const queue = new Workqueue({
    clock,
    priorityOf: (key) => priorities[key] ?? 5,
    onReady: () => seen.ready++,
    onTimer: () => seen.timers++,
  });
  queue.start();
  return { clock, queue, seen };
}

test('a key added twice is taken once', () => {
  const { queue } = aQueue();
  queue.add('a');
  queue.add('a');
  expect([queue.take(), queue.take()]).toEqual(['a', undefined]);
});

test('a key that changes while a worker has it becomes ready after done()', () => {
  const { queue } = aQueue();
  queue.add('a');
  queue.take();
  queue.add('a');
  expect(queue.take()).toBeUndefined();
  queue.done('a', true);
  expect(queue.take()).toBe('a');
});

test('news of a failed key wait for its retry, and a change does not', () => {
  const { clock, queue } = aQueue();
  queue.add('a');
  queue.take();
  queue.addNews('a');
  const delayMs = queue.retry('a');
  queue.done('a', false);
  queue.addNews('a');
  expect(queue.take()).toBeUndefined();
  clock.advanceTo(clock.now() + delayMs);
  expect([queue.take(), queue.take()]).toEqual(['a', undefined]);
  queue.add('a');
  queue.retry('a');
  queue.done('a', false);
  expect(queue.take()).toBe('a');
});

test('news of a key while a worker succeeds with it make it ready again', () => {
  const { queue } = aQueue();
  queue.addNews('a');
  expect(queue.take()).toBe('a');
  queue.addNews('a');
  queue.done('a', true);
  expect([queue.take(), queue.take()]).toEqual(['a', undefined]);
});

test('keys are taken by priority, and in order of arrival within one priority', () => {
  const { queue } = aQueue({ high: 9, low: 0 });
  for (const key of ['low', 'x', 'high', 'y']) queue.add(key);
  expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(['high', 'x', 'y', 'low']);
});

test('a key wakes at its last wake-up time, and Infinity removes the wake-up', () => {
  const { clock, queue, seen } = aQueue();
  queue.wakeAt('a', 1_010_000);
  queue.wakeAt('b', 1_005_000);
  queue.wakeAt('a', 1_002_000);
  queue.wakeAt('b', Infinity);
  clock.advanceTo(1_001_999);
  expect(queue.take()).toBeUndefined();
  clock.advanceTo(1_002_000);
  expect([queue.take(), queue.take()]).toEqual(['a', undefined]);
  expect(seen.ready).toBe(1);
});

test('each failure in a row doubles the delay up to a minute, and a success resets it', () => {
  const { queue } = aQueue();
  const delays = Array.from({ length: 16 }, () => queue.retry('a'));
  expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(delays.at(-1)).toBe(60_000);
  queue.done('a', true);
  expect(queue.retry('a')).toBe(5);
});

test('a longer requested wait replaces the delay, a shorter one does not', () => {
  const { queue } = aQueue();
  expect([
    queue.retry('a', { atLeastMs: 1_000 }),
    queue.retry('a', { atLeastMs: 1 }),
    queue.retry('a'),
  ]).toEqual([1_000, 10, 20]);
});

test('the timer fires each evaluation interval even without a wake-up', () => {
  const { clock, queue } = aQueue();
  expect(clock.pending).toBe(1);
  clock.advanceTo(1_060_000);
  expect(clock.pending).toBe(1);
  queue.stop();
  expect(clock.pending).toBe(0);
});

test('the timer fires at least every ten seconds, also after the wall clock was set back', () => {
  const { clock, seen } = aQueue();
  clock.advanceTo(1_060_000);
  expect(seen.timers).toBe(6);
  clock.stepBy(-7_200_000);
  clock.advanceTo(clock.now() + 60_000);
  expect(seen.timers).toBe(12);
});

test('a key whose priority changes while it is ready is taken once', () => {
  const priorities: Record<string, number> = { a: 3 };
  const { queue } = aQueue(priorities);
  queue.add('a');
  priorities['a'] = 8;
  queue.add('a');
  expect([queue.take(), queue.take()]).toEqual(['a', undefined]);
});

test('while keys are due, one key in sixteen owes a record: starts pass first, and no record starves', () => {
  const { queue } = aQueue();
  for (const key of ['record-1', 'record-2']) {
    queue.add(key);
    queue.take();
    queue.done(key, true, { owesRecord: true });
  }
  for (let index = 0; index < 100; index++) queue.add(`due-${index}`);
  const taken = Array.from({ length: 40 }, () => queue.take()!);
  const places = taken.flatMap((key, place) => (key.startsWith('record') ? [place] : []));
  expect(places).toHaveLength(2);
  expect(places[0]).toBeLessThan(16);
  expect(places[1]! - places[0]!).toBe(16);
});

test('keys that are due and keys with news take turns, and the last lanes are emptied', () => {
  const { queue } = aQueue();
  for (const key of ['due-1', 'due-2', 'due-3']) queue.add(key);
  for (const key of ['news-1', 'news-2']) queue.addNews(key);
  const taken = Array.from({ length: 5 }, () => queue.take()!.split('-')[0]);
  expect(taken).toEqual(['due', 'news', 'due', 'news', 'due']);
});

test('a key that owes a record and becomes due is taken once, in its turn as due', () => {
  const { queue } = aQueue();
  queue.add('a');
  queue.take();
  queue.done('a', true, { owesRecord: true });
  queue.add('b');
  queue.add('a');
  expect([queue.take(), queue.take(), queue.take()]).toEqual(['b', 'a', undefined]);
  expect(queue.depth).toBe(0);
});

test('the delay of a retry grows on after an evaluation that only owes a record', () => {
  const { queue } = aQueue();
  queue.add('a');
  queue.take();
  expect(queue.retry('a')).toBe(5);
  queue.done('a', false);
  queue.add('a');
  queue.take();
  queue.done('a', true, { owesRecord: true });
  queue.take();
  expect(queue.retry('a')).toBe(10);
});
