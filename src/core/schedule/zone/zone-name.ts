// Names of time zones: which exist, and which one was probably meant.
import { LshError } from '../../errors.ts';

/** Names found valid; a daemon checks the same few for each of its jobs. At most as many as there are zones. */
const checked = new Set(['UTC']);

/** Throws TIMEZONE_INVALID, with a near name where there is one, unless the name is an IANA time zone. */
export function checkTimeZone(name: string): void {
  if (checked.has(name)) return;
  const names = Intl.supportedValuesOf('timeZone');
  const sameLetters = names.find((each) => each.toLowerCase() === name.toLowerCase());
  // Older names such as US/Eastern are not listed but known; Intl takes them, and offsets, in any spelling.
  const isAlias = sameLetters === undefined && /^[A-Z][\w+-]*(\/[A-Z][\w+-]*)*$/.test(name) && isKnown(name);
  if (sameLetters === name || isAlias) {
    checked.add(name);
    return;
  }
  const near = sameLetters ?? nearestName(name, ['UTC', ...names]);
  const hint = near === undefined ? undefined : `Did you mean ${near}?`;
  throw new LshError('TIMEZONE_INVALID', { name }, { hint });
}

function isKnown(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function nearestName(name: string, names: readonly string[]): string | undefined {
  const wanted = plain(name);
  if (wanted.length < 3 || wanted.length > 64) return undefined;
  let best: { name: string; distance: number } | undefined;
  for (const each of names) {
    const city = each.slice(each.lastIndexOf('/') + 1);
    const distance = Math.min(editDistance(wanted, plain(each)), editDistance(wanted, plain(city)));
    if (distance < (best?.distance ?? Math.ceil(wanted.length / 3))) best = { name: each, distance };
  }
  return best?.name;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9+]/g, '');
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
