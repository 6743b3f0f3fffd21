// Waits for a condition that another process brings about: polls until it holds, never for a fixed time.

const LOOK_EVERY_MS = 10;

/**
 * Resolves with the first value other than undefined, null and false. Rejects after the limit, which only ends
 * failed tests: a busy machine may take its time.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { withinMs = 60_000, what = 'the condition' }: { withinMs?: number; what?: string | (() => string) } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== null && value !== false)
      return value as Exclude<T, undefined | null | false>;
    if (performance.now() > deadline) {
      const wanted = typeof what === 'string' ? what : what();
      throw new Error(`${wanted} did not hold within ${withinMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
