// The values that channels refer to: variables of this process, and secrets of lsh projects.
import { environmentWith } from '../../config.ts';
import { withValues, type Channel, type ValueSource } from '../../notices/channel.ts';

const SOURCE: ValueSource = {
  env: (name) => environmentWith({})[name],
  secret: async (environment, name, project) => {
    const { openNewest } = await import('../secrets/run-secrets.ts');
    return (await openNewest(environment, project ?? process.cwd())).variables[name];
  },
};

/** The channel as its receiver needs it. Throws CHANNEL_VALUE_MISSING, and what the secrets throw. */
export function resolvedChannel(name: string, channel: Channel): Promise<Channel> {
  return withValues(name, channel, SOURCE);
}
