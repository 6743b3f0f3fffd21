// The environment variables that describe a run to its command, the same for every executor.
import type { Job } from './job.ts';
import { rfc3339 } from './rfc3339.ts';
import type { Run } from './run.ts';

type DescribedRun = Pick<Run, 'name' | 'slot' | 'attempt' | 'startAfter' | 'cause'>;

const VALUE_OF: Record<string, (job: Pick<Job, 'name'>, run: DescribedRun) => string | undefined> = {
  LSH_JOB: (job) => job.name,
  LSH_RUN: (_, run) => run.name,
  LSH_SLOT: (_, run) => rfc3339(run.slot),
  LSH_ATTEMPT: (_, run) => String(run.attempt),
  LSH_SCHEDULED_AT: (_, run) => rfc3339(run.startAfter),
  // Only a run that follows another has these two.
  LSH_AFTER_JOB: (_, run) => run.cause?.job,
  LSH_AFTER_RUN: (_, run) => run.cause?.run,
};

/** Names the version of the secrets that a run has, such as `prod@7`. */
export const SECRETS_VERSION_VARIABLE = 'LSH_SECRETS_VERSION';

/** Begins the names of the variables that tell the command of a channel of a notice. */
export const NOTICE_PREFIX = 'LSH_NOTICE_';

/** The command may be lsh: its configuration check must not report these variables as mistyped settings. */
export function isOfRun(name: string): boolean {
  return Object.hasOwn(VALUE_OF, name) || name === SECRETS_VERSION_VARIABLE || name.startsWith(NOTICE_PREFIX);
}

/** The variables of a traced run, for the lowest place: a job that sets TRACEPARENT itself belongs to that trace. */
export function traceVariables({
  traceparent,
}: {
  traceparent?: string | undefined;
}): Record<string, string> {
  return traceparent === undefined ? {} : { TRACEPARENT: traceparent };
}

/** The variables of one run. */
export function runVariables(job: Pick<Job, 'name'>, run: DescribedRun): Record<string, string> {
  const values: [string, string][] = [];
  for (const [name, valueOf] of Object.entries(VALUE_OF)) {
    const value = valueOf(job, run);
    if (value !== undefined) values.push([name, value]);
  }
  return Object.fromEntries(values);
}
