// The option --remote: a verb then reads the team's record, which has the rows of every machine and cluster.
import type { Command } from 'commander';
import type { Context } from './context.ts';
import { usage } from './failure.ts';

/** The verbs that the record can answer. */
const REMOTE_VERBS = ['list', 'history', 'logs', 'report', 'explain'];

/** Adds the option to the group; call it after withClusterOptions(). The choice is in the context before the action runs. */
export function withRemoteOption(cron: Command, context: Context): Command {
  return cron
    .option('--remote', 'read the team’s record of all machines and clusters instead of the local daemon')
    .hook('preAction', (self, action) => {
      if (self.opts<{ remote?: true }>().remote === undefined) return;
      assertRemote(context, action.name());
      context.isRemote = true;
    });
}

function assertRemote({ cluster }: Context, verb: string): void {
  if (!REMOTE_VERBS.includes(verb))
    throw usage(
      `\`lsh cron ${verb}\` has no --remote: the team’s record is only read.`,
      `These verbs have it: ${REMOTE_VERBS.join(', ')}.`,
    );
  if (cluster !== undefined)
    throw usage(
      '--remote reads the record of all machines and clusters, and --cluster asks one cluster: give one of the two.',
      '`--remote --origin NAME` reads what one cluster has recorded.',
    );
}

/** Whether the help of a verb shows the option. */
export function isRemoteVerb(command: Command): boolean {
  return REMOTE_VERBS.includes(command.name());
}

/** Adds a filter that only --remote knows. */
export function withOriginOption(command: Command): Command {
  return command.option('--origin <name>', 'with --remote: only this machine or cluster, by name or id');
}

/** Throws USAGE for an option that only --remote knows. */
export function requireRemote({ isRemote }: Context, option: string, value: unknown): void {
  if (value !== undefined && !isRemote)
    throw usage(`${option} is about the team’s record: give it with --remote.`);
}
