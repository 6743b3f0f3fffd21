// The delay that spreads jobs due at the same slot: stable per job and slot, so every replica agrees.
import { stableFraction } from '../hash.ts';
import type { JobKey } from '../job.ts';

/** Delay of a slot in whole milliseconds, in [0, jitterSeconds * 1000); the same for the same job and slot. */
export function jitterMs(job: JobKey, slot: number, jitterSeconds: number): number {
  return Math.floor(stableFraction(`${job}@${slot}`) * jitterSeconds * 1000);
}
