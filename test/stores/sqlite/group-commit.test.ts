import { describe, expect, test } from 'vitest';
import { LshError } from '../../../src/core/errors.ts';
import { GroupCommit } from '../../../src/stores/sqlite/group-commit.ts';

/** Counts the transactions, and keeps the writes of the successful ones. */
function recorder() {
  const transactions: string[][] = [];
  let current: string[] = [];
  const group = new GroupCommit((work) => {
    current = [];
    work();
    transactions.push(current);
  });
  const write = (what: string) => group.add(() => current.push(what));
  return { group, transactions, write };
}

describe('writes of one turn of the event loop', () => {
  test('share one transaction, in the order of the calls', async () => {
    const { transactions, write } = recorder();
    await Promise.all([write('a'), write('b'), write('c')]);
    expect(transactions).toEqual([['a', 'b', 'c']]);
  });

  test('are written after the turn has ended, and acknowledged after that', async () => {
    const { transactions, write } = recorder();
    let acknowledged = false;
    const done = write('a').then(() => (acknowledged = true));
    await Promise.resolve();
    expect({ transactions, acknowledged }).toEqual({ transactions: [], acknowledged: false });
    await done;
    expect(transactions).toEqual([['a']]);
  });

  test('are split into transactions of at most a thousand', async () => {
    const { transactions, write } = recorder();
    await Promise.all(Array.from({ length: 2500 }, (_, i) => write(String(i))));
    expect(transactions.map((members) => members.length)).toEqual([1000, 1000, 500]);
  });

  test('of the next turn get a transaction of their own', async () => {
    const { transactions, write } = recorder();
    await write('a');
    await write('b');
    expect(transactions).toEqual([['a'], ['b']]);
  });

  test('succeed when another write fails', async () => {
    const { group, transactions, write } = recorder();
    const failure = new Error('this one only');
    const results = await Promise.allSettled([
      write('a'),
      group.add(() => {
        throw failure;
      }),
      write('c'),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: failure });
    expect(transactions).toEqual([['a'], ['c']]);
  });

  test('fail together, after one attempt, when the store is locked', async () => {
    let attempts = 0;
    const locked = new LshError('STORE_LOCKED', { path: '/x' });
    const group = new GroupCommit(() => {
      attempts++;
      throw locked;
    });
    const results = await Promise.allSettled([group.add(() => {}), group.add(() => {})]);
    expect(results).toMatchObject([{ reason: locked }, { reason: locked }]);
    expect(attempts).toBe(1);
  });

  test('are written by flush() at once, and only once', async () => {
    const { group, transactions, write } = recorder();
    const done = write('a');
    group.flush();
    expect(transactions).toEqual([['a']]);
    await done;
    await write('b');
    expect(transactions).toEqual([['a'], ['b']]);
  });
});
