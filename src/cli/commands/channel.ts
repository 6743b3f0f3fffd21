// `lsh channel`: where the notices of jobs go.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCommands, type Commands, type Wanted } from '../define.ts';

const VERBS: Commands = {
  add: async () => (await import('./channel/add.ts')).addChannelAdd,
  list: async () => (await import('./channel/list.ts')).addChannelList,
  test: async () => (await import('./channel/test.ts')).addChannelTest,
  remove: async () => (await import('./channel/remove.ts')).addChannelRemove,
};

export async function addChannel(program: Command, context: Context, below: Wanted): Promise<void> {
  const channel = program
    .command('channel')
    .helpCommand(false)
    .description(
      'Where notices go when a job fails, recovers or is missed: webhooks, Slack, email, checks, commands.',
    );
  await addCommands(channel, context, VERBS, below);
}
