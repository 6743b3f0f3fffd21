// Measures whether twice the input takes at most 2.5 times the time of the processor. A busy machine only adds to it, so the
// least of several measurements counts, and the two sizes take turns.
import { expect } from 'vitest';

const MAX_RATIO = 2.5;
const MAX_ROUNDS = 25;
/** Below this, one collection of garbage is most of the measurement. */
const MIN_MS = 10;
/** The input that outgrows a cache takes longer once; a parser that is not linear takes too long at every size. */
const SIZES = 3;
/** After this the measurement of a size ends: a parser that is too slow fails rather than blocks. */
const BUDGET_MS = 4000;

export interface LinearOptions<T> {
  what: string;
  /** Makes the input; `size` is in any unit. */
  input: (size: number) => T;
  run: (input: T) => unknown;
  /** The smallest size; larger if the run is too fast to measure. */
  size: number;
}

/** Fails if the time grows faster than the input. */
export async function expectLinearTime<T>({ what, input, run, size }: LinearOptions<T>): Promise<void> {
  let half = size;
  while ((await timeOf(run, input(half))) < MIN_MS && half < size * 64) half *= 2;
  const measured: string[] = [];
  for (let sizes = 0; sizes < SIZES; sizes++, half *= 2) {
    const [smallMs, largeMs] = await timesOf(run, [input(half), input(2 * half)]);
    if (largeMs <= MAX_RATIO * Math.max(smallMs, MIN_MS)) return;
    measured.push(`${half} took ${smallMs.toFixed(1)} ms, twice as much ${largeMs.toFixed(1)} ms`);
  }
  expect.fail(`${what}: ${measured.join('; ')}`);
}

async function timesOf<T>(
  run: (input: T) => unknown,
  [small, large]: readonly [T, T],
): Promise<[smallMs: number, largeMs: number]> {
  let [smallMs, largeMs] = [Infinity, Infinity];
  const from = performance.now();
  for (let round = 0; round < MAX_ROUNDS && performance.now() - from < BUDGET_MS; round++) {
    smallMs = Math.min(smallMs, await timeOf(run, small));
    largeMs = Math.min(largeMs, await timeOf(run, large));
    if (largeMs <= MAX_RATIO * Math.max(smallMs, MIN_MS)) break;
  }
  return [smallMs, largeMs];
}

async function timeOf<T>(run: (input: T) => unknown, input: T): Promise<number> {
  const from = process.threadCpuUsage();
  await run(input);
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1000;
}
