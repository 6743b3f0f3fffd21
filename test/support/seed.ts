// Property tests are repeatable: the seed is random, printed with the test, and set again by LSH_TEST_SEED.
import type { Parameters as FastCheckParameters } from 'fast-check';

/** The seed of this run, printed so that a failure can be played again. */
export function testSeed(of: string): number {
  const seed = Number(process.env['LSH_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${of}: LSH_TEST_SEED=${seed}`);
  return seed;
}

/** Parameters of fc.assert with the run’s seed. */
export function seeded<T>(parameters: FastCheckParameters<T>): FastCheckParameters<T> {
  return { ...parameters, seed: testSeed('property test') };
}
