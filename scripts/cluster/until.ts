// Waiting for what another process brings about: looked at again until it holds, never a fixed time.
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 50;

/** Resolves when it holds; rejects after the limit, which ends what has failed and holds nobody to a pace. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 300_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await delay(LOOK_EVERY_MS);
  }
}
