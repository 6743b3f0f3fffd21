// Which commands this process executes, according to its own configuration.
import type { Config } from '../config.ts';
import { checkCommand, type CommandPolicy } from '../core/command-check/command-check.ts';
import type { JobSpec } from '../core/job.ts';

export function commandPolicy(config: Config): CommandPolicy {
  return { allowDangerous: config.allowDangerousCommands, allowList: config.commandAllowList };
}

/** Why this process does not execute the command, as sentences. Called before each execution, also of admitted jobs. */
export function refusal(spec: JobSpec, policy: CommandPolicy): string | undefined {
  const { allowed, findings } = checkCommand(spec, policy);
  return allowed ? undefined : findings.map(({ message }) => message).join(' ');
}
