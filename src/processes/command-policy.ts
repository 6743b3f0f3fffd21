// Which commands this process executes, according to its own configuration.
import { checkCommand } from '../core/command-check/command-check.ts';
import { policyFor, type CommandSettings } from '../core/command-check/policy.ts';
import type { JobKey } from '../core/job.ts';
import type { JobSpec } from '../core/spec/job-spec.ts';
import { splitKey } from '../core/naming.ts';

/** Why this process does not execute the command, as sentences. Called before each execution, also of admitted jobs. */
export function refusal(spec: JobSpec, key: JobKey, settings: CommandSettings): string | undefined {
  const { allowed, findings } = checkCommand(spec, policyFor(splitKey(key), settings));
  return allowed ? undefined : findings.map(({ message }) => message).join(' ');
}
