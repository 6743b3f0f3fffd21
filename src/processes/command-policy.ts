// Which commands this process executes, according to its own configuration.
import { checkCommand } from '../core/command-check/command-check.ts';
import { policyFor, type CommandSettings } from '../core/command-check/policy.ts';
import type { JobKey } from '../core/job.ts';
import type { JobSpec } from '../core/spec/job-spec.ts';
import { splitKey } from '../core/naming.ts';

/**
 * Tells why this process does not execute the command of a job, as sentences; undefined if it does. Call it before each
 * execution, also of admitted jobs. It judges a spec once, because a spec never changes in place.
 */
export function commandRefusal(
  settings: CommandSettings,
): (spec: JobSpec, key: JobKey) => string | undefined {
  const judged = new WeakMap<JobSpec, { key: JobKey; refusal: string | undefined }>();
  return (spec, key) => {
    const known = judged.get(spec);
    if (known?.key === key) return known.refusal;
    const { allowed, findings } = checkCommand(spec, policyFor(splitKey(key), settings));
    const refusal = allowed ? undefined : findings.map(({ message }) => message).join(' ');
    judged.set(spec, { key, refusal });
    return refusal;
  };
}
