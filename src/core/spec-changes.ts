// Compares two specs field by field, for the answer `configured` and for --dry-run.

/** One changed field of a spec, with its JSON value before and after; undefined if the spec lacks the field. */
export interface FieldChange {
  path: string;
  before?: unknown;
  after?: unknown;
}

/**
 * Returns the fields that differ, in the order of the first spec. Environment variables are compared by name; any
 * other list is one value.
 */
export function specChanges(before: object, after: object): FieldChange[] {
  return changes(before, after, '');
}

function changes(before: unknown, after: unknown, path: string): FieldChange[] {
  const [left, right] = [fields(before, path), fields(after, path)];
  if (left && right) {
    const keys = new Set([...left.keys(), ...right.keys()]);
    return [...keys].flatMap((key) =>
      changes(left.get(key), right.get(key), path === '' ? key : `${path}.${key}`),
    );
  }
  if (same(before, after)) return [];
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
}

/** Returns the parts to compare one by one; undefined for a value that is compared as a whole. */
function fields(value: unknown, path: string): Map<string, unknown> | undefined {
  if (path === 'env') return variables(value ?? []);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value).filter(([, part]) => part !== undefined));
}

function variables(value: unknown): Map<string, unknown> | undefined {
  if (!Array.isArray(value)) return undefined;
  return new Map(
    value.map(({ name, value, valueFrom }: { name: string; value?: unknown; valueFrom?: unknown }) => [
      name,
      value ?? valueFrom,
    ]),
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
