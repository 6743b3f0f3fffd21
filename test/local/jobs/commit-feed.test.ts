import { expect, test } from 'vitest';
import { CommitFeed } from '../../../src/local/jobs/commit-feed.ts';

const never = new AbortController().signal;

test('what is there already is answered without a change', async () => {
  expect(await new CommitFeed().until('local/a', async () => 'here', never)).toBe('here');
});

test('each change is looked at until one is the answer', async () => {
  const feed = new CommitFeed();
  let seen = 0;
  const found = feed.until(
    'local/a',
    async () => {
      seen += 1;
      // The next change comes while this one is being looked at: it must not be missed.
      if (seen < 5) feed.announce('local/a');
      return seen === 5 ? seen : undefined;
    },
    never,
  );
  expect(await found).toBe(5);
});

test('a change of another job wakes nobody', async () => {
  const feed = new CommitFeed();
  let looks = 0;
  const stop = new AbortController();
  const found = feed.until('local/a', async () => void (looks += 1), stop.signal);
  feed.announce('local/b');
  stop.abort();
  await expect(found).rejects.toMatchObject({ code: 'DAEMON_STOPPING' });
  expect(looks).toBe(1);
});

test('who waits on a signal that has fired already looks once and gives up', async () => {
  const found = new CommitFeed().until('local/a', async () => undefined, AbortSignal.abort());
  await expect(found).rejects.toMatchObject({ code: 'DAEMON_STOPPING' });
});
