// Measures whether twice the input takes at most 2.5 times the time of the processor. A busy machine and a compiler only
// add to it, so the least of several measurements counts, and the sizes take turns. A parser may refuse what is longer
// than a limit of its own, so what counts is how the time grows up to the size that takes longest.
import { expect } from 'vitest';

const MAX_RATIO = 2.5;
/** Over how many doublings the growth counts. */
const DOUBLINGS = 3;
/** The sizes, as multiples of the given one. */
const SMALLEST = 1 / 16;
const LARGEST = 64;
/** A run of this time shows how it grows, milliseconds. */
const ENOUGH_MS = 5;
/** A run of this time that still looks quadratic is quadratic, milliseconds. */
const CONVINCING_MS = 100;
/** No growth matters as long as the longest run takes less than this, milliseconds. */
const HARMLESS_MS = 1;
/** Shorter runs are repeated for this time, milliseconds. */
const BATCH_MS = 2;
const MIN_ROUNDS = 2;
const MAX_ROUNDS = 25;
/** After this, milliseconds, the measurement ends: a parser that is too slow fails rather than blocks. */
const BUDGET_MS = 4000;

export interface LinearOptions<T> {
  what: string;
  /** Makes the input; `size` is in any unit. */
  input: (size: number) => T;
  run: (input: T) => unknown;
  /** Measurements begin below this size and go far beyond it. */
  size: number;
}

interface Sample {
  size: number;
  /** The least time of a run so far, milliseconds. */
  ms: number;
  /** Measures again. */
  again: () => Promise<void>;
}

/** Fails if the time grows faster than the input. */
export async function expectLinearTime<T>(options: LinearOptions<T>): Promise<void> {
  const samples = await samplesOf(options);
  let growth = await measure(samples);
  while (!isLinear(growth) && (await grow(samples, options))) growth = await measure(samples);
  if (isLinear(growth)) return;
  const times = growth.map(({ size, ms }) => `${size} took ${ms.toFixed(2)} ms`);
  expect.fail(`${options.what}: ${times.join(', ')}`);
}

/** Measures the samples that count until they look linear or the budget is spent. */
async function measure(samples: readonly Sample[]): Promise<Sample[]> {
  const from = performance.now();
  let growth = growthOf(samples);
  for (let round = 0; round < MAX_ROUNDS && performance.now() - from < BUDGET_MS; round++) {
    if (round >= MIN_ROUNDS && isLinear(growth)) break;
    for (const { again } of growth) await again();
    growth = growthOf(samples);
  }
  return growth;
}

/**
 * Adds a sample of twice the largest size: several doublings in a row may each outgrow a cache, and only larger inputs
 * tell that from quadratic work. Returns false where no larger input can tell more.
 */
async function grow<T>(samples: Sample[], { input, run, size: given }: LinearOptions<T>): Promise<boolean> {
  const last = samples.at(-1)!;
  const size = last.size * 2;
  if (size > given * LARGEST || last.ms >= CONVINCING_MS || last !== growthOf(samples).at(-1)) return false;
  const sample = sampleOf(run, input(size), size);
  samples.push(sample);
  await sample.again();
  return true;
}

/** Measures ever larger inputs until one takes long enough. */
async function samplesOf<T>({ input, run, size: given }: LinearOptions<T>): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let size = Math.ceil(given * SMALLEST); size <= given * LARGEST; size *= 2) {
    const sample = sampleOf(run, input(size), size);
    samples.push(sample);
    await sample.again();
    await sample.again();
    // The compiler or the garbage collector may have run both times.
    if (sample.ms >= ENOUGH_MS) await sample.again();
    if (sample.ms >= ENOUGH_MS && samples.length > DOUBLINGS) break;
  }
  return samples;
}

function sampleOf<T>(run: (input: T) => unknown, input: T, size: number): Sample {
  const sample: Sample = {
    size,
    ms: Infinity,
    again: async () => {
      const from = threadMs();
      let runs = 0;
      let ms = 0;
      while (ms < BATCH_MS) {
        await run(input);
        runs++;
        ms = threadMs() - from;
      }
      sample.ms = Math.min(sample.ms, ms / runs);
    },
  };
  return sample;
}

/** Processor time of this thread so far, milliseconds. */
function threadMs(): number {
  // Linux updates the time of a running thread at its clock ticks, every few milliseconds, and when the process asks.
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The sample that takes longest, and those of the last doublings before it. */
function growthOf(samples: readonly Sample[]): Sample[] {
  const longest = samples.reduce((last, { ms }, at) => (ms > samples[last]!.ms ? at : last), 0);
  return samples.slice(Math.max(0, longest - DOUBLINGS), longest + 1);
}

/** An input that outgrows a cache takes longer at one doubling; a parser that is not linear takes too long at each. */
function isLinear(growth: readonly Sample[]): boolean {
  if (growth.length === 1 || growth.at(-1)!.ms < HARMLESS_MS) return true;
  return growth.slice(1).some(({ ms }, at) => ms <= MAX_RATIO * growth[at]!.ms);
}
