// Waiting for a condition that another process brings about: looked at again until it holds, never a fixed time.

const LOOK_EVERY_MS = 10;

/**
 * Resolves with the first value that is neither undefined, null nor false; rejects after the limit, which is there
 * to end a test that has failed and not to hold a busy machine to a pace.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { withinMs = 60_000, what = 'the condition' } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== null && value !== false)
      return value as Exclude<T, undefined | null | false>;
    if (performance.now() > deadline) throw new Error(`${what} did not hold within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
