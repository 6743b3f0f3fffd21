import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { integer, sample } from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { seeded } from '../../support/seed.ts';
import { tempDir } from '../../support/temp-dir.ts';

const ROUNDS = 15;
const CHILD = join(import.meta.dirname, '../../fixtures/store-child.ts');

let directory: string;
beforeEach(() => {
  directory = tempDir();
});

/** Kills a committing process with -9 after so many reported commits; returns all reported commits. */
async function commitUntilKilled(path: string, first: number, reports: number): Promise<number[]> {
  const child = fork(CHILD, ['commit', path, String(first)], { execArgv: [] });
  const acknowledged: number[] = [];
  child.on('message', (number: number) => {
    if (acknowledged.push(number) === reports) child.kill('SIGKILL');
  });
  const disconnected = once(child, 'disconnect');
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  await disconnected;
  return acknowledged;
}

async function missingFrom(store: SqliteStore, acknowledged: number[]): Promise<number[]> {
  const jobs = new Map((await store.jobs()).map((job) => [job.name, job]));
  const missing: number[] = [];
  for (const number of acknowledged) {
    const run = await store.run(`j${number}-${number}`);
    const slots = await store.slots({ job: `local/j${number}`, from: 0, to: Infinity });
    const whole = run?.outputTail?.length === number % 5000 && slots.length === 1;
    if (!whole || jobs.get(`j${number}`)?.status?.observedGeneration !== number) missing.push(number);
  }
  return missing;
}

test('kill -9 at any moment loses no acknowledged commit, and the file stays sound', async () => {
  const path = join(directory, 'lsh.db');
  const all: number[] = [];
  let first = 0;
  for (const reports of sample(integer({ min: 1, max: 250 }), seeded({ numRuns: ROUNDS }))) {
    const acknowledged = await commitUntilKilled(path, first, reports);
    expect(acknowledged.length).toBeGreaterThanOrEqual(reports);
    for (const number of acknowledged) all.push(number);
    first = Math.max(...all) + 100;
    // Opening checks every page of the file.
    const store = SqliteStore.open(path);
    expect(await missingFrom(store, all)).toEqual([]);
    store.close();
  }
});
