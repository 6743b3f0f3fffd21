import { expect, test } from 'vitest';
import { CommitFeed } from '../../../src/local/jobs/commit-feed.ts';

const never = new AbortController().signal;

test('until() resolves at once with a value that exists already', async () => {
  expect(await new CommitFeed().until('local/a', async () => 'here', never)).toBe('here');
});

test('until() looks after each change until there is a value', async () => {
  const feed = new CommitFeed();
  let seen = 0;
  const found = feed.until(
    'local/a',
    async () => {
      seen += 1;
      // The next change comes during this look; it must not be missed.
      if (seen < 5) feed.announce('local/a');
      return seen === 5 ? seen : undefined;
    },
    never,
  );
  expect(await found).toBe(5);
});

test('a change of another job wakes no waiter', async () => {
  const feed = new CommitFeed();
  let looks = 0;
  const stop = new AbortController();
  const found = feed.until('local/a', async () => void (looks += 1), stop.signal);
  feed.announce('local/b');
  stop.abort();
  await expect(found).rejects.toMatchObject({ code: 'DAEMON_STOPPING' });
  expect(looks).toBe(1);
});

test('with an aborted signal until() looks once and rejects', async () => {
  const found = new CommitFeed().until('local/a', async () => undefined, AbortSignal.abort());
  await expect(found).rejects.toMatchObject({ code: 'DAEMON_STOPPING' });
});
