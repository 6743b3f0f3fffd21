// `lsh channel test`: sends one message now.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { localApi } from '../../local-api.ts';
import { note, print } from '../../output/print.ts';
import { counted } from '../../output/text.ts';
import { askDaemon } from './daemon.ts';

async function test(context: Context, name: string, { retry }: { retry?: true }): Promise<void> {
  const { io } = context;
  const { testChannel } = await import('../../../processes/notices/channels.ts');
  try {
    await testChannel(name, io.now(), () => localApi(io).notices({ test: name }));
    print(io, `channel "${name}" took a test`);
  } finally {
    const standing = await askDaemon(context);
    const { dead = 0, why } = standing?.find(({ channel }) => channel === name) ?? {};
    if (retry && standing === undefined) note(io, 'No daemon runs that could send dead letters again.');
    else if (retry) {
      await askDaemon(context, { retry: name });
      note(io, `The daemon sends ${counted(dead, 'dead letter')} again.`);
    } else if (dead > 0)
      note(
        io,
        `It did not take ${counted(dead, 'notice')} (dead letters): ${why}. \`lsh channel test ${name} --retry\` sends them again.`,
      );
  }
}

export function addChannelTest(channel: Command, context: Context): void {
  const command = channel
    .command('test')
    .description('Send a test by a channel, and say what its receiver answers.')
    .argument('<name>', 'the channel')
    .option('--retry', 'let the daemon send the dead letters of the channel again')
    .action((name: string, flags: { retry?: true }) => test(context, name, flags));
  withExamples(command, ['lsh channel test team', 'Does the channel work?']);
}
