// Measures whether twice the input takes at most 2.5 times the time of the processor. A busy machine only adds to it, so the
// least of several measurements counts, and the two sizes take turns.
import { expect } from 'vitest';

const MAX_RATIO = 2.5;
const MIN_ROUNDS = 3;
const MAX_ROUNDS = 25;
/** Below this, one collection of garbage is most of the measurement. */
const MIN_MS = 10;

export interface LinearOptions<T> {
  what: string;
  /** Makes the input; `size` is in any unit. */
  input: (size: number) => T;
  run: (input: T) => unknown;
  /** The smaller of the two sizes; larger if the run is too fast to measure. */
  size: number;
}

/** Fails if the time grows faster than the input. */
export async function expectLinearTime<T>({ what, input, run, size }: LinearOptions<T>): Promise<void> {
  let half = size;
  while ((await timeOf(run, input(half))) < MIN_MS && half < size * 64) half *= 2;
  const [small, large] = [input(half), input(2 * half)];
  let [smallMs, largeMs] = [Infinity, Infinity];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    smallMs = Math.min(smallMs, await timeOf(run, small));
    largeMs = Math.min(largeMs, await timeOf(run, large));
    if (round + 1 >= MIN_ROUNDS && largeMs <= MAX_RATIO * Math.max(smallMs, MIN_MS)) return;
  }
  expect.fail(`${what}: ${half} took ${smallMs.toFixed(1)} ms, twice as much ${largeMs.toFixed(1)} ms`);
}

async function timeOf<T>(run: (input: T) => unknown, input: T): Promise<number> {
  const from = process.threadCpuUsage();
  await run(input);
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1000;
}
