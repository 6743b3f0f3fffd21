// What differs between two env files, by names alone, and a merge of two changes of the same file.
import type { KeyChange } from '../../contracts/secret-store.ts';
import type { EnvFile } from './env-file.ts';

type Values = ReadonlyMap<string, string>;

/** The changes that lead from `before` to `after`, in the order of the files. */
export function changesBetween(before: Values, after: Values): KeyChange[] {
  const changes: KeyChange[] = [];
  for (const [key, value] of after) {
    const old = before.get(key);
    if (old === value) continue;
    const kind = old === undefined ? 'added' : value === '' ? 'blanked' : 'changed';
    changes.push({ key, kind });
  }
  for (const key of before.keys()) if (!after.has(key)) changes.push({ key, kind: 'removed' });
  return changes;
}

/** Changes that lose a value: an empty or missing variable where there was a value. */
export function lossesIn(changes: readonly KeyChange[], before: Values): KeyChange[] {
  return changes.filter(
    ({ key, kind }) => kind === 'removed' || (kind === 'blanked' && before.get(key) !== ''),
  );
}

export type Merge = { file: EnvFile } | { clashes: string[] };

/** Applies the changes from `base` to `theirs` to `ours`. A name that both changed, and not to the same value, is a clash. */
export function merge(base: Values, theirs: Values, ours: EnvFile): Merge {
  const theirChanges = changesBetween(base, theirs);
  const ourKeys = new Set(changesBetween(base, ours.values).map(({ key }) => key));
  const clashes = theirChanges
    .filter(({ key }) => ourKeys.has(key) && theirs.get(key) !== ours.values.get(key))
    .map(({ key }) => key);
  if (clashes.length > 0) return { clashes };
  let file = ours;
  for (const { key } of theirChanges) {
    const value = theirs.get(key);
    file = value === undefined ? file.without(key) : file.with(key, value);
  }
  return { file };
}
