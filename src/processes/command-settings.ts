// The settings of this process that decide which commands it executes. Every command of the command line loads this file,
// so it imports no check.
import type { Config } from '../config.ts';
import type { CommandSettings } from '../core/command-check/policy.ts';

export function commandSettings(config: Config): CommandSettings {
  const { allowDangerousCommands: allowDangerous, dangerousJobs, commandAllowList: allowList } = config;
  return { allowDangerous, dangerousJobs, allowList };
}
