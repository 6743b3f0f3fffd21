// Who changed an LshJob last, from its managedFields: the name that a program gives itself, such as kubectl-edit, helm or lsh.
import type { KubeObject } from '../api/objects.ts';

/** The cache keeps this in place of managedFields, which are the larger half of many objects. */
export interface WithLastChange {
  lastChange?: { by: string; at: number };
}

interface ManagedFields {
  manager?: string;
  time?: string;
  subresource?: string;
  fieldsV1?: Record<string, unknown>;
}

/** Replaces managedFields by the last change of the spec. */
export function withLastChange<T extends KubeObject & WithLastChange>(object: T): T {
  const lastChange = lastChangeOf(object.metadata.managedFields);
  return lastChange === undefined ? object : { ...object, lastChange };
}

function lastChangeOf(managedFields: unknown): WithLastChange['lastChange'] {
  const entries = Array.isArray(managedFields) ? (managedFields as ManagedFields[]) : [];
  let last: WithLastChange['lastChange'];
  for (const { manager, time, subresource, fieldsV1 } of entries) {
    if (!manager || subresource || fieldsV1?.['f:spec'] === undefined) continue;
    const at = Date.parse(time ?? '');
    if (at >= (last?.at ?? 0)) last = { by: manager, at };
  }
  return last;
}
