// What a variable of the environment is, and the kinds of them. Reads nothing itself.

/** One row of the table; `T` is what the program gets. */
export interface Variable<T = unknown> {
  name: string;
  /** What values it takes, to be read after "must be". */
  type: string;
  /** The value when the variable is not set or empty. */
  fallback: T;
  /** The default as people write it; undefined for none. */
  shownDefault?: string;
  description: string;
  /** Never shown. */
  secret?: true;
  /** Given to the commands of jobs. */
  inherited?: true;
  /** The option of `lsh controller` that stands above it. */
  option?: string;
  required?: {
    /** To be read after "required when". */
    when: string;
    /** Not if one of these is set. */
    unless: readonly string[];
  };
  /** Undefined for a text that is not of the type. */
  read: (text: string) => T | undefined;
}

type Extra = Partial<Pick<Variable, 'inherited' | 'required' | 'shownDefault'>>;

/** Any text. */
export function text(name: string, description: string, extra: Extra = {}): Variable<string | undefined> {
  return { name, type: 'text', fallback: undefined, description, ...extra, read: (value) => value };
}

/** A directory, given by its absolute path. */
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

/** Several texts. */
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

/** One of a few words. */
export function choice<const T extends string>(
  name: string,
  choices: readonly T[],
  fallback: NoInfer<T>,
  description: string,
): Variable<T> {
  const read = (value: string) => choices.find((choice) => choice === value);
  return { name, type: `one of ${choices.join(', ')}`, fallback, shownDefault: fallback, description, read };
}

/** true or false. */
export function flag(name: string, description: string): Variable<boolean> {
  const read = (value: string) => (value === 'true' ? true : value === 'false' ? false : undefined);
  return { name, type: 'true or false', fallback: false, shownDefault: 'false', description, read };
}

/** On when set to anything but 0 or false. */
export function presence(name: string, description: string): Variable<boolean> {
  return {
    name,
    type: 'anything',
    fallback: false,
    description,
    read: (value) => value !== '0' && value !== 'false',
  };
}

/** Units of counts, and of times in milliseconds. */
export const PLAIN = { '': 1 };
export const DURATION = { ms: 1, s: 1000, m: 60_000 };

interface Amount {
  /** Factor of each suffix; the empty one stands for a bare number. */
  units: Record<string, number>;
  min: string;
  max: string;
  default: string;
}

/** A whole number with one of the units, within bounds; the program gets the product. */
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
