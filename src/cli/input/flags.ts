// Parses values of flags. Throws USAGE, which names the flag.
import { parseDuration } from '../../core/duration.ts';
import { usage } from '../failure.ts';

/** Whole seconds of a duration such as `90s`, `15m`, `1h30m`; a plain number is seconds. */
export function parseSeconds(value: string, flag: string): number {
  const ms = parseDuration(value);
  if (ms === undefined) throw usage(`${flag} needs a duration such as 90s, 15m or 2h, not "${value}".`);
  if (ms % 1000 !== 0) throw usage(`${flag} needs whole seconds, not "${value}".`);
  return ms / 1000;
}

/** A whole number of at least zero; validation checks the upper bound of the field. */
export function parseInteger(value: string, flag: string): number {
  if (!/^\d{1,9}$/.test(value)) throw usage(`${flag} needs a whole number, not "${value}".`);
  return Number(value);
}

/** A number of at least zero, such as 0.5; validation checks the bounds of the field. */
export function parseDecimal(value: string, flag: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(value))
    throw usage(`${flag} needs a number such as 0.5, not "${value}".`);
  return Number(value);
}

/** The value of -n, from 1 to 100000. */
export function parseCount(value: string): number {
  const count = parseInteger(value, '-n');
  if (count < 1 || count > 100_000) throw usage(`-n needs a number from 1 to 100000, not "${value}".`);
  return count;
}

/** As parseCount(); Infinity for `all`. */
export function parseLimit(value: string): number {
  return value === 'all' ? Infinity : parseCount(value);
}
