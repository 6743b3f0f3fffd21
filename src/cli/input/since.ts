// The flag --since.
import type { Io } from '../io.ts';

export const SINCE =
  'an instant in the zone of this machine (yesterday, 20:08, 2026-01-31), or a past span such as 2d';

/** The parameter `since` of a query (RFC 3339); empty without the flag. Throws USAGE. */
export async function sinceOf(text: string | undefined, io: Io): Promise<{ since?: string }> {
  if (text === undefined) return {};
  const { readInstant } = await import('./instant.ts');
  const at = readInstant(text, { flag: '--since', now: io.now(), towards: 'past' });
  return { since: new Date(at).toISOString() };
}
