// The same step for several targets: one that fails does not keep the others from being done.
import type { Context } from '../context.ts';
import { combinedStatus, report } from '../failure.ts';

/** Runs the step for each target in order; failures are printed, and the exit status says that there were some. */
export async function forEachTarget<T>(
  context: Context,
  targets: readonly T[],
  step: (target: T) => Promise<void>,
): Promise<void> {
  // A single target fails like any command.
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
