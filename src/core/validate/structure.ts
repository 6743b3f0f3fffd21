// Checks that the schema library lacks or stops at the first of: every unknown field with a near name, lists in place
// of mappings, NUL characters, and documents that are too deep or too large.
import { closest } from '../closest.ts';
import type { Problem } from '../errors.ts';

/** The part of a valibot schema that names its fields. */
export interface SchemaNode {
  type: string;
  wrapped?: SchemaNode;
  entries?: Record<string, SchemaNode>;
  item?: SchemaNode;
}

/** Most problems of one document: a user mends no more at a time. */
export const PROBLEMS_MAX = 50;
const MAX_DEPTH = 64;
const MAX_VALUES = 100_000;

/** Whether the value is a mapping in the sense of JSON and YAML. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The path of a field or of a list entry below `path`. */
export function at(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** Problems of unknown fields, and of lists in place of mappings. Lazy: the caller stops at the number that it shows. */
export function* fieldProblems(schema: SchemaNode, input: unknown, path: string): Generator<Problem> {
  if (schema.wrapped) return yield* fieldProblems(schema.wrapped, input, path);
  const { item } = schema;
  if (item && Array.isArray(input)) {
    for (const [index, value] of input.entries()) yield* fieldProblems(item, value, at(path, index));
  } else if (schema.type === 'strict_object' && schema.entries) {
    if (Array.isArray(input)) yield { path, message: 'must be a mapping of fields, not a list' };
    else if (isMapping(input)) yield* mappingProblems(schema.entries, input, path);
  }
}

function* mappingProblems(
  entries: Record<string, SchemaNode>,
  input: Record<string, unknown>,
  path: string,
): Generator<Problem> {
  const names = Object.keys(entries);
  for (const [key, value] of Object.entries(input)) {
    const known = Object.hasOwn(entries, key) ? entries[key] : undefined;
    if (known) yield* fieldProblems(known, value, at(path, key));
    else yield unknownField(key, names, path);
  }
}

/** The problem of an unknown field, with the known one nearest to it. */
export function unknownField(key: string, known: string[], path: string): Problem {
  const near = closest(key, known);
  const shown = key.length > 64 ? `${key.slice(0, 64)}…` : key;
  return { path: at(path, shown), message: `is not a known field${near ? `; did you mean ${near}?` : ''}` };
}

/** Problems of the document as a tree: NUL characters, nesting, size. */
export function treeProblems(input: unknown, root: string): Problem[] {
  const problems: Problem[] = [];
  const pending = [{ value: input, path: root, depth: 0 }];
  for (let seen = 0; pending.length > 0; seen++) {
    if (seen > MAX_VALUES) return [{ path: root, message: `must not hold more than ${MAX_VALUES} values` }];
    const { value, path, depth } = pending.pop()!;
    if (typeof value === 'string' && value.includes('\0')) {
      problems.push({ path, message: 'must not contain NUL characters' });
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH)
      return [{ path: root, message: `must not be nested deeper than ${MAX_DEPTH} levels` }];
    for (const [key, child] of Object.entries(value)) {
      const name = key.replaceAll('\0', '\\0');
      if (name !== key) problems.push({ path: at(path, name), message: 'must not contain NUL characters' });
      pending.push({
        value: child,
        path: at(path, Array.isArray(value) ? Number(key) : name),
        depth: depth + 1,
      });
    }
  }
  return problems.reverse();
}
