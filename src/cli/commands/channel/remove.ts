// `lsh channel remove`: forgets a channel. Jobs that name it are told in `lsh channel list`.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { print } from '../../output/print.ts';

export function addChannelRemove(channel: Command, context: Context): void {
  const command = channel
    .command('remove')
    .description('Remove a channel. Notices for it wait three days for another one of that name.')
    .argument('<name>', 'the channel')
    .action(async (name: string) => {
      const { removeChannel } = await import('../../../processes/notices/channels.ts');
      removeChannel(name);
      print(context.io, `channel "${name}" removed`);
    });
  withExamples(command, ['lsh channel remove team', 'Send nothing to team any more']);
}
