// The same step for several targets; a target that fails does not stop the others.
import type { Context } from '../context.ts';
import { combinedStatus, report } from '../failure.ts';

/** Runs the step for each target in order. Prints each failure and sets the exit status. */
export async function forEachTarget<T>(
  context: Context,
  targets: readonly T[],
  step: (target: T) => Promise<void>,
): Promise<void> {
  // With a single target the command fails as any other.
  if (targets.length === 1) return step(targets[0] as T);
  const failures: number[] = [];
  for (const target of targets) {
    try {
      await step(target);
    } catch (error) {
      failures.push(report(context.io, error));
    }
  }
  context.status = combinedStatus(failures);
}
