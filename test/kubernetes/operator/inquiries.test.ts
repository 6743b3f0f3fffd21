// One question at a time about each subject, and again after one that was not answered.
import { ApiException } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { Inquiries } from '../../../src/kubernetes/operator/inquiries.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const SUBJECT = { key: 'default/backup', run: 'backup-1', id: 'uid' };

function asker() {
  const clock = new ManualClock(1_000_000);
  const again: string[] = [];
  const logger = keptLogger();
  const inquiries = new Inquiries({ clock, logger, again: (key) => again.push(key) });
  let asked = 0;
  /** Asks; resolves when the answer has been dealt with. */
  const ask = async (answer: () => Promise<void>): Promise<void> => {
    inquiries.ask(SUBJECT, () => {
      asked++;
      return answer();
    });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, again, logger, inquiries, ask, asked: () => asked };
}

test('about one subject there is one question at a time, and the next when it was answered', async () => {
  const { ask, asked } = asker();
  const { promise, resolve } = Promise.withResolvers<void>();
  await ask(() => promise);
  await ask(() => promise);
  expect(asked()).toBe(1);
  resolve();
  await promise;
  await ask(() => Promise.resolve());
  expect(asked()).toBe(2);
});

test('one that was not answered is told, and may be asked again a second later', async () => {
  const { clock, again, logger, ask, asked } = asker();
  const refused = (): Promise<void> => Promise.reject(new Error('no route'));
  await ask(refused);
  await ask(refused);
  expect(asked()).toBe(1);
  expect(logger.lines.map(({ fields }) => fields)).toEqual([
    { job: 'default/backup', run: 'backup-1', error: 'no route', retryInMs: 1000 },
  ]);
  clock.advanceTo(clock.now() + 999);
  expect(again).toEqual([]);
  clock.advanceTo(clock.now() + 1);
  expect(again).toEqual(['default/backup']);
  await ask(refused);
  expect(asked()).toBe(2);
});

test('a server that asks to wait longer is obeyed', async () => {
  const { clock, again, ask } = asker();
  await ask(() => Promise.reject(new ApiException(429, 'too many', '{}', { 'retry-after': '7' })));
  clock.advanceTo(clock.now() + 6_999);
  expect(again).toEqual([]);
  clock.advanceTo(clock.now() + 1);
  expect(again).toEqual(['default/backup']);
});

test('closed, it asks nothing again', async () => {
  const { clock, again, inquiries, ask } = asker();
  await ask(() => Promise.reject(new Error('no route')));
  inquiries.close();
  clock.advanceTo(clock.now() + 10_000);
  expect(again).toEqual([]);
});

test('nor what was not answered before it was closed', async () => {
  const { clock, logger, inquiries, ask } = asker();
  const { promise, reject } = Promise.withResolvers<void>();
  await ask(() => promise);
  inquiries.close();
  reject(new Error('the connection is closed'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.pending).toBe(0);
  expect(logger.lines).toEqual([]);
});
