// One lookup at a time per subject, and a retry after a failure.
import { ApiException } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { Lookups } from '../../../src/kubernetes/operator/lookups.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const SUBJECT = { key: 'default/backup', run: 'backup-1', id: 'uid' };

function startedLookups() {
  const clock = new ManualClock(1_000_000);
  const retries: string[] = [];
  const logger = keptLogger();
  const lookups = new Lookups({ clock, logger, onRetry: (key) => retries.push(key) });
  let count = 0;
  /** Starts a lookup; resolves when its answer has been handled. */
  const start = async (answer: () => Promise<void | 'later'>): Promise<void> => {
    lookups.start(SUBJECT, () => {
      count++;
      return answer();
    });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, retries, logger, lookups, start, count: () => count };
}

test('a subject has one lookup at a time, and the next one after its answer', async () => {
  const { start, count } = startedLookups();
  const { promise, resolve } = Promise.withResolvers<void>();
  await start(() => promise);
  await start(() => promise);
  expect(count()).toBe(1);
  resolve();
  await promise;
  await start(() => Promise.resolve());
  expect(count()).toBe(2);
});

test('a failed lookup is logged, and may be repeated a second later', async () => {
  const { clock, retries, logger, start, count } = startedLookups();
  const refused = (): Promise<void> => Promise.reject(new Error('no route'));
  await start(refused);
  await start(refused);
  expect(count()).toBe(1);
  expect(logger.lines.map(({ fields }) => fields)).toEqual([
    { job: 'default/backup', run: 'backup-1', error: 'no route', retryInMs: 1000 },
  ]);
  clock.advanceTo(clock.now() + 999);
  expect(retries).toEqual([]);
  clock.advanceTo(clock.now() + 1);
  expect(retries).toEqual(['default/backup']);
  await start(refused);
  expect(count()).toBe(2);
});

test('an answer that is not final is asked for again a second later, without a log line', async () => {
  const { clock, retries, logger, start, count } = startedLookups();
  await start(() => Promise.resolve('later'));
  await start(() => Promise.resolve('later'));
  expect(count()).toBe(1);
  clock.advanceTo(clock.now() + 1000);
  expect(retries).toEqual(['default/backup']);
  await start(() => Promise.resolve());
  expect(count()).toBe(2);
  expect(logger.lines).toEqual([]);
});

test('a longer Retry-After of the server is obeyed', async () => {
  const { clock, retries, start } = startedLookups();
  await start(() => Promise.reject(new ApiException(429, 'too many', '{}', { 'retry-after': '7' })));
  clock.advanceTo(clock.now() + 6_999);
  expect(retries).toEqual([]);
  clock.advanceTo(clock.now() + 1);
  expect(retries).toEqual(['default/backup']);
});

test('close() cancels retries', async () => {
  const { clock, retries, lookups, start } = startedLookups();
  await start(() => Promise.reject(new Error('no route')));
  lookups.close();
  clock.advanceTo(clock.now() + 10_000);
  expect(retries).toEqual([]);
});

test('a lookup that fails after close() is neither logged nor repeated', async () => {
  const { clock, logger, lookups, start } = startedLookups();
  const { promise, reject } = Promise.withResolvers<void>();
  await start(() => promise);
  lookups.close();
  reject(new Error('the connection is closed'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.pending).toBe(0);
  expect(logger.lines).toEqual([]);
});
