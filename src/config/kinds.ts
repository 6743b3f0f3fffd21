// The type of an environment variable, and the kinds of variables. Reads no environment.

/** One row of the table of variables; `T` is the type of the parsed value. */
export interface Variable<T = unknown> {
  name: string;
  /** The values it accepts; completes the sentence "must be …". */
  type: string;
  /** The value if the variable is empty, invalid or not set. */
  fallback: T;
  /** The default for the page; undefined if there is none. */
  shownDefault?: string;
  description: string;
  /** lsh never shows the value. */
  secret?: true;
  /** The commands of jobs inherit it. */
  inherited?: true;
  /** Other programs read it, too, so a problem is a warning in production as well. */
  shared?: true;
  /** The option of `lsh controller` that overrides it. */
  option?: string;
  required?: {
    /** Completes the sentence "required when …". */
    when: string;
    /** Not required if one of these variables is set. */
    unless: readonly string[];
  };
  /** Parses the text; undefined if it is not of the type. */
  read: (text: string) => T | undefined;
}

type Extra = Partial<Pick<Variable, 'inherited' | 'required' | 'shownDefault'>>;

/** Any text. */
export function text(name: string, description: string, extra: Extra = {}): Variable<string | undefined> {
  return { name, type: 'text', fallback: undefined, description, ...extra, read: (value) => value };
}

/** A URL of HTTP. */
export function url(name: string, description: string, extra: Extra = {}): Variable<string | undefined> {
  return {
    ...text(name, description, extra),
    type: 'a URL that begins with https:// or http://',
    read: (value) => (/^https?:$/.test(URL.parse(value)?.protocol ?? '') ? value.trim() : undefined),
  };
}

/** The absolute path of a directory. */
export function directory(
  name: string,
  description: string,
  extra: Extra = {},
): Variable<string | undefined> {
  const read = (value: string) => (value.startsWith('/') ? value : undefined);
  return {
    name,
    type: 'an absolute path',
    fallback: undefined,
    description,
    inherited: true,
    ...extra,
    read,
  };
}

/** Texts separated by commas. */
export function list(
  name: string,
  type: string,
  description: string,
): Variable<readonly string[] | undefined> {
  const read = (value: string) => {
    const items = value.split(',').map((item) => item.trim());
    return items.includes('') ? undefined : Object.freeze(items);
  };
  return { name, type: `a list of ${type}, separated by commas`, fallback: undefined, description, read };
}

/** One of several words. */
export function choice<const T extends string>(
  name: string,
  choices: readonly T[],
  fallback: NoInfer<T>,
  description: string,
): Variable<T> {
  const read = (value: string) => choices.find((choice) => choice === value);
  return { name, type: `one of ${choices.join(', ')}`, fallback, shownDefault: fallback, description, read };
}

/** `true` or `false`. */
export function flag(name: string, description: string): Variable<boolean> {
  const read = (value: string) => (value === 'true' ? true : value === 'false' ? false : undefined);
  return { name, type: 'true or false', fallback: false, shownDefault: 'false', description, read };
}

/** True if the variable is set to anything but `0` or `false`. */
export function presence(name: string, description: string): Variable<boolean> {
  return {
    name,
    type: 'anything',
    fallback: false,
    description,
    read: (value) => value !== '0' && value !== 'false',
  };
}

/** Units of counts, of sizes in bytes, and of durations in milliseconds. */
export const PLAIN = { '': 1 };
export const BYTES = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
export const DURATION = { ms: 1, s: 1000, m: 60_000 };

interface Amount {
  /** Factor of each suffix; the empty suffix is a bare number. */
  units: Record<string, number>;
  min: string;
  max: string;
  default: string;
}

/** A whole number with a unit, within bounds; the parsed value is the product. */
export function amount(name: string, type: string, bounds: Amount, description: string): Variable<number> {
  const product = (value: string): number => {
    const [, digits = '', unit = ''] = /^(\d{1,15})([A-Za-z]*)$/.exec(value) ?? [];
    return digits === '' ? Number.NaN : Number(digits) * (bounds.units[unit] ?? Number.NaN);
  };
  const read = (value: string) => {
    const result = product(value);
    return result >= product(bounds.min) && result <= product(bounds.max) ? result : undefined;
  };
  return {
    name,
    type: `${type} from ${bounds.min} to ${bounds.max}`,
    fallback: product(bounds.default),
    shownDefault: bounds.default,
    description,
    read,
  };
}
