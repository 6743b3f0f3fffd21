// How many Events one object may have: a burst, and then one now and again, as other controllers allow it.

const BURST = 25;
const REFILL_MS = 300_000;
const OBJECTS_KEPT = 4096;

export class EventBudget {
  readonly #spent = new Map<string, { tokens: number; at: number }>();

  /** Takes one from the object’s budget; false when there is none left. `now` in milliseconds. */
  allows(uid: string, now: number): boolean {
    const known = this.#spent.get(uid) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, known.tokens + (now - known.at) / REFILL_MS);
    const allowed = tokens >= 1;
    this.#spent.delete(uid);
    this.#spent.set(uid, { tokens: allowed ? tokens - 1 : tokens, at: now });
    const [oldest] = this.#spent.keys();
    if (this.#spent.size > OBJECTS_KEPT && oldest !== undefined) this.#spent.delete(oldest);
    return allowed;
  }
}
