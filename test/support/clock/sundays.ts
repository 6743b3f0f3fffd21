// Sundays at two, the slots of the trace.
const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;
/** So long before a slot a test moves the clock there: the timer of the slot is set meanwhile. */
export const LAST_MOMENT_MS = 2_000;

/** The first Sunday, 02:00 UTC, that is at least an hour away; milliseconds. */
export function nextSundayAtTwo(): number {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const days = (7 - new Date(today).getUTCDay()) % 7;
  const slot = today + days * DAY_MS + 2 * 3_600_000;
  return slot - Date.now() > 3_600_000 ? slot : slot + WEEK_MS;
}
