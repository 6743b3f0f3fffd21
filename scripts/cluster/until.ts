// Polls a condition that another process fulfils. Never waits for a fixed time.
import { setTimeout as delay } from 'node:timers/promises';

const POLL_INTERVAL_MS = 50;

/** Resolves when the condition holds; rejects after the limit. The limit is long: it ends a failed wait only. */
export async function until(
  condition: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 300_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${condition}: not within ${withinMs / 1000} s`);
    await delay(POLL_INTERVAL_MS);
  }
}
