// A schedule expression that a person tries out without a job.
import { loadConfig } from '../../config.ts';
import { LOCAL_NAMESPACE, jobKey } from '../../core/naming.ts';
import type { ScheduleInput } from '../../core/schedule/schedule.ts';
import { hostTimeZone } from '../../local/host-time-zone.ts';
import { platformOf, type Context } from '../context.ts';

const EXAMPLE_NAME = 'example';

export interface ExpressionFlags {
  /** IANA zone; default: UTC for a cluster, else this machine’s. */
  tz?: string | undefined;
  /** Name of the job that would have the expression: decides where H falls. */
  name?: string | undefined;
}

/** The slots that a job of that name would have if it were created now. */
export function expressionInput(
  context: Context,
  expression: string,
  { tz, name = EXAMPLE_NAME }: ExpressionFlags,
): ScheduleInput {
  const isCluster = platformOf(context) === 'cluster';
  const namespace = isCluster ? (context.cluster?.namespace ?? 'default') : LOCAL_NAMESPACE;
  return {
    expressions: [expression],
    timeZone: tz ?? (isCluster ? 'UTC' : hostTimeZone(loadConfig().tz)),
    seed: jobKey(namespace, name),
    anchor: context.io.now(),
  };
}

/** Says that the times depend on the name, unless they do not or the name was given. */
export async function nameNotes(input: ScheduleInput, { name }: ExpressionFlags): Promise<string[]> {
  const { dependsOnName } = await import('../../core/schedule/expression/expression.ts');
  if (name !== undefined || !input.expressions.some(dependsOnName)) return [];
  return [
    `The times depend on the job’s name, by H or ~; these are the times of ${input.seed}. Give --name NAME for another job.`,
  ];
}
