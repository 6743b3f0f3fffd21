// Compares two specs field by field, for the answer `configured` and for --dry-run. Of variables it tells the names alone:
// a value may be a secret, and the answer of a command ends in the log of a pipeline.

/** One changed field of a spec. */
export type FieldChange = { path: string } & (Values | { change: 'added' | 'changed' | 'removed' });

/** JSON values; undefined if the spec lacks the field. */
interface Values {
  before?: unknown;
  after?: unknown;
}

/** Holds a whole manifest of kubectl, variables included. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Returns the fields that differ, in the order of the first spec. Entries of a list that all have names are compared by
 * name; any other list is one value.
 */
export function specChanges(before: object, after: object): FieldChange[] {
  return changes(before, after, { path: '', key: '' });
}

interface Place {
  path: string;
  /** The last word of the path. */
  key: string;
  isSecret?: boolean;
}

function changes(before: unknown, after: unknown, place: Place): FieldChange[] {
  const { path, key } = place;
  const [left, right] = [fields(before, key), fields(after, key)];
  if (left && right) {
    const keys = new Set([...left.keys(), ...right.keys()]);
    return [...keys].flatMap((each) =>
      changes(left.get(each), right.get(each), {
        path: path === '' ? each : `${path}.${each}`,
        key: each,
        isSecret: key === 'env' || each === LAST_APPLIED,
      }),
    );
  }
  return same(before, after) ? [] : [difference(before, after, place)];
}

function difference(before: unknown, after: unknown, { path, key, isSecret }: Place): FieldChange {
  // Variables that share a name are compared as one value.
  if (isSecret || key === 'env') {
    if (before === undefined) return { path, change: 'added' };
    return { path, change: after === undefined ? 'removed' : 'changed' };
  }
  return {
    path,
    ...(before !== undefined && { before: withoutVariables(before) }),
    ...(after !== undefined && { after: withoutVariables(after) }),
  };
}

/** Returns the parts to compare one by one; undefined for a value that is compared as a whole. */
function fields(value: unknown, key: string): Map<string, unknown> | undefined {
  if (Array.isArray(value)) return entries(value, key);
  if (key === 'env' && value === undefined) return new Map();
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map(Object.entries(value).filter(([, part]) => part !== undefined));
}

/** The entries by name; undefined if one has none, or two have the same. */
function entries(list: readonly unknown[], key: string): Map<string, unknown> | undefined {
  const byName = new Map<string, unknown>();
  for (const entry of list) {
    const { name, ...rest } = (entry ?? {}) as { name?: unknown; value?: unknown; valueFrom?: unknown };
    if (typeof name !== 'string') return undefined;
    byName.set(name, key === 'env' ? (rest.value ?? rest.valueFrom) : rest);
  }
  return byName.size === list.length ? byName : undefined;
}

/** The value with the names of its variables in place of the variables. */
function withoutVariables(value: unknown, key = ''): unknown {
  if (Array.isArray(value))
    return value.map((entry: unknown) =>
      key === 'env' ? (entry as { name?: unknown } | null)?.name : withoutVariables(entry),
    );
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([each, part]) => [each, withoutVariables(part, each)]),
  );
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return (
    left.length === right.size && left.every(([key, value]) => right.has(key) && same(value, right.get(key)))
  );
}
