// The decision of a push: what the next version holds, or why there is none. Pure.
import type { KeyChange } from '../../contracts/secret-store.ts';
import { LshError, type Problem } from '../../core/errors.ts';
import { changesBetween, lossesIn, merge } from '../env-file/changes.ts';
import type { EnvFile } from '../env-file/env-file.ts';

export interface PushRequest {
  environment: string;
  /** The local file. */
  file: EnvFile;
  /** The newest state of the store. */
  head: EnvFile | undefined;
  /** What the file was last in step with: the head if nothing moved since. */
  base: EnvFile | undefined;
  isMoved: boolean;
  merge: boolean;
  force: boolean;
}

export interface PushPlan {
  file: EnvFile;
  /** From the head to the next version; empty if nothing but comments or order changes. */
  changes: KeyChange[];
}

/** Undefined if the store has this text already. Throws SECRETS_MOVED, SECRETS_CLASH, SECRETS_WOULD_LOSE. */
export function planPush({ environment, file, head, base, isMoved, merge: wantsMerge, force }: PushRequest) {
  if (head === undefined) return { file, changes: changesBetween(new Map(), file.values) };
  if (head.text === file.text) return undefined;
  const plan = (next: EnvFile): PushPlan => ({
    file: next,
    changes: changesBetween(head.values, next.values),
  });
  if (force) return plan(file);
  if (!isMoved) return guarded(environment, plan(file), head);
  if (!wantsMerge)
    throw new LshError(
      'SECRETS_MOVED',
      { environment },
      { problems: problemsOf(changesBetween(base?.values ?? file.values, head.values)) },
    );
  const merged = merge(base?.values ?? new Map(), head.values, file);
  if ('clashes' in merged)
    throw new LshError(
      'SECRETS_CLASH',
      { environment },
      { problems: problemsOf(merged.clashes, 'changed on both sides') },
    );
  return guarded(environment, plan(merged.file), head);
}

function guarded(environment: string, plan: PushPlan, head: EnvFile): PushPlan {
  const losses = lossesIn(plan.changes, head.values);
  if (losses.length === 0) return plan;
  throw new LshError(
    'SECRETS_WOULD_LOSE',
    { environment, count: losses.length },
    { problems: problemsOf(losses) },
  );
}

function problemsOf(changes: readonly (KeyChange | string)[], message = ''): Problem[] {
  return changes.map((change) =>
    typeof change === 'string' ? { path: change, message } : { path: change.key, message: change.kind },
  );
}

/** `2 added, 1 changed`: for people and for the audit, which names no keys. */
export function summaryOf(changes: readonly KeyChange[]): string {
  const counts = Map.groupBy(changes, ({ kind }) => kind);
  const parts = (['added', 'changed', 'blanked', 'removed'] as const).flatMap((kind) => {
    const count = counts.get(kind)?.length ?? 0;
    return count === 0 ? [] : [`${count} ${kind}`];
  });
  return parts.join(', ') || 'no variable changed';
}
