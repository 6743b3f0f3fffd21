// Names of time zones: whether a name exists, and the nearest one to a mistyped name.
import { editDistance } from '../../closest.ts';
import { LshError } from '../../errors.ts';

/** Valid names: a daemon checks the same few for each of its jobs. At most one entry per zone. */
const checked = new Set(['UTC']);

/** Throws TIMEZONE_INVALID, with a near name where there is one, unless the name is an IANA time zone. */
export function checkTimeZone(name: string): void {
  if (checked.has(name)) return;
  const names = Intl.supportedValuesOf('timeZone');
  const sameLetters = names.find((each) => each.toLowerCase() === name.toLowerCase());
  // Intl does not list aliases such as US/Eastern, and accepts them in any case, like offsets; hence the pattern.
  const isAlias =
    sameLetters === undefined && /^[A-Z][\w+-]*(\/[A-Z][\w+-]*)*$/.test(name) && isAccepted(name);
  if (sameLetters === name || isAlias) {
    checked.add(name);
    return;
  }
  const near = sameLetters ?? nearestName(name, ['UTC', ...names]);
  const hint = near === undefined ? undefined : `Did you mean ${near}?`;
  throw new LshError('TIMEZONE_INVALID', { name }, { hint });
}

function isAccepted(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Typed names lack the region (`London`) or have spaces (`new york`), so letters alone are compared, of the city too. */
function nearestName(name: string, names: readonly string[]): string | undefined {
  const typed = letters(name);
  if (typed.length < 3 || typed.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.ceil(typed.length / 3);
  for (const each of names) {
    const city = each.slice(each.lastIndexOf('/') + 1);
    const distance = Math.min(editDistance(typed, letters(each)), editDistance(typed, letters(city)));
    if (distance < bestDistance) [best, bestDistance] = [each, distance];
  }
  return best;
}

function letters(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9+]/g, '');
}
