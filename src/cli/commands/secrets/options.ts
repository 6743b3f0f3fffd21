// Options that the commands about secrets share.
import { Option, type Command } from 'commander';

export interface EnvironmentFlags {
  env: string;
}

/** `--env NAME`, default dev. */
export function withEnvironment(command: Command): Command {
  return command.addOption(
    new Option('-e, --env <name>', 'environment: dev, staging, prod or any name').default('dev'),
  );
}

/** Parses the number of a version. */
export function versionNumber(text: string): number {
  return /^v?\d{1,9}$/.test(text) ? Number(text.replace('v', '')) : Number.NaN;
}
