// The difference between two statuses as a merge patch. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { LshJobStatus } from '../objects/lsh-job-status.ts';

/** The fields that differ, null for those that are gone; undefined where nothing is to be written. */
export function statusPatch(
  before: Partial<LshJobStatus> | undefined,
  after: LshJobStatus | undefined,
): Record<string, unknown> | undefined {
  if (after === undefined) return undefined;
  const old: Record<string, unknown> = { ...before };
  const wanted: Record<string, unknown> = { ...after };
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    if (!isDeepStrictEqual(old[name], wanted[name])) patch[name] = wanted[name] ?? null;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}
